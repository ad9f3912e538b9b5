"""What lies beside the API's routes answers as the API does, to browsers and programs alike (decisions.md §8, HTTP)."""

from typing import Any

import pytest
from django.test import Client


@pytest.fixture
def client() -> Client:
    """A client that a page for forged requests would stop."""
    return Client(enforce_csrf_checks=True)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v4/npq-applications", "/api/v3/applications", "/api/docs/"])
def test_an_unknown_path_is_404_whatever_the_method(client: Client, method: str, path: str) -> None:
    response: Any = getattr(client, method)(path)

    assert (response.status_code, response.json()) == (404, {"error": "Resource not found"})


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize(
    "path", ["/api/docs", "/api/docs/v3", "/api/docs/v1/openapi.yaml", "/api/docs/v1/openapi.json"]
)
def test_the_documentation_is_read_only(client: Client, method: str, path: str) -> None:
    response: Any = getattr(client, method)(path)

    assert (response.status_code, response.json()) == (405, {"error": "Method not allowed"})
    assert response["Allow"] == "GET, HEAD"
