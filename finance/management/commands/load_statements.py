"""`manage.py load_statements FILE.csv [--apply]`."""

from typing import Any

from django.core.management import CommandParser

from finance.management.showing import add_effects, changes_in_words, named, with_effects
from finance.services.load_statements import COLUMNS, load_statements
from npq.core.commands import Mode, OpsCommand
from npq.core.csv_files import read_csv


class Command(OpsCommand):
    help = (
        "Loads statements from a CSV file, all or nothing. A blank lead_provider means every provider with contract "
        f"terms in the cohort. Columns: {', '.join(COLUMNS)}."
    )
    mode = Mode.APPLIES

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the CSV file; its header is line 1")

    def run(self, *, file: str, **_: Any) -> None:
        loaded = load_statements(rows=read_csv(file, required=COLUMNS), by=self.actor)
        for entry in loaded.entries:
            statement = entry.statement
            self.report.row(
                line=entry.row.line,
                result=entry.result,
                **named(statement),
                deadline_date=statement.deadline_date,
                payment_date=statement.payment_date,
                output_fee=statement.output_fee,
                changes=changes_in_words(entry.changes),
                statement_id=statement.public_id if self.applying or entry.result != "created" else None,
            )
        add_effects(self.report, loaded.effects)

    def table(self) -> str:
        return with_effects(self.report.rows)
