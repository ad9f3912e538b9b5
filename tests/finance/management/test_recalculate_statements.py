"""recalculate_statements: what was paid is still what was paid."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from tests.commands import run_command
from tests.finance.books import Books

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(provider: Any) -> Books:
    """A paid, a payable and an open statement."""
    made = Books(lead_provider=provider)
    made.terms("npq-headship", monthly_service_fee=Decimal(0))
    january, february, march = (made.statement(2025, month) for month in (1, 2, 3))
    made.declare(january, "npq-headship")
    made.pay(january)
    made.mark_payable(february)
    made.declare(march, "npq-headship")
    return made


def test_shows_every_statement_and_the_time_it_took(books: Books) -> None:
    run = run_command("recalculate_statements", "--format", "json")

    assert run.code == 0
    assert [(row["statement"], row["result"], row["total"]) for row in run.json["rows"]] == [
        ("2025-01", "as paid", "185.55"),
        ("2025-02", "calculated", "0.00"),
        ("2025-03", "calculated", "185.55"),
    ]
    assert "3 statements in " in run.err


def test_can_be_narrowed(books: Books, rival_provider: Any) -> None:
    assert run_command("recalculate_statements", "--lead-provider", "ucl", "--format", "json").json["rows"] == []
    rows = run_command("recalculate_statements", "--cohort", "2023", "--format", "json").json["rows"]
    assert len(rows) == 3


def test_a_paid_statement_that_drifted_fails(books: Books) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE finance_lineitem SET output_payment = 1 WHERE state = 'paid'")
        cursor.execute("SET session_replication_role = DEFAULT")

    run = run_command("recalculate_statements", "--format", "json")

    assert run.code == 1
    assert [code for _, _, code in run.errors] == ["payment_drifted"]
    assert "total 185.55, calculated 1.00" in run.json["rows"][0]["errors"][0]["detail"]


def test_declarations_without_terms_fail(books: Books) -> None:
    books.terms("npq-leading-teaching", effective_month=books.lead_provider.statement_set.get(month=3).first_day)
    books.declare(books.lead_provider.statement_set.get(month=3), "npq-leading-teaching")
    books.lead_provider.contractterms_set.filter(course__identifier="npq-leading-teaching").delete()

    run = run_command("recalculate_statements", "--format", "json")

    assert [code for _, _, code in run.errors] == ["lines_without_terms"]
