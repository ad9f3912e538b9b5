"""Contracts: their pages, and a change from a month on with what it does to each statement shown first."""

import html
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from finance.models import ContractTerms, Statement
from finance.queries.calculation import figures_of
from npq.backoffice.pages import address_of
from npq.core.models import Change
from tests.backoffice.conftest import ROLE_NAMES
from tests.backoffice.test_money_pages import press, words_of
from tests.backoffice.test_pages import MOST_QUERIES, looked_at
from tests.factories import ApplicationFactory, CourseFactory, LeadProviderFactory, StatementFactory
from tests.finance.books import Books

pytestmark = pytest.mark.django_db

HEADSHIP, TEACHING = "npq-headship", "npq-leading-teaching"


@pytest.fixture
def books(provider: Any) -> Books:
    return Books(provider)


@pytest.fixture
def terms(books: Books) -> ContractTerms:
    return books.terms(HEADSHIP)


@pytest.fixture
def months(books: Books, terms: ContractTerms) -> list[Statement]:
    """January paid, April and July open, each with one declaration."""
    made = [books.statement(2025, month) for month in (1, 4, 7)]
    for statement in made:
        books.declare(statement, HEADSHIP)
    books.pay(made[0])
    return made


def page_of(client: Client, terms: ContractTerms, way: str = "") -> str:
    response = client.get(f"{address_of(terms, terms.public_id)}{way}")
    assert response.status_code == 200
    return words_of(html.unescape(response.content.decode()))


def preview(client: Client, terms: ContractTerms, **answers: str) -> str:
    data = {"reason": "The contract was renegotiated", **answers}
    response = client.post(f"{address_of(terms, terms.public_id)}change_contract/", data)
    assert response.status_code == 200
    return words_of(html.unescape(response.content.decode()))


def test_a_page_shows_the_terms_with_their_formulas_and_each_statement(
    as_role: Callable[[str], Client], terms: ContractTerms, months: list[Statement]
) -> None:
    page = page_of(as_role("viewer"), terms)

    for words in (
        "£1,237.00 × 60% ÷ 4 = £185.55",
        "30 × £1,237.00 × 40% ÷ 24 = £618.50",
        "These terms hold from the first statement.",
        "January 2025 Paid Yes those from the first statement",
        "April 2025 Open Yes those from the first statement",
    ):
        assert words in page


def test_a_change_shows_each_statement_before_and_after_and_leaves_earlier_months(
    as_role: Callable[[str], Client], terms: ContractTerms, months: list[Statement]
) -> None:
    client = as_role("configuration")
    answers = {"from_month": "2025-07", "per_participant": "1300.00"}
    before = [figures_of(each).shown_total for each in months]

    shown = preview(client, terms, **answers)
    untouched = [figures_of(each).shown_total for each in months] == before
    press(client, terms, "change_contract", **answers)  # type: ignore[arg-type]

    # 1,300 × 60 % ÷ 4 = 195.00 and 30 × 1,300 × 40 % ÷ 24 = 650.00.
    assert "July 2025, cohort 2023a: £804.05 → £845.00 (+£40.95)" in shown
    assert "Price per participant £1,237.00 £1,300.00" in shown
    assert "Payment for one declaration £1,237.00 × 60% ÷ 4 = £185.55 £1,300.00 × 60% ÷ 4 = £195.00" in shown
    assert "April 2025" not in shown.split("What will change")[1].split("Reason")[0].split("From the statement of")[0]
    assert untouched
    assert [figures_of(each).shown_total for each in months] == [*before[:2], Decimal("845.00")]
    change = Change.objects.filter(table="finance_contractterms").latest("id")
    assert (change.action, change.reason) == ("change_contract", "Checked against the ledger")
    new = ContractTerms.objects.exclude(id=terms.id).get()
    assert (new.effective_month, new.recruitment_target) == (date(2025, 7, 1), 30)


@pytest.mark.parametrize("answers", [{}, {"per_participant": "1237.00"}])
def test_terms_that_stay_as_they_are_say_so_and_nothing_else(
    as_role: Callable[[str], Client], terms: ContractTerms, months: list[Statement], answers: dict[str, str]
) -> None:
    page = preview(as_role("configuration"), terms, from_month="2025-04", **answers)

    assert "Nothing: it is so already." in page
    assert "rest on the terms" not in page


def test_a_change_of_several_statements_says_what_they_come_to_in_all(
    as_role: Callable[[str], Client], terms: ContractTerms, months: list[Statement]
) -> None:
    client = as_role("configuration")

    shown = preview(client, terms, from_month="2025-04", per_participant="1300.00")
    one = preview(client, terms, from_month="2025-07", per_participant="1300.00")

    # April and July: 40.95 each.
    assert "In all: +£81.90" in shown
    assert "In all" not in one


