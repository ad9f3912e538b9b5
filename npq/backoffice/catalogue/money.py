"""Corrections of statements and adjustments (backoffice.md §2.4)."""

from collections.abc import Sequence
from typing import Any

from django import forms

from declarations.choices import DeclarationType
from declarations.models import Declaration
from finance.choices import StatementState
from finance.models import Adjustment, LineItem, PaymentRequest, Statement
from finance.queries.calculation import document_of, figures_of
from finance.queries.comparison import differences
from finance.queries.figures import StatementFigures
from finance.queries.moved import in_full
from finance.queries.statements import accepting_statements
from finance.queries.workings import figures_explained
from finance.services import (
    add_adjustment,
    approve_payment,
    change_adjustment,
    move_declarations,
    remove_adjustment,
    request_payment,
    set_statement,
    withdraw_payment_request,
)
from finance.services.adjust import LARGEST
from finance.services.effects import Effect
from finance.services.move_declarations import Move
from npq.backoffice.catalogue.fields import ByPublicId, DayField, course_words
from npq.backoffice.corrections import Answers, Correction
from npq.backoffice.pages import Facts, Section, Table, shown
from npq.backoffice.timeline import events_about_record
from npq.core import clock
from npq.core.audit import Actor
from npq.core.effects import Corrected, Pounds
from npq.core.models import Course
from npq.core.money import in_pounds
from npq.core.parsing import year_month

STATEMENT = "finance.statement"
ADJUSTMENT = "finance.adjustment"
# What paying or moving a statement changes by the thousand.
LINES = (LineItem, Declaration)


def pounds_of(effects: Sequence[Effect]) -> tuple[Pounds, ...]:
    """What a service says of statements' totals, as a page shows it; those that stay the same are left out."""
    return tuple(
        Pounds(each.statement.public_id, in_full(each.statement), each.before or each.after, each.after)
        for each in effects
        if each.difference
    )


# Adjustments ------------------------------------------------------------------------------------------


AMOUNT_IN_DIGITS = "Enter the amount in pounds and pence in plain digits, like 1200.50, without £ and commas."
AMOUNT_TOO_LARGE = f"Enter an amount up to {in_pounds(LARGEST)}, in pounds and pence."


def _adjustment_fields(record: Statement | Adjustment) -> dict[str, forms.Field]:
    known = record if isinstance(record, Adjustment) else None
    return {
        "amount": forms.DecimalField(
            label="Amount in pounds",
            help_text="Pounds and pence in plain digits, like 1200.50. Negative takes money back.",
            max_digits=12,
            decimal_places=2,
            error_messages={
                "invalid": AMOUNT_IN_DIGITS,
                "max_decimal_places": AMOUNT_IN_DIGITS,
                "max_digits": AMOUNT_TOO_LARGE,
                "max_whole_digits": AMOUNT_TOO_LARGE,
            },
            initial=known.amount if known else None,
            widget=forms.TextInput(attrs={"inputmode": "text"}),
        ),
        "description": forms.CharField(
            label="Description", help_text="The provider reads this.", initial=known.description if known else None
        ),
    }


def _add_adjustment(record: Statement, answers: Answers, by: Actor) -> Any:
    return add_adjustment(statement_id=record.id, amount=answers["amount"], description=answers["description"], by=by)


def _change_adjustment(record: Adjustment, answers: Answers, by: Actor) -> Any:
    return change_adjustment(
        adjustment_id=record.id, amount=answers["amount"], description=answers["description"], by=by
    )


def _remove_adjustment(record: Adjustment, answers: Answers, by: Actor) -> Any:
    return remove_adjustment(adjustment_id=record.id, by=by)


def frozen(record: Statement | Adjustment) -> str:
    """Why nothing can be added to it any more."""
    statement = record.statement if isinstance(record, Adjustment) else record
    if statement.state == StatementState.PAID:
        return "The statement is paid and frozen. Put an adjustment on a later statement instead."
    return ""


# Paying takes two people -------------------------------------------------------------------------------


def not_payable(statement: Statement) -> str:
    """Why it cannot be paid now."""
    if statement.state == StatementState.PAYABLE:
        return ""
    if statement.state == StatementState.PAID:
        return f"The statement is paid: {statement.authorised_by} authorised it on {shown(statement.paid_at)}."
    return (
        "The statement is open. It becomes payable in the nightly run after its deadline, "
        f"{shown(statement.deadline_date)}."
    )


