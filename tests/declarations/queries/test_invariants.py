"""Each invariant of declarations holds on sound data and names the record that breaks it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from declarations.models import Declaration
from declarations.queries import INVARIANTS
from npq.core.invariants import Breach
from participants.models import Schedule
from tests.conftest import ApiClient
from tests.declarations.conftest import CLOCK, NOW, declared, next_statement, pay, trainee
from tests.factories import CourseFactory, DeclarationFactory, EnrolmentFactory, OutcomeFactory, ParticipantFactory

pytestmark = pytest.mark.django_db


def breaches(code: str) -> list[Breach]:
    (invariant,) = [one for one in INVARIANTS if one.code == code]
    return list(invariant.breaches())


def test_what_services_write_holds(api: ApiClient, enrolment: Any, provider: Any) -> None:
    trn = enrolment.participant.teacher_reference_number
    twin = trainee(provider, participant=ParticipantFactory(teacher_reference_number=trn))
    kept = declared(api, enrolment)
    declared(api, twin)
    for kind in ("retained-1", "completed"):
        declared(api, enrolment, kind)
    pay(enrolment.lead_provider.statement_set.get())
    next_statement(enrolment)
    for declaration in Declaration.objects.exclude(public_id=kept["id"]):
        path = f"/participant-declarations/{declaration.public_id}/void"
        assert api.put("v3", path, headers=CLOCK).status_code == 200
    declared(api, enrolment, "completed", has_passed=False)

    assert {invariant.code: list(invariant.breaches()) for invariant in INVARIANTS} == {
        invariant.code: [] for invariant in INVARIANTS
    }


def test_two_live_declarations_of_a_type() -> None:
    with connection.cursor() as cursor:
        cursor.execute('DROP INDEX "declaration_one_live_per_enrolment_and_type"')
    first = DeclarationFactory()
    second = DeclarationFactory(enrolment=first.enrolment, state="paid")
    DeclarationFactory(enrolment=first.enrolment, state="voided")

    (breach,) = breaches("one_live_declaration_per_type")

    assert str(first.public_id) in breach.detail
    assert str(second.public_id) in breach.detail


@pytest.mark.parametrize(("state", "broken"), [("eligible", 1), ("voided", 0), ("ineligible", 0)])
def test_a_live_declaration_on_an_undone_acceptance(state: str, broken: int) -> None:
    DeclarationFactory(
        enrolment=EnrolmentFactory(undone_at=NOW), state=state, ineligible_reason="duplicate_declaration"
    )

    assert len(breaches("live_declaration_on_standing_acceptance")) == broken


@pytest.mark.parametrize(("state", "broken"), [("submitted", 1), ("clawed-back", 0)])
def test_a_type_that_the_schedule_lacks(state: str, broken: int) -> None:
    DeclarationFactory(
        enrolment__application__course=CourseFactory(specialist=True), declaration_type="retained-2", state=state
    )

    assert len(breaches("live_declaration_fits_schedule")) == broken


def test_a_date_before_the_schedule() -> None:
    declaration = DeclarationFactory()
    first_moment = declaration.declaration_date.replace(month=7, day=14, hour=23, minute=0, second=0)
    Schedule.objects.update(starts_on="2024-07-15")

    Declaration.objects.update(declaration_date=first_moment)
    assert breaches("live_declaration_fits_schedule") == []

    Declaration.objects.update(declaration_date=first_moment - timedelta(seconds=1))
    assert [breach.identifier for breach in breaches("live_declaration_fits_schedule")] == [str(declaration.public_id)]


def test_an_ineligible_declaration_that_nothing_supersedes() -> None:
    declaration = DeclarationFactory(ineligible=True)

    assert [breach.identifier for breach in breaches("ineligible_names_what_supersedes_it")] == [
        str(declaration.public_id)
    ]


def test_an_outcome_on_a_course_without_outcomes() -> None:
    outcome = OutcomeFactory(declaration__enrolment__application__course=CourseFactory(ehco=True))

    assert [breach.identifier for breach in breaches("outcome_on_completed_only")] == [str(outcome.public_id)]


@pytest.mark.parametrize(
    ("state", "outcomes", "broken"),
    [
        ("eligible", ["passed"], 0),
        ("eligible", [], 1),
        ("eligible", ["passed", "voided"], 1),
        ("voided", ["passed", "voided"], 0),
        ("voided", ["passed"], 1),
        ("clawed-back", ["voided", "passed"], 1),
        ("voided", [], 1),
    ],
)
def test_an_outcome_that_does_not_stand_with_its_declaration(state: str, outcomes: list[str], broken: int) -> None:
    declaration = DeclarationFactory(completed=True, state=state)
    for outcome in outcomes:
        OutcomeFactory(declaration=declaration, state=outcome)

    assert len(breaches("outcome_stands_with_declaration")) == broken
