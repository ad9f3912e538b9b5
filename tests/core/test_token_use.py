"""Calls are added up once, whenever the daily run comes; what nobody reads any more goes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from npq.core import token_use
from npq.core.audit import Actor, rehearsal
from npq.core.housekeeping import remove_old_call_numbers, remove_old_rate_counters, remove_old_refused_requests
from npq.core.models import ApiToken, RateCounter, RefusalCount, RefusedRequest, TokenDay
from npq.core.token_use import PERIODS, Calls, calls_of, rate_window, with_use
from tests.factories import (
    ApiTokenFactory,
    RateCounterFactory,
    RefusalCountFactory,
    RefusedRequestFactory,
    TokenDayFactory,
)

pytestmark = pytest.mark.django_db

# Shortly after midnight in the UK, where summer time holds: the day before still lasts in UTC.
NOW = datetime(2025, 7, 10, 23, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_use, "wall_clock", lambda: NOW)


def calls(token: ApiToken) -> dict[str, Calls]:
    found = with_use(ApiToken.objects.filter(id=token.id), at=NOW).get()
    return {period.name: calls_of(found, period) for period in PERIODS}


def test_old_counters_become_the_number_of_their_uk_day(actor: Actor) -> None:
    token = ApiTokenFactory()
    for at, requests in (
        (datetime(2025, 7, 7, 22, 55, tzinfo=UTC), 1),  # 7 July in the UK
        (datetime(2025, 7, 7, 23, 0, tzinfo=UTC), 10),  # 8 July in the UK
        (datetime(2025, 7, 8, 22, 0, tzinfo=UTC), 100),  # 8 July in the UK
        (NOW - timedelta(days=2), 1000),  # not yet old
        (NOW, 10_000),
    ):
        RateCounterFactory(token=token, window=rate_window(at), requests=requests)

    moved = [remove_old_rate_counters(by=actor) for _ in range(2)]

    assert moved == [3, 0]
    assert dict(TokenDay.objects.values_list("day", "requests")) == {date(2025, 7, 7): 1, date(2025, 7, 8): 110}
    assert sorted(RateCounter.objects.values_list("requests", flat=True)) == [1000, 10_000]


def test_a_day_goes_on_growing_while_its_counters_grow_old(actor: Actor) -> None:
    token = ApiTokenFactory()
    TokenDayFactory(token=token, day=date(2025, 7, 8), requests=5)
    RateCounterFactory(token=token, window=rate_window(datetime(2025, 7, 8, 10, tzinfo=UTC)), requests=7)

    remove_old_rate_counters(by=actor)

    assert TokenDay.objects.get().requests == 12


def test_adding_up_changes_no_number_that_is_shown(actor: Actor) -> None:
    token = ApiTokenFactory()
    for days in range(40):
        RateCounterFactory(token=token, window=rate_window(NOW - timedelta(days=days)), requests=1)
    RateCounterFactory(token=ApiTokenFactory(), window=rate_window(NOW), requests=9)
    before = calls(token)

    remove_old_rate_counters(by=actor)

    assert before == calls(token) == {"day": Calls(1, 0), "week": Calls(7, 0), "month": Calls(30, 0)}
    assert RateCounter.objects.filter(token=token).count() < 4


def test_a_rehearsal_moves_nothing(actor: Actor) -> None:
    RateCounterFactory(window=1)

    with rehearsal():
        assert remove_old_rate_counters(by=actor) == 1

    assert RateCounter.objects.count() == 1
    assert not TokenDay.objects.exists()


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW, (1, 1, 1)),
        (NOW - timedelta(hours=23), (1, 1, 1)),
        (NOW - timedelta(hours=24), (0, 1, 1)),
        (datetime(2025, 7, 4, 23, 0, tzinfo=UTC), (0, 1, 1)),  # 5 July in the UK, the first of seven days
        (datetime(2025, 7, 4, 22, 0, tzinfo=UTC), (0, 0, 1)),
        (datetime(2025, 6, 11, 23, 0, tzinfo=UTC), (0, 0, 1)),  # 12 June in the UK, the first of thirty
        (datetime(2025, 6, 11, 22, 0, tzinfo=UTC), (0, 0, 0)),
    ],
)
def test_where_the_periods_begin(at: datetime, expected: tuple[int, ...]) -> None:
    token = ApiTokenFactory()
    hour = at.replace(minute=0)
    RefusalCountFactory(token=token, hour=hour)
    RateCounterFactory(token=token, window=rate_window(hour))

    found = calls(token)

    assert tuple(each.refused for each in found.values()) == expected
    assert tuple(each.requests for each in found.values()) == expected


def test_what_no_page_shows_any_more_goes(actor: Actor, settings: Any) -> None:
    settings.NPQ_REFUSED_REQUESTS_KEPT_DAYS = 30
    for days in (29, 31, 39, 41):
        RefusedRequestFactory(at=NOW - timedelta(days=days), request_id=str(days))
        RefusalCountFactory(hour=NOW - timedelta(days=days), status=400 + days)
        TokenDayFactory(day=(NOW - timedelta(days=days)).date(), requests=days)

    assert (remove_old_refused_requests(by=actor), remove_old_call_numbers(by=actor)) == (3, 2)

    assert list(RefusedRequest.objects.values_list("request_id", flat=True)) == ["29"]
    assert sorted(RefusalCount.objects.values_list("status", flat=True)) == [429, 431, 439]
    assert sorted(TokenDay.objects.values_list("requests", flat=True)) == [29, 31, 39]
