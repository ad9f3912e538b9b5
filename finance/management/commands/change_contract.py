"""`manage.py change_contract --lead-provider CODE --cohort C --course ID --from YYYY-MM … [--apply]`."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.core.management import CommandParser

from finance.management.showing import add_effects, changes_in_words, with_effects
from finance.services.change_contract import change_contract
from finance.services.load_contracts import fee, installments, price, target
from finance.services.reading import month, month_of
from npq.core import parsing
from npq.core.commands import BadInput, Mode, OpsCommand
from npq.core.errors import Refused
from npq.core.models import Cohort, Course, LeadProvider
from npq.core.parsing import argument

DERIVED = "derived"


def _fee_or_derived(text: str) -> Decimal | str:
    return DERIVED if text.lower() == DERIVED else fee(text)


class Command(OpsCommand):
    help = (
        "Gives a contract other terms from a month on, and shows what that does to each open statement, in pounds. "
        "Earlier months keep their terms; refused when a payable or paid statement would rest on the new ones."
    )
    mode = Mode.APPLIES

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--lead-provider", type=argument(parsing.lead_provider), required=True, metavar="CODE")
        parser.add_argument("--cohort", type=argument(parsing.cohort), required=True)
        parser.add_argument("--course", type=argument(parsing.course), required=True, metavar="ID")
        parser.add_argument("--from", type=argument(month), required=True, dest="from_month", metavar="YYYY-MM")
        parser.add_argument("--per-participant", type=argument(price), metavar="AMOUNT")
        parser.add_argument("--recruitment-target", type=argument(target), metavar="N")
        parser.add_argument("--service-fee-installments", type=argument(installments), metavar="N")
        parser.add_argument(
            "--monthly-service-fee",
            type=argument(_fee_or_derived),
            metavar="AMOUNT",
            help=f"exactly this much a month, 0 for none, {DERIVED} to derive it from price, target and instalments",
        )

    def run(
        self, *, lead_provider: LeadProvider, cohort: Cohort, course: Course, from_month: date, **options: Any
    ) -> None:
        names = ("per_participant", "recruitment_target", "service_fee_installments", "monthly_service_fee")
        values = {name: options[name] for name in names if options[name] is not None}
        if not values:
            raise BadInput(f"nothing to change; give one of {', '.join('--' + n.replace('_', '-') for n in names)}")
        if values.get("monthly_service_fee") == DERIVED:
            values["monthly_service_fee"] = None
        columns: dict[str, Any] = {
            "lead_provider": lead_provider.code,
            "cohort": cohort.identifier,
            "course_identifier": str(course),
        }
        try:
            changed = change_contract(
                lead_provider=lead_provider,
                cohort=cohort,
                course=course,
                from_month=from_month,
                values=values,
                by=self.actor,
            )
        except Refused as refusal:
            self.refused(refusal, **columns)
            return
        self.report.row(
            result=changed.proposal.result,
            **columns,
            effective_from=month_of(changed.proposal.effective_month),
            until=month_of(changed.until) if changed.until else None,
            changes=changes_in_words(changed.proposal.changes),
        )
        add_effects(self.report, changed.effects)

    def table(self) -> str:
        return with_effects(self.report.rows)
