"""The worked examples of finance.md §2.7, to the penny, with our policy where decisions.md §3 differs."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from finance.choices import LineState, StatementState
from finance.models import Statement
from finance.queries.calculation import figures_of, payment_document
from finance.queries.figures import CourseFigures, StatementFigures
from npq.core.models import Cohort
from npq.core.money import shown
from tests.factories import AdjustmentFactory, CohortFactory
from tests.finance.books import Books

pytestmark = pytest.mark.django_db

HEADSHIP = "npq-headship"
SENIOR = "npq-senior-leadership"
TEACHING = "npq-leading-teaching"
LITERACY = "npq-leading-literacy"
BEHAVIOUR = "npq-leading-behaviour-culture"
MATHS = "npq-leading-primary-mathematics"
COACHING = "npq-early-headship-coaching-offer"
NO_FEE = {"monthly_service_fee": Decimal(0)}


@pytest.fixture
def cohort_2021(db: Any) -> Cohort:
    """Before targeted delivery funding."""
    return CohortFactory(start_year=2021)


@pytest.fixture
def books(cohort_2021: Cohort) -> Books:
    return Books(cohort=cohort_2021)


def course_in(figures: StatementFigures, identifier: str) -> CourseFigures:
    return next(each for each in figures.courses if each.course.identifier == identifier)


def pounds(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def test_e1_one_leadership_course(books: Books) -> None:
    books.terms(HEADSHIP)
    january = books.statement(2025, 1)
    for number, declaration_type in ((12, "started"), (7, "retained-1"), (3, "retained-2")):
        books.declare_many(number, january, HEADSHIP, declaration_type)

    figures = figures_of(january)

    (course,) = figures.courses
    assert shown(course.output_payment_per_participant) == pounds("185.55")
    assert (course.count, shown(course.output_payment)) == (22, pounds("4,082.10"))
    assert shown(course.service_fee_per_participant) == pounds("20.62")
    assert shown(course.service_fee) == pounds("618.50")
    assert figures.targeted_delivery_funding == 0
    assert figures.shown_total == pounds("4,700.60")
    assert (figures.count_of("started"), figures.count_of("retained-1", "retained-2")) == (12, 10)


def fill_e2(books: Books, statement: Statement, earlier: Statement) -> None:
    """Three courses with adjustments; the lump sum to reconcile is an adjustment too (decisions.md §3.8)."""
    books.terms(LITERACY, per_participant=Decimal("756.00"), service_fee_installments=17, recruitment_target=66)
    books.terms(HEADSHIP, per_participant=Decimal("1874.00"), service_fee_installments=29, recruitment_target=44)
    books.terms(
        BEHAVIOUR, per_participant=Decimal("947.50"), recruitment_target=60, monthly_service_fee=Decimal("1500.25")
    )
    funded = {"targeted_delivery_funding_eligibility": True}
    taken_back = [
        books.declare(earlier, LITERACY, **funded),
        books.declare(earlier, LITERACY),
        books.declare(earlier, HEADSHIP, "retained-1"),
    ]
    books.pay(earlier)
    for declaration in taken_back:
        books.void(declaration, on=statement.deadline_date)
    books.declare_many(6, statement, LITERACY, **funded)
    books.declare_many(25, statement, LITERACY)
    books.declare_many(3, statement, HEADSHIP, **funded)
    books.declare_many(15, statement, HEADSHIP, "retained-1", **funded)
    books.declare_many(9, statement, BEHAVIOUR)
    for amount in ("-125.40", "310.00", "-50.00"):
        AdjustmentFactory(statement=statement, amount=Decimal(amount))


def test_e2_three_courses_with_funding_clawbacks_and_adjustments() -> None:
    books = Books(cohort=CohortFactory(start_year=2023))
    earlier, september = books.statement(2025, 6), books.statement(2025, 9)
    fill_e2(books, september, earlier)

    figures = figures_of(september)
    courses = [course_in(figures, each) for each in (LITERACY, HEADSHIP, BEHAVIOUR)]

    assert [shown(each.output_payment_per_participant) for each in courses] == [
        pounds("151.20"),
        pounds("281.10"),
        pounds("189.50"),
    ]
    assert [shown(each.output_payment) for each in courses] == [
        pounds("4,687.20"),
        pounds("5,059.80"),
        pounds("1,705.50"),
    ]
    assert [shown(each.service_fee) for each in courses] == [
        pounds("1,174.02"),
        pounds("1,137.32"),
        pounds("1,500.25"),
    ]
    assert shown(course_in(figures, BEHAVIOUR).service_fee_per_participant) == pounds("25.00")
    assert [shown(each.total) for each in courses] == [
        pounds("6,058.82"),
        pounds("6,216.02"),
        pounds("3,205.75"),
    ]
    assert shown(figures.output_payment) == pounds("11,452.50")
    assert shown(figures.service_fee) == pounds("3,811.60")
    assert shown(figures.targeted_delivery_funding) == pounds("900.00")
    assert shown(figures.clawback) == pounds("-683.50")
    assert shown(figures.adjustment) == pounds("134.60")
    assert figures.shown_total == pounds("15,615.20")


def test_e2_in_november_has_no_funding_but_takes_back_what_was_paid() -> None:
    """The peers forget the £100 they paid; here it is taken back, so the total is £100 less than theirs."""
    books = Books(cohort=CohortFactory(start_year=2023))
    earlier, november = books.statement(2025, 6), books.statement(2025, 11)
    fill_e2(books, november, earlier)

    figures = figures_of(november)

    assert figures.targeted_delivery_funding == 0
    assert shown(figures.clawback) == pounds("-683.50")
    assert figures.shown_total == pounds("14,815.20") - 100


def test_e3_coaching_a_special_course_and_a_specialist_one(books: Books) -> None:
    books.terms(COACHING, per_participant=Decimal("760.00"))
    books.terms(MATHS, per_participant=Decimal("1234.56"), special_course=True, **NO_FEE)
    books.terms(TEACHING, per_participant=Decimal("947.00"), service_fee_installments=17, recruitment_target=100)
    earlier, january = books.statement(2024, 10), books.statement(2025, 1)
    taken_back = books.declare_many(2, earlier, COACHING)
    books.pay(earlier)
    for declaration in taken_back:
        books.void(declaration, on=january.deadline_date)
    books.declare_many(11, january, COACHING)
    books.declare_many(7, january, MATHS)
    books.declare_many(14, january, TEACHING)

    figures = figures_of(january)

    coaching, maths = course_in(figures, COACHING), course_in(figures, MATHS)
    assert (shown(coaching.output_payment), shown(coaching.clawback)) == (pounds("2,090.00"), pounds("-380.00"))
    assert coaching.service_fee == 0
    assert shown(maths.output_payment_per_participant) == pounds("246.91")
    assert (shown(maths.total), shown(figures.standalone)) == (pounds("1,728.38"), pounds("1,728.38"))
    assert shown(course_in(figures, TEACHING).output_payment) == pounds("2,651.60")
    assert shown(course_in(figures, TEACHING).service_fee) == pounds("2,228.24")
    assert figures.shown_total == pounds("6,589.84")
    assert (figures.special, figures.count_of("started")) == ([maths], 25)

    books.terms(MATHS, per_participant=Decimal("1234.56"), effective_month=january.first_day, **NO_FEE)
    assert figures_of(january).shown_total == pounds("8,318.22")


def test_e4_who_counts(books: Books) -> None:
    books.terms(TEACHING, per_participant=Decimal("750.00"), **NO_FEE)
    earlier, january = books.statement(2024, 10), books.statement(2025, 1)
    fifth = books.declare(earlier, TEACHING)
    books.pay(earlier)
    first = books.enrol(TEACHING, training_status="withdrawn")
    books.declare(january, TEACHING, enrolment=first)
    books.declare(january, TEACHING, enrolment=books.enrol(TEACHING, participant=first.participant))
    second = books.declare(january, TEACHING)
    books.declare(january, TEACHING, "retained-1", enrolment=second.enrolment)
    books.void(books.declare(january, TEACHING), on=january.deadline_date)
    books.declare(january, TEACHING, state=LineState.INELIGIBLE)
    books.void(fifth, on=january.deadline_date)

    figures = figures_of(january)

    (course,) = figures.courses
    assert [(each.declaration_type, each.count, each.refunded) for each in course.types] == [
        ("started", 2, 1),
        ("retained-1", 1, 0),
        ("completed", 0, 0),
    ]
    assert (shown(course.output_payment), shown(course.clawback)) == (pounds("450.00"), pounds("-150.00"))
    assert (course.not_eligible, figures.voided) == (2, 1)
    assert shown(course.total) == pounds("300.00")


def test_e5_a_change_of_price_takes_back_what_was_paid(books: Books) -> None:
    """The peers would take back £660.00; what was paid is £600.00."""
    books.terms(HEADSHIP, per_participant=Decimal("1000.00"), **NO_FEE)
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    declarations = books.declare_many(4, january, HEADSHIP)
    assert books.pay(january).total == pounds("600.00")
    books.terms(HEADSHIP, per_participant=Decimal("1100.00"), effective_month=april.first_day, **NO_FEE)

    for declaration in declarations:
        books.void(declaration, on=april.deadline_date)

    assert shown(figures_of(april).courses[0].output_payment_per_participant) == pounds("165.00")
    assert figures_of(april).shown_total == pounds("-600.00")


def test_e6_void_after_paid_and_declare_again(books: Books) -> None:
    books.terms(HEADSHIP, **NO_FEE)
    january, march = books.statement(2025, 1), books.statement(2025, 3)
    declaration = books.declare(january, HEADSHIP)
    books.pay(january)

    books.void(declaration, on=march.deadline_date)
    books.declare(march, HEADSHIP, enrolment=declaration.enrolment)

    figures = figures_of(march)
    assert (shown(figures.output_payment), shown(figures.clawback)) == (pounds("185.55"), pounds("-185.55"))
    assert figures.shown_total == pounds("0.00")
    assert figures_of(january).shown_total == pounds("185.55")


def test_e7_a_negative_statement(books: Books) -> None:
    books.terms(HEADSHIP, **NO_FEE)
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    taken_back = books.declare_many(9, january, HEADSHIP)
    books.pay(january)
    for declaration in taken_back:
        books.void(declaration, on=april.deadline_date)
    books.declare_many(2, april, HEADSHIP)
    for amount in ("-900.00", "200.00"):
        AdjustmentFactory(statement=april, amount=Decimal(amount))

    figures = figures_of(april)

    assert (shown(figures.output_payment), shown(figures.clawback)) == (pounds("371.10"), pounds("-1,669.95"))
    assert figures.shown_total == pounds("-1,998.85")


def test_e8_each_figure_is_rounded_once(books: Books) -> None:
    for identifier in (TEACHING, LITERACY, BEHAVIOUR):
        books.terms(identifier, per_participant=Decimal("947.00"), service_fee_installments=17, recruitment_target=100)
    books.terms(HEADSHIP, per_participant=Decimal("1000.00"), number_of_payment_periods=7, **NO_FEE)
    january = books.statement(2025, 1)
    books.declare_many(13, january, HEADSHIP)

    figures = figures_of(january)

    assert {shown(course_in(figures, each).service_fee) for each in (TEACHING, LITERACY, BEHAVIOUR)} == {
        pounds("2,228.24")
    }
    assert shown(figures.service_fee) == pounds("6,684.71")
    assert shown(course_in(figures, HEADSHIP).output_payment_per_participant) == pounds("85.71")
    assert shown(course_in(figures, HEADSHIP).output_payment) == pounds("1,114.29")


def test_halves_are_rounded_up(books: Books) -> None:
    books.terms(COACHING, per_participant=Decimal("95.30"))
    january = books.statement(2025, 1)
    books.declare(january, COACHING)

    assert payment_document(january)["total"] == "23.83"


class TestServiceFee:
    @pytest.mark.parametrize(
        ("terms", "fee"),
        [
            ({}, "618.50"),
            ({"monthly_service_fee": Decimal(0)}, "0.00"),
            ({"monthly_service_fee": Decimal("99.99")}, "99.99"),
            ({"service_fee_percentage": 0}, "0.00"),
            ({"service_fee_percentage": 0, "service_fee_installments": 0}, "0.00"),
            ({"service_fee_installments": 0, "monthly_service_fee": Decimal("12.50")}, "12.50"),
        ],
    )
    def test_derived_none_or_fixed(self, books: Books, terms: dict[str, Any], fee: str) -> None:
        books.terms(HEADSHIP, **terms)

        assert payment_document(books.statement(2025, 1))["service_fee"] == fee

    def test_charged_on_months_without_output_payments_too(self, books: Books) -> None:
        books.terms(HEADSHIP)

        assert payment_document(books.statement(2025, 2, output_fee=False))["total"] == "618.50"


class TestTargetedDeliveryFunding:
    @pytest.mark.parametrize(
        ("cohort", "year", "month", "course", "expected"),
        [
            (2022, 2025, 10, HEADSHIP, 100),
            (2022, 2025, 11, HEADSHIP, 0),
            (2021, 2025, 10, HEADSHIP, 0),
            (2022, 2025, 10, COACHING, 0),
            (2022, 2025, 10, "npq-additional-support-offer", 0),
        ],
    )
    def test_by_month_cohort_and_course(self, cohort: int, year: int, month: int, course: str, expected: int) -> None:
        books = Books(cohort=CohortFactory(start_year=cohort))
        books.terms(course)
        statement = books.statement(year, month)
        books.declare(statement, course, targeted_delivery_funding_eligibility=True)

        assert figures_of(statement).targeted_delivery_funding == expected

    @pytest.mark.parametrize(
        ("declaration_type", "application", "expected"),
        [
            ("started", {}, 100),
            ("retained-1", {}, 0),
            ("started", {"targeted_delivery_funding_eligibility": False}, 0),
            ("started", {"eligible_for_funding": False}, 0),
            (
                "started",
                {"eligible_for_funding": False, "funding_eligibility_status_code": "marked_funded_by_policy"},
                100,
            ),
        ],
    )
    def test_for_starts_of_those_who_qualify(
        self, declaration_type: str, application: dict[str, Any], expected: int
    ) -> None:
        books = Books()
        books.terms(HEADSHIP)
        january = books.statement(2025, 1)
        facts = {"targeted_delivery_funding_eligibility": True, **application}
        books.declare(january, HEADSHIP, declaration_type, **facts)

        assert figures_of(january).targeted_delivery_funding == expected
        books.mark_payable(january)
        assert figures_of(january).targeted_delivery_funding == expected


class TestTerms:
    def test_a_statement_takes_the_terms_of_its_month(self, books: Books) -> None:
        books.terms(HEADSHIP, per_participant=Decimal("1000.00"), **NO_FEE)
        books.terms(
            HEADSHIP,
            per_participant=Decimal("2000.00"),
            effective_month=date(2025, 4, 1),
            **NO_FEE,
        )
        march, april = books.statement(2025, 3), books.statement(2025, 4)
        books.declare(march, HEADSHIP)
        books.declare(april, HEADSHIP)

        assert [figures_of(each).shown_total for each in (march, april)] == [pounds("150.00"), pounds("300.00")]

    def test_lines_of_a_course_without_terms_are_named_not_swallowed(self, books: Books) -> None:
        books.terms(HEADSHIP)
        books.terms(LITERACY)
        january = books.statement(2025, 1)
        books.declare_many(2, january, LITERACY)
        books.lead_provider.contractterms_set.filter(course__identifier=LITERACY).delete()

        assert figures_of(january).without_terms == {LITERACY: 2}

    def test_what_is_taken_back_counts_even_where_the_course_has_no_terms_yet(self, books: Books) -> None:
        """A statement of an earlier month that still takes clawbacks: its deadline was put off."""
        terms = books.terms(HEADSHIP, **NO_FEE)
        late = books.statement(
            2024,
            10,
            deadline_date=date(2025, 2, 1),
            payment_date=date(2025, 3, 1),
        )
        january = books.statement(2025, 1)
        type(terms).objects.update(effective_month=january.first_day)
        declaration = books.declare(january, HEADSHIP)
        books.pay(january)
        books.void(declaration, on=late.deadline_date)

        figures = figures_of(late)

        assert (figures.shown_total, figures.without_terms) == (pounds("-185.55"), {})
        assert figures.service_fee == 0


@pytest.mark.parametrize("state", StatementState.values)
@pytest.mark.parametrize("size", [1, 10])
def test_three_queries_however_large(books: Books, state: str, size: int) -> None:
    courses = [HEADSHIP, SENIOR, TEACHING, LITERACY][: 1 if size == 1 else 4]
    january = books.statement(2025, 1)
    for identifier in courses:
        books.terms(identifier)
        books.declare_many(size, january, identifier)
        AdjustmentFactory(statement=january)
    if state == StatementState.PAID:
        books.pay(january)
    elif state == StatementState.PAYABLE:
        books.mark_payable(january)
    statement = Statement.objects.get()

    with CaptureQueriesContext(connection) as queries:
        figures = figures_of(statement)
        assert figures.shown_total
        assert [each.course.identifier for each in figures.courses]

    assert len(queries) == 3


def test_the_payment_resource(books: Books, django_assert_num_queries: Callable[..., Any]) -> None:
    books.terms(HEADSHIP, per_participant=Decimal("1000.00"), recruitment_target=10, service_fee_installments=20)
    books.terms(MATHS, per_participant=Decimal("1234.56"), special_course=True, **NO_FEE)
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    taken_back = books.declare(january, HEADSHIP, "retained-1")
    books.pay(january)
    books.void(taken_back, on=april.deadline_date)
    books.declare_many(2, april, HEADSHIP)
    books.declare(april, MATHS)
    AdjustmentFactory(statement=april, amount=Decimal("10.10"), description="Agreed")

    assert payment_document(april) == {
        "state": "open",
        "frozen": False,
        "output_payment": "300.00",
        "service_fee": "200.00",
        "targeted_delivery_funding": "0.00",
        "clawback": "-150.00",
        "adjustment": "10.10",
        "total": "360.10",
        "courses": [
            {
                "course_identifier": HEADSHIP,
                "special_course": False,
                "price": "1000.00",
                "output_payment_per_participant": "150.00",
                "recruitment_target": 10,
                "output_payment": "300.00",
                "service_fee": "200.00",
                "targeted_delivery_funding": "0.00",
                "clawback": "-150.00",
                "total": "350.00",
                "declarations": [
                    {
                        "declaration_type": "started",
                        "count": 2,
                        "refunded": 0,
                        "output_payment": "300.00",
                        "clawback": "0.00",
                    },
                    {
                        "declaration_type": "retained-1",
                        "count": 0,
                        "refunded": 1,
                        "output_payment": "0.00",
                        "clawback": "-150.00",
                    },
                    *(
                        {
                            "declaration_type": declaration_type,
                            "count": 0,
                            "refunded": 0,
                            "output_payment": "0.00",
                            "clawback": "0.00",
                        }
                        for declaration_type in ("retained-2", "completed")
                    ),
                ],
            },
            {
                "course_identifier": MATHS,
                "special_course": True,
                "price": "1234.56",
                "output_payment_per_participant": "246.91",
                "recruitment_target": 30,
                "output_payment": "246.91",
                "service_fee": "0.00",
                "targeted_delivery_funding": "0.00",
                "clawback": "0.00",
                "total": "246.91",
                "declarations": [
                    {
                        "declaration_type": declaration_type,
                        "count": number,
                        "refunded": 0,
                        "output_payment": amount,
                        "clawback": "0.00",
                    }
                    for declaration_type, number, amount in (
                        ("started", 1, "246.91"),
                        ("retained-1", 0, "0.00"),
                        ("completed", 0, "0.00"),
                    )
                ],
            },
        ],
        "adjustments": [{"description": "Agreed", "amount": "10.10"}],
    }