def not_asked(statement: Statement) -> str:
    """Why there is no request to withdraw or to authorise."""
    if not not_payable(statement) and not hasattr(statement, "payment_request"):
        return "Nobody has asked for payment. Somebody in finance has to ask first."
    return not_payable(statement)


def _checked(_: Any) -> dict[str, forms.Field]:
    return {
        "checked": forms.BooleanField(
            label="The assurance checks on these figures are done",
            error_messages={"required": "Say that the assurance checks are done. Without them nothing is paid."},
        )
    }


def _request_payment(record: Statement, answers: Answers, by: Actor) -> Any:
    return request_payment(statement_id=record.id, by=by)


def _withdraw_request(record: Statement, answers: Answers, by: Actor) -> Any:
    return withdraw_payment_request(statement_id=record.id, by=by)


def _approve_payment(record: Statement, answers: Answers, by: Actor) -> Any:
    authorised = approve_payment(statement_id=record.id, by=by, now=clock.now())
    return Corrected(notes=(f"{in_pounds(authorised.total)} is authorised. The figures are frozen.",))


def _figures_beside(statement: Statement, _: Answers) -> Sequence[Section]:
    return [_dates(statement), _figures(figures_of(statement))]


def _dates(statement: Statement) -> Facts:
    return Facts(
        "The statement",
        [
            ("Declaration deadline", statement.deadline_date),
            ("Payment date", statement.payment_date),
            ("Payment run", statement.output_fee),
        ],
    )


def _request_beside(statement: Statement, _: Answers) -> Sequence[Section]:
    request = getattr(statement, "payment_request", None)
    if request is None:
        return []
    figures = figures_of(statement)
    asked = Facts(
        "What was asked for",
        [
            ("Asked for by", request.requested_by),
            ("Asked on", request.updated_at),
            ("Reason given", events_about_record(PaymentRequest._meta.db_table, request.id)[0].reason),
            ("Total that was seen", request.total),
            ("Total now", figures.shown_total),
        ],
    )
    if statement.state != StatementState.PAYABLE or request.payment is None:
        return [asked, _dates(statement), _figures(figures)]
    moved = differences(request.payment, document_of(figures, state=statement.state))
    return [
        asked,
        Table("What has moved since", ["Change"], [[each] for each in moved], "Nothing has moved."),
        _dates(statement),
        _figures(figures),
    ]


def _figures(figures: StatementFigures) -> Facts:
    return Facts(
        "Figures, net of VAT",
        [
            *((each.title, in_pounds(each.amount)) for each in figures_explained(figures)),
            ("Special courses, paid apart", in_pounds(figures.standalone)),
            *((f"Declarations paid: {kind.label.lower()}", figures.count_of(kind)) for kind in DeclarationType),
            ("Declarations voided before they were paid", figures.voided),
        ],
    )


# The timetable -----------------------------------------------------------------------------------------


def _statement_fields(record: Statement) -> dict[str, forms.Field]:
    return {
        "deadline_date": DayField(
            "Declaration deadline", initial=record.deadline_date, help_text="The last day, inclusive."
        ),
        "payment_date": DayField("Payment date", initial=record.payment_date, help_text="On the deadline or after it."),
        "output_fee": forms.ChoiceField(
            label="Payment run",
            help_text="Whether declarations are taken and paid in this month. Service fees are charged in any case.",
            choices=[("yes", "Yes: declarations are paid"), ("no", "No: service fees only")],
            initial="yes" if record.output_fee else "no",
        ),
    }


def _set_statement(record: Statement, answers: Answers, by: Actor) -> Any:
    changes = set_statement(
        statement_id=record.id,
        deadline_date=answers["deadline_date"],
        payment_date=answers["payment_date"],
        output_fee=answers["output_fee"] == "yes",
        by=by,
    )
    return Corrected(changed=bool(changes), notes=tuple(_timetable_notes(changes)))


