"""`manage.py load_contracts FILE.csv [--apply]`."""

from typing import Any

from django.core.management import CommandParser

from finance.management.showing import add_effects, changes_in_words, with_effects
from finance.services.load_contracts import COLUMNS, load_contracts
from finance.services.reading import month_of
from npq.core.commands import Mode, OpsCommand
from npq.core.csv_files import read_csv


class Command(OpsCommand):
    help = (
        "Loads contract terms from a CSV file, all or nothing. Shows every change and what it does to each open "
        f"statement, in pounds. Columns: {', '.join(COLUMNS)}."
    )
    mode = Mode.APPLIES

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the CSV file; its header is line 1")

    def run(self, *, file: str, **_: Any) -> None:
        loaded = load_contracts(rows=read_csv(file, required=COLUMNS), by=self.actor)
        for proposal in loaded.proposals:
            self.report.row(
                line=proposal.line,
                result=proposal.result,
                lead_provider=proposal.lead_provider.code,
                cohort=proposal.cohort.identifier,
                course_identifier=proposal.course.identifier,
                effective_from=month_of(proposal.effective_month),
                changes=changes_in_words(proposal.changes, new=proposal.result == "created"),
            )
        add_effects(self.report, loaded.effects)

    def table(self) -> str:
        return with_effects(self.report.rows)
