"""Withdrawing a participant from training."""

from datetime import datetime

from declarations.choices import LIVE_STATES, DeclarationState, DeclarationType
from declarations.models import Declaration
from npq.core.audit import Actor, acting_as
from npq.core.choices import MessageKind
from participants.choices import TrainingStatus, WithdrawalReason
from participants.errors import AlreadyWithdrawn, NoStartedDeclaration
from participants.models import Enrolment
from participants.services.training import (
    LockedTraining,
    StaffTraining,
    Training,
    check_reason,
    lock,
    record_status,
)

# What shows that training began: a started declaration that stands, or one that only a duplicate made ineligible.
STARTED_STATES = (*LIVE_STATES, DeclarationState.INELIGIBLE)


def withdraw_participant(*, training: Training, reason: str | None, by: Actor, now: datetime) -> None:
    """Withdraws a participant from `now` on (api.md §5.3, domain.md §3.9; decisions.md §1.7, §1.14).

    Refuses with CourseNotRecognised, NotAcceptedOnCourse, ReasonNotRecognised, AlreadyWithdrawn and, unless it is
    staff's doing, NoStartedDeclaration. Declarations are left as they are.
    """
    with acting_as(by, "withdraw_participant"):
        locked = lock(training)
        _check(locked, training, reason)
        record_status(
            locked.agreed(),
            TrainingStatus.WITHDRAWN,
            MessageKind.TRAINING_WITHDRAWN,
            training=training,
            by=by,
            now=now,
            reason=reason,
        )


def _check(locked: LockedTraining, training: Training, reason: str | None) -> None:
    enrolment, refusals = locked.enrolment, locked.refusals
    refusals += check_reason(reason, WithdrawalReason.values)
    if enrolment is not None and not enrolment.may_move_to(TrainingStatus.WITHDRAWN):
        refusals.append(AlreadyWithdrawn(course=enrolment.course))
    if enrolment is not None and not refusals and not isinstance(training, StaffTraining) and not _started(enrolment):
        refusals.append(NoStartedDeclaration(course=enrolment.course))


def _started(enrolment: Enrolment) -> bool:
    return Declaration.objects.filter(
        enrolment=enrolment, declaration_type=DeclarationType.STARTED, state__in=STARTED_STATES
    ).exists()
