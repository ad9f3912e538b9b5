"""Undoing an acceptance."""

from datetime import datetime

from applications.choices import ApplicationStatus
from applications.errors import NoAcceptanceToUndo
from applications.models import Application
from applications.queries import rejected_by_acceptance
from applications.services.corrections import promote_in_family, standing_in_the_way
from npq.core.audit import Actor, correcting
from npq.core.choices import CohortFunding
from npq.core.effects import Corrected
from npq.core.errors import refuse_if_any
from participants.models import Enrolment, Participant
from participants.queries import lock_application, lock_current_enrolment


def undo_acceptance(*, application_id: int, by: Actor, now: datetime, restore_siblings: bool = False) -> Corrected:
    """Makes an accepted application pending again; the enrolment and its history are kept (domain.md §3.4).

    The funded place is cleared; in an unfunded cohort it stays false. The applications that this acceptance
    rejected, and that nobody has touched since, become pending again with `restore_siblings` and are named in the
    notes without it. One that was undone before is left as it is.

    Refuses with NoAcceptanceToUndo, and with DeclarationsStand while a declaration is or may be paid.
    """
    with correcting(by, "undo_acceptance"):
        application, _people = lock_application(application_id, held_by=None)
        enrolment = lock_current_enrolment(application)
        if enrolment is None:
            if application.status == ApplicationStatus.PENDING and application.enrolments.exists():
                return Corrected(changed=False)
            raise NoAcceptanceToUndo(status=application.status)
        refuse_if_any(standing_in_the_way(application, "The acceptance cannot be undone"))
        siblings = _rejected_with(enrolment)
        enrolment.undone_at = now
        enrolment.save(update_fields=["undone_at"])
        application.reopen()
        if application.funded_place is not None and application.cohort.funding != CohortFunding.UNFUNDED:
            application.funded_place = None
            application.save(update_fields=["funded_place"])
        for sibling in siblings if restore_siblings else ():
            sibling.reopen()
        notes = promote_in_family(application.participant_id, enrolment.course_family, now)
        Participant.objects.filter(id=application.participant_id).touch_all()
        return Corrected(notes=notes if restore_siblings else (*_left_rejected(siblings), *notes))


def _rejected_with(enrolment: Enrolment) -> list[Application]:
    return list(rejected_by_acceptance(enrolment))


def _left_rejected(siblings: list[Application]) -> list[str]:
    return [
        f"Application {sibling.public_id} with {sibling.lead_provider} was rejected by this acceptance "
        "and stays rejected."
        for sibling in siblings
    ]
