"""`manage.py expected_declarations STATEMENT_ID`."""

from typing import Any
from uuid import UUID

from django.core.management import CommandParser

from finance.management.finding import statement_by_id
from finance.management.showing import named
from finance.queries.expected import expectation_of
from npq.core.clock import today
from npq.core.commands import OpsCommand, as_table
from npq.core.money import in_pounds, shown
from npq.core.parsing import argument, public_id

EXPECTED, OUTSTANDING = "expected", "outstanding"


class Command(OpsCommand):
    help = (
        "Shows what a statement expects, has received and still misses by declaration type, with every enrolment "
        "that is missing and what its declaration would be paid. The rules are written down in "
        "finance/queries/expected.py."
    )

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=argument(public_id), metavar="STATEMENT_ID")

    def run(self, *, id: UUID, **_: Any) -> None:  # noqa: A002  the name of the argument
        self.expectation = expectation_of(statement_by_id(id), day=today())
        for each in self.expectation.types:
            self.report.row(
                id=id,
                result=EXPECTED,
                declaration_type=each.declaration_type,
                expected=each.expected,
                received=each.received,
                received_later=each.received_later,
                outstanding=each.outstanding,
                projected=shown(each.projected),
            )
        for missing in self.expectation.missing:
            self.report.row(
                id=missing.application_id,
                result=OUTSTANDING,
                participant_id=missing.participant_id,
                course_identifier=missing.course_identifier,
                schedule_identifier=missing.schedule_identifier,
                declaration_type=missing.declaration_type,
                due=missing.due,
                projected=None if missing.projected is None else shown(missing.projected),
            )

    def table(self) -> str:
        rows = self.report.rows
        statement = named(self.expectation.statement)
        parts = [
            ", ".join(statement.values()),
            as_table([row for row in rows if row.result == EXPECTED]),
            (
                f"Outstanding declarations would add {in_pounds(self.expectation.projected)} to the statement"
                f", and {in_pounds(self.expectation.projected_apart)} apart from it for special courses."
            ),
        ]
        missing = as_table([row for row in rows if row.result == OUTSTANDING])
        return "\n".join([*parts, "", missing] if missing else parts)
