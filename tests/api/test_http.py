"""What holds of every answer of the API: methods, paths, headers, compression, the clock (api.md §4.1, §5.2, §6.5)."""

import gzip
import logging
from typing import Any

import pytest
from django.test import Client

from npq.core.models import LeadProvider
from participants.models import Enrolment
from tests.conftest import ApiClient, errors_of
from tests.factories import ApplicationFactory, ScheduleFactory, ScheduleWindowFactory

pytestmark = pytest.mark.django_db
every_version = pytest.mark.parametrize("version", ["v1", "v2", "v3"])

NOT_FOUND = {"error": "Resource not found"}
DENIED = {"error": "HTTP Token: Access denied"}
NOBODY = "99999999-9999-4999-8999-999999999999"


# Paths


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
@pytest.mark.parametrize(
    "path", ["/thisdoesnotexist", "/npq-applications/", "/npq-applications//accept", "/npq-applications.xml", ""]
)
def test_an_unknown_path_is_404_with_and_without_a_token(
    method: str, path: str, api: ApiClient, stranger: ApiClient
) -> None:
    for client in (api, stranger):
        response = client.request(method, "v3", path)

        assert (response.status_code, response.json()) == (404, NOT_FOUND)
        assert response["Content-Type"] == "application/json"
        assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v4/npq-applications", "/api/v3", "/api//"])
def test_unknown_versions_and_roots(path: str) -> None:
    response = Client(enforce_csrf_checks=True).post(path, {"a": 1})

    assert (response.status_code, response.json()) == (404, NOT_FOUND)


def test_v3_has_no_csv(api: ApiClient) -> None:
    assert api.get("v3", "/npq-applications.csv").status_code == 404


@every_version
@pytest.mark.parametrize("identifier", [NOBODY, "123XXX", "%00", "%FF", "a" * 100_000, "null", "%2e%2e", f"{NOBODY} "])
def test_an_id_that_is_none_is_404(version: str, identifier: str, api: ApiClient) -> None:
    response = api.get(version, f"/npq-applications/{identifier}")

    assert (response.status_code, response.json()) == (404, NOT_FOUND)


@every_version
def test_an_id_may_be_written_in_capitals(version: str, api: ApiClient, provider: LeadProvider) -> None:
    application = ApplicationFactory(lead_provider=provider)

    assert api.get(version, f"/npq-applications/{str(application.public_id).upper()}").status_code == 200


# Methods


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_a_wrong_verb_is_405_and_names_the_right_ones(method: str, api: ApiClient) -> None:
    response = api.request(method, "v3", "/npq-applications")

    assert (response.status_code, response.json()) == (405, {"error": "Method not allowed"})
    assert response["Allow"] == "GET, HEAD"
    assert response["Cache-Control"] == "no-store"


def test_a_wrong_verb_without_a_token_is_401(stranger: ApiClient) -> None:
    assert stranger.request("DELETE", "v3", "/npq-applications").status_code == 401


def test_head_is_get_without_a_body(api: ApiClient) -> None:
    response = api.request("HEAD", "v3", "/npq-applications")

    assert (response.status_code, response.content) == (200, b"")


# Tokens


@pytest.mark.parametrize(
    ("version", "path"),
    [
        *((version, path) for version in ("v1", "v2", "v3") for path in ("", f"/{NOBODY}")),
        ("v1", ".csv"),
        ("v2", ".csv"),
    ],
)
def test_without_a_token_the_answer_is_401_in_json(version: str, path: str, stranger: ApiClient) -> None:
    response = stranger.get(version, f"/npq-applications{path}")

    assert (response.status_code, response.json()) == (401, DENIED)
    assert response["Content-Type"] == "application/json"
    assert response["WWW-Authenticate"] == 'Bearer realm="npq"'
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer a b", "Basic abc", "Bearer \xe9", "Bearer " + "x" * 50_000, "\x00"]
)
def test_a_malformed_token_is_401(header: str, stranger: ApiClient) -> None:
    assert stranger.get("v3", "/npq-applications", headers={"Authorization": header}).status_code == 401


def test_401_comes_before_400(stranger: ApiClient) -> None:
    assert stranger.get("v3", "/npq-applications", {"filter": "x", "page[page]": "0"}).status_code == 401


# Content


