"""Sections that several pages show: enrolments, declarations, messages and notes. One query each."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.utils.html import format_html_join

from applications.choices import ReasonForRejection
from declarations.choices import IneligibleReason, OutcomeState
from declarations.models import Declaration, Outcome
from finance.choices import LineState
from finance.models import LineItem, Statement
from npq.backoffice.pages import Table, address_of, link, shown
from npq.core.models import Message
from npq.core.texts import timestamp_or_none
from participants.choices import DeferralReason, TrainingStatus, WithdrawalReason
from participants.models import Enrolment, Note, TrainingStatusChange

REASONS = {**dict(DeferralReason.choices), **dict(WithdrawalReason.choices)}
MOST_MESSAGES = 50


def enrolments_table(enrolments: QuerySet[Enrolment]) -> Table:
    """Every acceptance, also undone ones, each with its training status and how it came to it."""
    history = (
        TrainingStatusChange.objects.filter(enrolment=OuterRef("pk"))
        .order_by("id")
        .values(json=JSONObject(status="status", at="changed_at", reason="reason", by="recorded_by"))
    )
    found = (
        enrolments.select_related("course", "cohort", "schedule", "lead_provider")
        .annotate(history=ArraySubquery(history))
        .order_by("accepted_at", "id")
    )
    return Table(
        "Enrolment and training status",
        ["Course", "Cohort", "Schedule", "Lead provider", "Accepted", "Training status", "History"],
        [
            [
                str(each.course),
                str(each.cohort),
                str(each.schedule),
                each.lead_provider.name,
                each.accepted_at,
                f"Acceptance undone on {shown(each.undone_at)}"
                if each.undone_at
                else each.get_training_status_display(),
                _lines(_status(step) for step in each.history),
            ]
            for each in found
        ],
        "Not accepted.",
    )


def _status(step: dict[str, Any]) -> str:
    why = f": {REASONS.get(step['reason'], step['reason'])}" if step["reason"] else ""
    return f"{TrainingStatus(step['status']).label} {_when(step['at'])} ({step['by']}){why}"


def _when(value: str) -> str:
    return str(shown(timestamp_or_none(value) or value))


def _lines(texts: Iterable[str]) -> Any:
    return format_html_join("", "<div>{}</div>", ((each,) for each in texts)) or "none"


def declarations_table(declarations: QuerySet[Declaration]) -> Table:
    """Declarations with their dates, their lines' amounts and statements, and their outcomes."""
    lines = (
        LineItem.objects.filter(declaration=OuterRef("pk"))
        .order_by("id")
        .values(
            json=JSONObject(
                state="state",
                payment="output_payment",
                funding="targeted_delivery_funding",
                statement="statement__public_id",
                year="statement__year",
                month="statement__month",
            )
        )
    )
    outcomes = (
        Outcome.objects.filter(declaration=OuterRef("pk"))
        .order_by("id")
        .values(json=JSONObject(state="state", on="completion_date", at="created_at"))
    )
    found = (
        declarations.select_related("course", "cohort", "lead_provider", "delivery_partner")
        .annotate(its_lines=ArraySubquery(lines), its_outcomes=ArraySubquery(outcomes))
        .order_by("declaration_date", "id")
    )
    return Table(
        "Declarations, money and outcomes",
        ["Declaration", "Declared for", "Received", "State", "Lead provider", "Lines on statements", "Outcomes"],
        [
            [
                link(each, f"{each.get_declaration_type_display()} ({each.public_id})"),
                each.declaration_date,
                each.created_at,
                state_of(each),
                each.lead_provider.name,
                format_html_join("", '<div><a href="{}">{}</a>: {}</div>', map(_line, each.its_lines)) or "none",
                _lines(_outcome(step) for step in each.its_outcomes),
            ]
            for each in found
        ],
    )


def state_of(declaration: Declaration) -> str:
    """The state, and why where it is ineligible."""
    why = declaration.ineligible_reason
    return declaration.get_state_display() + (f" ({IneligibleReason(why).label})" if why else "")


def _line(line: dict[str, Any]) -> tuple[str, str, str]:
    amount = "not valued yet"
    if line["payment"] is not None:
        amount = str(shown(Decimal(str(line["payment"])) + Decimal(str(line["funding"] or 0))))
    words = f"{LineState(line['state']).label}, {amount}"
    return address_of(Statement, line["statement"]), f"{line['year']}-{line['month']:02d}", words


def _outcome(step: dict[str, Any]) -> str:
    return f"{OutcomeState(step['state']).label}, completed {step['on']}, recorded {_when(step['at'])}"


def messages_table(**about: UUID) -> Table:
    """What a participant was sent, the newest first."""
    found = Message.objects.filter(**about).order_by("-id")[:MOST_MESSAGES]
    return Table(
        "Messages",
        ["Message", "To", "State", "Made", "Sent"],
        [
            [link(each, each.get_kind_display()), each.to, each.get_state_display(), each.created_at, each.sent_at]
            for each in found
        ],
    )


def notes_table(notes: QuerySet[Note]) -> Table:
    """What staff wrote down."""
    return Table(
        "Notes",
        ["Written", "By", "Note"],
        [[each.created_at, each.written_by, each.text] for each in notes],
    )


def rejected_because(reason: str | None) -> str:
    """Why an application was rejected, in words."""
    return ReasonForRejection(reason).label if reason else ""
