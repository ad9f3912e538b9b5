"""How figures are worked out in words: the numbers of finance.md §2.7, and that no line says another sum."""

from decimal import Decimal
from fractions import Fraction

import pytest

from finance.queries.calculation import figures_of
from finance.queries.workings import block_of, figures_explained, rate_of, service_fee_of
from npq.core.money import shown
from tests.finance.books import Books

pytestmark = pytest.mark.django_db

HEADSHIP, EHCO, MATHS = "npq-headship", "npq-early-headship-coaching-offer", "npq-leading-primary-mathematics"


@pytest.fixture
def books(provider) -> Books:
    return Books(provider)


def test_rate_and_service_fee_are_shown_with_their_numbers(books: Books) -> None:
    books.terms(HEADSHIP, service_fee_installments=24)
    (course,) = figures_of(books.statement()).courses

    assert rate_of(course) == "£1,237.00 × 60% ÷ 4 = £185.55"
    assert service_fee_of(course) == "30 × £1,237.00 × 40% ÷ 24 = £618.50"


@pytest.mark.parametrize(
    ("course", "terms", "words"),
    [
        (HEADSHIP, {"monthly_service_fee": Decimal("1500.25")}, "fixed by the contract at £1,500.25 a month"),
        (HEADSHIP, {"monthly_service_fee": Decimal(0)}, "fixed by the contract at £0.00 a month"),
        (EHCO, {}, "none, as courses of this group have none"),
    ],
)
def test_a_fee_that_is_not_derived_says_why(books: Books, course: str, terms: dict[str, Decimal], words: str) -> None:
    books.terms(course, **terms)
    (figures,) = figures_of(books.statement()).courses

    assert service_fee_of(figures) == words


def test_old_lines_alone_are_charged_no_fee(books: Books) -> None:
    books.terms(HEADSHIP)
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    paid = books.declare(january, HEADSHIP)
    books.pay(january)
    books.void(paid, on=april.deadline_date)
    april.year, april.month = 2024, 1  # before its terms, were they to begin later
    (course,) = figures_of(april).courses

    assert "Clawback, started" in [line.title for line in block_of(course).lines]


def test_a_block_names_every_line_and_its_lines_make_its_total(books: Books) -> None:
    books.terms(HEADSHIP)
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    paid = books.declare(january, HEADSHIP, targeted_delivery_funding_eligibility=True)
    books.pay(january)
    books.void(paid, on=april.deadline_date)
    books.declare(april, HEADSHIP, targeted_delivery_funding_eligibility=True)
    (course,) = figures_of(april).courses

    block = block_of(course)

    assert [(line.title, line.number, line.rate, str(shown(line.total))) for line in block.lines if line.number] == [
        ("Output payment, started", 1, "£185.55", "185.55"),
        ("Targeted delivery funding", 1, "£100.00", "100.00"),
        ("Clawback, started", 1, "as it was paid", "-185.55"),
        ("Clawback, targeted delivery funding", 1, "as it was paid", "-100.00"),
        ("Service fee", 30, "£20.62", "618.50"),
    ]
    assert sum((line.total for line in block.lines), Fraction(0)) == course.total


def test_a_rate_of_more_than_pence_is_exact_so_that_it_can_be_multiplied(books: Books) -> None:
    books.terms(HEADSHIP, per_participant=Decimal("1850.75"), monthly_service_fee=Decimal(0))
    january = books.statement()
    books.declare_many(4, january, HEADSHIP)
    figures = figures_of(january)

    # 4 × £277.61, as the rate is shown, would be £1,110.44.
    assert rate_of(figures.courses[0]) == "£1,850.75 × 60% ÷ 4 = £277.6125, shown as £277.61"
    assert figures_explained(figures)[0].workings == [f"{figures.courses[0].course.name}: 4 × £277.6125 = £1,110.45"]


def test_what_is_taken_off_is_written_with_a_minus_and_rounding_is_said(books: Books) -> None:
    books.terms(HEADSHIP, per_participant=Decimal("1000.05"), monthly_service_fee=None, service_fee_installments=7)
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    paid = books.declare(january, HEADSHIP)
    books.pay(january)
    books.void(paid, on=april.deadline_date)
    figures = figures_of(april)

    # 1,000.05 × 60% ÷ 4 = 150.0075; 30 × 1,000.05 × 40% ÷ 7 = 1,714.371…
    assert figures_explained(figures)[-1].workings == ["£0.00 + £0.00 − £150.01 + £0.00 + £1,714.37 = £1,564.36"]


def test_parts_that_do_not_add_up_once_rounded_are_explained(books: Books) -> None:
    books.terms(HEADSHIP, per_participant=Decimal("1850.75"), recruitment_target=4, service_fee_installments=24)
    january = books.statement()
    books.declare(january, HEADSHIP)
    figures = figures_of(january)

    # 277.6125 and 4 × 1,850.75 × 40% ÷ 24 = 123.38333…: together 400.9958333…
    assert figures_explained(figures)[-1].workings == [
        "£277.61 + £0.00 + £0.00 + £0.00 + £123.38 = £401.00",
        "The parts as shown come to £400.99, because each of them is rounded.",
    ]


def test_the_figures_of_a_statement_make_its_total(books: Books) -> None:
    books.terms(HEADSHIP)
    books.terms(MATHS, special_course=True, monthly_service_fee=Decimal(0))
    january = books.statement()
    books.declare(january, HEADSHIP)
    books.declare(january, MATHS)
    figures = figures_of(january)

    *parts, total = figures_explained(figures)

    assert sum((each.amount for each in parts), Fraction(0)) == total.amount == figures.total
    assert total.workings == ["£185.55 + £0.00 + £0.00 + £0.00 + £618.50 = £804.05"]
    assert parts[0].workings == [f"{figures.courses[0].course.name}: 1 × £185.55 = £185.55"]
