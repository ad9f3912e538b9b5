"""Paying a statement takes two people: one asks for it, another authorises what was asked (backoffice.md §1.3)."""

from datetime import datetime
from decimal import Decimal

from finance.choices import StatementState
from finance.errors import (
    AuthorisedAlready,
    PaymentNotRequested,
    RequestedTotalHasChanged,
    SecondPersonNeeded,
    StatementNotPayable,
    TotalHasChanged,
)
from finance.models import PaymentRequest, Statement
from finance.queries.calculation import document_of, figures_of
from finance.services.authorise import Authorised, pay, payable_total
from npq.core.audit import Actor, acting_as
from npq.core.money import in_pounds


def request_payment(*, statement_id: int, by: Actor) -> PaymentRequest:
    """Records that `by` asks for a payable statement to be paid, with its figures; asking again replaces the request.

    Raises StatementNotPayable and TotalTooLarge.
    """
    with acting_as(by, "request_payment"):
        statement = _lock(statement_id)
        figures = figures_of(statement)
        asked = {
            "total": payable_total(statement, figures),
            "payment": document_of(figures, state=statement.state),
            "requested_by": by.name,
            "requester": by.identifier,
        }
        request, _ = PaymentRequest.objects.update_or_create(statement=statement, defaults=asked)
        return request


def withdraw_payment_request(*, statement_id: int, by: Actor) -> None:
    """Takes a request for payment back, whoever made it; the audit trail keeps it.

    Raises StatementNotPayable (it has been authorised meanwhile) and PaymentNotRequested.
    """
    with acting_as(by, "withdraw_payment_request"):
        _requested(_lock(statement_id)).delete()


def approve_payment(*, statement_id: int, by: Actor, now: datetime) -> Authorised:
    """Authorises a statement for the total that somebody else asked for.

    Raises PaymentNotRequested and SecondPersonNeeded, AuthorisedAlready for whoever comes second,
    RequestedTotalHasChanged when the total is no longer the one that was asked for, and what else
    `authorise_statement` raises. The request is looked at once the statement is locked, so one that is withdrawn or
    replaced meanwhile is not paid by.
    """

    def agreed(statement: Statement) -> Decimal:
        request = _requested(statement)
        if request.requester == by.identifier:
            raise SecondPersonNeeded(statement=statement.name)
        return request.total

    try:
        authorised = pay(statement_id, by, now, agreed=agreed)
    except TotalHasChanged as changed:
        totals = {name: in_pounds(changed.facts[name]) for name in ("total", "expected")}
        raise RequestedTotalHasChanged(statement=changed.facts["statement"], **totals) from changed
    if authorised.result != "paid":
        raise AuthorisedAlready(statement=authorised.statement.name, by=authorised.statement.authorised_by)
    return authorised


def _lock(statement_id: int) -> Statement:
    statement = Statement.objects.select_for_update(no_key=True).get(id=statement_id)
    if statement.state != StatementState.PAYABLE:
        raise StatementNotPayable(statement=statement.name, state=statement.state)
    return statement


def _requested(statement: Statement) -> PaymentRequest:
    request = PaymentRequest.objects.filter(statement=statement).first()
    if request is None:
        raise PaymentNotRequested(statement=statement.name)
    return request
