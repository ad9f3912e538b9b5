"""What staff see when something is not there, not theirs, not readable, or went wrong: a page, with the way back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from npq.backoffice import help as help_module

LIST = "/admin/applications/application/"


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/admin/no-such-page/", 404, "Page not found"),
        (f"{LIST}0b7f5f0e-5a55-4c9b-8a7e-3f1f0d7c2a11/", 404, "Page not found"),
        ("/admin/auth/user/", 403, "You may not open this page"),
        (f"{LIST}?participant__date_of_birth=1985-04-01", 400, "The address cannot be read"),
    ],
)
def test_a_page_says_what_is_wrong(as_role: Callable[[str], Client], path: str, status: int, title: str) -> None:
    response = as_role("viewer").get(path)

    assert response.status_code == status
    assert f"<h1>{title}</h1>" in response.content.decode()
    assert 'href="/admin/"' in response.content.decode()


def test_a_form_from_before_the_sign_in_changes_nothing_and_says_so(as_role: Callable[[str], Client]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = as_role("viewer").cookies

    response = client.post("/admin/password_change/", {"csrfmiddlewaretoken": "old"})

    assert response.status_code == 403
    assert "<h1>This page is out of date</h1>" in response.content.decode()


def test_our_own_failure_is_a_page_too(as_role: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError

    client = as_role("viewer")
    client.raise_request_exception = False
    monkeypatch.setattr(help_module, "roles_in_words", fail)

    response = client.get("/admin/help/")

    assert response.status_code == 500
    assert "<h1>Something went wrong</h1>" in response.content.decode()
