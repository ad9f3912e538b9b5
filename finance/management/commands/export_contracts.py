"""`manage.py export_contracts [--lead-provider CODE] [--cohort C] [--out FILE]`."""

from typing import Any

from django.core.management import CommandParser

from finance.choices import ExportKind
from finance.management.writing import check_target, write_out
from finance.queries.exports import CONTRACT_COLUMNS, contract_rows, contract_terms
from finance.services.record_export import record_export
from npq.core import parsing
from npq.core.commands import Mode, OpsCommand
from npq.core.models import Cohort, LeadProvider
from npq.core.parsing import argument
from npq.core.spreadsheets import csv_chunks


class Command(OpsCommand):
    help = "Writes contract terms as the CSV that load_contracts reads. Who takes it out is recorded."
    mode = Mode.ACTS
    says_when_empty = False

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--lead-provider", type=argument(parsing.lead_provider), metavar="CODE")
        parser.add_argument("--cohort", type=argument(parsing.cohort))
        parser.add_argument("--out", metavar="FILE", help="write here; an existing file is replaced")

    def run(self, *, lead_provider: LeadProvider | None, cohort: Cohort | None, out: str | None, **_: Any) -> None:
        check_target(out, as_json=self.as_json)
        terms = contract_terms(lead_provider=lead_provider, cohort=cohort)
        number = terms.count()
        record_export(kind=ExportKind.CONTRACTS, rows=number, by=self.actor, cohort=cohort)
        write_out(csv_chunks(CONTRACT_COLUMNS, contract_rows(terms)), out, self.stdout)
        if out is not None:
            self.report.row(result="exported", kind=ExportKind.CONTRACTS.value, rows=number, file=out)
