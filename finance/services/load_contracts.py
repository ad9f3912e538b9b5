"""Loading contract terms from a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from finance.queries.exports import CONTRACT_COLUMNS
from finance.services.effects import Effect, effects, totals
from finance.services.reading import Reader, month_of, stop_if_wrong
from finance.services.store_terms import Proposal, fee_can_be_derived, lock_contracts, plan
from npq.core import parsing
from npq.core.audit import Actor, acting_as
from npq.core.csv_files import CsvRow

COLUMNS = CONTRACT_COLUMNS
LARGEST_AMOUNT = Decimal("9999999999.99")
LARGEST_TARGET = 2_147_483_647
MOST_INSTALLMENTS = 32_767


@dataclass(frozen=True)
class LoadedContracts:
    """What became of each line, and what it does to each open statement that rests on it."""

    proposals: list[Proposal]
    effects: list[Effect]


def load_contracts(*, rows: Sequence[CsvRow], by: Actor) -> LoadedContracts:
    """Stores the contract terms of a file with the columns COLUMNS (decisions.md §6, §8, Loading).

    All or nothing: raises BadInput with every error of every line. Rows equal to what is stored change nothing;
    terms that no payable or paid statement rests on are updated; new ones are added. Amounts are in pounds, to
    the penny. Percentages and payment periods follow the course group (finance.md §1.2).
    """
    with acting_as(by, "load_contracts"):
        proposals = _read(rows)
        providers = {proposal.lead_provider.id for proposal in proposals}
        statements = lock_contracts(providers, {proposal.cohort.id for proposal in proposals})
        planned = plan(proposals, statements)
        _refuse_closed(rows, proposals)
        stop_if_wrong(rows)
        before = totals(planned.affected)
        planned.store()
        return LoadedContracts(proposals, effects(planned.affected, before))


def price(text: str) -> Decimal:
    """A price per participant: pounds and pence, more than 0."""
    value = fee(text)
    if value == 0:
        raise ValueError("must be more than 0")
    return value


def fee(text: str) -> Decimal:
    """A monthly service fee: pounds and pence, 0 or more."""
    value = parsing.amount(text)
    if value < 0:
        raise ValueError("must not be negative")
    if value > LARGEST_AMOUNT:
        raise ValueError(f"must be at most {LARGEST_AMOUNT}")
    return value


def target(text: str) -> int:
    """A recruitment target: a whole number from 1."""
    value = parsing.whole_number(text)
    if not 1 <= value <= LARGEST_TARGET:
        raise ValueError(f"must be from 1 to {LARGEST_TARGET}")
    return value


def installments(text: str) -> int:
    """How many times the service fee is charged: a whole number."""
    value = parsing.whole_number(text)
    if value > MOST_INSTALLMENTS:
        raise ValueError(f"must be at most {MOST_INSTALLMENTS}")
    return value


def _read(rows: Sequence[CsvRow]) -> list[Proposal]:
    reader = Reader()
    proposals: list[Proposal] = []
    first_lines: dict[tuple[int, int, int, date | None], int] = {}
    for row in rows:
        proposal = _read_row(row, reader)
        if proposal is None:
            continue
        first = first_lines.setdefault(proposal.key, row.line)
        if first != row.line:
            row.wrong(
                "",
                "repeated",
                f"gives terms for {proposal.lead_provider.code}, {proposal.cohort}, {proposal.course} from "
                f"{month_of(proposal.effective_month)}, as line {first} does; keep one of the two",
            )
        proposals.append(proposal)
    return proposals


def _read_row(row: CsvRow, reader: Reader) -> Proposal | None:
    lead_provider = row.read("lead_provider", reader.lead_provider)
    cohort = row.read("cohort", reader.cohort)
    course = row.read("course_identifier", reader.course)
    effective_month = row.read("effective_month", reader.month, None)
    values: dict[str, Any] = {
        "recruitment_target": row.read("recruitment_target", target),
        "per_participant": row.read("per_participant", price),
        "service_fee_installments": row.read("service_fee_installments", installments),
        "special_course": row.read("special_course", parsing.boolean, False),
        "monthly_service_fee": row.read("monthly_service_fee", fee, None),
    }
    if row.faults:
        return None
    proposal = Proposal(lead_provider, cohort, course, effective_month, values, line=row.line)
    if not fee_can_be_derived(proposal):
        row.wrong(
            "service_fee_installments",
            "fee_not_derivable",
            "is 0 while monthly_service_fee is blank, so no fee can be derived; give the number of instalments, "
            "or a monthly fee (0 for none)",
        )
    return proposal


def _refuse_closed(rows: Sequence[CsvRow], proposals: list[Proposal]) -> None:
    by_line = {row.line: row for row in rows}
    for proposal in proposals:
        if proposal.closed and proposal.line is not None:
            by_line[proposal.line].wrong("", "statement_closed", proposal.closed_sentence)
