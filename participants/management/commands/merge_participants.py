"""`manage.py merge_participants --from UUID --to UUID [--apply]`."""

from typing import Any
from uuid import UUID

from django.core.management import CommandParser

from npq.core.commands import Mode, OpsCommand
from npq.core.errors import Refused
from npq.core.parsing import argument, public_id
from participants.management.finding import participant_by_id
from participants.queries.identity import Belongings, belongings_of
from participants.services import merge_participants


class Command(OpsCommand):
    """Shows both people and all that hangs on them, then merges, or says what stands in the way."""

    help = (
        "Makes one person of two participant ids. Everything of --from moves to --to, and the API answers the "
        "retired id with the new one. Both are shown side by side; conflicts are named and nothing is moved."
    )
    mode = Mode.APPLIES
    corrects_records = True

    def add_options(self, parser: CommandParser) -> None:
        ids = argument(public_id)
        parser.add_argument("--from", dest="retired", required=True, type=ids, metavar="UUID", help="the id to retire")
        parser.add_argument("--to", dest="survivor", required=True, type=ids, metavar="UUID", help="the id to keep")

    def run(self, *, retired: UUID, survivor: UUID, **_: Any) -> None:
        going, staying = participant_by_id(retired), participant_by_id(survivor)
        sides = [("moves", belongings_of(going)), ("stays", belongings_of(staying))]
        try:
            moved = merge_participants(retired_id=going.id, survivor_id=staying.id, by=self.actor)
        except Refused as refusal:
            self._show_sides([("would move", sides[0][1]), sides[1]])
            self.refused(refusal, id=retired)
            return
        if moved is None:
            self.report.row(id=retired, result="unchanged", kind="participant", name=going.full_name)
            return
        self._show_sides(sides)
        self.report.count("declarations moved", moved.declarations)
        self.report.count("retired ids moved", moved.retired_ids)

    def _show_sides(self, sides: list[tuple[str, Belongings]]) -> None:
        for result, side in sides:
            person = side.participant
            verified = "verified" if person.teacher_reference_number_verified else "not verified"
            self.report.row(
                id=person.public_id,
                result="kept" if result == "stays" else "retired",
                kind="participant",
                name=person.full_name,
                trn=person.teacher_reference_number,
                trn_state=verified if person.teacher_reference_number else None,
                date_of_birth=person.date_of_birth,
                retired_ids=side.retired_ids,
            )
            for application in side.applications:
                enrolment = application.enrolment
                self.report.row(
                    id=application.public_id,
                    result=result,
                    kind="application",
                    name=person.full_name,
                    course=application.course.identifier,
                    cohort=application.cohort.identifier,
                    lead_provider=application.lead_provider.code,
                    status=application.status,
                    training_status=enrolment.training_status if enrolment else None,
                    declarations=side.declarations.get(application.id, 0),
                )
