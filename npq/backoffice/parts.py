"""Sections that several pages show: enrolments, declarations, messages and notes. One query each."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import JSONObject
from django.utils.html import format_html, format_html_join

from declarations.choices import DeclarationState, IneligibleReason, OutcomeState
from declarations.models import Declaration, Outcome
from npq.backoffice.catalogue.fields import course_words
from npq.backoffice.lines import lines_in_words, lines_of_declarations
from npq.backoffice.pages import Table, link, shown
from npq.backoffice.tags import tag
from npq.backoffice.timeline import action_in_words
from npq.core.clock import today, uk_date
from npq.core.models import Change, Message
from npq.core.texts import timestamp_or_none
from participants.choices import DeferralReason, TrainingStatus, WithdrawalReason
from participants.models import Enrolment, Note, TrainingStatusChange

REASONS = {**dict(DeferralReason.choices), **dict(WithdrawalReason.choices)}
MOST_MESSAGES = 50
EARLIEST = datetime.min.replace(tzinfo=UTC)


def enrolments_table(enrolments: QuerySet[Enrolment]) -> Table:
    """Every acceptance, also undone ones, each with its training status and how it came to it."""
    history = status_steps(TrainingStatusChange.objects.filter(enrolment=OuterRef("pk")))
    found = (
        enrolments.select_related("course", "cohort", "schedule", "lead_provider")
        .annotate(history=history)
        .order_by("accepted_at", "id")
    )
    return Table(
        "Enrolment and training status",
        ["Course", "Cohort", "Schedule", "Lead provider", "Accepted", "Training status", "History"],
        [
            [
                each.course.name,
                str(each.cohort),
                str(each.schedule),
                each.lead_provider.name,
                each.accepted_at,
                training_of(each, each.history),
                status_history(each.history),
            ]
            for each in found
        ],
        "Not accepted.",
    )


def status_steps(changes: QuerySet[TrainingStatusChange]) -> ArraySubquery:
    """The steps of a training status, oldest first, to annotate records with; `status_history` says them."""
    return ArraySubquery(
        changes.order_by("id").values(
            json=JSONObject(status="status", at="changed_at", reason="reason", by="recorded_by")
        )
    )


def undone_acceptances() -> ArraySubquery:
    """What to annotate applications with, so that `training_history` tells of acceptances that were undone."""
    undone = Enrolment.objects.filter(application=OuterRef("pk"), undone_at__isnull=False).order_by("undone_at")
    return ArraySubquery(undone.values("undone_at"))


def training_history(steps: list[dict[str, Any]], undone: list[datetime]) -> Any:
    """How an application's training status came about, also under acceptances that were undone since."""
    told = [(timestamp_or_none(step["at"]), _status(step)) for step in steps]
    told += [(at, f"Acceptance undone {shown(at)}") for at in undone]
    return _lines(words for _, words in sorted(told, key=lambda each: each[0] or EARLIEST))


def status_history(steps: list[dict[str, Any]]) -> Any:
    """How a training status came about, a line for each step."""
    return _lines(_status(step) for step in steps)


def training_of(enrolment: Enrolment, history: list[dict[str, Any]]) -> str:
    """The training status in words, with how long a deferral has lasted."""
    since = timestamp_or_none(history[-1]["at"]) if history else None
    if enrolment.training_status == TrainingStatus.DEFERRED and since is not None and not enrolment.undone_at:
        return training_now(enrolment, f" for {(today() - uk_date(since)).days} days")
    return training_now(enrolment)


def training_now(enrolment: Enrolment, so_long: str = "") -> str:
    """The training status in words, or that the acceptance was undone; and whether it was transferred."""
    if enrolment.undone_at:
        return f"Acceptance undone on {shown(enrolment.undone_at)}"
    said = f"{enrolment.get_training_status_display()}{so_long}"
    if enrolment.transferred_at:
        said += f"; transferred on {shown(uk_date(enrolment.transferred_at))}"
    return said


def _status(step: dict[str, Any]) -> str:
    why = f": {REASONS.get(step['reason'], step['reason'])}" if step["reason"] else ""
    return f"{TrainingStatus(step['status']).label} {_when(step['at'])} ({step['by']}){why}"


def _when(value: str) -> str:
    return str(shown(timestamp_or_none(value) or value))


def _lines(texts: Iterable[str]) -> Any:
    return format_html_join("", "<div>{}</div>", ((each,) for each in texts)) or "none"


def detailed(declarations: QuerySet[Declaration]) -> list[Any]:
    """Declarations with what `declarations_table` shows of them, in one query."""
    outcomes = (
        Outcome.objects.filter(declaration=OuterRef("pk"))
        .order_by("id")
        .values(json=JSONObject(state="state", on="completion_date", at="created_at"))
    )
    found = declarations.select_related(
        "enrolment", "course", "cohort", "lead_provider", "delivery_partner", "secondary_delivery_partner"
    ).annotate(
        its_lines=lines_of_declarations(), its_outcomes=ArraySubquery(outcomes), its_states=states_of_declarations()
    )
    return list(found.order_by("declaration_date", "id"))


