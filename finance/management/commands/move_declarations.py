"""`manage.py move_declarations --cohort C --from YYYY-MM --to YYYY-MM [--lead-provider CODE] … [--apply]`."""

from datetime import date
from typing import Any

from django.core.management.base import CommandParser

from declarations.choices import DeclarationType
from finance.errors import NothingToMove
from finance.management.showing import add_effects, with_effects
from finance.models import Statement
from finance.services.move_declarations import Move, move_declarations
from finance.services.reading import month
from npq.core import clock, parsing
from npq.core.commands import BadInput, Mode, OpsCommand
from npq.core.errors import Refused
from npq.core.models import Cohort, Course, LeadProvider
from npq.core.parsing import argument


class Command(OpsCommand):
    help = "Moves declarations from one month's statement to another's, for one provider or for all of a cohort."
    mode = Mode.APPLIES

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--cohort", type=argument(parsing.cohort), required=True)
        for side in ("from", "to"):
            parser.add_argument(
                f"--{side}", dest=f"{side}_month", type=argument(month), required=True, metavar="YYYY-MM"
            )
        parser.add_argument("--lead-provider", type=argument(parsing.lead_provider), metavar="CODE")
        parser.add_argument("--course", type=argument(parsing.course), metavar="ID")
        parser.add_argument("--declaration-type", choices=DeclarationType.values)

    def run(
        self,
        *,
        cohort: Cohort,
        from_month: date,
        to_month: date,
        lead_provider: LeadProvider | None,
        course: Course | None,
        declaration_type: str | None,
        **_: Any,
    ) -> None:
        if from_month == to_month:
            raise BadInput("--from and --to are the same month")
        providers = [lead_provider] if lead_provider else _providers(cohort, from_month)
        if not providers:
            raise BadInput(f"no provider has a statement for {from_month:%Y-%m} in cohort {cohort}")
        for provider in providers:
            self._move(Move(provider, cohort, from_month, to_month, course, declaration_type))

    def _move(self, move: Move) -> None:
        provider = move.lead_provider
        try:
            moved = move_declarations(move=move, by=self.actor, day=clock.today())
        except NothingToMove:
            self.report.row(id=provider.code, result="nothing to move")
            return
        except Refused as refusal:
            self.refused(refusal, id=provider.code)
            return
        self.report.row(id=provider.code, result="moved", declarations=moved.declarations)
        add_effects(self.report, moved.effects)

    def table(self) -> str:
        return with_effects(self.report.rows)


def _providers(cohort: Cohort, first_day: date) -> list[LeadProvider]:
    statements = Statement.objects.filter(cohort=cohort, year=first_day.year, month=first_day.month)
    return list(LeadProvider.objects.filter(id__in=statements.values("lead_provider")).order_by("code"))
