"""`manage.py load_delivery_partners FILE.csv [--apply]`."""

from typing import Any

from django.core.management import CommandParser

from declarations.services import pair_delivery_partner
from npq.core.commands import Mode, OpsCommand
from npq.core.csv_files import CsvRow, read_csv
from npq.core.errors import Refused
from npq.core.parsing import cohort, lead_provider, public_id, text


class Command(OpsCommand):
    help = (
        "Puts delivery partners on providers' lists, one row per pairing of partner, provider and cohort. Good rows "
        "are kept when others fail. Columns: name, lead_provider, cohort, and id (may be blank: a new partner then "
        "gets an id of its own)."
    )
    mode = Mode.APPLIES
    exclusive = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the CSV file; its header is line 1")

    def run(self, *, file: str, **_: Any) -> None:
        rows = read_csv(file, required=("name", "lead_provider", "cohort"), optional=("id",))
        for row in self.progress(rows):
            self._pair(row)

    def _pair(self, row: CsvRow) -> None:
        name = row.read("name", text)
        provider = row.read("lead_provider", lead_provider)
        its_cohort = row.read("cohort", cohort)
        identifier = row.read("id", public_id, None)
        if row.faults:
            self.report.row(line=row.line, result="failed", errors=row.faults, name=row.cells.get("name", ""))
            return
        told = {"name": name, "lead_provider": provider.code, "cohort": its_cohort.identifier}
        try:
            written = pair_delivery_partner(
                name=" ".join(name.split()),
                public_id=identifier,
                lead_provider_id=provider.id,
                cohort_id=its_cohort.id,
                by=self.actor,
            )
        except Refused as refusal:
            self.refused(refusal, line=row.line, **told)
        else:
            self.report.row(line=row.line, result="paired" if written else "unchanged", **told)
