"""`manage.py recalculate_statements [--lead-provider CODE] [--cohort C]`: every statement, calculated anew."""

import time
from typing import Any

from django.core.management import CommandParser

from finance.choices import StatementState
from finance.management.showing import named
from finance.models import Statement
from finance.queries.calculation import figures_of
from finance.queries.drift import drift_of
from finance.queries.statements import statements_by_month
from npq.core import parsing
from npq.core.commands import Fault, OpsCommand
from npq.core.models import Cohort, LeadProvider
from npq.core.parsing import argument


class Command(OpsCommand):
    """Proves that paid statements are what was paid, and finds open ones that cannot be calculated in full."""

    help = (
        "Calculates every statement anew. Fails where a paid one differs from what was frozen, and where a course has "
        "declarations but no contract terms."
    )

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--lead-provider", type=argument(parsing.lead_provider), metavar="CODE")
        parser.add_argument("--cohort", type=argument(parsing.cohort))

    def run(self, *, lead_provider: LeadProvider | None, cohort: Cohort | None, **_: Any) -> None:
        found = statements_by_month(lead_provider=lead_provider, cohort=cohort)
        started = time.perf_counter()
        number = found.count()
        for statement in self.progress(found.iterator(), total=number, label="statements"):
            self._recalculate(statement)
        self.say(f"{number} statements in {time.perf_counter() - started:.1f} seconds")

    def _recalculate(self, statement: Statement) -> None:
        figures = figures_of(statement)
        faults = [
            Fault("terms", "lines_without_terms", f"{lines} declarations for {course}, and no contract terms")
            for course, lines in figures.without_terms.items()
        ]
        if statement.state == StatementState.PAID:
            difference = drift_of(statement, figures)
            faults += [Fault("payment", "payment_drifted", difference)] if difference else []
        self.report.row(
            id=statement.public_id,
            result="differs" if faults else "as paid" if statement.state == StatementState.PAID else "calculated",
            errors=faults,
            **named(statement),
            state=statement.state,
            total=figures.shown_total,
        )
