"""What withdraw, defer, resume and change-schedule share: whose training is meant, and how a status is recorded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from npq.core.audit import Actor
from npq.core.choices import MessageKind
from npq.core.errors import Refused, refuse_if_any
from npq.core.models import Course
from participants.choices import TrainingStatus
from participants.errors import CourseNotRecognised, NotAcceptedOnCourse, ReasonNotRecognised
from participants.models import Enrolment, Participant, TrainingStatusChange
from participants.queries import lock_enrolment, lock_training


@dataclass(frozen=True)
class ProviderTraining:
    """The training a provider means: its own enrolment of a person on exactly one course (decisions.md §1.7)."""

    participant_id: int
    course_identifier: str | None
    lead_provider_id: int


@dataclass(frozen=True)
class StaffTraining:
    """The training staff mean: one enrolment, whoever's. Staff may withdraw before a started declaration."""

    enrolment_id: int


Training = ProviderTraining | StaffTraining


@dataclass(frozen=True)
class LockedTraining:
    """The enrolment that is meant, if there is one, everybody who is the same person, and what stands in the way."""

    enrolment: Enrolment | None
    people: Iterable[int]
    refusals: list[Refused]

    def agreed(self) -> Enrolment:
        """The enrolment, to be changed; raises what was collected when anything stands in the way."""
        refuse_if_any(self.refusals)
        assert self.enrolment is not None
        return self.enrolment


def lock(training: Training, *, newest: bool = False) -> LockedTraining:
    """Locks the training, and collects why there is none.

    Of several enrolments the one that is not withdrawn is meant; with `newest`, the newest. Raises
    ParticipantIdChanged when the person was merged meanwhile, Enrolment.DoesNotExist for an unknown one.
    """
    if isinstance(training, StaffTraining):
        enrolment, people = lock_enrolment(training.enrolment_id)
        if enrolment.undone_at is not None:
            return LockedTraining(None, people, [NotAcceptedOnCourse(course=enrolment.course)])
        return LockedTraining(enrolment, people, [])
    course = Course.objects.filter(identifier=training.course_identifier).first()
    found, people = lock_training(
        participant_id=training.participant_id,
        lead_provider_id=training.lead_provider_id,
        course=course,
        newest=newest,
    )
    refusals: list[Refused] = []
    if course is None:
        known = Course.objects.order_by("position", "id").values_list("identifier", flat=True)
        refusals.append(CourseNotRecognised(courses=", ".join(known)))
    elif found is None:
        refusals.append(NotAcceptedOnCourse(course=course))
    return LockedTraining(found, people, refusals)


def check_reason(reason: str | None, known: list[str]) -> list[Refused]:
    """The refusal of a reason that is missing or not in the list."""
    return [] if reason in known else [ReasonNotRecognised(reasons=", ".join(known))]


def record_status(
    enrolment: Enrolment,
    status: TrainingStatus,
    message: MessageKind,
    *,
    training: Training,
    by: Actor,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Gives a locked enrolment a training status, adds it to the history and tells the participant.

    The history names the provider that asked, or nobody when staff did: only that provider is shown the reason.
    """
    enrolment.training_status = status
    enrolment.save(update_fields=["training_status"])
    TrainingStatusChange.objects.create(
        enrolment=enrolment,
        status=status,
        reason=reason,
        lead_provider_id=training.lead_provider_id if isinstance(training, ProviderTraining) else None,
        recorded_by=by.name,
        changed_at=now,
    )
    enrolment.application.tell_participant(message)
    Participant.objects.filter(id=enrolment.participant_id).touch_all()
