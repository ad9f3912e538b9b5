"""API tokens under concurrency: one revocation, one issue for one request, and no call or refusal uncounted."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from npq.api import refusals, throttling
from npq.core.audit import Actor
from npq.core.choices import TokenScope
from npq.core.housekeeping import remove_old_rate_counters
from npq.core.models import ApiToken, Change, RateCounter, RefusalCount, RefusedRequest, TokenDay
from npq.core.tokens import create_api_token, revoke_api_token
from tests.conftest import ApiClient
from tests.factories import ApiTokenFactory, RateCounterFactory
from tests.races.racing import kinds, meet_after, race, without_locks

pytestmark = pytest.mark.django_db(transaction=True)

RACERS = 8
BY = Actor.staff("Sam Reyes", identifier="7", reason="lost")


def revocations() -> int:
    return Change.objects.filter(table="core_apitoken", action="revoke_api_token").count()


def two_revokes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    token = ApiTokenFactory()
    meet_after(monkeypatch, "npq.core.tokens._locked")
    return kinds(race(*[lambda: revoke_api_token(public_id=token.public_id, by=BY)] * 2))


def test_of_two_revocations_one_is_told_that_it_came_second(monkeypatch: pytest.MonkeyPatch) -> None:
    assert two_revokes(monkeypatch) == ["TokenRevoked", "done"]
    assert revocations() == 1


def test_without_locks_both_revoke(monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch)

    assert two_revokes(monkeypatch) == ["done", "done"]
    assert revocations() == 2


def issue(public_id: uuid.UUID | None) -> Any:
    return create_api_token(by=BY, scope=TokenScope.REGISTRATION, public_id=public_id)


def test_one_request_sent_twice_makes_one_token(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = uuid.uuid4()
    meet_after(monkeypatch, "npq.core.tokens._check_expiry")

    assert kinds(race(lambda: issue(wanted), lambda: issue(wanted))) == ["TokenIssuedBefore", "done"]
    assert ApiToken.objects.count() == 1


def test_two_requests_make_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the request's own id there is nothing to tell them apart by."""
    meet_after(monkeypatch, "npq.core.tokens._check_expiry")

    assert kinds(race(lambda: issue(None), lambda: issue(None))) == ["done", "done"]
    assert ApiToken.objects.count() == 2


@pytest.fixture
def at_ten(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.NPQ_REFUSED_REQUESTS_PER_HOUR = 3
    for module in (throttling, refusals):
        monkeypatch.setattr(module, "wall_clock", lambda: datetime(2025, 3, 3, 10, tzinfo=UTC))
    ApiTokenFactory(secret="good")


def knock() -> int:
    return ApiClient("good").post("v3", f"/npq-applications/{uuid.uuid4()}/accept").status_code


def test_every_refusal_is_counted_and_no_more_are_kept_than_there_is_room_for(at_ten: None) -> None:
    ends = race(*[knock] * RACERS)

    assert [end.value for end in ends] == [404] * RACERS
    assert RefusalCount.objects.get().requests == RACERS
    assert RateCounter.objects.get().requests == RACERS
    assert RefusedRequest.objects.count() == 3


def test_counting_before_writing_would_lose_some(at_ten: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a count that is read, added to and then written."""

    def seen(token_id: int) -> int:
        found = RefusalCount.objects.filter(token_id=token_id).first()
        return found.requests if found else 0

    def note(request: Any, response: Any, milliseconds: int) -> None:
        token = ApiToken.objects.get()
        number = refusals.seen(token.id) + 1  # type: ignore[attr-defined]
        RefusalCount.objects.update_or_create(
            token=token, hour=datetime(2025, 3, 3, 10, tzinfo=UTC), status=404, defaults={"requests": number}
        )

    monkeypatch.setattr(refusals, "seen", seen, raising=False)
    monkeypatch.setattr(refusals, "_note", note)
    meet_after(monkeypatch, "npq.api.refusals.seen", racers=RACERS)

    race(*[knock] * RACERS)

    assert RefusalCount.objects.get().requests < RACERS


def test_two_daily_runs_add_a_day_up_once() -> None:
    token = ApiTokenFactory()
    for window in range(40):
        RateCounterFactory(token=token, window=window, requests=5)

    race(*[lambda: remove_old_rate_counters(by=Actor.system("nightly"))] * 2)

    assert TokenDay.objects.get().requests == 200
    assert not RateCounter.objects.exists()
