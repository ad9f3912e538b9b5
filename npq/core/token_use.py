"""How much API tokens are used and refused: the counters of the rate limit, and what they are added up to.

A counter lives for two days; then the daily run moves its number to its token's UK day, so that nothing is counted
twice or lost and no request writes more than its one counter.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import DateTimeField, F, IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from npq.core.audit import Actor, acting_as
from npq.core.clock import start_of_uk_day, uk_date, wall_clock
from npq.core.models import ApiToken, ApiTokenUse, RateCounter, RefusalCount, RefusedRequest, TokenDay

COUNTERS_KEPT = timedelta(days=2)
# The longest period that is shown is 30 days.
COUNTS_KEPT = timedelta(days=40)

EXPIRES_SOON = timedelta(days=14)
UNUSED_TOO_LONG = timedelta(days=90)


def rate_window(instant: datetime) -> int:
    """The number of the rate limit's window that an instant lies in."""
    return int(instant.timestamp() // settings.NPQ_RATE_LIMIT_WINDOW_SECONDS)


@dataclass(frozen=True)
class Period:
    """A period that ends now: its name in columns and for people, and when it began."""

    name: str
    title: str
    since: Callable[[datetime], datetime]


def _days(number: int) -> Callable[[datetime], datetime]:
    return lambda at: start_of_uk_day(uk_date(at) - timedelta(days=number - 1))


# Refusals are counted by the hour and old calls by the UK day, so periods begin with those.
PERIODS = (
    Period("day", "24 hours", lambda at: at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)),
    Period("week", "7 days", _days(7)),
    Period("month", "30 days", _days(30)),
)


@dataclass(frozen=True)
class Calls:
    """The calls of a token in a period, and how many of them were answered with an error."""

    requests: int
    refused: int

    def __str__(self) -> str:
        if not self.requests:
            return "none"
        return f"{self.requests:,} ({100 * self.refused / self.requests:.1f}% refused)"


def with_use(tokens: QuerySet[ApiToken], *, at: datetime) -> QuerySet[Any]:
    """Tokens with their last use and the numbers of `calls_of`, without another query."""
    last = ApiTokenUse.objects.filter(token=OuterRef("pk")).values("last_used_at")
    tokens = tokens.annotate(last_used=Subquery(last, output_field=DateTimeField()))
    for period in PERIODS:
        since = period.since(at)
        counters = RateCounter.objects.filter(window__gte=rate_window(since))
        days = TokenDay.objects.filter(day__gte=uk_date(since))
        refusals = RefusalCount.objects.filter(hour__gte=since)
        # A day that has been added up ended before the last 24 hours began.
        requests = _sum(counters) if period.name == "day" else _sum(counters) + _sum(days)
        tokens = tokens.annotate(**{f"requests_{period.name}": requests, f"refused_{period.name}": _sum(refusals)})
    return tokens


def _sum(rows: QuerySet[Any]) -> Coalesce:
    total = rows.filter(token=OuterRef("pk")).order_by().values("token").annotate(total=Sum("requests")).values("total")
    return Coalesce(Subquery(total, output_field=IntegerField()), 0)


def calls_of(token: Any, period: Period) -> Calls:
    """The calls of a token that `with_use` gave."""
    return Calls(getattr(token, f"requests_{period.name}"), getattr(token, f"refused_{period.name}"))


def calls_of_all(tokens: Iterable[Any], period: Period) -> Calls:
    """The calls of several tokens that `with_use` gave, together."""
    numbers = [calls_of(each, period) for each in tokens]
    return Calls(sum(each.requests for each in numbers), sum(each.refused for each in numbers))


def state_of(token: ApiToken, *, at: datetime) -> str:
    """`valid`, `expired` or `revoked`."""
    if token.revoked_at is not None:
        return "revoked"
    return "valid" if token.valid_at(at) else "expired"


def warnings_about(token: Any, *, at: datetime) -> list[str]:
    """What somebody should do something about: a valid token that ends soon, or that nobody uses."""
    if not token.valid_at(at):
        return []
    found = []
    if token.expires_at is not None and token.expires_at - at <= EXPIRES_SOON:
        found.append("expires within 14 days")
    if (token.last_used or token.created_at) < at - UNUSED_TOO_LONG:
        found.append("not used for 90 days")
    return found


# Housekeeping -------------------------------------------------------------------------------------------------------

MOVE = """
WITH gone AS (
  DELETE FROM core_ratecounter WHERE "window" < %(oldest)s RETURNING token_id, "window", requests
), days AS (
  INSERT INTO core_tokenday (token_id, day, requests)
  SELECT token_id, (to_timestamp("window" * %(seconds)s) AT TIME ZONE 'Europe/London')::date, sum(requests)
  FROM gone GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (token_id, day) DO UPDATE SET requests = core_tokenday.requests + excluded.requests
)
SELECT count(*) FROM gone
"""


def remove_old_rate_counters(*, by: Actor) -> int:
    """Moves counters of windows that ended more than COUNTERS_KEPT ago to their token's day; returns how many."""
    facts = {
        "oldest": rate_window(wall_clock() - COUNTERS_KEPT),
        "seconds": settings.NPQ_RATE_LIMIT_WINDOW_SECONDS,
    }
    with acting_as(by, "remove_old_rate_counters"), connection.cursor() as cursor:
        cursor.execute(MOVE, facts)
        (number,) = cursor.fetchone()
    return int(number)


def remove_old_call_numbers(*, by: Actor) -> int:
    """Removes the numbers of calls and refusals that no page shows any more; returns how many."""
    oldest = wall_clock() - COUNTS_KEPT
    with acting_as(by, "remove_old_call_numbers"):
        days = TokenDay.objects.filter(day__lt=uk_date(oldest)).delete()[0]
        return days + RefusalCount.objects.filter(hour__lt=oldest).delete()[0]


def remove_old_refused_requests(*, by: Actor) -> int:
    """Removes refused requests older than NPQ_REFUSED_REQUESTS_KEPT_DAYS days; returns how many."""
    oldest = wall_clock() - timedelta(days=settings.NPQ_REFUSED_REQUESTS_KEPT_DAYS)
    with acting_as(by, "remove_old_refused_requests"):
        return RefusedRequest.objects.filter(at__lt=oldest).delete()[0]


def left_out_of(refusals: QuerySet[RefusalCount]) -> int:
    """How many of the refusals counted were not kept, because their token had its share of the hour."""
    most = settings.NPQ_REFUSED_REQUESTS_PER_HOUR
    beyond = refusals.filter(requests__gt=most).aggregate(number=Sum(F("requests") - most))["number"]
    return int(beyond or 0)
