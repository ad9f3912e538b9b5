"""`manage.py check_contracts [--cohort C]`."""

from typing import Any

from django.core.management import CommandParser

from finance.queries.gaps import gaps
from npq.core import parsing
from npq.core.clock import today
from npq.core.commands import Fault, OpsCommand
from npq.core.models import Cohort
from npq.core.parsing import argument


class Command(OpsCommand):
    help = (
        "Names every gap between contract terms, statements and what is going on: courses with applications and no "
        "terms, months without a statement, used-up instalments, cohorts without a future statement. "
        "Exit code 1 when there is one."
    )

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--cohort", type=argument(parsing.cohort), help="this cohort only")

    def run(self, *, cohort: Cohort | None, **_: Any) -> None:
        cohorts = [cohort] if cohort else Cohort.objects.order_by("start_year", "suffix")
        for gap in gaps(cohorts, day=today()):
            self.report.row(
                result="gap",
                errors=[Fault("course_identifier" if gap.course else "cohort", gap.code, gap.detail)],
                lead_provider=gap.lead_provider.code,
                cohort=gap.cohort.identifier,
                course_identifier=gap.course.identifier if gap.course else None,
                gap=gap.code,
            )
        if not self.report.rows:
            self.say("No gaps.")
