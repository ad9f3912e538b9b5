"""The documentation page of each version: complete, from this server alone, and usable in a browser."""

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from npq.api.docs.codes import codes_of
from npq.api.schema import DOCUMENTS, NEWEST, openapi
from npq.core.models import ApiToken
from tests.contract.cases import operations
from tests.factories import ApiTokenFactory, LeadProviderFactory

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

every_document = pytest.mark.parametrize("name", list(DOCUMENTS))


@every_document
def test_the_page_names_every_error_code(name: str) -> None:
    response = Client().get(f"/api/docs/{name}")

    text = response.content.decode()
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert set(re.findall(r'id="code-([a-z0-9_]+)"', text)) == {code.error.code for code in codes_of(name)}
    assert "decisions.md" not in text
    assert "api.md" not in text


@every_document
def test_the_page_asks_nothing_of_other_servers(name: str) -> None:
    response = Client().get(f"/api/docs/{name}")

    assert re.findall(r'(?:src|href)="(?!/|#)', response.content.decode()) == []
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]


@pytest.mark.parametrize("word", ["Authorization: Bearer", "two windows back", "Retry-After", "updated_since"])
def test_the_newest_page_tells_how_to_begin(word: str) -> None:
    assert word in Client().get(f"/api/docs/{NEWEST}").content.decode()


def test_the_clock_is_explained_where_it_can_be_moved(settings: Any) -> None:
    assert "X-With-Server-Date:" in Client().get(f"/api/docs/{NEWEST}").content.decode()
    settings.NPQ_ENVIRONMENT = "production"
    assert "X-With-Server-Date:" not in Client().get(f"/api/docs/{NEWEST}").content.decode()


def test_docs_lead_to_the_newest_version() -> None:
    assert Client().get("/api/docs")["Location"] == f"/api/docs/{NEWEST}"


@pytest.mark.parametrize("path", ["x", "v4", "v3/", "v3/openapi.txt", "registration", "registration/v2"])
def test_there_are_no_other_documents(path: str) -> None:
    response = Client().get(f"/api/docs/{path}")

    assert response.status_code == 404
    assert response.json() == {"error": "Resource not found"}


@pytest.mark.parametrize("path", ["", "/v3", "/v3/openapi.yaml", "/v3/openapi.json"])
def test_documents_are_only_read(path: str) -> None:
    response = Client(enforce_csrf_checks=True).post(f"/api/docs{path}")

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
    assert response.json() == {"error": "Method not allowed"}


@pytest.fixture
def token(transactional_db: Any) -> str:
    """A provider's token. To be asked for before `page`: within a browser's event loop Django would connect anew."""
    secret = ApiToken.new_secret()
    ApiTokenFactory(secret=secret, lead_provider=LeadProviderFactory())
    return secret


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A page of a real browser; what it complains of and whom it asks is kept in `page.said` and `page.asked`."""
    if CHROMIUM is None:
        pytest.skip("no browser is installed")
    from playwright.sync_api import sync_playwright

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.said, page.asked = [], []  # type: ignore[attr-defined]
        page.on("console", lambda message: page.said.append(f"{message.type}: {message.text}"))  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.said.append(f"error: {error}"))  # type: ignore[attr-defined]
        page.on("request", lambda request: page.asked.append(request.url))  # type: ignore[attr-defined]
        yield page
        browser.close()


@pytest.mark.browser
@every_document
def test_a_browser_draws_every_endpoint_and_asks_nobody_else(name: str, page: Any, live_server: Any) -> None:
    page.goto(f"{live_server.url}/api/docs/{name}")
    page.wait_for_selector(".opblock")

    assert page.locator(".opblock").count() == len([one for one in operations() if one.document == name])
    assert page.said == []
    assert [url for url in page.asked if not url.startswith((live_server.url, "data:"))] == []


@pytest.mark.browser
def test_an_endpoint_can_be_tried_in_a_browser(token: str, page: Any, live_server: Any) -> None:
    page.goto(f"{live_server.url}/api/docs/{NEWEST}")

    page.click("button.authorize")
    page.fill(".auth-container input", token)
    page.click(".auth-btn-wrapper button.authorize")
    page.click(".auth-btn-wrapper button.btn-done")
    page.click("#operations-Applications-list_applications .opblock-summary-control")
    page.click("#operations-Applications-list_applications .try-out__btn")
    page.click("#operations-Applications-list_applications button.execute")
    answer = page.locator("#operations-Applications-list_applications .live-responses-table")
    answer.wait_for()

    assert answer.locator(".response-col_status").last.inner_text().startswith("200")
    assert page.said == []


def test_every_code_says_where_it_can_occur() -> None:
    summaries = {
        operation["summary"] for methods in openapi(NEWEST)["paths"].values() for operation in methods.values()
    }

    for code in codes_of(NEWEST):
        assert code.operations
        assert set(code.operations) <= summaries
