"""What a token opens, what a wrong one costs, when its use is noted, and how often it may knock."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from npq.api import authentication, throttling
from npq.core.models import ApiToken, ApiTokenUse, LeadProvider, RateCounter
from npq.core.tokens import revoke_api_token
from tests.conftest import ApiClient
from tests.factories import ApiTokenFactory

pytestmark = pytest.mark.django_db

INSTANT = datetime(2025, 3, 3, 10, 1, 40, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets the time that authentication and the rate limit see."""

    def at(instant: datetime) -> None:
        monkeypatch.setattr(authentication, "wall_clock", lambda: instant)
        monkeypatch.setattr(throttling, "wall_clock", lambda: instant)

    at(INSTANT)
    return at


def knock(secret: str) -> Any:
    """A request that only has to get past the door: with a good token it finds nothing and answers 404."""
    return ApiClient(secret).post("v3", f"/npq-applications/{uuid.uuid4()}/accept")


def test_a_valid_token_opens(provider: LeadProvider) -> None:
    ApiTokenFactory(lead_provider=provider, secret="good")

    assert knock("good").status_code == 404


@pytest.mark.parametrize(
    ("seconds", "status"), [(-1, 401), (0, 401), (1, 404)], ids=["expired", "expiring now", "not yet expired"]
)
def test_an_expired_token_opens_nothing(provider: LeadProvider, clock: Any, seconds: int, status: int) -> None:
    ApiTokenFactory(lead_provider=provider, secret="good", expires_at=INSTANT + timedelta(seconds=seconds))

    assert knock("good").status_code == status


def test_a_revoked_token_opens_nothing_from_then_on(provider: LeadProvider, actor: Any) -> None:
    token = ApiTokenFactory(lead_provider=provider, secret="good")
    before = knock("good").status_code

    revoke_api_token(public_id=token.public_id, by=actor)

    assert (before, knock("good").status_code) == (404, 401)


def test_a_token_of_another_scope_opens_nothing(db: Any) -> None:
    ApiTokenFactory(lead_provider=None, scope="registration", secret="other")

    response = knock("other")

    assert (response.status_code, response.json()) == (401, {"error": "HTTP Token: Access denied"})


@pytest.mark.parametrize("header", ["", "good", "Bearer", "Bearer a b", "Basic good", "Bearer ", "Bearer \u00e9"])
def test_headers_that_hold_no_token(provider: LeadProvider, header: str) -> None:
    ApiTokenFactory(lead_provider=provider, secret="good")
    client = ApiClient(None)

    response = client.get("v3", f"/npq-applications/{uuid.uuid4()}", headers={"Authorization": header})

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="npq"'


def queries_of(secret: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert knock(secret).status_code == 401
    return [query["sql"].replace(ApiToken.digest_of(secret), "…") for query in queries]


def test_an_unknown_token_costs_the_same_however_wrong_it_is(provider: LeadProvider) -> None:
    costs = [queries_of(secret) for secret in ("unknown", "x" * 5000)]

    assert costs[0] == costs[1]
    assert len(costs[0]) == 1
    assert not ApiTokenUse.objects.exists()
    assert not RateCounter.objects.exists()


@pytest.mark.parametrize("more", [{"expires_at": INSTANT}, {"revoked_at": INSTANT}], ids=["expired", "revoked"])
def test_a_token_that_opens_nothing_any_more_is_noted_and_not_used(provider: LeadProvider, more: Any) -> None:
    """Whoever has its secret knows that it was one; nobody learns so by guessing."""
    ApiTokenFactory(lead_provider=provider, secret="once", **more)

    assert len(queries_of("once")) == 2
    assert not ApiTokenUse.objects.exists()


def test_the_look_up_compares_digests_and_never_secrets(provider: LeadProvider) -> None:
    ApiTokenFactory(lead_provider=provider, secret="good")

    with CaptureQueriesContext(connection) as queries:
        knock("good")

    assert not [query["sql"] for query in queries if "'good'" in query["sql"]]


def test_last_use_is_written_at_most_once_a_minute(provider: LeadProvider, clock: Any) -> None:
    ApiTokenFactory(lead_provider=provider, secret="good")
    seen = []
    for seconds in (0, 1, 59, 60, 61, 62, 121, 122):
        clock(INSTANT + timedelta(seconds=seconds))
        with CaptureQueriesContext(connection) as queries:
            knock("good")
        written = any("core_apitokenuse" in query["sql"] and "INSERT" in query["sql"] for query in queries)
        seen.append((seconds, written, (ApiTokenUse.objects.get().last_used_at - INSTANT).seconds))

    assert seen == [
        (0, True, 0),
        (1, False, 0),
        (59, False, 0),
        (60, False, 0),
        (61, True, 61),
        (62, False, 61),
        (121, False, 61),
        (122, True, 122),
    ]


def test_a_stale_reader_does_not_move_the_last_use(provider: LeadProvider) -> None:
    """Two requests that both saw an old use: the second finds the first one's and writes nothing."""
    token = ApiTokenFactory(lead_provider=provider)

    for seconds in (120, 125, 60):
        authentication.BearerToken._record_use(token, INSTANT + timedelta(seconds=seconds))

    assert ApiTokenUse.objects.get().last_used_at == INSTANT + timedelta(seconds=120)


@pytest.fixture
def three_in_five_minutes(settings: Any) -> None:
    settings.NPQ_RATE_LIMIT = 3
    settings.NPQ_RATE_LIMIT_WINDOW_SECONDS = 300


def test_too_many_requests_are_told_when_to_come_back(
    provider: LeadProvider, clock: Any, three_in_five_minutes: None
) -> None:
    ApiTokenFactory(lead_provider=provider, secret="good")

    statuses = [knock("good").status_code for _ in range(3)]
    refused = knock("good")

    assert (statuses, refused.status_code) == ([404] * 3, 429)
    assert refused["Retry-After"] == "200"
    assert "Retry-After" in refused.json()["error"]


def test_the_next_window_begins_anew(provider: LeadProvider, clock: Any, three_in_five_minutes: None) -> None:
    ApiTokenFactory(lead_provider=provider, secret="good")
    for _ in range(4):
        knock("good")

    clock(INSTANT + timedelta(seconds=199))
    still = knock("good")
    clock(INSTANT + timedelta(seconds=200))
    anew = knock("good")

    assert (still.status_code, still["Retry-After"], anew.status_code) == (429, "1", 404)


def test_every_token_has_a_limit_of_its_own(provider: LeadProvider, clock: Any, three_in_five_minutes: None) -> None:
    ApiTokenFactory(lead_provider=provider, secret="good")
    ApiTokenFactory(lead_provider=provider, secret="fresh")
    for _ in range(4):
        knock("good")

    assert (knock("good").status_code, knock("fresh").status_code) == (429, 404)
