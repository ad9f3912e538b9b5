"""The list of statements, asked for one month."""

from collections.abc import Callable

import pytest
from django.test import Client

from npq.backoffice.pages import address_of
from tests.factories import LeadProviderFactory, StatementFactory

LIST = "/admin/finance/statement/"


@pytest.fixture
def client(as_role: Callable[[str], Client]) -> Client:
    return as_role("finance")


def test_the_one_statement_of_a_month_is_opened_at_once(client: Client) -> None:
    january = StatementFactory(year=2025, month=1)
    StatementFactory(year=2025, month=2, lead_provider=january.lead_provider)
    address = address_of(january, january.public_id)

    assert client.get(LIST, {"month": "2025-01"})["Location"] == address
    assert client.get(LIST, {"month": "2025-01", "lead_provider": january.lead_provider.code})["Location"] == address


def test_several_of_a_month_are_listed(client: Client) -> None:
    january = StatementFactory(year=2025, month=1)
    other = StatementFactory(year=2025, month=1, lead_provider=LeadProviderFactory(code="another"))

    StatementFactory(year=2025, month=2, lead_provider=january.lead_provider)

    page = client.get(LIST, {"month": "2025-01"}).content.decode()

    assert str(january.public_id) in page
    assert str(other.public_id) in page
    assert "February 2025</a>" not in page


@pytest.mark.parametrize("month", ["2025-02", "nonsense"])
def test_where_none_of_a_month_fits_other_months_are_shown_and_it_is_said(client: Client, month: str) -> None:
    january = StatementFactory(year=2025, month=1, lead_provider=LeadProviderFactory(code="teach-first"))
    StatementFactory(year=2025, month=2, lead_provider=LeadProviderFactory(code="another"))

    page = client.get(LIST, {"month": month, "lead_provider": "teach-first"}, follow=True).content.decode()

    assert "No statement matches for that month, so statements of other months are shown." in page
    assert str(january.public_id) in page


def test_one_statement_of_all_months_is_listed(client: Client) -> None:
    january = StatementFactory(year=2025, month=1)

    assert str(january.public_id) in client.get(LIST, {"month": "all"}).content.decode()
