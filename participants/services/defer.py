"""Deferring a participant's training."""

from datetime import datetime

from npq.core.audit import Actor, acting_as
from npq.core.choices import MessageKind
from participants.choices import DeferralReason, TrainingStatus
from participants.errors import AlreadyDeferred, AlreadyWithdrawn
from participants.services.training import LockedTraining, Training, check_reason, lock, record_status


def defer_participant(*, training: Training, reason: str | None, by: Actor, now: datetime) -> None:
    """Notes a break from training that begins `now`; possible at any time (decisions.md §1.7, domain.md §3.9).

    Refuses with CourseNotRecognised, NotAcceptedOnCourse, ReasonNotRecognised, AlreadyDeferred, AlreadyWithdrawn.
    """
    with acting_as(by, "defer_participant"):
        locked = lock(training)
        _check(locked, reason)
        record_status(
            locked.agreed(),
            TrainingStatus.DEFERRED,
            MessageKind.TRAINING_DEFERRED,
            training=training,
            by=by,
            now=now,
            reason=reason,
        )


def _check(locked: LockedTraining, reason: str | None) -> None:
    locked.refusals.extend(check_reason(reason, DeferralReason.values))
    enrolment = locked.enrolment
    if enrolment is not None and not enrolment.may_move_to(TrainingStatus.DEFERRED):
        deferred = enrolment.training_status == TrainingStatus.DEFERRED
        locked.refusals.append((AlreadyDeferred if deferred else AlreadyWithdrawn)(course=enrolment.course))
