"""Each invariant of money holds in a full life, and sees its breach where one is forced past the database."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from declarations.choices import DeclarationState
from declarations.models import Declaration
from finance.models import LineItem, Statement
from finance.queries import INVARIANTS
from tests.factories import AdjustmentFactory
from tests.finance.books import Books

pytestmark = pytest.mark.django_db
BY_CODE = {invariant.code: invariant for invariant in INVARIANTS}


def breaches(code: str) -> list[str]:
    return [breach.detail for breach in BY_CODE[code].breaches()]


@pytest.fixture
def by_force() -> Callable[..., None]:
    """Writes past triggers and constraints, as nothing but a broken database could."""

    def write(*statements: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            cursor.execute("SET session_replication_role = replica")
            for sql in statements:
                cursor.execute(sql)
            cursor.execute("SET session_replication_role = DEFAULT")

    return write


@pytest.fixture
def books(db: Any) -> Books:
    """A year's life: paid, taken back, payable and open statements."""
    made = Books()
    made.terms("npq-headship")
    january, april, july = (made.statement(2025, month) for month in (1, 4, 7))
    paid = made.declare_many(2, january, "npq-headship", targeted_delivery_funding_eligibility=True)
    AdjustmentFactory(statement=january)
    made.pay(january)
    made.void(paid[0], on=april.deadline_date)
    made.declare(april, "npq-headship", "retained-1", enrolment=paid[1].enrolment)
    made.mark_payable(april)
    made.declare(july, "npq-headship")
    return made


def test_all_hold_in_a_full_life(books: Books) -> None:
    assert {code: breaches(code) for code in BY_CODE} == {code: [] for code in BY_CODE}


@pytest.mark.parametrize(
    ("code", "sql", "told"),
    [
        (
            "frozen_payment_is_sum_of_lines",
            "UPDATE finance_lineitem SET output_payment = output_payment + 1 WHERE state = 'paid'",
            "total 1064.20, calculated 1066.20",
        ),
        (
            "frozen_payment_is_sum_of_lines",
            "UPDATE finance_statement SET total = total + 1 WHERE state = 'paid'",
            "total 1065.20, calculated 1064.20",
        ),
        (
            "frozen_payment_is_sum_of_lines",
            "UPDATE finance_adjustment SET description = 'Another reason'",
            "adjustments",
        ),
        (
            "line_state_fits_statement",
            "UPDATE finance_lineitem SET state = 'eligible' WHERE state = 'payable'",
            "eligible on a statement that is payable",
        ),
        (
            "line_state_fits_declaration",
            "UPDATE finance_lineitem SET state = 'voided' WHERE state = 'payable'",
            "state payable, pays nothing, takes back nothing",
        ),
        (
            "clawback_is_what_was_paid",
            "UPDATE finance_lineitem SET output_payment = output_payment - 0.01 WHERE state = 'awaiting-clawback'",
            "takes back -185.5600000000",
        ),
        ("line_has_terms", "UPDATE finance_contractterms SET effective_month = '2026-01-01'", "no terms for"),
        (
            "line_agrees_with_declaration",
            "UPDATE finance_lineitem SET declaration_type = 'completed' WHERE state = 'eligible'",
            "another than its declaration",
        ),
        (
            "one_line_of_a_kind_per_declaration",
            """DROP INDEX line_one_billable_per_declaration;
               UPDATE finance_lineitem SET declaration_id = (SELECT min(declaration_id) FROM finance_lineitem)""",
            "4 lines that pay",
        ),
        (
            "statement_dates_in_order",
            """ALTER TABLE finance_statement DROP CONSTRAINT statement_deadline_before_payment;
               UPDATE finance_statement SET deadline_date = payment_date + 1 WHERE state = 'open'""",
            "deadline 2025-07-26",
        ),
    ],
)
def test_a_breach_is_seen(books: Books, by_force: Callable[..., None], code: str, sql: str, told: str) -> None:
    by_force(sql)

    assert told in " ".join(breaches(code))


class TestNobodyPaidTwice:
    @pytest.fixture
    def twice(self, books: Books) -> Declaration:
        """The second started declaration of a person, on the next statement."""
        july = Statement.objects.get(month=7)
        first = Declaration.objects.filter(state=DeclarationState.ELIGIBLE).get()
        again = books.enrol("npq-headship", participant=first.enrolment.participant, training_status="withdrawn")
        books.mark_payable(july)
        return books.declare(books.statement(2025, 10), "npq-headship", enrolment=again)

    def test_is_told(self, twice: Declaration) -> None:
        assert "2 declarations of started" in " ".join(breaches("nobody_paid_twice"))

    def test_policy_may_decide_otherwise(self, twice: Declaration) -> None:
        application = twice.enrolment.application
        application.funding_eligibility_status_code = "marked_funded_by_policy"
        application.save()

        assert breaches("nobody_paid_twice") == []

    def test_what_was_taken_back_does_not_count(self, books: Books, twice: Declaration) -> None:
        first = Declaration.objects.get(state=DeclarationState.PAYABLE, declaration_type="started")
        july, october = Statement.objects.get(month=7), Statement.objects.get(month=10)
        books.pay(july)
        books.void(first, on=october.deadline_date)

        assert breaches("nobody_paid_twice") == []

    def test_a_line_worth_nothing_does_not_count(self, books: Books) -> None:
        october = books.statement(2025, 10)
        first = books.enrol("npq-headship", training_status="withdrawn")
        books.declare(october, "npq-headship", enrolment=first)
        second = books.enrol("npq-headship", participant=first.participant)
        books.declare(october, "npq-headship", enrolment=second)
        books.mark_payable(october)

        assert LineItem.objects.filter(output_payment=Decimal(0)).count() == 1
        assert breaches("nobody_paid_twice") == []
