"""Contract terms and statements of the demo data, and the months as they close.

Prices are invented. Statements follow the published calendar (domain.md §4.7): monthly, deadline on the 25th of the
month before, payment on the 25th, output payments in five months of a year.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from finance.choices import StatementState
from finance.models import ContractTerms, Statement
from finance.queries.calculation import figures_of
from finance.services.authorise import authorise_statement
from finance.services.load_contracts import COLUMNS as CONTRACT_COLUMNS
from finance.services.load_contracts import load_contracts
from finance.services.load_statements import COLUMNS as STATEMENT_COLUMNS
from finance.services.load_statements import load_statements
from finance.services.mark_payable import mark_statement_payable
from npq.core import clock
from npq.core.clock import uk_date
from npq.core.csv_files import CsvRow
from npq.sandbox.deeds import DEMO
from npq.sandbox.plan import Act, Deed, Progress, days_after

# These have a past: statements in every state. The others are there to be declared for.
COHORTS_WITH_A_PAST = ("2023a", "2024a", "2025a")
COHORTS = ("2021a", "2022a", *COHORTS_WITH_A_PAST, "2026a", "2026b")
PRICES = {
    "npq-leading-teaching": "980",
    "npq-leading-behaviour-culture": "965",
    "npq-leading-teaching-development": "990",
    "npq-leading-literacy": "1004.50",
    "npq-leading-primary-mathematics": "1010",
    "npq-senior-leadership": "1237",
    "npq-headship": "1850.75",
    "npq-executive-leadership": "4099",
    "npq-early-years-leadership": "1149.99",
    "npq-senco": "1320",
    "npq-early-headship-coaching-offer": "810",
}
# Nobody has agreed on this one yet; somebody applies all the same (see `npq.sandbox.practice`).
GAP = ("ucl", "2026b", "npq-early-headship-coaching-offer")
MONTHS_OF_PAST = 36
# However late the sandbox is made, every cohort has statements to declare on for this long.
MONTHS_AHEAD = 24
FIRST_OUTPUT_YEAR = (2, 3, 6, 8, 12)
LATER_OUTPUT_YEARS = (1, 3, 7, 10, 12)
# Statements whose deadline lies before the first are payable, those whose payment lies before the second are paid.
PAYABLE_BEFORE = date(2025, 12, 1)
PAID_BEFORE = date(2025, 9, 1)


def prepare(providers: list[str], progress: Progress) -> None:
    """Gives the providers contract terms and statements for COHORTS, unless they have some."""
    for cohort in progress(COHORTS, total=len(COHORTS), label="contracts and statements"):
        of_cohort = {
            "lead_provider__code__in": providers,
            "cohort__start_year": int(cohort[:4]),
            "cohort__suffix": cohort[4:],
        }
        if not ContractTerms.objects.filter(**of_cohort).exists():
            load_contracts(rows=_rows(CONTRACT_COLUMNS, _contracts(providers, cohort)), by=DEMO)
        if not Statement.objects.filter(**of_cohort).exists():
            load_statements(rows=_rows(STATEMENT_COLUMNS, _statements(providers, cohort)), by=DEMO)


def closings(providers: list[str]) -> Iterator[Deed]:
    """What becomes of each statement: payable on the day after its deadline, paid on its payment date."""
    found = Statement.objects.filter(
        lead_provider__code__in=providers, cohort__start_year__in=[int(cohort[:4]) for cohort in COHORTS_WITH_A_PAST]
    )
    for statement in found.select_related("lead_provider").order_by("deadline_date", "id"):
        name = f"{statement.lead_provider.code} {statement.year}-{statement.month:02d}"
        if statement.deadline_date < PAYABLE_BEFORE:
            yield Deed(days_after(statement.deadline_date, 1), f"close {name}", _close(statement.id))
        if statement.payment_date < PAID_BEFORE:
            yield Deed(statement.payment_date, f"pay {name}", _pay(statement.id))


def _close(statement_id: int) -> Act:
    return Act(
        lambda traces: traces.statements[statement_id] != StatementState.OPEN,
        lambda now: mark_statement_payable(statement_id=statement_id, as_of=uk_date(now), by=DEMO, now=now),
    )


def _pay(statement_id: int) -> Act:
    def do(now: datetime) -> None:
        statement = Statement.objects.get(id=statement_id)
        if statement.state == StatementState.PAYABLE:
            total = figures_of(statement).shown_total
            authorise_statement(statement_id=statement_id, expect_total=total, by=DEMO, now=now)

    return Act(lambda traces: traces.statements[statement_id] == StatementState.PAID, do)


def _rows(columns: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> list[CsvRow]:
    return [
        CsvRow(line, dict(zip(columns, cells, strict=True)))
        for line, cells in enumerate(rows, 2)  # the header is line 1
    ]


def _contracts(providers: list[str], cohort: str) -> Iterator[tuple[str, ...]]:
    installments = str(len(_months(cohort)))
    for place, provider in enumerate(providers):
        for course, price in _prices(cohort).items():
            if (provider, cohort, course) == GAP:
                continue
            special = "true" if (course, cohort) == ("npq-leading-primary-mathematics", "2023a") else "false"
            yield provider, cohort, course, str(60 + 15 * place), price, installments, special, "", ""


def _prices(cohort: str) -> dict[str, str]:
    """The additional support offer was for the first cohort only (domain.md §5)."""
    return {**PRICES, "npq-additional-support-offer": "760"} if cohort == "2021a" else PRICES


def _statements(providers: list[str], cohort: str) -> Iterator[tuple[str, ...]]:
    for provider in providers:
        for month in _months(cohort):
            first_year = month.year == int(cohort[:4]) + 1
            output = month.month in (FIRST_OUTPUT_YEAR if first_year else LATER_OUTPUT_YEARS)
            before = (month - timedelta(days=1)).replace(day=25)
            yield (
                *(provider, cohort, str(month.year), str(month.month)),
                *(before.isoformat(), month.replace(day=25).isoformat(), "true" if output else "false"),
            )


def _months(cohort: str) -> list[date]:
    """The first days of the months a cohort has statements for."""
    today = clock.today()
    first = date(int(cohort[:4]) + 1, 1, 1)
    ahead = max(first, _later(today.replace(day=1), 1))
    months = {_later(ahead, number) for number in range(MONTHS_AHEAD)}
    if cohort in COHORTS_WITH_A_PAST:
        months |= {_later(first, number) for number in range(MONTHS_OF_PAST)}
    return sorted(months)


def _later(month: date, number: int) -> date:
    years, place = divmod(month.month - 1 + number, 12)
    return date(month.year + years, place + 1, 1)
