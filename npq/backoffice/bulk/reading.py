"""Reading the cells that several kinds have."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import TypeVar

from django.db.models import Model, QuerySet

from npq.core import parsing
from npq.core.texts import timestamp_or_none

Row = TypeVar("Row", bound=Model)


def named(records: QuerySet[Row], what: str) -> Callable[[str], Row]:
    """A parser for the public id of one of some records; `what` they are is said when there is none."""

    def parse(text: str) -> Row:
        found = records.filter(public_id=parsing.public_id(text)).first()
        if found is None:
            raise ValueError(f"no {what} has the ID {text}")
        return found

    return parse


def day_or_instant(text: str) -> datetime:
    """A day as YYYY-MM-DD, which stands for its first moment in UTC, or an RFC 3339 date and time."""
    instant = timestamp_or_none(text)
    if instant is not None:
        return instant
    try:
        return datetime.combine(parsing.iso_date(text), time.min, tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{text!r} is not a date; write it like 2024-09-01 or 2024-09-01T09:30:00Z") from None