@every_version
@pytest.mark.parametrize("accept", ["text/html", "text/csv", "application/xml", "*/*;q=0", "nonsense", ""])
def test_accept_plays_no_part(version: str, accept: str, api: ApiClient) -> None:
    response = api.get(version, "/npq-applications", headers={"Accept": accept})

    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "application/vnd.api+json",
        "text/x-json",
        "text/plain",
        "",
        "nonsense",
        "a/b;c",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=klingon",
    ],
)
def test_a_body_is_read_as_json_whatever_it_is_called(
    content_type: str, api: ApiClient, provider: LeadProvider
) -> None:
    application = ApplicationFactory(lead_provider=provider)
    ScheduleWindowFactory(schedule=ScheduleFactory(cohort=application.cohort))

    response = api.request(
        "POST",
        "v3",
        f"/npq-applications/{application.public_id}/accept",
        body={"data": {"attributes": {"schedule_identifier": "none"}}},
        headers={"Content-Type": content_type},
    )

    assert response.status_code == 422
    assert errors_of(response) == [("schedule_identifier", "schedule_not_in_cohort")]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b"{'data': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 90,
        b"1" * 5_000,
        b'{"data": {"attributes": {}}} trailing',
        b"\xed\xa0\x80",
        b'{"a": "\x01"}',
    ],
)
def test_malformed_json_is_400_in_the_envelope(body: bytes, api: ApiClient) -> None:
    response = api.request("POST", "v3", f"/npq-applications/{NOBODY}/accept", body=body)

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "malformed_json")]
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("text", [r"\u0000", r"\ud800", r"\udfff\ud800", r"a\u0000b"])
def test_text_that_cannot_be_stored_is_400_wherever_it_stands(text: str, api: ApiClient) -> None:
    for body in (f'{{"data": {{"attributes": {{"x": "{text}"}}}}}}', f'{{"{text}": 1}}', f'["{text}"]', f'"{text}"'):
        response = api.request("POST", "v3", f"/npq-applications/{NOBODY}/accept", body=body.encode())

        assert response.status_code == 400
        assert errors_of(response) == [("Bad request", "unreadable_text")]


def test_text_beyond_the_basic_plane_is_read(api: ApiClient) -> None:
    body = r'{"data": {"attributes": {"schedule_identifier": "😀"}}}'.encode()

    assert api.request("POST", "v3", f"/npq-applications/{NOBODY}/accept", body=body).status_code == 404


def test_a_list_is_compressed_when_asked_for(api: ApiClient, provider: LeadProvider) -> None:
    for _ in range(3):
        ApplicationFactory(lead_provider=provider)
    plain = api.get("v1", "/npq-applications")
    table = api.get("v1", "/npq-applications.csv")

    compressed = api.get("v1", "/npq-applications", headers={"Accept-Encoding": "gzip"})
    compressed_table = api.get("v1", "/npq-applications.csv", headers={"Accept-Encoding": "gzip, deflate"})

    assert "Content-Encoding" not in plain
    assert compressed["Content-Encoding"] == compressed_table["Content-Encoding"] == "gzip"
    assert compressed["Content-Type"] == "application/json"
    assert gzip.decompress(compressed.content) == plain.content
    assert gzip.decompress(compressed_table.getvalue()) == table.getvalue()


def test_pages_outside_the_api_are_not_compressed(client: Client) -> None:
    assert "Content-Encoding" not in client.get("/admin/login/", headers={"Accept-Encoding": "gzip"})


def test_too_many_parameters_are_400(api: ApiClient) -> None:
    response = api.get("v3", "/npq-applications", {f"p{number}": "1" for number in range(1500)})

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "too_many_parameters")]


# The clock (decisions.md §7)


@pytest.fixture
def accepted_on(api: ApiClient, provider: LeadProvider) -> Any:
    """Accepts an application with a clock header; the day of the acceptance, or the answer when it is refused."""

    def accept(header: str) -> Any:
        application = ApplicationFactory(lead_provider=provider)
        ScheduleWindowFactory(schedule=ScheduleFactory(cohort=application.cohort))
        path = f"/npq-applications/{application.public_id}/accept"
        response = api.post("v3", path, headers={"X-With-Server-Date": header})
        return Enrolment.objects.get().accepted_at.date().isoformat() if response.status_code == 200 else response

    return accept


@pytest.mark.parametrize("environment", ["sandbox", "development"])
def test_the_sandboxs_clock_moves(environment: str, accepted_on: Any, settings: Any) -> None:
    settings.NPQ_ENVIRONMENT = environment

    assert accepted_on("2031-05-06T10:00:00+01:00") == "2031-05-06"


def test_the_production_clock_does_not_and_says_so(
    accepted_on: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.NPQ_ENVIRONMENT = "production"

    with caplog.at_level(logging.WARNING):
        day = accepted_on("2031-05-06T10:00:00Z")

    assert day < "2031"
    assert "X-With-Server-Date ignored" in caplog.text


def test_a_malformed_clock_is_ignored_in_production(accepted_on: Any, settings: Any) -> None:
    settings.NPQ_ENVIRONMENT = "production"

    assert isinstance(accepted_on("yesterday"), str)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "yesterday",
        "2031-05-06",
        "2031-05-06 10:00:00",
        "2031-13-06T10:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        "2031-05-06T10:00:00+99:00",
    ],
)
def test_a_clock_that_cannot_be_read_is_400(header: str, accepted_on: Any) -> None:
    response = accepted_on(header)

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "bad_clock_header")]


def test_stamps_keep_the_real_clock(api: ApiClient, accepted_on: Any) -> None:
    accepted_on("2031-05-06T10:00:00Z")

    shown = api.get("v3", "/npq-applications").json()["data"][0]["attributes"]

    assert shown["updated_at"] < "2031"
