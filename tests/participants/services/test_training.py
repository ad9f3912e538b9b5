"""What staff may do with training, and what the services keep when something fails."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from npq.core.audit import Actor
from npq.core.models import Message
from participants.choices import TrainingStatus
from participants.errors import (
    AlreadyWithdrawn,
    CourseHeldElsewhere,
    NotAcceptedOnCourse,
    ParticipantIdChanged,
    ReasonNotRecognised,
)
from participants.models import Enrolment, Participant, TrainingStatusChange
from participants.services import (
    ProviderTraining,
    StaffTraining,
    change_schedule,
    defer_participant,
    merge_participants,
    resume_participant,
    withdraw_participant,
)
from tests.factories import (
    ContractTermsFactory,
    DeclarationFactory,
    EnrolmentFactory,
    ParticipantFactory,
    ScheduleFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrolment() -> Enrolment:
    return EnrolmentFactory()


@pytest.fixture
def facts(actor: Actor, now: datetime) -> dict[str, Any]:
    return {"by": actor, "now": now}


def status_of(enrolment: Enrolment) -> str:
    return Enrolment.objects.get(id=enrolment.id).training_status


def as_provider(enrolment: Enrolment) -> ProviderTraining:
    return ProviderTraining(enrolment.participant_id, enrolment.course.identifier, enrolment.lead_provider_id)


# Staff


def test_staff_withdraw_without_a_started_declaration(enrolment: Enrolment, facts: dict[str, Any]) -> None:
    withdraw_participant(training=StaffTraining(enrolment.id), reason="other", **facts)

    assert status_of(enrolment) == TrainingStatus.WITHDRAWN
    newest = TrainingStatusChange.objects.latest("id")
    assert (newest.reason, newest.lead_provider, newest.recorded_by) == ("other", None, "a test")


def test_staff_need_a_reason_too(enrolment: Enrolment, facts: dict[str, Any]) -> None:
    with pytest.raises(ReasonNotRecognised):
        withdraw_participant(training=StaffTraining(enrolment.id), reason="because", **facts)


def test_staff_defer_and_resume(enrolment: Enrolment, facts: dict[str, Any]) -> None:
    defer_participant(training=StaffTraining(enrolment.id), reason="career-break", **facts)
    assert status_of(enrolment) == TrainingStatus.DEFERRED

    resume_participant(training=StaffTraining(enrolment.id), **facts)
    assert status_of(enrolment) == TrainingStatus.ACTIVE


def test_staff_resume_the_very_enrolment_they_name(enrolment: Enrolment, facts: dict[str, Any]) -> None:
    Enrolment.objects.update(training_status=TrainingStatus.WITHDRAWN)
    newer = EnrolmentFactory(
        application__participant=enrolment.participant,
        accepted_at=datetime(2025, 1, 1, tzinfo=UTC),
        training_status=TrainingStatus.WITHDRAWN,
    )

    resume_participant(training=StaffTraining(enrolment.id), **facts)

    assert status_of(enrolment) == TrainingStatus.ACTIVE
    with pytest.raises(CourseHeldElsewhere):
        resume_participant(training=StaffTraining(newer.id), **facts)


def test_staff_change_the_schedule(enrolment: Enrolment, actor: Actor) -> None:
    ScheduleFactory(cohort=enrolment.cohort, identifier="npq-leadership-spring")
    ContractTermsFactory(lead_provider=enrolment.lead_provider, cohort=enrolment.cohort, course=enrolment.course)

    change_schedule(training=StaffTraining(enrolment.id), schedule_identifier="npq-leadership-spring", by=actor)

    assert Enrolment.objects.get().schedule.identifier == "npq-leadership-spring"


def test_an_undone_acceptance_has_no_training(facts: dict[str, Any], now: datetime) -> None:
    undone = EnrolmentFactory(undone_at=now)

    with pytest.raises(NotAcceptedOnCourse):
        withdraw_participant(training=StaffTraining(undone.id), reason="other", **facts)
    with pytest.raises(NotAcceptedOnCourse):
        defer_participant(training=as_provider(undone), reason="other", **facts)


def test_an_unknown_enrolment_is_not_found(facts: dict[str, Any]) -> None:
    with pytest.raises(Enrolment.DoesNotExist):
        withdraw_participant(training=StaffTraining(10**9), reason="other", **facts)


# The person is merged between the door and the lock


def test_a_person_merged_meanwhile_is_named(enrolment: Enrolment, actor: Actor, facts: dict[str, Any]) -> None:
    training = as_provider(enrolment)
    survivor = ParticipantFactory(without_trn=True)
    merge_participants(retired_id=enrolment.participant_id, survivor_id=survivor.id, by=actor)

    with pytest.raises(ParticipantIdChanged, match=str(survivor.public_id)):
        defer_participant(training=training, reason="other", **facts)


# Nothing is kept when the last write fails


@pytest.mark.parametrize("verb", ["withdraw", "defer", "resume"])
def test_nothing_is_kept_when_the_last_write_fails(
    verb: str, enrolment: Enrolment, facts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the last write")

    DeclarationFactory(enrolment=enrolment)
    before = TrainingStatus.DEFERRED if verb == "resume" else TrainingStatus.ACTIVE
    Enrolment.objects.update(training_status=before)
    rows = TrainingStatusChange.objects.count()
    monkeypatch.setattr("participants.models.ParticipantQuerySet.touch_all", fail)
    act: dict[str, Callable[[], None]] = {
        "withdraw": lambda: withdraw_participant(training=as_provider(enrolment), reason="other", **facts),
        "defer": lambda: defer_participant(training=as_provider(enrolment), reason="other", **facts),
        "resume": lambda: resume_participant(training=as_provider(enrolment), **facts),
    }

    with pytest.raises(RuntimeError, match="the last write"):
        act[verb]()

    assert status_of(enrolment) == before
    assert TrainingStatusChange.objects.count() == rows
    assert not Message.objects.exists()


def test_a_failed_merge_moves_nothing(enrolment: Enrolment, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the last write")

    survivor = ParticipantFactory(without_trn=True)
    monkeypatch.setattr("participants.models.ParticipantQuerySet.touch_all", fail)

    with pytest.raises(RuntimeError, match="the last write"):
        merge_participants(retired_id=enrolment.participant_id, survivor_id=survivor.id, by=actor)

    assert Enrolment.objects.get().participant_id == enrolment.participant_id
    assert not Participant.objects.filter(merged_into__isnull=False).exists()


# The database's own rule says the same


def test_the_unique_index_says_the_same_as_the_rule(
    enrolment: Enrolment, facts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Enrolment.objects.update(training_status=TrainingStatus.WITHDRAWN)
    EnrolmentFactory(application__participant=enrolment.participant)
    monkeypatch.setattr("participants.services.resume.enrolment_in_the_way", lambda *_, **__: None)

    with pytest.raises(CourseHeldElsewhere):
        resume_participant(training=StaffTraining(enrolment.id), **facts)

    assert status_of(enrolment) == TrainingStatus.WITHDRAWN


def test_the_sentence_says_what_to_do(enrolment: Enrolment, facts: dict[str, Any]) -> None:
    Enrolment.objects.update(training_status=TrainingStatus.WITHDRAWN)

    with pytest.raises(AlreadyWithdrawn, match="Resume the training first"):
        defer_participant(training=as_provider(enrolment), reason="other", **facts)
