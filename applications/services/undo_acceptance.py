"""Undoing an acceptance."""

import uuid
from collections.abc import Collection
from datetime import datetime

from applications.choices import ApplicationStatus
from applications.errors import NoAcceptanceToUndo, NotRejectedByAcceptance
from applications.models import Application
from applications.queries import rejected_by_acceptance
from applications.services.corrections import promote_in_family, standing_in_the_way
from npq.core.audit import Actor, correcting
from npq.core.choices import CohortFunding
from npq.core.effects import Corrected
from npq.core.errors import refuse_if_any
from participants.models import Participant
from participants.queries import lock_application, lock_current_enrolment


def undo_acceptance(
    *, application_id: int, by: Actor, now: datetime, restore_siblings: bool | Collection[uuid.UUID] = False
) -> Corrected:
    """Makes an accepted application pending again; the enrolment and its history are kept (domain.md §3.4).

    The funded place is cleared; in an unfunded cohort it stays false. The applications that this acceptance
    rejected, and that nobody has touched since, become pending again with `restore_siblings`: all of them, or
    those with the public ids it names. The others are named in the notes. One that was undone before is left as it
    is.

    Refuses with NoAcceptanceToUndo, with DeclarationsStand while a declaration is or may be paid, and with
    NotRejectedByAcceptance for an id that this acceptance did not reject.
    """
    with correcting(by, "undo_acceptance"):
        application, _people = lock_application(application_id, held_by=None)
        enrolment = lock_current_enrolment(application)
        if enrolment is None:
            if application.status == ApplicationStatus.PENDING and application.enrolments.exists():
                return Corrected(changed=False)
            raise NoAcceptanceToUndo(status=application.status)
        refuse_if_any(standing_in_the_way(application, "The acceptance cannot be undone"))
        restored, left = _parted(list(rejected_by_acceptance(enrolment)), restore_siblings)
        enrolment.undone_at = now
        enrolment.save(update_fields=["undone_at"])
        application.reopen()
        if application.funded_place is not None and application.cohort.funding != CohortFunding.UNFUNDED:
            application.funded_place = None
            application.save(update_fields=["funded_place"])
        for sibling in restored:
            sibling.reopen()
        notes = promote_in_family(application.participant_id, enrolment.course_family, now)
        Participant.objects.filter(id=application.participant_id).touch_all()
        return Corrected(notes=(*_left_rejected(left), *notes))


def _parted(
    siblings: list[Application], restore: bool | Collection[uuid.UUID]
) -> tuple[list[Application], list[Application]]:
    """The siblings to be restored, and those to be left rejected."""
    if isinstance(restore, bool):
        return (siblings, []) if restore else ([], siblings)
    wanted = set(restore)
    refuse_if_any(
        NotRejectedByAcceptance(sibling=each) for each in sorted(wanted - {each.public_id for each in siblings})
    )
    return (
        [each for each in siblings if each.public_id in wanted],
        [each for each in siblings if each.public_id not in wanted],
    )


def _left_rejected(siblings: list[Application]) -> list[str]:
    return [
        f"Application {sibling.public_id} with {sibling.lead_provider} was rejected by this acceptance "
        "and stays rejected."
        for sibling in siblings
    ]
