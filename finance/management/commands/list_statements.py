"""`manage.py list_statements [--lead-provider CODE] [--cohort C] [--state STATE]`."""

from typing import Any

from django.core.management import CommandParser

from finance.choices import StatementState
from finance.management.showing import named
from finance.queries.statements import statements_by_month
from npq.core import parsing
from npq.core.commands import OpsCommand
from npq.core.models import Cohort, LeadProvider
from npq.core.parsing import argument


class Command(OpsCommand):
    help = "Lists statements by provider, cohort and month. A total is shown once it has been authorised."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--lead-provider", type=argument(parsing.lead_provider), metavar="CODE")
        parser.add_argument("--cohort", type=argument(parsing.cohort))
        parser.add_argument("--state", choices=StatementState.values)

    def run(self, *, lead_provider: LeadProvider | None, cohort: Cohort | None, state: str | None, **_: Any) -> None:
        found = statements_by_month(lead_provider=lead_provider, cohort=cohort, state=state).defer("payment")
        for statement in found:
            self.report.row(
                id=statement.public_id,
                result=statement.state,
                **named(statement),
                deadline_date=statement.deadline_date,
                payment_date=statement.payment_date,
                output_fee=statement.output_fee,
                total=statement.total,
            )
