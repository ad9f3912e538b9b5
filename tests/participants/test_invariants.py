"""What must hold for people and enrolments is found when it does not (decisions.md §2, backoffice.md §7.3)."""

import uuid
from collections.abc import Callable

import pytest
from django.db import connection

from applications.models import Application
from participants.choices import TrainingStatus
from participants.models import Enrolment, Participant, ParticipantIdChange, Schedule
from participants.queries import INVARIANTS
from tests.factories import (
    ApplicationFactory,
    CourseFactory,
    EnrolmentFactory,
    ParticipantFactory,
    ParticipantIdChangeFactory,
)

pytestmark = pytest.mark.django_db


def broken() -> dict[str, list[str]]:
    """The public ids that breach each invariant that is breached."""
    found = {invariant.code: [breach.identifier for breach in invariant.breaches()] for invariant in INVARIANTS}
    return {code: identifiers for code, identifiers in found.items() if identifiers}


@pytest.fixture
def enrolment() -> Enrolment:
    return EnrolmentFactory()


@pytest.fixture
def retired(enrolment: Enrolment) -> Participant:
    """Merged into the enrolled person, as a merge leaves it."""
    person = ParticipantFactory(without_trn=True, merged_into=enrolment.participant)
    ParticipantIdChangeFactory(participant=enrolment.participant, from_participant_id=person.public_id)
    return person


def test_what_is_allowed_is_no_breach(enrolment: Enrolment, retired: Participant) -> None:
    person = enrolment.participant
    EnrolmentFactory(application__participant=person, training_status=TrainingStatus.WITHDRAWN)
    EnrolmentFactory(application__participant=person, undone_at=enrolment.accepted_at)
    EnrolmentFactory(application__participant=person, application__course=CourseFactory(specialist=True))
    EnrolmentFactory(application__course=CourseFactory(specialist=True))
    twin = ParticipantFactory(teacher_reference_number=person.teacher_reference_number)
    EnrolmentFactory(application__participant=twin, training_status=TrainingStatus.WITHDRAWN)
    unverified = ParticipantFactory(teacher_reference_number=person.teacher_reference_number, unverified=True)
    EnrolmentFactory(application__participant=unverified)
    ApplicationFactory(participant=person)

    assert broken() == {}


def test_two_enrolments_of_one_verified_trn(enrolment: Enrolment) -> None:
    twin = ParticipantFactory(teacher_reference_number=enrolment.participant.teacher_reference_number)
    other = EnrolmentFactory(application__participant=twin, training_status=TrainingStatus.DEFERRED)

    (identifier,) = broken()["one_enrolment_per_person_and_course"]

    assert identifier in {str(enrolment.application.public_id), str(other.application.public_id)}


def pending_but_enrolled(enrolment: Enrolment) -> None:
    Application.objects.update(status="pending", decided_at=None, enrolment=None)


def another_family(enrolment: Enrolment) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE participants_enrolment DROP CONSTRAINT enrolment_family_of_course")
    Enrolment.objects.update(course_family="early-headship-coaching")


def another_course_group(enrolment: Enrolment) -> None:
    Schedule.objects.update(course_group="specialist")


def another_status(enrolment: Enrolment) -> None:
    Enrolment.objects.update(training_status=TrainingStatus.DEFERRED)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (pending_but_enrolled, "accepted_means_enrolled"),
        (another_family, "enrolment_agrees_with_application"),
        (another_course_group, "schedule_fits_enrolment"),
        (another_status, "status_is_newest_change"),
    ],
)
def test_damage_to_an_enrolment(damage: Callable[[Enrolment], None], code: str, enrolment: Enrolment) -> None:
    damage(enrolment)

    assert broken() == {code: [str(enrolment.application.public_id)]}


def dangling(retired: Participant) -> None:
    ParticipantIdChange.objects.update(to_participant_id=uuid.uuid4())


def not_flattened(retired: Participant) -> None:
    survivor = ParticipantFactory(without_trn=True)
    Participant.objects.filter(id=retired.merged_into_id).update(merged_into=survivor)
    ParticipantIdChangeFactory(participant=survivor, from_participant_id=retired.merged_into.public_id)
    Application.objects.update(participant=survivor)
    Enrolment.objects.update(participant=survivor)


def not_retired(retired: Participant) -> None:
    Participant.objects.filter(id=retired.id).update(merged_into=None)


def not_recorded(retired: Participant) -> None:
    ParticipantIdChange.objects.all().delete()


@pytest.mark.parametrize("damage", [dangling, not_flattened, not_retired, not_recorded])
def test_damage_to_a_retired_id(damage: Callable[[Participant], None], retired: Participant) -> None:
    damage(retired)

    assert broken() == {"retired_id_leads_to_survivor": [str(retired.public_id)]}


def test_a_retired_person_with_an_application(retired: Participant) -> None:
    ApplicationFactory(participant=retired)

    assert broken() == {"retired_person_has_nothing": [str(retired.public_id)]}


def test_a_retired_person_with_an_enrolment(retired: Participant) -> None:
    EnrolmentFactory(application__participant=retired, application__course=CourseFactory(ehco=True))

    assert broken() == {"retired_person_has_nothing": [str(retired.public_id)] * 2}


def test_ids_that_lead_to_each_other(enrolment: Enrolment, retired: Participant) -> None:
    Participant.objects.filter(id=enrolment.participant_id).update(merged_into=retired)
    ParticipantIdChangeFactory(participant=retired, from_participant_id=enrolment.participant.public_id)

    assert len(broken()["retired_id_leads_to_survivor"]) == 2
