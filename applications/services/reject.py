"""Rejecting an application."""

from datetime import datetime

from applications.choices import ApplicationStatus, ReasonForRejection
from applications.errors import AcceptedCannotBeRejected, AlreadyRejected
from npq.core.audit import Actor, acting_as
from npq.core.choices import MessageKind
from participants.models import Participant
from participants.queries import lock_application


def reject_application(
    *,
    application_id: int,
    held_by: int | None,
    by: Actor,
    now: datetime,
    reason: ReasonForRejection = ReasonForRejection.REJECTED_BY_PROVIDER,
) -> None:
    """Rejects a pending application and tells the participant (api.md §3.1, §5.3; decisions.md §1.5).

    Refuses when it is rejected already, and when it is accepted: an acceptance stands until staff undo it. Raises
    Application.DoesNotExist when the provider `held_by` no longer holds it.
    """
    with acting_as(by, "reject_application"):
        application, _people = lock_application(application_id, held_by=held_by)
        if application.status == ApplicationStatus.REJECTED:
            raise AlreadyRejected
        if application.status == ApplicationStatus.ACCEPTED:
            raise AcceptedCannotBeRejected
        application.reject(reason, now)
        application.tell_participant(MessageKind.APPLICATION_REJECTED)
        Participant.objects.filter(id=application.participant_id).touch_all()
