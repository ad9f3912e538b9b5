"""check_contracts: every kind of gap, and silence where there is none."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from finance.models import ContractTerms
from npq.core.clock import clock_at
from tests.commands import CommandRun, run_command
from tests.factories import ApplicationFactory, CohortFactory, DeclarationFactory
from tests.finance.books import Books, at

pytestmark = pytest.mark.django_db

DAY = date(2024, 12, 20)


@pytest.fixture
def books(provider) -> Books:
    """Terms, an enrolment and three months of statements: nothing is missing."""
    books = Books(provider)
    books.terms("npq-headship")
    books.enrol("npq-headship")
    for month in (1, 2, 3):
        books.statement(2025, month)
    return books


def check(*arguments: object) -> CommandRun:
    with clock_at(at(DAY)):
        return run_command("check_contracts", "--format", "json", *arguments)


def gaps(run: CommandRun) -> list[tuple[Any, ...]]:
    return [(row["gap"], row["lead_provider"], row["cohort"], row["course_identifier"]) for row in run.json["rows"]]


def detail(run: CommandRun) -> str:
    ((error,),) = [row["errors"] for row in run.json["rows"]]
    return error["detail"]


def test_no_gaps(books: Books) -> None:
    run = check()

    assert (run.code, run.json["rows"]) == (0, [])
    assert "No gaps" in run.err


@pytest.mark.parametrize("status", ["pending", "accepted"])
def test_applications_without_terms(books: Books, provider, rival_provider, status: str) -> None:
    teaching = books.course("npq-leading-teaching")
    made = {"cohort": books.cohort, "course": teaching, "accepted": status == "accepted"}
    ApplicationFactory(lead_provider=provider, **made)
    ApplicationFactory(lead_provider=provider, **made)

    run = check()

    assert run.code == 1
    assert gaps(run) == [("no_terms", "ambition", "2023a", "npq-leading-teaching")]
    assert ("2 enrolments" if status == "accepted" else "2 pending") in detail(run)


def test_rejected_applications_need_no_terms(books: Books, provider) -> None:
    ApplicationFactory(
        lead_provider=provider, cohort=books.cohort, course=books.course("npq-leading-teaching"), rejected=True
    )

    assert check().code == 0


def test_another_providers_terms_do_not_count(books: Books, rival_provider) -> None:
    ApplicationFactory(lead_provider=rival_provider, cohort=books.cohort, course=books.course("npq-headship"))

    assert gaps(check()) == [("no_terms", "ucl", "2023a", "npq-headship")]


def test_terms_that_begin_after_an_open_statement(books: Books) -> None:
    books.terms("npq-leading-teaching", effective_month=date(2025, 3, 1))
    books.enrol("npq-leading-teaching")

    run = check()

    assert gaps(run) == [("terms_begin_late", "ambition", "2023a", "npq-leading-teaching")]
    assert "2025-01, 2025-02;" in detail(run)


def test_lines_without_terms(books: Books) -> None:
    terms = books.terms("npq-leading-teaching")
    january = books.lead_provider.statement_set.get(month=1)
    books.declare(january, "npq-leading-teaching")
    ContractTerms.objects.filter(id=terms.id).update(effective_month=date(2025, 2, 1))

    run = check()

    assert gaps(run) == [
        ("terms_begin_late", "ambition", "2023a", "npq-leading-teaching"),
        ("lines_without_terms", "ambition", "2023a", "npq-leading-teaching"),
    ]


def test_months_without_a_statement(books: Books, rival_provider) -> None:
    books.statement(2025, 6)
    theirs = Books(rival_provider, books.cohort)
    theirs.terms("npq-headship", effective_month=date(2025, 5, 1))

    run = check()

    assert gaps(run) == [
        ("months_without_statement", "ambition", "2023a", None),
        ("months_without_statement", "ucl", "2023a", None),
    ]
    details = [row["errors"][0]["detail"] for row in run.json["rows"]]
    assert "no statement in 2025-04, 2025-05;" in details[0]
    assert "no statement in 2025-05, 2025-06;" in details[1]


def test_months_over_the_turn_of_the_year(books: Books) -> None:
    books.statement(2024, 11)

    assert "no statement in 2024-12;" in detail(check())


def test_long_runs_of_months_are_named_by_their_ends(books: Books) -> None:
    books.statement(2025, 8), books.statement(2025, 10)

    assert "no statement in 2025-04 to 2025-07, 2025-09;" in detail(check())


def test_a_cohort_with_terms_and_no_statement(provider) -> None:
    Books(provider).terms("npq-headship")

    assert gaps(check()) == [("no_statements", "ambition", "2023a", None)]


@pytest.mark.parametrize(
    ("terms", "named"),
    [
        ({"service_fee_installments": 3}, False),
        ({"service_fee_installments": 2}, True),
        ({"service_fee_installments": 2, "monthly_service_fee": Decimal("50.00")}, True),
        ({"service_fee_installments": 2, "monthly_service_fee": Decimal("0.00")}, False),
        ({"service_fee_installments": 0, "monthly_service_fee": Decimal("50.00")}, False),
    ],
)
def test_instalments_that_are_used_up(books: Books, terms: dict[str, Any], named: bool) -> None:
    books.terms("npq-leading-teaching", recruitment_target=100, per_participant=Decimal("947.00"), **terms)

    run = check()

    assert (run.code == 1) is named
    if named:
        assert gaps(run) == [("installments_used_up", "ambition", "2023a", "npq-leading-teaching")]
        fee = "£50.00" if "monthly_service_fee" in terms else "£18,940.00"
        assert f"charged on 3 statements: beyond them 2025-03, {fee} in all" in detail(run)


def test_a_fee_that_was_ended_in_time_is_no_gap(books: Books) -> None:
    books.terms("npq-leading-teaching", service_fee_installments=2)
    books.terms(
        "npq-leading-teaching",
        service_fee_installments=2,
        monthly_service_fee=Decimal("0.00"),
        effective_month=date(2025, 3, 1),
    )

    assert check().code == 0


def test_enrolments_without_a_future_output_statement(books: Books) -> None:
    with clock_at(at(date(2025, 6, 1))):
        run = run_command("check_contracts", "--format", "json")
    assert gaps(run) == [("no_future_statement", "ambition", "2023a", None)]
    assert "1 enrolment not completed" in detail(run)

    books.statement(2025, 7, output_fee=False)
    books.statement(2025, 4), books.statement(2025, 5), books.statement(2025, 6)
    with clock_at(at(date(2025, 6, 1))):
        assert run_command("check_contracts").code == 1
    books.statement(2025, 8)
    with clock_at(at(date(2025, 6, 1))):
        assert run_command("check_contracts").code == 0


@pytest.mark.parametrize("finished", ["withdrawn", "completed"])
def test_enrolments_that_are_over_need_no_statement(provider, finished: str) -> None:
    books = Books(provider)
    books.terms("npq-headship")
    books.statement(2024, 1)
    enrolment = books.enrol("npq-headship", training_status="withdrawn" if finished == "withdrawn" else "active")
    if finished == "completed":
        DeclarationFactory(enrolment=enrolment, completed=True, state="eligible")

    assert check().code == 0


def test_one_cohort_alone(books: Books) -> None:
    other = Books(books.lead_provider, CohortFactory(start_year=2022))
    other.terms("npq-headship")

    assert check("--cohort", "2023").code == 0
    assert check("--cohort", "2022a").code == 1
    assert check("--cohort", "1066").code == 2


def test_a_table_for_people(books: Books, provider) -> None:
    ApplicationFactory(lead_provider=provider, cohort=books.cohort, course=books.course("npq-leading-teaching"))

    run = run_command("check_contracts")

    assert run.code == 1
    assert "no contract terms; load them" in run.out


def test_queries_do_not_grow(books: Books, rival_provider) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            check()
        return len(captured)

    few = queries()
    theirs = Books(rival_provider, CohortFactory(start_year=2022))
    for course in ("npq-headship", "npq-leading-teaching", "npq-leading-literacy"):
        theirs.terms(course)
        theirs.enrol(course)
    for month in range(1, 10):
        theirs.statement(2025, month)
    assert queries() == few
