"""Every page of the back office, in a browser: no violation of WCAG 2.2 AA that axe finds, no sideways scrolling
of the page at 320 pixels (which is 400 % zoom), nothing a page complains of, nothing asked of other servers.
"""

from collections.abc import Callable
from typing import Any

import pytest

from npq.backoffice.catalogue import CORRECTIONS
from npq.backoffice.pages import address_of
from tests.backoffice.test_corrections import HAPPY, REASON
from tests.backoffice.walking import NO_PAGES, Route, address, record_kinds, routes
from tests.backoffice.world import world
from tests.browser.browsing import Browsing, Visitor
from tests.browser.looking import assert_nothing, look

pytestmark = pytest.mark.browser


def look_at_all(paths: list[str]) -> Callable[[Visitor], list[str]]:
    """A journey along addresses."""

    def journey(visitor: Visitor) -> list[str]:
        wrong = []
        for path in paths:
            visitor.goes_to(path)
            wrong += look(visitor, path)
        return wrong

    return journey


PAGES = [each for each in routes() if each.name not in NO_PAGES and not each.is_file and not each.is_correction]
# Pages for those who are not signed in yet: they have a test of their own.
DOOR = {"login", "sign_in_code", "second_factor", "set_password"}
LISTS = [each for each in PAGES if each.name.endswith("_changelist")]


# In parts, so that two processors share them.
@pytest.mark.parametrize("part", range(2))
def test_every_page_with_something_on_it(browsing: Browsing, session_of_all: Callable[[], str], part: int) -> None:
    records = world(3)
    paths = [address(each, records) for each in PAGES if each.name not in DOOR][part::2]

    assert_nothing(browsing.run(look_at_all(paths), session_of_all()))


def test_pages_without_data_and_pages_that_are_none(browsing: Browsing, session_of_all: Callable[[], str]) -> None:
    paths = [address(each, {}) for each in [*LISTS, *(each for each in PAGES if each.name in {"index", "find"})]]
    elsewhere = ["/admin/no-such-page/", "/admin/applications/application/?status__exact=nonsense"]

    assert_nothing(browsing.run(look_at_all([*paths, *elsewhere, "/admin/find/?q=nobody"]), session_of_all()))


def test_what_somebody_without_a_role_sees(browsing: Browsing, session_of: Callable[[str], str]) -> None:
    assert_nothing(browsing.run(look_at_all(["/admin/", "/admin/auth/user/"]), session_of("")))


@pytest.mark.parametrize("part", range(4))
def test_every_correction(browsing: Browsing, session_of_all: Callable[[], str], part: int) -> None:
    cases = []
    for correction in CORRECTIONS[part::4]:
        record, answers, _, _ = HAPPY[correction.name]()
        cases.append((f"{address_of(record, record.public_id)}{correction.name}/", answers))

    def journey(visitor: Visitor) -> list[str]:
        wrong = []
        for path, answers in cases:
            visitor.goes_to(path)
            wrong += look(visitor, path)
            visitor.presses("Show what will change")
            wrong += look(visitor, f"{path} without a reason")
            # The summary of what is wrong is where a screen reader goes on reading.
            if not visitor.page.evaluate("document.activeElement.matches('.problems')"):
                wrong.append(f"{path}: the errors do not have the focus")
            for name, value in {**answers, "reason": REASON}.items():
                answer(visitor, name, value)
            visitor.presses("Show what will change")
            visitor.page.get_by_role("heading", name="What will change").wait_for()
            wrong += look(visitor, f"{path} shown")
        return wrong

    assert_nothing(browsing.run(journey, session_of_all()))


def answer(visitor: Visitor, name: str, value: Any) -> None:
    """Fills in one field of a form, whatever it is."""
    field = visitor.page.locator(f"form.correction [name={name}]").first
    kind = field.evaluate("it => it.type")
    if kind == "select-one":
        field.select_option(str(value))
    elif kind == "radio":
        visitor.page.locator(f"form.correction [name={name}][value='{value}']").check()
    elif kind == "checkbox":
        field.set_checked(bool(value))
    else:
        field.fill(str(value))


def test_every_kind_of_record_is_looked_at() -> None:
    walked = {each.pattern.removesuffix("/") for each in LISTS}

    assert set(record_kinds()) <= walked


def test_what_is_no_page_is_still_there() -> None:
    assert set(NO_PAGES) <= {each.name for each in routes()}


def test_a_route_that_nobody_explained_is_noticed() -> None:
    with pytest.raises(AssertionError, match="how the address of new_page is made"):
        address(Route("new_page", "new/<uuid:public_id>/"), {})
