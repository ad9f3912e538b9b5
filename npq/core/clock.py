"""The one place that reads the clock.

Two questions, two functions. `now()` is the time the *rules* see: acceptance dates, future dates,
deadlines. In the sandbox a request may move it (`clock_at`). `wall_clock()` is the real time, kept
for `created_at`, `updated_at` and the audit trail, which no header may move (decisions.md §7).
Every comparison with a day uses the UK date (decisions.md §8, Calendar).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

UK = ZoneInfo("Europe/London")

_moved_to: ContextVar[datetime | None] = ContextVar("moved_to", default=None)


def wall_clock() -> datetime:
    """The real time, in UTC."""
    return datetime.now(UTC)


def now() -> datetime:
    """The time the rules see, in UTC: the real time unless `clock_at` has moved it."""
    return _moved_to.get() or wall_clock()


def today() -> date:
    """The UK date of `now()`."""
    return uk_date(now())


def uk_date(instant: datetime) -> date:
    """The date in the UK at an instant (BST counts); at the very ends of the calendar, the instant's own date."""
    try:
        return instant.astimezone(UK).date()
    except OverflowError:
        return instant.date()


def start_of_uk_day(day: date) -> datetime:
    """The instant, in UTC, at which a UK day begins."""
    return datetime.combine(day, time.min, tzinfo=UK).astimezone(UTC)


@contextmanager
def clock_at(instant: datetime | None) -> Iterator[None]:
    """Makes `instant` the time the rules see within the block; None leaves the clock alone."""
    token = _moved_to.set(instant.astimezone(UTC) if instant else _moved_to.get())
    try:
        yield
    finally:
        _moved_to.reset(token)
