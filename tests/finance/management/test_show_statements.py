"""list_statements and show_statement."""

import uuid
from datetime import date
from decimal import Decimal

import pytest

from tests.commands import run_command
from tests.conftest import ApiClient
from tests.factories import AdjustmentFactory, CohortFactory
from tests.finance.books import Books

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(provider) -> Books:
    books = Books(provider)
    books.terms("npq-headship", per_participant=Decimal("1237.00"))
    return books


def test_statements_by_provider_cohort_and_month(books: Books, rival_provider) -> None:
    february, january = books.statement(2025, 2), books.statement(2025, 1)
    december = books.statement(2024, 12)
    other_cohort = Books(books.lead_provider, CohortFactory(start_year=2022)).statement(2025, 1)
    theirs = Books(rival_provider, books.cohort).statement(2025, 1)
    books.pay(december)

    def listed(*arguments: object) -> list[str]:
        run = run_command("list_statements", "--format", "json", *arguments)
        assert run.code == 0, run.err
        return [row["id"] for row in run.json["rows"]]

    def names(*statements) -> list[str]:
        return [str(statement.public_id) for statement in statements]

    assert listed() == names(other_cohort, december, january, february, theirs)
    assert listed("--lead-provider", "ucl") == names(theirs)
    assert listed("--lead-provider", "ambition", "--cohort", "2023") == names(december, january, february)
    assert listed("--state", "paid") == names(december)
    assert listed("--cohort", "2022a") == names(other_cohort)
    row = run_command("list_statements", "--state", "paid", "--format", "json").json["rows"][0]
    assert row == {
        "id": str(december.public_id),
        "result": "paid",
        "errors": [],
        "lead_provider": "ambition",
        "cohort": "2023a",
        "statement": "2024-12",
        "deadline_date": "2024-11-25",
        "payment_date": "2024-12-25",
        "output_fee": True,
        "total": "618.50",
    }


@pytest.mark.parametrize("arguments", [["--lead-provider", "nobody"], ["--cohort", "1066"], ["--state", "lost"]])
def test_wrong_arguments(books: Books, arguments: list[str]) -> None:
    assert run_command("list_statements", *arguments).code == 2


def test_show_statement_has_the_attributes_of_the_payment_resource(api: ApiClient, books: Books) -> None:
    january = books.statement(2025, 1)
    books.declare(january, "npq-headship")
    AdjustmentFactory(statement=january)

    run = run_command("show_statement", january.public_id, "--format", "json")

    attributes = api.get("v3", f"/statements/{january.public_id}/payment").json()["data"]["attributes"]
    (row,) = run.json["rows"]
    assert run.code == 0
    assert {name: row[name] for name in attributes} == attributes
    assert (row["id"], row["lead_provider"]) == (str(january.public_id), "ambition")


def test_show_statement_for_people(books: Books) -> None:
    books.terms("npq-leading-teaching", special_course=True)
    january = books.statement(2025, 1)
    books.declare(january, "npq-headship")
    AdjustmentFactory(statement=january)

    out = run_command("show_statement", january.public_id).out

    assert "Ambition Institute, January 2025, cohort 2023a: open" in out
    assert "npq-headship: price 1237.00, 185.55 for a declaration, target 30" in out
    assert "started       1         0          185.55          0.00" in out
    books.pay(january)
    assert out.replace(": open", ": paid") == run_command("show_statement", january.public_id).out
    assert "npq-leading-teaching (special: paid apart" in out
    assert "Correction agreed in March  -125.40" in out
    assert "  total                       678.65" in out


def test_a_service_fee_month(books: Books) -> None:
    statement = books.statement(2025, 2, output_fee=False, deadline_date=date(2025, 1, 25))

    assert run_command("show_statement", statement.public_id, "--format", "json").json["rows"][0]["total"] == "618.50"


@pytest.mark.parametrize("identifier", [uuid.uuid4(), "1", "", "not-an-id"])
def test_a_statement_that_is_not_there(db, identifier: object) -> None:
    assert run_command("show_statement", identifier).code == 2