def test_a_paid_month_is_refused_in_words(
    as_role: Callable[[str], Client], terms: ContractTerms, months: list[Statement]
) -> None:
    changes = Change.objects.count()

    shown = preview(as_role("configuration"), terms, from_month="2025-01", per_participant="1300.00")

    assert "This is not possible" in shown
    assert "January 2025 (paid)" in shown
    assert Change.objects.count() == changes


@pytest.mark.parametrize(
    ("typed", "fee", "total"),
    [("1500.25", Decimal("1500.25"), "£1,685.80"), ("0", Decimal(0), "£185.55"), ("derived", None, "")],
)
def test_a_fee_is_fixed_dropped_or_derived(
    as_role: Callable[[str], Client],
    terms: ContractTerms,
    months: list[Statement],
    typed: str,
    fee: Decimal | None,
    total: str,
) -> None:
    client = as_role("configuration")
    answers = {"from_month": "2025-04", "monthly_service_fee": typed}

    shown = preview(client, terms, **answers)
    press(client, terms, "change_contract", **answers)  # type: ignore[arg-type]

    assert f"→ {total}" in shown if total else "Nothing: it is so already." in shown
    newest = ContractTerms.objects.latest("id")
    assert newest.monthly_service_fee == fee


@pytest.mark.parametrize(
    ("name", "typed", "words"),
    [
        ("per_participant", "-1", "Price per participant, in pounds: must not be negative"),
        ("per_participant", "£1,300", "is not a number"),
        ("per_participant", "1300.005", "more than two decimals"),
        ("recruitment_target", "0", "Recruitment target: must be from 1"),
        ("recruitment_target", "12.5", "is not a whole number"),
        ("monthly_service_fee", "soon", "is not a number"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_question(
    as_role: Callable[[str], Client], terms: ContractTerms, months: list[Statement], name: str, typed: str, words: str
) -> None:
    shown = preview(as_role("configuration"), terms, from_month="2025-04", **{name: typed})

    assert "There is a problem" in shown
    assert words in shown


def test_without_statements_there_is_no_month_to_choose(as_role: Callable[[str], Client], terms: ContractTerms) -> None:
    page = page_of(as_role("configuration"), terms, "change_contract/")

    assert "The provider has no statement in the cohort" in page


def listed(client: Client, asked: str) -> list[str]:
    page = client.get(f"/admin/finance/contractterms/{asked}").content.decode()
    return re.findall(r'<t[hd] class="field-holds_from[^"]*">([^<]*)<', page)


def test_the_list_is_narrowed_by_provider_cohort_and_course(
    as_role: Callable[[str], Client], books: Books, terms: ContractTerms
) -> None:
    books.terms(HEADSHIP, effective_month=date(2025, 4, 1))
    Books(LeadProviderFactory(code="other")).terms(TEACHING)
    client = as_role("viewer")

    assert len(listed(client, "")) == 3
    assert listed(client, "?lead_provider=other") == ["the first statement"]
    assert listed(client, f"?course={HEADSHIP}") == ["the first statement", "April 2025"]
    assert listed(client, "?cohort=2021a") == []


# Gaps -----------------------------------------------------------------------------------------------


def gaps_page(client: Client, asked: str = "") -> str:
    response = client.get(f"/admin/contract-gaps/{asked}")
    assert response.status_code == 200
    return words_of(html.unescape(response.content.decode()))


def test_gaps_are_named_with_what_closes_them(as_role: Callable[[str], Client], provider: Any) -> None:
    application = ApplicationFactory(lead_provider=provider, course=CourseFactory(identifier=HEADSHIP))
    client = as_role("configuration")

    page = gaps_page(client, f"?cohort={application.cohort}")

    assert f"{application.course.name} 0 enrolments and 1 pending application, and no contract terms" in page
    assert "No gaps." in gaps_page(client, "?cohort=nonsense") or "1 pending" in gaps_page(client, "?cohort=nonsense")


def test_without_cohorts_there_are_no_gaps(as_role: Callable[[str], Client]) -> None:
    assert "No gaps." in gaps_page(as_role("viewer"))


def test_the_gaps_cost_the_same_however_much_there_is(as_role: Callable[[str], Client], provider: Any) -> None:
    client, cohort = as_role("viewer"), ApplicationFactory(lead_provider=provider).cohort
    few = looked_at(client, f"/admin/contract-gaps/?cohort={cohort}")
    for number in range(8):
        other = LeadProviderFactory(code=f"provider-{number}")
        ApplicationFactory(lead_provider=other, cohort=cohort)
        StatementFactory(lead_provider=other, cohort=cohort)

    assert looked_at(client, f"/admin/contract-gaps/?cohort={cohort}") == few <= MOST_QUERIES


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_gaps_and_moving_open_for_the_roles_that_need_them(as_role: Callable[[str], Client], role: str) -> None:
    client = as_role(role)

    answers = [client.get(f"/admin/{page}/").status_code for page in ("contract-gaps", "move-declarations")]

    sees = {"viewer", "caseworker", "finance", "finance approver", "configuration"}
    assert answers == [200 if role in sees else 403, 200 if role == "finance" else 403]
