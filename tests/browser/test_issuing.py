"""Issuing an API token in a browser: the secret is seen once, whatever somebody does with the way back."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Error

from npq.core.models import ApiToken
from tests.browser.browsing import Browsing
from tests.factories import LeadProviderFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def _one_provider(browsing: Browsing) -> None:
    LeadProviderFactory(code="ambition", name="Ambition Institute")


@pytest.mark.usefixtures("_one_provider")
@pytest.mark.parametrize("how", ["reload", "back"])
def test_a_secret_is_seen_once(browsing: Browsing, session_of: Callable[[str], str], how: str) -> None:
    def journey(visitor: Any) -> tuple[str, str]:
        page = visitor.page
        visitor.goes_to("/admin/")
        visitor.follows(page.get_by_role("link", name="Issue an API token"))
        page.get_by_label("Lead provider").select_option(label="Ambition Institute")
        page.get_by_label("Label").fill("spring")
        page.get_by_label("Reason").fill("Asked for by the provider")
        visitor.presses("Continue")
        visitor.presses("Confirm: issue the token")
        secret = page.locator("#secret").inner_text()
        if how == "back":
            # Nothing was kept to go back to: the browser asks whether to send the form again.
            with pytest.raises(Error, match="ERR_CACHE_MISS"):
                page.go_back()
            # Until the browser's own page stands there, there is nothing to load again.
            page.get_by_text("ERR_CACHE_MISS").wait_for()
        page.reload()
        return secret, page.content()

    secret, afterwards = browsing.run(journey, session_of("access manager"))

    token = ApiToken.objects.get()
    assert token.digest == ApiToken.digest_of(secret)
    assert secret not in afterwards
    assert "its secret is not shown again" in afterwards
