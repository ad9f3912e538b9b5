"""The browser of a test run, and staff signed in to it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.backoffice.conftest import as_role, staff
from tests.browser.browsing import CHROMIUM, Browsing

__all__ = ["as_role", "staff"]


@pytest.fixture(scope="session")
def _browser() -> Iterator[Browsing]:
    if CHROMIUM is None:
        pytest.skip("There is no browser to drive: install chromium to run these.")
    with Browsing.started() as browsing:
        yield browsing


@pytest.fixture
def browsing(_browser: Browsing, transactional_db: Any, live_server: Any) -> Browsing:
    """The browser, with the service for it to visit; what a test writes is really committed."""
    _browser.home = live_server.url
    return _browser


@pytest.fixture
def session_of(as_role: Callable[[str], Client]) -> Callable[[str], str]:
    """Signs in with a role; the value of the session's cookie."""

    def sign_in(role: str) -> str:
        return as_role(role).cookies[settings.SESSION_COOKIE_NAME].value

    return sign_in


@pytest.fixture
def session_of_all(staff: Callable[[str], User]) -> Callable[[], str]:
    """Signs in somebody who has every role, and so may open every page; the value of the session's cookie."""

    def sign_in() -> str:
        user = staff("")
        user.groups.set(Group.objects.all())
        client = Client()
        client.force_login(user)
        return client.cookies[settings.SESSION_COOKIE_NAME].value

    return sign_in
