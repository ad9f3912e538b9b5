"""Undoing a rejection."""

from applications.choices import ApplicationStatus
from applications.errors import NoRejectionToUndo
from applications.queries import was_reopened
from npq.core.audit import Actor, correcting
from npq.core.effects import Corrected
from participants.models import Participant
from participants.queries import lock_application


def undo_rejection(*, application_id: int, by: Actor) -> Corrected:
    """Makes a rejected application pending again, whatever it was rejected for (backoffice.md §2.1).

    One that was reopened before is left as it is. Refuses any other that is not rejected with NoRejectionToUndo.
    """
    with correcting(by, "undo_rejection"):
        application, _people = lock_application(application_id, held_by=None)
        if application.status != ApplicationStatus.REJECTED:
            pending = application.status == ApplicationStatus.PENDING
            if pending and was_reopened(application, ApplicationStatus.REJECTED):
                return Corrected(changed=False)
            raise NoRejectionToUndo(status=application.status)
        application.reopen()
        Participant.objects.filter(id=application.participant_id).touch_all()
        return Corrected()
