"""`manage.py change_trn PARTICIPANT TRN [--apply]`."""

from typing import Any
from uuid import UUID

from django.core.management import CommandParser

from declarations.models import Declaration
from npq.core.commands import Mode, OpsCommand
from npq.core.errors import Refused
from npq.core.parsing import argument, public_id
from participants.management.finding import participant_by_id
from participants.services import change_trn

STILL_INELIGIBLE = (
    "ineligible as a duplicate of {other}, whose person has another TRN now; stays so: void it and declare again"
)
PAID_TWICE = "one person is paid for twice now, by this one and {other}: void one of them"


class Command(OpsCommand):
    """Changes a TRN, and says which declarations it leaves to be looked at."""

    help = (
        "Gives a participant the TRN that was verified for them. No declaration changes its state; those that the "
        "change leaves doubtful are listed."
    )
    mode = Mode.APPLIES
    corrects_records = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("participant", type=argument(public_id), help="the participant's id")
        parser.add_argument("trn", help="7 digits; spaces are allowed, then in quotation marks")

    def run(self, *, participant: UUID, trn: str, **_: Any) -> None:
        person = participant_by_id(participant)
        try:
            change = change_trn(participant_id=person.id, teacher_reference_number=trn, by=self.actor)
        except Refused as refusal:
            self.refused(refusal, id=participant, name=person.full_name, before=person.teacher_reference_number)
            return
        self.report.row(
            id=participant,
            result="changed" if change.changed else "unchanged",
            name=person.full_name,
            before=change.before,
            after=change.after,
            same_person=", ".join(str(holder.public_id) for holder in change.holders) or None,
        )
        for declaration, other in change.paid_twice:
            self._declaration(declaration, "paid_twice", PAID_TWICE.format(other=other.public_id))
        for declaration in change.still_ineligible:
            self._declaration(declaration, "still_ineligible", STILL_INELIGIBLE.format(other=declaration.superseded_by))

    def _declaration(self, declaration: Declaration, result: str, note: str) -> None:
        self.report.row(
            id=declaration.public_id,
            result=result,
            course=declaration.course.identifier,
            declaration_type=declaration.declaration_type,
            note=note,
        )
