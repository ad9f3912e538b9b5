"""Changing the course (backoffice.md §2.1; decisions.md §1.9, §2)."""

from typing import Any

import pytest

from applications.errors import CourseHeldBy, DeclarationsStand, ProviderWithoutContract, ScheduleToBeNamed
from applications.models import Application
from applications.services import change_course
from declarations.choices import DeclarationState
from declarations.services import void_declaration
from npq.core.audit import Actor
from npq.core.errors import ReasonMissing, RefusedTogether
from npq.core.models import Course, LeadProvider, Message
from participants.choices import TrainingStatus
from participants.models import Enrolment, ScheduleWindow
from participants.services import StaffTraining, withdraw_participant
from tests.applications.services.casework import STAFF, changing_nothing, claim, newest_action, refused
from tests.declarations.conftest import NOW, trainee
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    ParticipantFactory,
    ScheduleFactory,
    ScheduleWindowFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]


def change(application: Application, course: Course, **more: Any) -> Any:
    return change_course(application_id=application.id, course=course, by=STAFF, now=NOW, **more)


@pytest.fixture
def executive(enrolment: Enrolment) -> Course:
    """Another leadership course that the provider has a contract for."""
    course = CourseFactory(identifier="npq-executive-leadership")
    ContractTermsFactory(lead_provider=enrolment.lead_provider, cohort=enrolment.cohort, course=course)
    return course


@pytest.fixture
def teaching(enrolment: Enrolment) -> Course:
    """A specialist course that the provider has a contract for."""
    course = CourseFactory(specialist=True)
    ContractTermsFactory(lead_provider=enrolment.lead_provider, cohort=enrolment.cohort, course=course)
    return course


@pytest.fixture
def window(enrolment: Enrolment) -> ScheduleWindow:
    """The default schedule of specialist courses on the day of the acceptance, 10 October 2024."""
    schedule = ScheduleFactory(cohort=enrolment.cohort, course_group="specialist")
    ScheduleFactory(cohort=enrolment.cohort, course_group="specialist", identifier="npq-specialist-spring")
    return ScheduleWindowFactory(schedule=schedule, first_day="2024-10-01", last_day="2024-10-31")


def test_application_and_enrolment_are_on_the_course_and_the_schedule_stays_within_a_group(
    enrolment: Enrolment, executive: Course
) -> None:
    schedule = enrolment.schedule
    before = enrolment.participant.updated_at

    changed = change(enrolment.application, executive)

    enrolment.refresh_from_db()
    enrolment.application.refresh_from_db()
    assert (changed.changed, changed.notes) == (True, ())
    assert (enrolment.course, enrolment.course_family, enrolment.schedule) == (executive, executive.family, schedule)
    assert enrolment.application.course == executive
    enrolment.participant.refresh_from_db()
    assert enrolment.participant.updated_at > before
    assert newest_action() == ("change_course", "Sam Reyes", "NPQ-101: asked for by the provider")
    assert not Message.objects.exists()


def test_in_another_group_it_gets_the_default_of_the_day_it_was_accepted(
    enrolment: Enrolment, teaching: Course, window: ScheduleWindow
) -> None:
    change(enrolment.application, teaching)

    enrolment.refresh_from_db()
    assert enrolment.schedule == window.schedule


def test_or_the_schedule_that_is_named(enrolment: Enrolment, teaching: Course, window: ScheduleWindow) -> None:
    change(enrolment.application, teaching, schedule_identifier="npq-specialist-spring")

    enrolment.refresh_from_db()
    assert enrolment.schedule.identifier == "npq-specialist-spring"


def test_without_a_default_the_schedule_must_be_named(
    enrolment: Enrolment, teaching: Course, window: ScheduleWindow
) -> None:
    window.delete()

    with refused(ScheduleToBeNamed, saying="one of npq-specialist-autumn, npq-specialist-spring"):
        change(enrolment.application, teaching)


@pytest.mark.parametrize("named", ["npq-leadership-autumn", "npq-nothing"])
def test_the_schedule_that_is_named_must_be_for_the_course(
    enrolment: Enrolment, teaching: Course, window: ScheduleWindow, named: str
) -> None:
    with refused(ScheduleToBeNamed, saying=f"{named} is no schedule of cohort 2023a for npq-leading-teaching"):
        change(enrolment.application, teaching, schedule_identifier=named)


def test_where_there_are_no_schedules_that_is_said(enrolment: Enrolment, teaching: Course) -> None:
    with refused(ScheduleToBeNamed, saying="one of those that have to be added first"):
        change(enrolment.application, teaching)


def test_declarations_that_stand_are_named(enrolment: Enrolment, executive: Course) -> None:
    claim(enrolment)

    with refused(DeclarationsStand, saying="The course cannot change while these declarations stand: started"):
        change(enrolment.application, executive)


def test_voided_declarations_keep_the_course_they_were_made_for(enrolment: Enrolment, executive: Course) -> None:
    declaration = claim(enrolment)
    void_declaration(declaration_id=declaration.id, held_by=None, by=STAFF, now=NOW)

    change(enrolment.application, executive)

    declaration.refresh_from_db()
    assert (declaration.course.identifier, declaration.state) == ("npq-headship", DeclarationState.VOIDED)
    assert claim(enrolment).course == executive


def test_without_a_contract_it_is_refused(enrolment: Enrolment) -> None:
    course = CourseFactory(identifier="npq-early-years-leadership")

    with refused(ProviderWithoutContract, saying="has no contract for npq-early-years-leadership in cohort 2023a"):
        change(enrolment.application, course)