def _timetable_notes(changes: dict[str, tuple[Any, Any]]) -> list[str]:
    notes = []
    if "deadline_date" in changes:
        _, deadline = changes["deadline_date"]
        if deadline < clock.today():
            notes.append("The deadline has passed: the next nightly run makes the statement payable.")
        else:
            notes.append(f"Declarations made after {shown(deadline)} go to a later statement.")
    if "output_fee" in changes:
        takes = changes["output_fee"][1]
        are = "taken and paid" if takes else "neither taken nor paid any more"
        notes.append(f"Declarations are {are} in this month.")
    return notes


def not_open(statement: Statement) -> str:
    """Why its dates cannot change."""
    if statement.state == StatementState.OPEN:
        return ""
    return f"The statement is {statement.get_state_display().lower()}. Only an open statement's dates change."


# Moving declarations -----------------------------------------------------------------------------------


def _move_fields(record: Statement) -> dict[str, forms.Field]:
    targets = accepting_statements(
        lead_provider_id=record.lead_provider_id, cohort_id=record.cohort_id, day=clock.today()
    ).exclude(id=record.id)
    months = [
        (f"{each.year}-{each.month:02d}", f"{each.name}, deadline {shown(each.deadline_date)}") for each in targets
    ]
    return {
        "to_month": forms.ChoiceField(
            label="To the statement of",
            help_text="Open statements of the same provider and cohort that still take declarations.",
            choices=[("", "Choose a month"), *months],
        ),
        "course": ByPublicId(
            ((each, course_words(each)) for each in Course.objects.order_by("position", "id")),
            "Only of this course",
            required=False,
        ),
        "declaration_type": forms.ChoiceField(
            label="Only of this type", choices=[("", "All types"), *DeclarationType.choices], required=False
        ),
    }


def _move(record: Statement, answers: Answers, by: Actor) -> Any:
    year, month = year_month(answers["to_month"])
    moved = move_declarations(
        move=Move(
            record.lead_provider,
            record.cohort,
            record.first_day,
            record.first_day.replace(year=year, month=month),
            answers["course"],
            answers["declaration_type"] or None,
        ),
        by=by,
        day=clock.today(),
    )
    noun = "declaration" if moved.declarations == 1 else "declarations"
    return Corrected(notes=(f"{moved.declarations} {noun} moved.",), pounds=pounds_of(moved.effects))


def not_movable(statement: Statement) -> str:
    """Why nothing can be moved off it."""
    if statement.state == StatementState.PAID:
        return "The statement is paid. What has been paid stays where it was paid."
    return "" if statement.output_fee else "The statement has no declarations: it charges service fees only."


MONEY: tuple[Correction, ...] = (
    Correction(
        "request_payment",
        "Ask for payment",
        STATEMENT,
        "finance",
        _request_payment,
        "By asking, you confirm that the assurance checks are done. Somebody else then authorises exactly this total.",
        _checked,
        not_possible=not_payable,
        beside=_figures_beside,
    ),
    Correction(
        "withdraw_payment_request",
        "Withdraw the request for payment",
        STATEMENT,
        "finance",
        _withdraw_request,
        "The statement stays payable. Payment can be asked for again.",
        not_possible=not_asked,
        beside=_request_beside,
    ),
    Correction(
        "approve_payment",
        "Authorise payment",
        STATEMENT,
        "finance approver",
        _approve_payment,
        "Authorising pays the statement and freezes its figures. It cannot be undone.",
        not_possible=not_asked,
        beside=_request_beside,
        counts=LINES,
    ),
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
        "move_declarations",
        "Move declarations to another month",
        STATEMENT,
        "finance",
        _move,
        "What is eligible, payable or to be taken back moves, and is worth what the terms of its new month say.",
        _move_fields,
        not_possible=not_movable,
        counts=LINES,
    ),
    Correction(
        "set_statement",
        "Change dates or payment run",
        STATEMENT,
        "configuration",
        _set_statement,
        "Only this provider's statement changes. Its total stays what it is.",
        _statement_fields,
        not_possible=not_open,
    ),
    Correction(
        "change_adjustment",
        "Change adjustment",
        ADJUSTMENT,
        "finance",
        _change_adjustment,
        fields=_adjustment_fields,
        not_possible=frozen,
    ),
    Correction(
        "remove_adjustment",
        "Remove adjustment",
        ADJUSTMENT,
        "finance",
        _remove_adjustment,
        "The audit trail keeps it.",
        not_possible=frozen,
    ),
)
