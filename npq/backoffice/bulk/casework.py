"""Bulk changes that caseworkers make."""

from typing import Any

from applications.choices import ReasonForRejection
from applications.errors import AlreadyRejected
from applications.models import Application
from applications.services import reject_application, undo_acceptance
from npq.backoffice.bulk.choices import BulkKind
from npq.backoffice.bulk.kinds import Column, Order, RowKind
from npq.backoffice.bulk.reading import named
from npq.backoffice.catalogue.participants import told
from npq.core import clock
from npq.core.audit import Actor
from npq.core.csv_files import CsvRow
from npq.core.parsing import boolean, one_of, text
from participants.models import Participant
from participants.services import change_trn

APPLICATION = "applications.application"
APPLICATION_ID = Column("id", "The application’s ID.", "5b1d6f0a-6f1e-4c55-9b6a-0d3f7a2c9e10")
# The third reason is the service's own: another application was accepted.
REASONS = (ReasonForRejection.REGISTRATION_EXPIRED, ReasonForRejection.REJECTED_BY_PROVIDER)


def _application(row: CsvRow) -> Application | None:
    found: Application | None = row.read("id", named(Application.objects.select_related("participant"), "application"))
    return found


def _about(application: Application) -> dict[str, Any]:
    person = application.participant
    return {"about": application.public_id, "name": person.full_name, "person": person.public_id}


def _undo_acceptance(row: CsvRow) -> Order | None:
    application = _application(row)
    restore = row.read("restore_siblings", boolean, False)
    if application is None:
        return None

    def carry_out(by: Actor) -> Any:
        return undo_acceptance(application_id=application.id, by=by, now=clock.now(), restore_siblings=bool(restore))

    return Order(**_about(application), carry_out=carry_out)


UNDO_ACCEPTANCE = RowKind(
    BulkKind.UNDO_ACCEPTANCE,
    "caseworker",
    "Makes accepted applications pending again. The enrolments and their history are kept.",
    (
        APPLICATION_ID,
        Column(
            "restore_siblings",
            "yes to make pending again the applications that this acceptance rejected. Leave it blank for no.",
            "no",
            required=False,
        ),
    ),
    (
        "An acceptance cannot be undone while declarations for it are or may be paid. Void those first.",
        "An application whose acceptance has been undone already is left as it is.",
    ),
    read=_undo_acceptance,
    keys=(("id",),),
    model=APPLICATION,
)


def _reject_application(row: CsvRow) -> Order | None:
    application = _application(row)
    reason = row.read("reason", one_of(REASONS), ReasonForRejection.REGISTRATION_EXPIRED)
    if application is None:
        return None

    def carry_out(by: Actor) -> Any:
        try:
            reject_application(
                application_id=application.id, held_by=None, by=by, now=clock.now(), reason=ReasonForRejection(reason)
            )
        except AlreadyRejected:
            return None  # it is as the row wants it
        return None

    return Order(**_about(application), carry_out=carry_out)


REJECT_APPLICATION = RowKind(
    BulkKind.REJECT_APPLICATION,
    "caseworker",
    "Rejects pending applications. Each participant is told by email.",
    (
        APPLICATION_ID,
        Column(
            "reason",
            f"Why, as providers will read it: one of {', '.join(REASONS)}. Leave it blank for {REASONS[0]}.",
            REASONS[0],
            required=False,
        ),
    ),
    (
        "An accepted application cannot be rejected. Undo the acceptance first, then reject it.",
        "An application that has been rejected already is left as it is, and nobody is told again.",
    ),
    read=_reject_application,
    keys=(("id",),),
    model=APPLICATION,
)


def _change_trn(row: CsvRow) -> Order | None:
    person: Participant | None = row.read("participant_id", named(Participant.objects.all(), "participant"))
    trn = row.read("teacher_reference_number", text)
    if person is None:
        return None

    def carry_out(by: Actor) -> Any:
        return told(change_trn(participant_id=person.id, teacher_reference_number=trn, by=by))

    return Order(person.public_id, person.full_name, carry_out, person.public_id)


CHANGE_TRN = RowKind(
    BulkKind.CHANGE_TRN,
    "caseworker",
    "Gives participants the TRNs that have been verified, and marks them as verified.",
    (
        Column("participant_id", "The participant’s ID.", "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90"),
        Column("teacher_reference_number", "The TRN: seven digits, noughts at the front included.", "9000042"),
    ),
    (
        "Spreadsheets drop noughts at the front of numbers. Set the column to text before you type in it.",
        "A TRN that somebody else on the same course has is refused. Merge the two participants instead.",
        "If several rows have the same TRN, only the first is accepted.",
    ),
    read=_change_trn,
    # A TRN that is copied down a column by mistake would make one person of many.
    keys=(("participant_id",), ("teacher_reference_number",)),
    model="participants.participant",
)

KINDS = (UNDO_ACCEPTANCE, REJECT_APPLICATION, CHANGE_TRN)
