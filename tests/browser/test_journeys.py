"""What staff do every day, from the first click to the last, in a real browser."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from applications.choices import ApplicationStatus
from applications.models import Application
from finance.choices import StatementState
from npq.backoffice.pages import address_of
from npq.core.models import Change
from tests.browser.browsing import Browsing, Visitor
from tests.browser.looking import assert_nothing, look
from tests.factories import ApplicationFactory, StatementFactory

pytestmark = pytest.mark.browser

PASSWORD = "seven brave otters at dawn"
KEY = "3132333435363738393031323334353637383930"
REASON = "Asked for by the provider on the telephone"


def code() -> str:
    """What the authenticator shows now."""
    return f"{totp(bytes.fromhex(KEY)):06d}"


def shows(visitor: Visitor, text: str) -> None:
    """Waits until a text is shown."""
    visitor.page.get_by_text(text).first.wait_for()


@pytest.fixture
def newcomer(staff: Callable[[str], User]) -> User:
    """A caseworker with a password, who has not signed in yet."""
    user = staff("caseworker")
    user.set_password(PASSWORD)
    user.save()
    return user


def test_signing_in_takes_a_password_and_a_code(browsing: Browsing, newcomer: User) -> None:
    def journey(visitor: Visitor) -> list[str]:
        page = visitor.page
        visitor.goes_to("/admin/participants/participant/")
        wrong = look(visitor, "sign in")
        page.get_by_label("Username").fill("caseworker")
        page.get_by_label("Password").fill("a wrong password")
        visitor.presses("Continue")
        shows(visitor, "The username or password is wrong.")
        wrong += look(visitor, "sign in, refused")
        page.get_by_label("Username").fill("caseworker")
        page.get_by_label("Password").fill(PASSWORD)
        visitor.presses("Continue")
        page.get_by_role("heading", level=1, name="Set up your second factor").wait_for()
        wrong += look(visitor, "second factor")
        page.get_by_label("Code").fill("000000")
        visitor.follows(page.get_by_role("button").last)
        wrong += look(visitor, "second factor, refused")
        return wrong

    wrong = browsing.run(journey, None)
    TOTPDevice.objects.filter(user=newcomer).update(confirmed=True, key=KEY, throttling_failure_count=0)

    def again(visitor: Visitor) -> list[str]:
        page = visitor.page
        visitor.goes_to("/admin/participants/participant/")
        page.get_by_label("Username").fill("caseworker")
        page.get_by_label("Password").fill(PASSWORD)
        visitor.presses("Continue")
        page.get_by_role("heading", level=1, name="Enter your code").wait_for()
        wrong = look(visitor, "code")
        page.get_by_label("Code").fill(code())
        visitor.follows(page.get_by_role("button").last)
        page.get_by_role("heading", level=1, name="Participants").wait_for()
        visitor.presses("Sign out")
        page.get_by_role("heading", level=1, name="You have signed out").wait_for()
        wrong += look(visitor, "signed out")
        visitor.follows(page.get_by_role("link", name="Sign in again"))
        page.get_by_label("Username").wait_for()
        return wrong

    assert_nothing([*wrong, *browsing.run(again, None)])


def test_a_participant_is_found_and_an_acceptance_undone(browsing: Browsing, session_of: Callable[[str], str]) -> None:
    """By the keyboard alone: nothing is clicked."""
    application = ApplicationFactory(accepted=True)
    trn = application.participant.teacher_reference_number

    def tab_to(visitor: Visitor, role: str, name: str) -> None:
        wanted = visitor.page.get_by_role(role, name=name).first  # type: ignore[arg-type]
        wanted.wait_for()
        for _ in range(120):
            visitor.page.keyboard.press("Tab")
            if wanted.evaluate("it => it === document.activeElement"):
                return
        raise AssertionError(f"The {role} {name} is not reached by the Tab key at {visitor.page.url}")

    def enter(visitor: Visitor) -> None:
        with visitor.leaves():
            visitor.page.keyboard.press("Enter")

    def journey(visitor: Visitor) -> str:
        keys = visitor.page.keyboard
        visitor.goes_to("/admin/")
        tab_to(visitor, "searchbox", "Find")
        keys.type(trn)
        enter(visitor)
        visitor.page.get_by_role("heading", name="Search results").wait_for()
        tab_to(visitor, "link", f"{application.participant.full_name}, TRN {trn}")
        enter(visitor)
        visitor.page.get_by_role("heading", name=application.participant.full_name).wait_for()
        tab_to(visitor, "link", str(application.public_id))
        enter(visitor)
        tab_to(visitor, "link", "Undo acceptance")
        enter(visitor)
        tab_to(visitor, "textbox", "Reason")
        keys.type(REASON)
        tab_to(visitor, "button", "Show what will change")
        enter(visitor)
        visitor.page.get_by_role("heading", name="What will change").wait_for()
        tab_to(visitor, "button", "Confirm: undo acceptance")
        enter(visitor)
        shows(visitor, "Undo acceptance: done.")
        return visitor.page.locator(".timeline > li").first.inner_text()

    newest = browsing.run(journey, session_of("caseworker"))

    application.refresh_from_db()
    assert application.status == ApplicationStatus.PENDING
    assert "Undo acceptance" in newest
    assert REASON in newest
    assert Change.objects.filter(action="undo_acceptance", reason=REASON, actor_name="Sam Reyes").exists()


def test_two_people_authorise_a_statement(
    browsing: Browsing, staff: Callable[..., User], session_of: Callable[[str], str]
) -> None:
    statement = StatementFactory(payable=True)
    address = address_of(statement, statement.public_id)
    asking = staff("finance", "asking")
    asking.groups.add(Group.objects.get(name="finance approver"))
    client = Client()
    client.force_login(asking)

    def confirm(visitor: Visitor, button: str) -> None:
        visitor.goes_to(address)
        visitor.follows(visitor.page.get_by_role("link", name=button, exact=True))
        for box in visitor.page.locator("form.correction input[type=checkbox]").all():
            box.check()
        visitor.page.get_by_label("Reason").fill(REASON)
        visitor.presses("Show what will change")

    def journey(first: Visitor, second: Visitor) -> None:
        confirm(first, "Ask for payment")
        first.presses("Confirm: ask for payment")
        shows(first, "Ask for payment: done.")
        # Whoever asked is told so, and finds no way to authorise it.
        first.goes_to(f"{address}approve_payment/")
        shows(first, "You asked for the payment")
        assert first.page.get_by_role("button", name="Confirm: authorise payment").count() == 0
        second.goes_to("/admin/")
        second.follows(second.page.get_by_role("link", name=statement.name).first)
        confirm(second, "Authorise payment")
        second.presses("Confirm: authorise payment")
        shows(second, "Authorise payment: done.")

    browsing.run(journey, client.cookies["sessionid"].value, session_of("finance approver"))

    statement.refresh_from_db()
    assert statement.state == StatementState.PAID


def test_a_bulk_change_keeps_the_good_rows_and_gives_back_the_bad(
    browsing: Browsing, session_of: Callable[[str], str], tmp_path: Path
) -> None:
    good = [ApplicationFactory(accepted=True) for _ in range(3)]
    pending = ApplicationFactory()
    file = tmp_path / "undo.csv"
    unknown = "0d4e0b5a-4e6f-4a43-9a3c-5d6f0a1b2c3d"
    rows = [*(str(each.public_id) for each in good), str(pending.public_id), unknown]
    file.write_text("id\n" + "\n".join(rows) + "\n")

    def journey(visitor: Visitor) -> list[dict[str, str]]:
        page = visitor.page
        visitor.goes_to("/admin/")
        visitor.follows(page.get_by_role("link", name="Bulk changes").first)
        visitor.follows(page.get_by_role("link", name="Undo acceptances").first)
        page.get_by_label("CSV file").set_input_files(file)
        visitor.presses("Upload and check")
        page.get_by_role("heading", name="Before you confirm").wait_for()
        page.get_by_label("Reason").fill(REASON)
        visitor.presses("Confirm: do the rows that can be done")
        page.get_by_role("link", name="the rows with errors").wait_for()
        with page.expect_download() as download:
            page.get_by_role("link", name="the rows with errors").click()
        return list(csv.DictReader(Path(download.value.path()).read_text("utf-8-sig").splitlines()))

    failed = browsing.run(journey, session_of("caseworker"))

    assert {row["id"] for row in failed} == {str(pending.public_id), unknown}
    assert all(any(value for key, value in row.items() if key.startswith("error")) for row in failed)
    states: dict[Any, str] = dict(Application.objects.values_list("pk", "status"))
    assert set(states.values()) == {ApplicationStatus.PENDING}
