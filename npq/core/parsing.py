"""Text from a command line or a CSV cell, turned into values.

Every function takes text and raises ValueError with a sentence that says what was expected. They serve as
`type=argument(iso_date)` in argparse and as the parser in `CsvRow.read` (`npq.core.csv_files`) alike.
"""

import argparse
import uuid
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import TypeVar

from npq.core.models import Cohort, Course, LeadProvider, cohort_from_text

Value = TypeVar("Value")

TRUE = frozenset({"true", "yes", "1"})
FALSE = frozenset({"false", "no", "0"})
MOST_DIGITS = 18


def argument(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """The same parser for argparse, which shows the sentence of an ArgumentTypeError and hides a ValueError's."""

    def convert(text: str) -> Value:
        try:
            return parse(text.strip())
        except ValueError as problem:
            raise argparse.ArgumentTypeError(str(problem)) from problem

    return convert


def text(value: str) -> str:
    """The text itself."""
    return value


def boolean(value: str) -> bool:
    """true or false, yes or no, 1 or 0, in any case."""
    word = value.lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ValueError(f"{value!r} is not true or false (also yes or no, 1 or 0)")


def iso_date(value: str) -> date:
    """A date as YYYY-MM-DD."""
    try:
        if len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError(f"{value!r} is not a date; write it as YYYY-MM-DD, like 2024-09-01")


def year_month(value: str) -> tuple[int, int]:
    """A month as YYYY-MM: (year, month)."""
    first = value + "-01"
    try:
        if len(value) == 7:
            day = date.fromisoformat(first)
            return day.year, day.month
    except ValueError:
        pass
    raise ValueError(f"{value!r} is not a month; write it as YYYY-MM, like 2024-09")


def whole_number(value: str) -> int:
    """A whole number, zero or more, in plain digits."""
    if not (value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS):
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


def amount(value: str) -> Decimal:
    """An amount in pounds, exact, with at most two decimals: `1200`, `-120.50`."""
    number = exact_decimal(value)
    if number != number.quantize(Decimal("0.01")):
        raise ValueError(f"{value!r} has more than two decimals; amounts are in pounds and pence")
    return number


def exact_decimal(value: str) -> Decimal:
    """A decimal number in plain digits, exactly as written; no thousands separators, no exponent, no pound sign."""
    digits = value.removeprefix("-")
    whole, _, fraction = digits.partition(".")
    plain = (
        whole.isascii()
        and whole.isdigit()
        and (fraction == "" or (fraction.isascii() and fraction.isdigit()))
        and not digits.endswith(".")
        and len(digits) <= MOST_DIGITS
    )
    if not plain:
        raise ValueError(f"{value!r} is not a number; write digits with a point for decimals, like 1200.50")
    return Decimal(value)


def public_id(value: str) -> uuid.UUID:
    """The public id of a record: a UUID with its hyphens."""
    try:
        if len(value) == 36:
            return uuid.UUID(value)
    except ValueError:
        pass
    raise ValueError(f"{value!r} is not an ID; IDs look like 2f4c8b1e-…, 36 characters with hyphens")


def one_of(choices: Iterable[str]) -> Callable[[str], str]:
    """A parser for one of a set of words."""
    words = list(choices)

    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is unknown; it must be one of {', '.join(words)}")
        return value

    return parse


def lead_provider(value: str) -> LeadProvider:
    """A lead provider by its short code."""
    found = LeadProvider.objects.filter(code=value).first()
    if found is None:
        codes = ", ".join(LeadProvider.objects.order_by("code").values_list("code", flat=True))
        raise ValueError(f"{value!r} is not a lead provider; the codes are {codes or 'not loaded yet'}")
    return found


def cohort(value: str) -> Cohort:
    """A cohort as `2024` (2024a is meant) or `2025b` (decisions.md §8)."""
    try:
        found = Cohort.objects.filter(cohort_from_text(value)).first()
    except ValueError:
        found = None
    if found is None:
        known = ", ".join(str(row) for row in Cohort.objects.order_by("start_year", "suffix"))
        raise ValueError(f"{value!r} is not a cohort; the cohorts are {known or 'not loaded yet'}")
    return found


def course(value: str) -> Course:
    """A course by its identifier."""
    found = Course.objects.filter(identifier=value).first()
    if found is None:
        known = ", ".join(Course.objects.order_by("position").values_list("identifier", flat=True))
        raise ValueError(f"{value!r} is not a course; the courses are {known or 'not loaded yet'}")
    return found
