"""A new colleague, in a browser: an account is made, a password set by its link; and too many wrong ones."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.browser.browsing import Browsing, Visitor
from tests.browser.looking import assert_nothing, look

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery staple"


def heading(visitor: Visitor, name: str) -> None:
    visitor.page.get_by_role("heading", level=1, name=name).wait_for()


def test_a_new_colleague_gets_an_account_and_a_password(browsing: Browsing, session_of: Callable[[str], str]) -> None:
    def journey(manager: Visitor, jo: Visitor) -> list[str]:
        page = manager.page
        manager.goes_to("/admin/auth/user/add/")
        manager.presses("Save")
        page.get_by_role("link", name="Enter the username.").wait_for()
        wrong = look(manager, "add, refused")
        for label, answer in (
            ("Username", "jo.baker"),
            ("Email address", "jo.baker@example.org"),
            ("First name", "Jo"),
            ("Last name", "Baker"),
        ):
            page.get_by_label(label).fill(answer)
        page.get_by_label("caseworker").check()
        manager.presses("Save")
        heading(manager, "Link to set a password: jo.baker")
        wrong += look(manager, "link")
        jo.page.goto(page.locator("pre").inner_text())
        wrong += look(jo, "set password")
        for label in ("New password", "New password confirmation"):
            jo.page.get_by_label(label, exact=True).fill("short")
        jo.presses("Set password")
        jo.page.get_by_text("There is a problem").wait_for()
        wrong += look(jo, "set password, refused")
        for label in ("New password", "New password confirmation"):
            jo.page.get_by_label(label, exact=True).fill(PASSWORD)
        jo.presses("Set password")
        heading(jo, "Sign in")
        wrong += look(jo, "password set")
        return wrong

    assert_nothing(browsing.run(journey, session_of("access manager"), None))
    assert User.objects.get(username="jo.baker").check_password(PASSWORD)


def test_too_many_wrong_passwords(browsing: Browsing, staff: Callable[[str], User], settings: Any) -> None:
    settings.AXES_ENABLED = True
    staff("caseworker")

    def journey(visitor: Visitor) -> list[str]:
        visitor.goes_to("/admin/login/")
        for _ in range(5):
            visitor.page.get_by_label("Username").fill("caseworker")
            visitor.page.get_by_label("Password").fill("wrong")
            visitor.presses("Continue")
        heading(visitor, "Sign-in is locked")
        return look(visitor, "locked")

    assert_nothing(browsing.run(journey, None))


def test_the_department_s_sign_in_and_its_refusal(browsing: Browsing, settings: Any, db: Any) -> None:
    settings.OIDC_CONFIGURED = True
    settings.NPQ_PASSWORD_SIGN_IN = False

    def journey(visitor: Visitor) -> list[str]:
        visitor.goes_to("/admin/login/")
        heading(visitor, "Sign in")
        wrong = look(visitor, "the department's sign-in")
        visitor.goes_to("/admin/oidc/callback/?error=access_denied&state=unknown")
        heading(visitor, "You cannot sign in")
        return wrong + look(visitor, "turned away")

    assert_nothing(browsing.run(journey, None))
