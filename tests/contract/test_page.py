"""The documentation page of each version: complete, from this server alone, and usable in a browser."""

import re
from typing import Any

import pytest
from django.test import Client

from npq.api.docs.codes import codes_of
from npq.api.schema import DOCUMENTS, NEWEST, openapi

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
def test_the_page_lists_every_status_of_an_error_and_no_other(name: str) -> None:
    text = Client().get(f"/api/docs/{name}").content.decode()

    listed = set(re.findall(r'<th scope="row">(\d{3})</th>', text))
    assert listed == {"404"} | {
        status
        for methods in openapi(name)["paths"].values()
        for operation in methods.values()
        for status in operation["responses"]
        if status >= "400"
    }


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


def test_every_code_says_where_it_can_occur() -> None:
    summaries = {
        operation["summary"] for methods in openapi(NEWEST)["paths"].values() for operation in methods.values()
    }

    for code in codes_of(NEWEST):
        assert code.operations
        assert set(code.operations) <= summaries
