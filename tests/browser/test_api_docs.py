"""The documentation of the API in a browser: drawn from this server alone, and good to try things with."""

from typing import Any

import pytest

from npq.api.schema import DOCUMENTS, NEWEST
from npq.core.models import ApiToken
from tests.browser.browsing import Browsing, Visitor
from tests.contract.cases import operations
from tests.factories import ApiTokenFactory, LeadProviderFactory

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_every_endpoint_is_drawn(name: str, browsing: Browsing) -> None:
    def count_endpoints(visitor: Visitor) -> int:
        visitor.goes_to(f"/api/docs/{name}")
        visitor.page.wait_for_selector(".opblock")
        return visitor.page.locator(".opblock").count()

    drawn = browsing.run(count_endpoints, None)

    assert drawn == len([one for one in operations() if one.document == name])


def test_an_endpoint_can_be_tried(browsing: Browsing) -> None:
    secret = ApiToken.new_secret()
    ApiTokenFactory(secret=secret, lead_provider=LeadProviderFactory())

    def try_an_endpoint(visitor: Visitor) -> Any:
        page = visitor.page
        visitor.goes_to(f"/api/docs/{NEWEST}")
        page.click("button.authorize")
        page.fill(".auth-container input", secret)
        page.click(".auth-btn-wrapper button.authorize")
        page.click(".auth-btn-wrapper button.btn-done")
        page.click("#operations-Applications-list_applications .opblock-summary-control")
        page.click("#operations-Applications-list_applications .try-out__btn")
        page.click("#operations-Applications-list_applications button.execute")
        answer = page.locator("#operations-Applications-list_applications .live-responses-table")
        answer.wait_for()
        return answer.locator(".response-col_status").last.inner_text()

    assert browsing.run(try_an_endpoint, None).startswith("200")