def test_several_reasons_are_given_together(enrolment: Enrolment, window: ScheduleWindow) -> None:
    claim(enrolment)
    course = CourseFactory(specialist=True)

    with changing_nothing(), pytest.raises(RefusedTogether) as refusal:
        change(enrolment.application, course, schedule_identifier="npq-nothing")

    codes = [problem.code for problem in refusal.value.problems]
    assert codes == ["declarations_stand", "provider_without_contract", "schedule_to_be_named"]


# One enrolment per person and course family --------------------------------------------------------


def test_a_course_the_person_is_on_already_is_refused(enrolment: Enrolment, executive: Course) -> None:
    other = trainee(enrolment.lead_provider, participant=enrolment.participant, course=executive)

    with refused(CourseHeldBy, saying=f"application {other.application.public_id}"):
        change(enrolment.application, executive)


def test_a_course_that_somebody_with_the_same_verified_trn_is_on_is_refused(
    enrolment: Enrolment, executive: Course, rival_provider: LeadProvider
) -> None:
    trn = enrolment.participant.teacher_reference_number
    twin = trainee(rival_provider, participant=ParticipantFactory(teacher_reference_number=trn), course=executive)

    with refused(CourseHeldBy, saying=f"Participant {twin.participant.public_id} is enrolled on"):
        change(enrolment.application, executive)


def test_a_renamed_course_is_the_same_course(enrolment: Enrolment) -> None:
    old, new = CourseFactory(aso=True), CourseFactory(ehco=True)
    trainee(enrolment.lead_provider, participant=enrolment.participant, course=old)
    pays = {"lead_provider": enrolment.lead_provider, "cohort": enrolment.cohort}
    ContractTermsFactory(course=new, **pays)
    schedule = ScheduleFactory(cohort=enrolment.cohort, course_group=new.group)

    with refused(CourseHeldBy, saying="is enrolled on npq-additional-support-offer"):
        change(enrolment.application, new, schedule_identifier=schedule.identifier)


def test_within_a_family_the_course_can_change(provider: LeadProvider) -> None:
    old, new = CourseFactory(aso=True), CourseFactory(ehco=True)
    enrolment = trainee(provider, course=old)
    ContractTermsFactory(lead_provider=provider, cohort=enrolment.cohort, course=new)
    schedule = ScheduleFactory(cohort=enrolment.cohort, course_group=new.group)

    change(enrolment.application, new, schedule_identifier=schedule.identifier)

    enrolment.refresh_from_db()
    assert (enrolment.course, enrolment.course_family) == (new, old.family)


def test_a_withdrawn_enrolment_stands_in_nobodys_way(enrolment: Enrolment, executive: Course) -> None:
    other = trainee(enrolment.lead_provider, participant=enrolment.participant, course=executive)
    withdraw_participant(training=StaffTraining(other.id), reason="other", by=STAFF, now=NOW)

    assert change(enrolment.application, executive).changed


def test_nor_does_anybody_stand_in_the_way_of_a_withdrawn_one(enrolment: Enrolment, executive: Course) -> None:
    trainee(enrolment.lead_provider, participant=enrolment.participant, course=executive)
    withdraw_participant(training=StaffTraining(enrolment.id), reason="other", by=STAFF, now=NOW)

    change(enrolment.application, executive)

    enrolment.refresh_from_db()
    assert (enrolment.course, enrolment.training_status) == (executive, TrainingStatus.WITHDRAWN)


def test_what_the_database_refuses_is_the_same_refusal(
    enrolment: Enrolment, executive: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainee(enrolment.lead_provider, participant=enrolment.participant, course=executive)
    import_of = change_course.__globals__
    monkeypatch.setitem(import_of, "held_course", lambda *_: [])

    with refused(CourseHeldBy):
        change(enrolment.application, executive)


# Pending, unchanged, money, failure ----------------------------------------------------------------


def test_a_pending_application_needs_no_contract_and_no_schedule() -> None:
    application = ApplicationFactory()

    assert change(application, CourseFactory(specialist=True)).changed

    application.refresh_from_db()
    assert application.course.identifier == "npq-leading-teaching"


def test_the_course_it_has_changes_nothing(enrolment: Enrolment) -> None:
    with changing_nothing():
        assert not change(enrolment.application, enrolment.course).changed


def test_what_another_enrolment_declared_is_paid_once_this_one_no_longer_counts(
    enrolment: Enrolment, executive: Course, later: Enrolment
) -> None:
    declaration = claim(later)
    assert declaration.state == DeclarationState.SUBMITTED, "previously funded"

    change(enrolment.application, executive)

    declaration.refresh_from_db()
    assert declaration.state == DeclarationState.ELIGIBLE


def test_it_needs_a_reason(enrolment: Enrolment, executive: Course) -> None:
    with refused(ReasonMissing):
        change_course(application_id=enrolment.application_id, course=executive, by=Actor.command("Sam"), now=NOW)


def test_when_the_last_write_fails_nothing_is_kept(
    enrolment: Enrolment, executive: Course, last_write_fails: None
) -> None:
    with changing_nothing(), pytest.raises(RuntimeError):
        change(enrolment.application, executive)


def test_the_schedule_is_looked_for_in_the_cohort_of_the_enrolment(
    enrolment: Enrolment, teaching: Course, window: ScheduleWindow
) -> None:
    other = ScheduleFactory(
        cohort=CohortFactory(start_year=2022), course_group="specialist", identifier="npq-specialist-summer"
    )

    with refused(ScheduleToBeNamed):
        change(enrolment.application, teaching, schedule_identifier=other.identifier)
