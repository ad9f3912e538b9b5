"""The filters of a list, in a browser: all there on a wide screen, folded on a narrow one, and used there too."""

from collections.abc import Callable

import pytest

from tests.browser.browsing import NARROW, WIDE, Browsing, Visitor
from tests.browser.looking import assert_nothing, look
from tests.factories import ParticipantFactory

pytestmark = pytest.mark.browser

LIST = "/admin/participants/participant/"


def test_filters_are_folded_on_a_narrow_screen_and_on_no_other(
    browsing: Browsing, session_of: Callable[[str], str]
) -> None:
    def journey(visitor: Visitor) -> tuple[bool, bool]:
        visitor.goes_to(LIST)
        shown = []
        for size in (WIDE, NARROW):
            visitor.page.set_viewport_size(size)  # type: ignore[arg-type]
            shown.append(visitor.page.get_by_label("TRN verified").is_visible())
        return shown[0], shown[1]

    assert browsing.run(journey, session_of("viewer")) == (True, False)


def test_a_list_is_filtered_on_a_narrow_screen(browsing: Browsing, session_of: Callable[[str], str]) -> None:
    unverified = ParticipantFactory(unverified=True, full_name="Ada Okonkwo")
    ParticipantFactory(full_name="Ben Tanaka")

    def journey(visitor: Visitor) -> tuple[list[str], list[str], str]:
        visitor.goes_to(LIST)
        visitor.page.get_by_text("Filters", exact=True).click()
        wrong = look(visitor, "unfolded")
        visitor.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        visitor.page.get_by_label("TRN verified").select_option("No")
        visitor.presses("Apply")
        names = visitor.page.locator("#result_list tbody th").all_inner_texts()
        return wrong, names, visitor.page.locator("summary").inner_text()

    wrong, names, summary = browsing.run(journey, session_of("viewer"), size=NARROW)

    assert_nothing(wrong)
    assert names == [unverified.full_name]
    assert "TRN verified: No" in summary
