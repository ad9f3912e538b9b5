"""The rate limit is exact however many requests come at once."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from npq.api import throttling
from npq.core.models import RateCounter
from tests.conftest import ApiClient
from tests.factories import ApiTokenFactory
from tests.races.racing import End, meet_after, race

pytestmark = pytest.mark.django_db(transaction=True)

RACERS = 8
LIMIT = 3


@pytest.fixture(autouse=True)
def _few_requests(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.NPQ_RATE_LIMIT = LIMIT
    monkeypatch.setattr(throttling, "wall_clock", lambda: datetime(2025, 3, 3, 10, tzinfo=UTC))
    ApiTokenFactory(secret="good")


def knock() -> int:
    return ApiClient("good").post("v3", f"/npq-applications/{uuid.uuid4()}/accept").status_code


def statuses(ends: list[End]) -> list[Any]:
    return sorted((end.value for end in ends), key=str)


def test_exactly_the_limit_gets_through() -> None:
    ends = race(*[knock] * RACERS)

    assert statuses(ends) == [404] * LIMIT + [429] * (RACERS - LIMIT)
    assert RateCounter.objects.get().requests == RACERS


def test_reading_before_writing_would_let_everybody_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a counter that is read, compared and then written, as throttles in a cache are."""

    def counted(token_id: int) -> int:
        counter = RateCounter.objects.filter(token_id=token_id).first()
        return counter.requests if counter else 0

    def allow_request(self: Any, request: Any, view: object) -> bool:
        seen = Naive.counted(request.user.token_id)
        RateCounter.objects.update_or_create(token_id=request.user.token_id, window=1, defaults={"requests": seen + 1})
        return seen < LIMIT

    Naive.counted = staticmethod(counted)
    monkeypatch.setattr(throttling.TokenRateLimit, "allow_request", allow_request)
    meet_after(monkeypatch, f"{__name__}.Naive.counted", racers=RACERS)

    ends = race(*[knock] * RACERS)

    assert statuses(ends) == [404] * RACERS


class Naive:
    """Holds the naive counter's reading, so that racers can be made to meet after it."""

    counted: Any
