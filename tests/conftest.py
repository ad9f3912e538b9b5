"""The cast: a provider, its rival, their API clients, and a declared actor for whatever a test writes itself."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.backends.signals import connection_created
from django.test import Client

from npq.core.audit import Actor
from npq.core.models import ApiToken, LeadProvider
from tests.contract.conformity import assert_conforms
from tests.factories import ApiTokenFactory, LeadProviderFactory

NOW = datetime(2024, 10, 10, 9, 0, tzinfo=UTC)
TEST_ACTOR = json.dumps({"kind": "system", "name": "a test", "action": "prepare"})


@pytest.fixture(scope="session", autouse=True)
def _declared_actor_for_tests() -> Iterator[None]:
    """Every connection of a test run starts with a declared actor, so that factories may write."""

    def declare(connection: Any, **_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('npq.actor', %s, false)", [TEST_ACTOR])

    connection_created.connect(declare, weak=False, dispatch_uid="test actor")
    yield
    connection_created.disconnect(dispatch_uid="test actor")


class ApiClient:
    """Speaks to the API as one token: `client.get("v3", "/npq-applications", {"filter[cohort]": "2024"})`."""

    def __init__(self, secret: str | None) -> None:
        self._client = Client(raise_request_exception=True)
        self.headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def request(
        self,
        method: str,
        version: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Any method; `body` is sent as JSON unless it is bytes.

        Whatever is answered must be as the OpenAPI document says; a 500, which no document promises, is for the
        test to judge.
        """
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        response = self._client.generic(
            method,
            f"/api/{version}{path}",
            data,
            content_type="application/json",
            query_params=query,
            headers={**self.headers, **(headers or {})},
        )
        if response.status_code != 500:
            assert_conforms(method, f"/api/{version}{path}", response)
        return response

    def get(self, version: str, path: str, query: dict[str, str] | None = None, **more: Any) -> Any:
        return self.request("GET", version, path, query=query, **more)

    def post(self, version: str, path: str, attributes: Any = None, **more: Any) -> Any:
        """POST with `attributes` in the usual envelope; none at all sends no body."""
        return self.request("POST", version, path, body=envelope(attributes), **more)

    def put(self, version: str, path: str, attributes: Any = None, **more: Any) -> Any:
        """PUT with `attributes` in the usual envelope; none at all sends no body."""
        return self.request("PUT", version, path, body=envelope(attributes), **more)


def envelope(attributes: Any) -> Any:
    """`{"data": {"type": …, "attributes": attributes}}`, or None for None."""
    return None if attributes is None else {"data": {"type": "test", "attributes": attributes}}


def errors_of(response: Any) -> list[tuple[str, str]]:
    """(title, code) of each error in an answer."""
    return [(error["title"], error["code"]) for error in response.json()["errors"]]


@pytest.fixture
def now() -> datetime:
    """The time at which services act in tests."""
    return NOW


@pytest.fixture
def actor() -> Actor:
    """Whoever calls a service directly."""
    return Actor.system("a test")


@pytest.fixture
def provider(db: Any) -> LeadProvider:
    return LeadProviderFactory(code="ambition", name="Ambition Institute")


@pytest.fixture
def rival_provider(db: Any) -> LeadProvider:
    return LeadProviderFactory(code="ucl", name="UCL Institute of Education")


@pytest.fixture
def client_of(db: Any) -> Callable[[LeadProvider], ApiClient]:
    """Makes an API client with a fresh token of a provider."""

    def make(lead_provider: LeadProvider) -> ApiClient:
        secret = ApiToken.new_secret()
        ApiTokenFactory(lead_provider=lead_provider, secret=secret)
        return ApiClient(secret)

    return make


@pytest.fixture
def api(client_of: Callable[[LeadProvider], ApiClient], provider: LeadProvider) -> ApiClient:
    """The API as `provider` sees it."""
    return client_of(provider)


@pytest.fixture
def rival_api(client_of: Callable[[LeadProvider], ApiClient], rival_provider: LeadProvider) -> ApiClient:
    """The API as `rival_provider` sees it."""
    return client_of(rival_provider)


@pytest.fixture
def stranger() -> ApiClient:
    """The API without a token."""
    return ApiClient(None)


@pytest.fixture
def no_declared_actor(db: Any) -> Iterator[None]:
    """Within the test nobody has declared who writes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('npq.actor', '', false)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('npq.actor', %s, false)", [TEST_ACTOR])
