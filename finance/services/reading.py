"""Reading the cells of contract and statement files, each name once for the whole file; changes in words."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, TypeVar

from npq.core import parsing
from npq.core.commands import BadInput, in_words
from npq.core.csv_files import CsvRow
from npq.core.models import Cohort, Course, LeadProvider

Value = TypeVar("Value")

FIRST_YEAR, LAST_YEAR = 2020, 2050


class Reader:
    """Parsers for `CsvRow.read` that remember what they have found."""

    def __init__(self) -> None:
        self.lead_provider: Callable[[str], LeadProvider] = _remembering(parsing.lead_provider)
        self.cohort: Callable[[str], Cohort] = _remembering(parsing.cohort)
        self.course: Callable[[str], Course] = _remembering(parsing.course)
        self.month: Callable[[str], date] = _remembering(month)


def month(text: str) -> date:
    """A statement month, `2024-09`, as its first day."""
    year, number = parsing.year_month(text)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"{text!r} is not from {FIRST_YEAR} to {LAST_YEAR}")
    return date(year, number, 1)


def month_of(first_day: date | None) -> str:
    """An effective month in words: `2024-09`, or `the first statement`."""
    return f"{first_day:%Y-%m}" if first_day else "the first statement"


def changes_in_words(changes: Mapping[str, tuple[Any, Any]], *, new: bool = False) -> str:
    """Old and new value of each field that changed, `price 1000.00 → 1000.75`; of something `new` its values alone."""
    return ", ".join(
        f"{name} {_value(after)}" if new else f"{name} {_value(before)} → {_value(after)}"
        for name, (before, after) in changes.items()
    )


def _value(value: Any) -> str:
    # Of what can change, only a service fee may be without a value: it is derived then.
    return "derived" if value is None else in_words(value)


def stop_if_wrong(rows: Iterable[CsvRow]) -> None:
    """Raises BadInput with every fault of every row, in the order of the file; returns when there is none."""
    faults = [fault for row in rows for fault in row.faults]
    if faults:
        raise BadInput(*faults)


def _remembering(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    known: dict[str, Value | ValueError] = {}

    def read(text: str) -> Value:
        if text not in known:
            try:
                known[text] = parse(text)
            except ValueError as problem:
                known[text] = problem
        found = known[text]
        if isinstance(found, ValueError):
            raise found
        return found

    return read
