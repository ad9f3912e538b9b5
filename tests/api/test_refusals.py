"""The support log: what is kept of a refused request, what is never kept, and that it costs the answer nothing."""

import json
import logging
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from npq.api import refusals
from npq.api.refusals import shown_path
from npq.core.clock import wall_clock
from npq.core.models import ApiToken, LeadProvider, RateCounter, RefusalCount, RefusedRequest
from tests.conftest import ApiClient, envelope
from tests.factories import ApiTokenFactory, ApplicationFactory

pytestmark = pytest.mark.django_db

APPLICATION = uuid.UUID("11111111-2222-4333-8444-555555555555")


@pytest.fixture
def token(provider: LeadProvider) -> ApiToken:
    return ApiTokenFactory(lead_provider=provider, secret="good")


def test_a_refusal_is_kept_with_what_explains_it(token: ApiToken, provider: LeadProvider) -> None:
    application = ApplicationFactory(lead_provider=provider, rejected=True)
    path = f"/npq-applications/{application.public_id}/accept"

    response = ApiClient("good").post("v3", path, {}, headers={"X-Request-Id": "abc-1"})

    kept = RefusedRequest.objects.get()
    error = response.json()["errors"][0]
    assert (kept.token, kept.lead_provider, kept.method, kept.path) == (token, provider, "POST", f"/api/v3{path}")
    assert (kept.status, kept.codes, kept.titles) == (response.status_code, [error["code"]], [error["title"]])
    assert (kept.request_id, kept.record_ids) == ("abc-1", [application.public_id])
    assert abs(kept.at - wall_clock()) < timedelta(minutes=1)


def not_found(client: ApiClient) -> Any:
    return client.get("v3", f"/npq-applications/{APPLICATION}")


def bad_filter(client: ApiClient) -> Any:
    return client.get("v3", "/npq-applications", {"filter[updated_since]": "yesterday", "page[per_page]": "9"})


def malformed(client: ApiClient) -> Any:
    return client.request("POST", "v3", "/participant-declarations", body=b'{"name": "Jane Smith"')


def wrong_verb(client: ApiClient) -> Any:
    return client.request("PUT", "v3", "/npq-applications")


def unrouted(client: ApiClient) -> Any:
    return client._client.get("/api/v3/npq_applications/", headers=client.headers)


def too_large(client: ApiClient) -> Any:
    return client._client.generic(
        "POST", "/api/v3/participant-declarations", b"", CONTENT_LENGTH="99999999", headers=client.headers
    )


def other_host(client: ApiClient) -> Any:
    return client._client.get("/api/v3/npq-applications", headers=client.headers, SERVER_NAME="elsewhere.example.org")


def many_parameters(client: ApiClient) -> Any:
    query = "&".join(f"a{number}=1" for number in range(2000))
    return client._client.get(f"/api/v3/npq-applications?{query}", headers=client.headers)


