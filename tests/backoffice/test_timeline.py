"""The history on a record's page: which record changed, in words that people use, with who, when and why."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from declarations.choices import DeclarationState, DeclarationType
from npq.backoffice import timeline
from npq.backoffice.pages import address_of
from npq.backoffice.timeline import Event, events_about_person, events_about_record, events_in, trail_of_statement
from npq.core.audit import Actor, acting_as
from npq.core.models import Change
from tests.factories import (
    ApplicationFactory,
    ContractTermsFactory,
    DeclarationFactory,
    DeliveryPartnershipFactory,
    LineItemFactory,
    ParticipantFactory,
    StaffFactory,
    StatementFactory,
)

BY = Actor.staff("Sam Reyes", identifier="7", reason="The provider asked")

pytestmark = pytest.mark.django_db


def changed(record: Any, **values: Any) -> None:
    """Writes to a record's row as a member of staff would have it written."""
    with acting_as(BY, "correct_it"):
        type(record).objects.filter(pk=record.pk).update(**values)


def newest(person_id: int) -> Event:
    return events_about_person(person_id)[0]


def test_it_says_who_did_what_when_and_why_with_the_values_before_and_after() -> None:
    person = ParticipantFactory(teacher_reference_number="9000001", teacher_reference_number_verified=True)

    changed(person, teacher_reference_number="9000002")

    event = newest(person.id)
    assert (event.who, event.action, event.reason) == ("Sam Reyes (staff)", "Correct it", "The provider asked")
    assert event.at == Change.objects.order_by("-id")[0].at
    assert [(step.record, step.operation, step.fields) for step in event.steps] == [
        ("participant", "changed", [("TRN", "9000001", "9000002")])
    ]


def test_two_accounts_of_one_name_are_told_apart_wherever_a_trail_is_shown() -> None:
    person, statement = ParticipantFactory(), StatementFactory()
    for username in ("sam.reyes", "sam.reyes.2"):
        by = Actor.staff("Sam Reyes", identifier=str(StaffFactory(username=username).pk))
        with acting_as(by, f"changed_by_{username}"):
            type(person).objects.filter(pk=person.pk).update(full_name=f"Ada of {username}")
            type(statement).objects.filter(pk=statement.pk).update(deadline_date="2025-01-09")
            type(statement).objects.filter(pk=statement.pk).update(deadline_date="2025-01-10")

    trails = (
        events_about_person(person.id),
        events_about_record("participants_participant", person.id),
        events_in(trail_of_statement(statement.id)),
    )

    expected = ["Sam Reyes (staff, sam.reyes.2)", "Sam Reyes (staff, sam.reyes)"]
    assert [[event.who for event in trail[:2]] for trail in trails] == [expected] * 3


def test_declarations_of_one_person_are_told_apart() -> None:
    enrolment = ApplicationFactory(accepted=True).enrolment
    DeclarationFactory(enrolment=enrolment)
    second = DeclarationFactory(enrolment=enrolment, declaration_type=DeclarationType.RETAINED_1)

    changed(second, state=DeclarationState.VOIDED)

    step = newest(enrolment.participant_id).steps[0]
    assert step.record == f"declaration (retained-1, {second.public_id})"
    assert step.fields == [("state", "Submitted", "Voided")]


def test_a_declaration_moved_to_another_statement_names_both() -> None:
    line = LineItemFactory(statement__year=2025, statement__month=1)
    later = StatementFactory(
        lead_provider=line.statement.lead_provider, cohort=line.statement.cohort, year=2025, month=2
    )

    changed(line, statement=later)

    event = newest(line.declaration.enrolment.participant_id)
    assert event.steps[0].record == f"line item (started, {line.declaration.public_id})"
    assert event.steps[0].fields == [
        ("statement", f"January 2025 ({line.statement.public_id})", f"February 2025 ({later.public_id})")
    ]


def test_a_change_of_delivery_partner_names_it() -> None:
    declaration = DeclarationFactory()
    partner = DeliveryPartnershipFactory(lead_provider=declaration.lead_provider).delivery_partner

    changed(declaration, delivery_partner=partner)

    event = newest(declaration.enrolment.participant_id)
    assert event.steps[0].fields == [("delivery partner", "nothing", f"{partner.name} ({partner.public_id})")]


def test_money_is_in_pounds_and_days_are_as_the_uk_writes_them() -> None:
    line = LineItemFactory()
    terms = ContractTermsFactory(lead_provider=line.lead_provider, cohort=line.cohort, course=line.course)
    statement = StatementFactory(deadline_date="2025-01-09")
    worth = {"output_payment": Decimal("277.6150000000"), "targeted_delivery_funding": Decimal(0)}

    changed(line, terms=terms, **worth)

    made = newest(line.declaration.enrolment.participant_id).steps[-1]
    of_statement = events_about_record("finance_statement", statement.id)[0].steps[0]

    assert ("output payment", "nothing", "£277.62") in made.fields
    assert ("declaration deadline", "nothing", "9 January 2025") in of_statement.fields


def test_what_the_trail_knows_of_columns_that_are_no_more_is_still_shown() -> None:
    person = ParticipantFactory()
    change = Change.objects.filter(table="participants_participant", record_id=person.id).get()
    Change.objects.create(
        **{each.attname: getattr(change, each.attname) for each in Change._meta.fields if each.name != "id"}
        | {"operation": "update", "before": {"nickname": None}, "after": {"nickname": "Ada"}, "transaction": 1}
    )

    assert newest(person.id).steps[0].fields == [("nickname", "nothing", "Ada")]


def test_a_history_that_was_cut_off_says_so(as_role: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    person = ParticipantFactory()
    client: Client = as_role("viewer")
    address = address_of(person, person.public_id)
    whole = client.get(address).content.decode()
    monkeypatch.setattr(timeline, "MOST", 1)

    assert "Only the newest" not in whole
    assert "Only the newest" in client.get(address).content.decode()