def states_of_declarations() -> ArraySubquery:
    """When each declaration came into each state, from the audit trail: to annotate declarations with."""
    moves = Change.objects.filter(
        table=Declaration._meta.db_table, record_id=OuterRef("pk"), after__has_key="state"
    ).order_by("id")
    return ArraySubquery(
        moves.values(json=JSONObject(state=KT("after__state"), at="at", by="actor_name", action="action"))
    )


def declarations_table(found: list[Any]) -> Table:
    """Declarations with their dates and states, their lines' amounts and statements, partners and outcomes."""
    return Table(
        "Declarations, money and outcomes",
        [
            "Declaration",
            "Declared for",
            "Received",
            "State",
            "Lead provider",
            "Delivery partners",
            "Lines on statements",
            "Outcomes",
        ],
        [
            [
                _named(each),
                each.declaration_date,
                each.created_at,
                _states(each),
                each.lead_provider.name,
                _partners(each),
                lines_in_words(each.its_lines),
                _lines(_outcome(step) for step in each.its_outcomes),
            ]
            for each in found
        ],
    )


def _named(declaration: Any) -> str:
    """The declaration by its type and id, and under it what it is for."""
    name = link(declaration, f"{declaration.get_declaration_type_display()} ({declaration.public_id})")
    return format_html("{}<div>{}, {}</div>", name, course_words(declaration.course), declaration.cohort)


def _states(declaration: Any) -> Any:
    """The state, and under it the day each state began on."""
    days = (f"{DeclarationState(step['state']).label} since {_day(step['at'])}" for step in declaration.its_states)
    return format_html("{}{}", tag(state_of(declaration)), _lines(days))


def _day(value: str) -> str:
    at = timestamp_or_none(value)
    return str(shown(uk_date(at))) if at else value


def states_table(declaration: Any) -> Table:
    """When a declaration came into each state, and who brought it there; one that `detailed` has read."""
    return Table(
        "States",
        ["State", "Since", "By", "What was done"],
        [
            [DeclarationState(step["state"]).label, _when(step["at"]), step["by"], action_in_words(step["action"])]
            for step in declaration.its_states
        ],
        "Nothing has been recorded.",
    )


def same_slot_table(declaration: Declaration) -> Table:
    """Others of one type and course family: of the same person, or where one is a duplicate of the other."""
    enrolment = declaration.enrolment
    same_person = Q(
        enrolment__participant=enrolment.participant_id,
        declaration_type=declaration.declaration_type,
        enrolment__course_family=enrolment.course_family,
    )
    duplicates = Q(superseded_by=declaration) | Q(id=declaration.superseded_by_id)
    others = Declaration.objects.filter(same_person | duplicates).exclude(id=declaration.id)
    found = others.select_related("enrolment__participant", "lead_provider").order_by("id")[:MOST_MESSAGES]
    return Table(
        "The same declared elsewhere",
        ["Declaration", "Participant", "Lead provider", "Declared for", "State"],
        [
            [
                link(each),
                link(each.enrolment.participant, each.enrolment.participant.full_name),
                each.lead_provider.name,
                each.declaration_date,
                state_of(each),
            ]
            for each in found
        ],
        "No other declaration of this type for this person on this course.",
    )


def _partners(declaration: Declaration) -> str:
    found = (declaration.delivery_partner, declaration.secondary_delivery_partner)
    return ", ".join(each.name for each in found if each) or "none"


def state_of(declaration: Declaration) -> str:
    """The state, and why where it is ineligible."""
    why = declaration.ineligible_reason
    return declaration.get_state_display() + (f" ({IneligibleReason(why).label})" if why else "")


def _outcome(step: dict[str, Any]) -> str:
    completed = shown(date.fromisoformat(step["on"]))
    return f"{OutcomeState(step['state']).label}, completed {completed}, recorded {_when(step['at'])}"


def messages_table(**about: UUID) -> Table:
    """What a participant was sent, the newest first."""
    found = Message.objects.filter(**about).order_by("-id")[:MOST_MESSAGES]
    return Table(
        "Messages",
        ["Message", "To", "State", "Made", "Sent"],
        [
            [link(each, each.get_kind_display()), each.to, _delivery(each), each.created_at, each.sent_at]
            for each in found
        ],
    )


def _delivery(message: Message) -> str:
    """Where a message stands, and what kept it from being sent."""
    said: str = message.get_state_display()
    return f"{said}: {message.last_error}" if message.last_error and message.sent_at is None else said


def notes_table(notes: QuerySet[Note]) -> Table:
    """What staff wrote down, and about what."""
    return Table(
        "Notes",
        ["Written", "By", "About", "Note"],
        [
            [
                each.created_at,
                each.written_by,
                link(each.application, f"Application {each.application}") if each.application else "The participant",
                each.text,
            ]
            for each in notes.select_related("application")
        ],
    )