@pytest.mark.parametrize(
    ("ask", "status", "path", "codes", "parameters"),
    [
        (not_found, 404, f"/api/v3/npq-applications/{APPLICATION}", [], []),
        (bad_filter, 400, "/api/v3/npq-applications", ["bad_filter"], ["filter[updated_since]", "page[per_page]"]),
        (malformed, 400, "/api/v3/participant-declarations", ["malformed_json"], []),
        (wrong_verb, 405, "/api/v3/npq-applications", [], []),
        (unrouted, 404, "/api/v3/npq_applications", [], []),
        (too_large, 413, "/api/v3/participant-declarations", ["body_too_large"], []),
        (other_host, 400, "/api/v3/npq-applications", ["unknown_host"], []),
        (many_parameters, 400, "/api/v3/npq-applications", ["too_many_parameters"], ["…"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_kind_of_refusal_is_kept(
    token: ApiToken, ask: Callable[[ApiClient], Any], status: int, path: str, codes: list[str], parameters: list[str]
) -> None:
    response = ask(ApiClient("good"))

    kept = RefusedRequest.objects.get()
    assert (response.status_code, kept.status, kept.path) == (status, status, path)
    assert (kept.codes, kept.parameters) == (codes, parameters)
    assert RefusalCount.objects.get().requests == 1
    assert RateCounter.objects.get().requests == 1


@pytest.mark.parametrize(
    "more", [{"expires_at": wall_clock()}, {"revoked_at": wall_clock()}], ids=["expired", "revoked"]
)
def test_a_token_that_has_ended_is_told_from_an_unknown_one(provider: LeadProvider, more: Any) -> None:
    token = ApiTokenFactory(lead_provider=provider, secret="once", **more)

    answers = [not_found(ApiClient(secret)).status_code for secret in ("once", "never")]

    kept = RefusedRequest.objects.get()
    assert (answers, kept.token, kept.status, kept.lead_provider) == ([401, 401], token, 401, provider)


def test_a_token_of_another_scope_is_kept_without_a_provider(db: Any) -> None:
    ApiTokenFactory(lead_provider=None, scope="registration", secret="other")

    not_found(ApiClient("other"))

    assert RefusedRequest.objects.values_list("status", "lead_provider").get() == (401, None)


def test_what_was_not_refused_is_not_kept(token: ApiToken, provider: LeadProvider) -> None:
    application = ApplicationFactory(lead_provider=provider)

    with CaptureQueriesContext(connection) as queries:
        ApiClient("good").get("v3", f"/npq-applications/{application.public_id}")

    assert not [query["sql"] for query in queries if "refus" in query["sql"]]
    assert not RefusedRequest.objects.exists()
    assert not RefusalCount.objects.exists()


def test_a_refusal_costs_one_statement_more(token: ApiToken) -> None:
    not_found(ApiClient("good"))

    with CaptureQueriesContext(connection) as queries:
        not_found(ApiClient("good"))

    assert len([query["sql"] for query in queries if "core_refusedrequest" in query["sql"]]) == 1
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "INSERT", "SELECT", "WITH"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"/api/v3/participants/npq/{APPLICATION}/withdraw", f"/api/v3/participants/npq/{APPLICATION}/withdraw"),
        (f"/api/v3/participants/npq/{str(APPLICATION).upper()}", f"/api/v3/participants/npq/{APPLICATION}"),
        ("/api/v3/participants/npq/jane.smith@example.org", "/api/v3/participants/npq/…"),
        ("/api/v3/participants/npq/Jane Smith/withdraw", "/api/v3/participants/npq/…/withdraw"),
        ("/api/v3/participants/npq/9000001", "/api/v3/participants/npq/…"),
        ("/api/v3/participants/npq/smith", "/api/v3/participants/npq/…"),
        ("/api/v3/participant/npq/" + "x" * 500, "/api/v3/participant/npq/…"),
        ("/api/v3/npq-aplications", "/api/v3/npq-aplications"),
        ("/api/v9/npq-applications.csv", "/api/…/npq-applications.csv"),
        ("/api/v3" + "/npq" * 30, "/api/v3" + "/npq" * 10 + "/…"),
        ("/api/", "/api"),
    ],
)
def test_a_path_keeps_ids_and_the_words_of_the_api(path: str, shown: str) -> None:
    assert shown_path(path) == shown


def test_nothing_personal_is_kept(token: ApiToken) -> None:
    person, partner = uuid.uuid4(), uuid.uuid4()
    client = ApiClient("good")
    body = {
        "participant_id": str(person),
        "delivery_partner_id": str(partner),
        "declaration_type": "started",
        "declaration_date": "Jane Smith",
        "course_identifier": "jane.smith@example.org",
    }

    client.request(
        "POST",
        "v3",
        "/participant-declarations",
        query={"name": "Jane Smith", "jane.smith@example.org": "1"},
        body=envelope(body),
        headers={"X-Request-Id": "r1", "User-Agent": "Jane Smith"},
    )

    row = RefusedRequest.objects.filter(record_ids__contains=[person]).values().get()
    assert row["record_ids"] == [person, partner]
    assert row["parameters"] == ["…", "name"]
    assert "jane" not in json.dumps(row, default=str).lower()


def test_a_body_that_nobody_read_is_not_waited_for(token: ApiToken) -> None:
    client = ApiClient("good")

    response = client._client.generic(
        "GET",
        f"/api/v3/npq-applications/{APPLICATION}",
        headers=client.headers,
        CONTENT_LENGTH="100",
        **{"wsgi.input": NeverSent()},
    )

    assert (response.status_code, RefusedRequest.objects.get().status) == (404, 404)


class NeverSent:
    """What a client announced and does not send."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("somebody waits for it")

    readline = read


def test_a_hammering_token_does_not_fill_the_table(token: ApiToken, settings: Any) -> None:
    settings.NPQ_REFUSED_REQUESTS_PER_HOUR = 3
    settings.NPQ_RATE_LIMIT = 5
    client = ApiClient("good")

    for _ in range(9):
        not_found(client)

    kept = sorted(RefusedRequest.objects.values_list("status", flat=True))
    assert kept == [404, 404, 404, 429, 429, 429]
    assert dict(RefusalCount.objects.values_list("status", "requests")) == {404: 5, 429: 4}
    assert RateCounter.objects.get().requests == 9


def test_the_answer_goes_out_when_it_cannot_be_kept(
    token: ApiToken, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(refusals, "connection", Refusing())

    with caplog.at_level(logging.ERROR):
        response = not_found(ApiClient("good"))

    assert (response.status_code, response.json()) == (404, {"error": "Resource not found"})
    assert "could not be noted" in caplog.text


class Refusing:
    """A connection that is lost."""

    def cursor(self) -> Any:
        raise ConnectionError("gone")


def test_strangers_leave_no_trace_and_cost_nothing(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        for path in ("/api/v3/npq-applications", "/api/nowhere"):
            client.get(path)

    assert len(queries) == 0
    assert not RefusedRequest.objects.exists()
