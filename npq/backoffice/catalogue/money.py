"""Corrections of statements (backoffice.md §2.4)."""

from decimal import Decimal
from typing import Any

from django import forms

from finance.choices import StatementState
from finance.models import Statement
from finance.services import add_adjustment, approve_payment, request_payment
from npq.backoffice.corrections import Answers, Correction
from npq.core import clock
from npq.core.audit import Actor

STATEMENT = "finance.statement"


def _adjustment_fields(_: Any) -> dict[str, forms.Field]:
    return {
        "amount": forms.DecimalField(
            label="Amount in pounds", help_text="Negative takes money back.", max_digits=12, decimal_places=2
        ),
        "description": forms.CharField(label="Description", help_text="The provider reads this."),
    }


def _add_adjustment(record: Statement, answers: Answers, by: Actor) -> Any:
    amount: Decimal = answers["amount"]
    return add_adjustment(statement_id=record.id, amount=amount, description=answers["description"], by=by)


def _request_payment(record: Statement, answers: Answers, by: Actor) -> Any:
    return request_payment(statement_id=record.id, by=by)


def _approve_payment(record: Statement, answers: Answers, by: Actor) -> Any:
    return approve_payment(statement_id=record.id, by=by, now=clock.now())


def not_payable(statement: Statement) -> str:
    """Why it cannot be paid now."""
    if statement.state == StatementState.PAYABLE:
        return ""
    return f"The statement is {statement.get_state_display().lower()}. Only one that is payable can be paid."


def frozen(statement: Statement) -> str:
    """Why nothing can be added to it any more."""
    return "The statement is paid and frozen." if statement.state == StatementState.PAID else ""


MONEY: tuple[Correction, ...] = (
    Correction(
        "add_adjustment",
        "Add adjustment",
        STATEMENT,
        "finance",
        _add_adjustment,
        fields=_adjustment_fields,
        not_possible=frozen,
    ),
    Correction(
        "request_payment",
        "Ask for payment",
        STATEMENT,
        "finance",
        _request_payment,
        "You have done the assurance checks. Somebody else authorises the total that you see.",
        not_possible=not_payable,
    ),
    Correction(
        "approve_payment",
        "Authorise payment",
        STATEMENT,
        "finance approver",
        _approve_payment,
        "The statement is paid and frozen. It cannot be undone.",
        not_possible=not_payable,
    ),
)
