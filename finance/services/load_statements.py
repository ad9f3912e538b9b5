"""Loading statements from a file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from finance.choices import StatementState
from finance.models import ContractTerms, Statement
from finance.services.effects import Effect, effects
from finance.services.reading import FIRST_YEAR, LAST_YEAR, Reader, stop_if_wrong
from finance.services.set_statement import changes_of, counted_lines
from finance.services.store_terms import lock_contracts
from npq.core import parsing
from npq.core.audit import Actor, acting_as
from npq.core.csv_files import CsvRow
from npq.core.models import Cohort, LeadProvider

COLUMNS = ("lead_provider", "cohort", "year", "month", "deadline_date", "payment_date", "output_fee")
CHANGEABLE = ("deadline_date", "payment_date", "output_fee")


@dataclass
class Entry:
    """A statement as a line of the file wants it; `result` is created, updated or unchanged."""

    row: CsvRow
    statement: Statement
    result: str
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadedStatements:
    """What became of each line and provider, and what each new statement comes to."""

    entries: list[Entry]
    effects: list[Effect]


@dataclass(frozen=True)
class _Wish:
    """One statement that a line asks for."""

    row: CsvRow
    lead_provider: LeadProvider
    cohort: Cohort
    year: int
    month: int
    values: dict[str, Any]

    @property
    def key(self) -> tuple[int, int, int, int]:
        return self.lead_provider.id, self.cohort.id, self.year, self.month

    def __str__(self) -> str:
        return f"{self.lead_provider.code}, {self.cohort}, {self.year}-{self.month:02d}"


def load_statements(*, rows: Sequence[CsvRow], by: Actor) -> LoadedStatements:
    """Stores the statements of a file with the columns COLUMNS (decisions.md §6, §8, Loading).

    A blank provider means every provider with contract terms in the cohort. All or nothing: raises BadInput with
    every error of every line. Rows equal to what is stored change nothing; the dates and the output flag of open
    statements are updated; a row that would change a payable or paid one is an error.
    """
    with acting_as(by, "load_statements"):
        wishes = _read(rows)
        locked = lock_contracts({wish.lead_provider.id for wish in wishes}, {wish.cohort.id for wish in wishes})
        entries = _compare(wishes, locked)
        stop_if_wrong(rows)
        created = [entry.statement for entry in entries if entry.result == "created"]
        updated = [entry.statement for entry in entries if entry.result == "updated"]
        Statement.objects.bulk_create(created)
        Statement.objects.bulk_update(updated, CHANGEABLE, batch_size=500)
        return LoadedStatements(entries, effects(created, {}))


def _year(text: str) -> int:
    year = parsing.whole_number(text)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"must be from {FIRST_YEAR} to {LAST_YEAR}")
    return year


def _month(text: str) -> int:
    month = parsing.whole_number(text)
    if not 1 <= month <= 12:
        raise ValueError("must be from 1 to 12")
    return month


def _read(rows: Sequence[CsvRow]) -> list[_Wish]:
    reader = Reader()
    with_terms: dict[Cohort, list[LeadProvider]] = {}
    wishes: list[_Wish] = []
    first_lines: dict[tuple[int, int, int, int], int] = {}
    for row in rows:
        for wish in _read_row(row, reader, with_terms):
            first = first_lines.setdefault(wish.key, row.line)
            if first != row.line:
                row.wrong("", "repeated", f"gives the statement of {wish}, as line {first} does; keep one of the two")
            wishes.append(wish)
    return wishes


def _read_row(row: CsvRow, reader: Reader, with_terms: dict[Cohort, list[LeadProvider]]) -> list[_Wish]:
    lead_provider = row.read("lead_provider", reader.lead_provider, None)
    cohort = row.read("cohort", reader.cohort)
    year, month = row.read("year", _year), row.read("month", _month)
    values = {
        "deadline_date": row.read("deadline_date", parsing.iso_date),
        "payment_date": row.read("payment_date", parsing.iso_date),
        "output_fee": row.read("output_fee", parsing.boolean),
    }
    deadline, payment = values["deadline_date"], values["payment_date"]
    if deadline and payment and deadline > payment:
        row.wrong("deadline_date", "deadline_after_payment", f"{deadline} is after payment_date {payment}")
    if row.faults:
        return []
    lead_providers = [lead_provider] if lead_provider else with_terms.setdefault(cohort, _with_terms(cohort))
    if not lead_providers:
        row.wrong(
            "lead_provider",
            "no_provider_with_terms",
            f"is blank, which means every provider with contract terms in cohort {cohort}, and there is none; "
            "load the contracts first, or name the provider",
        )
    return [_Wish(row, each, cohort, year, month, values) for each in lead_providers]


def _with_terms(cohort: Cohort) -> list[LeadProvider]:
    terms = ContractTerms.objects.filter(cohort=cohort)
    return list(LeadProvider.objects.filter(id__in=terms.values("lead_provider")).order_by("code"))


def _compare(wishes: list[_Wish], locked: list[Statement]) -> list[Entry]:
    stored = {
        (statement.lead_provider_id, statement.cohort_id, statement.year, statement.month): statement
        for statement in locked
    }
    lines = counted_lines(locked)
    entries = []
    for wish in wishes:
        statement = stored.get(wish.key)
        if statement is None:
            made = Statement(
                lead_provider=wish.lead_provider, cohort=wish.cohort, year=wish.year, month=wish.month, **wish.values
            )
            entries.append(Entry(wish.row, made, "created"))
            continue
        changes = changes_of(statement, wish.values)
        if changes and statement.state != StatementState.OPEN:
            wish.row.wrong(
                "",
                "statement_closed",
                f"would change {', '.join(changes)} of the statement of {wish}, which is {statement.state}; "
                "only open statements change",
            )
        elif "output_fee" in changes and not wish.values["output_fee"] and lines.get(statement.id):
            wish.row.wrong(
                "output_fee",
                "statement_has_declarations",
                f"cannot become false: the statement of {wish} has {lines[statement.id]} declarations; "
                "move them to another statement first",
            )
        for name, value in wish.values.items():
            setattr(statement, name, value)
        entries.append(Entry(wish.row, statement, "updated" if changes else "unchanged", changes))
    return entries
