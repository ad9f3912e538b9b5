"""What would change: read from the trail of a write that is undone."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from applications.models import Application
from applications.services import accept_application, change_funded_place
from declarations.choices import DeclarationState
from declarations.models import Declaration
from declarations.services import void_declaration
from finance.models import LineItem
from npq.core.audit import Actor, acting_as, correcting, rehearsal
from npq.core.errors import ReasonMissing, Refused
from npq.core.listening import recorded
from npq.core.models import Change, Course, Message
from npq.core.rehearsal import what_would_change
from participants.models import Enrolment, Participant
from tests.factories import (
    AdjustmentFactory,
    ApplicationFactory,
    ContractTermsFactory,
    CourseFactory,
    LineItemFactory,
    ScheduleWindowFactory,
    StatementFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def accept(actor: Actor, now: datetime) -> Callable[[Application], Callable[[], None]]:
    """Makes the call that accepts an application."""

    def make(application: Application) -> Callable[[], None]:
        return lambda: accept_application(application_id=application.id, held_by=None, by=actor, now=now)

    return make


@pytest.fixture
def pending() -> Application:
    ScheduleWindowFactory()
    return ApplicationFactory(lead_provider__name="Ambition Institute", lead_provider__code="ambition")


def test_a_rehearsal_names_every_record_before_and_after_and_keeps_nothing(
    pending: Application, accept: Any, now: datetime
) -> None:
    effects = what_would_change(accept(pending))

    assert [(change.record, change.operation) for change in effects.changes] == [
        ("enrolment", "insert"),
        ("training status change", "insert"),
        ("application", "update"),
    ]
    (application,) = effects.of(Application)
    assert application.identifier == pending.public_id
    assert application.values["status"] == ("pending", "accepted")
    assert application.values["decided_at"] == (None, now)
    (enrolment,) = effects.of(Enrolment)
    assert enrolment.values["lead_provider"] == (None, pending.lead_provider)
    pending.refresh_from_db()
    assert pending.status == "pending"
    assert not Enrolment.objects.exists()


def test_messages_and_touched_records_are_named_and_not_kept(pending: Application, accept: Any) -> None:
    other = ApplicationFactory(participant=pending.participant, course=CourseFactory(specialist=True))

    effects = what_would_change(accept(pending))

    assert [(message.kind, message.to) for message in effects.messages] == [("application_accepted", pending.email)]
    assert effects.touched == [("participant", pending.participant.public_id), ("application", other.public_id)]
    assert not Message.objects.exists()


def test_what_happened_before_in_the_transaction_is_not_an_effect(pending: Application, accept: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_change WHERE transaction = pg_current_xact_id()::text::bigint")
        assert cursor.fetchone() != (0,), "the factories wrote in the transaction that the rehearsal is part of"

    assert pending.participant_id not in [
        change.record_id for change in what_would_change(accept(pending)).of(Participant)
    ]


def test_a_real_write_is_recorded_in_the_same_way(pending: Application, accept: Any) -> None:
    rehearsed = what_would_change(accept(pending))

    with recorded() as effects:
        accept(pending)()

    pending.refresh_from_db()
    assert pending.status == "accepted"
    assert [change.values["status"] for change in effects.of(Application)] == [("pending", "accepted")]
    assert [(change.record, set(change.values)) for change in effects.changes] == [
        (change.record, set(change.values)) for change in rehearsed.changes
    ]
    assert [message.kind for message in effects.messages] == ["application_accepted"]


def test_what_is_refused_is_raised(pending: Application, accept: Any) -> None:
    Application.objects.filter(id=pending.id).update(
        status="rejected", reason_for_rejection="registration_expired", decided_at=pending.created_at
    )

    with pytest.raises(Refused, match="already been rejected"):
        what_would_change(accept(pending))


def test_the_result_of_the_service_is_handed_on(actor: Actor) -> None:
    def service() -> str:
        with acting_as(actor, "do_nothing"):
            return "done"

    effects = what_would_change(service)

    assert (effects.result, effects.nothing) == ("done", True)


def test_changes_of_one_row_add_up(actor: Actor) -> None:
    course = CourseFactory(position=3)

    def service() -> None:
        with acting_as(actor, "move_course"):
            for position, name in ((7, "Headship"), (8, "Headship, again")):
                Course.objects.filter(id=course.id).update(position=position, name=name)
            Course.objects.filter(id=course.id).update(name=course.name)
            passing = CourseFactory(identifier="npq-passing", short_code="NPQP")
            Course.objects.filter(id=passing.id).update(position=4)
            CourseFactory(identifier="npq-gone", short_code="NPQG").delete()

    effects = what_would_change(service)

    changed, made = effects.changes
    assert changed.values == {"position": (3, 8)}
    assert (made.operation, made.values["position"]) == ("insert", (None, 4))


def test_money_keeps_every_digit(actor: Actor) -> None:
    adjustment = AdjustmentFactory(amount=Decimal("1234567890.10"))

    def service() -> None:
        with acting_as(actor, "change_adjustment"):
            type(adjustment).objects.filter(id=adjustment.id).update(amount=Decimal("0.30"))

    (change,) = what_would_change(service).changes

    assert change.values["amount"] == (Decimal("1234567890.10"), Decimal("0.30"))


# Pounds --------------------------------------------------------------------------------------------


@pytest.fixture
def started(provider: Any) -> Declaration:
    """An eligible started declaration on an open statement, worth £1,237.00 × 60 % ÷ 4."""
    line: LineItem = LineItemFactory(
        declaration__enrolment__application__lead_provider=provider, statement__year=2025, statement__month=1
    )
    declaration = line.declaration
    ContractTermsFactory(
        lead_provider=provider, cohort=declaration.cohort, course=declaration.course, service_fee_percentage=0
    )
    return declaration


def test_a_rehearsal_says_what_becomes_of_the_statement(started: Declaration, actor: Actor, now: datetime) -> None:
    effects = what_would_change(lambda: void_declaration(declaration_id=started.id, held_by=None, by=actor, now=now))

    (pounds,) = effects.pounds
    assert (pounds.before, pounds.after, pounds.difference) == (Decimal("185.55"), Decimal("0.00"), Decimal("-185.55"))
    assert pounds.name == "statement of Ambition Institute for January 2025, cohort 2023a"
    assert pounds.identifier == started.lines.get().statement.public_id
    started.refresh_from_db()
    assert started.state == DeclarationState.ELIGIBLE


def test_statements_that_come_to_the_same_are_left_out(started: Declaration, actor: Actor) -> None:
    StatementFactory(lead_provider=started.lead_provider, cohort=started.cohort, month=2)

    def service() -> None:
        with acting_as(actor, "change_employer"):
            Application.objects.update(employer_name="Northbeck Academy")

    assert what_would_change(service).pounds == []


# In words ------------------------------------------------------------------------------------------


def test_effects_in_words(started: Declaration, actor: Actor, now: datetime) -> None:
    line = started.lines.get()

    effects = what_would_change(lambda: void_declaration(declaration_id=started.id, held_by=None, by=actor, now=now))

    assert effects.lines() == [
        f"line item {line.public_id}: state: Eligible → Voided",
        f"declaration {started.public_id}: state: Eligible → Voided",
        "statement of Ambition Institute for January 2025, cohort 2023a: £185.55 → £0.00",
    ]


def test_new_records_messages_and_times_in_words(pending: Application, accept: Any) -> None:
    lines = what_would_change(accept(pending)).lines()

    assert lines[0].split(": ", 1)[1].startswith(f"new; participant: {pending.participant.full_name} (")
    assert "accepted: 10 October 2024, 10:00" in lines[0]
    assert "schedule: npq-leadership-autumn (2023a)" in lines[0]
    assert "status: Pending → Accepted; decided: nothing → 10 October 2024, 10:00" in lines[2]
    assert f"message to {pending.email}: Application accepted" in lines
    assert f"participant {pending.participant.public_id}: shown as changed" in lines


def test_effects_for_scripts_name_records_by_ids_and_codes(
    pending: Application, accept: Any, started: Declaration, actor: Actor, now: datetime
) -> None:
    accepted = what_would_change(accept(pending)).for_json()
    voided = what_would_change(
        lambda: void_declaration(declaration_id=started.id, held_by=None, by=actor, now=now)
    ).for_json()

    enrolment = accepted["changes"][0]
    assert (enrolment["record"], enrolment["operation"]) == ("enrolment", "insert")
    assert enrolment["fields"]["lead_provider"] == {"before": None, "after": "ambition"}
    assert enrolment["fields"]["application"] == {"before": None, "after": str(pending.public_id)}
    assert [message["application_id"] for message in accepted["messages"]] == [pending.public_id]
    assert accepted["touched"] == [{"record": "participant", "id": pending.participant.public_id}]
    assert [each["difference"] for each in voided["pounds"]] == [Decimal("-185.55")]


# A correction says why -----------------------------------------------------------------------------


def test_a_correction_without_a_reason_is_refused_and_a_rehearsal_of_it_is_not(actor: Actor) -> None:
    def service(by: Actor) -> None:
        with correcting(by, "correct_something"):
            CourseFactory()

    with pytest.raises(ReasonMissing):
        service(actor)
    with rehearsal():
        service(actor)
    assert not Course.objects.exists()
    service(Actor.staff("Sam Reyes", identifier="7", reason="Asked for in ticket 12"))

    assert Change.objects.latest("id").reason == "Asked for in ticket 12"


def test_unchanged_is_nothing(actor: Actor) -> None:
    application = ApplicationFactory(cohort__capped=True, accepted=True)

    effects = what_would_change(
        lambda: change_funded_place(application_id=application.id, held_by=None, by=actor, funded_place=True)
    )

    assert effects.nothing
    assert effects.lines() == []


def test_kinds_of_records_that_are_counted_are_not_listed(actor: Actor, now: datetime) -> None:
    line = LineItemFactory()
    ContractTermsFactory(lead_provider=line.lead_provider, cohort=line.cohort, course=line.course)

    effects = what_would_change(
        lambda: void_declaration(declaration_id=line.declaration_id, held_by=None, by=actor, now=now),
        counted=(LineItem, Declaration),
    )

    assert effects.counted == {"line items": 1, "declarations": 1}
    assert effects.changes == []
    assert not effects.nothing
