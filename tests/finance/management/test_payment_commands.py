"""mark_statements_payable, authorise_statement, add_adjustment and move_declarations on the command line."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from finance.models import Adjustment, Statement
from npq.core import clock
from npq.core.models import Change
from tests.commands import run_command
from tests.finance.books import Books, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(provider: Any) -> Books:
    made = Books(lead_provider=provider)
    made.terms("npq-headship", monthly_service_fee=Decimal(0))
    return made


@pytest.fixture
def january(books: Books) -> Statement:
    """With one declaration: £185.55."""
    made = books.statement(2025, 1)
    books.declare(made, "npq-headship")
    return made


class TestMarkStatementsPayable:
    def test_says_what_it_would_do_then_does_it(self, january: Statement) -> None:
        preview = run_command("mark_statements_payable", "--as-of", "2025-01-01", "--format", "json")
        january.refresh_from_db()
        assert (preview.code, preview.json["applied"], january.state) == (0, False, "open")
        assert preview.json["rows"] == [
            {
                "id": str(january.public_id),
                "result": "payable",
                "errors": [],
                "lead_provider": "ambition",
                "cohort": "2023a",
                "statement": "2025-01",
                "declarations": 1,
            }
        ]

        done = run_command("mark_statements_payable", "--as-of", "2025-01-01", "--apply", "--actor", "Jo Baker")
        january.refresh_from_db()
        assert (done.code, january.state) == (0, "payable")
        assert Change.objects.filter(action="mark_statement_payable", actor_name="Jo Baker").exists()

        again = run_command("mark_statements_payable", "--as-of", "2025-01-01", "--apply", "--format", "json")
        assert (again.code, again.json["rows"]) == (0, [])

    def test_without_a_date_it_goes_by_the_uk_date(self, january: Statement) -> None:
        with clock.clock_at(at(january.deadline_date)):
            assert run_command("mark_statements_payable", "--format", "json").json["rows"] == []
        with clock.clock_at(at(date(2024, 12, 27))):
            assert len(run_command("mark_statements_payable", "--format", "json").json["rows"]) == 1

    def test_one_that_fails_gives_exit_code_1_and_the_rest_are_done(self, books: Books, january: Statement) -> None:
        february = books.statement(2025, 2)
        books.lead_provider.contractterms_set.update(effective_month=date(2025, 2, 1))

        run = run_command("mark_statements_payable", "--as-of", "2025-06-01", "--apply", "--format", "json")

        assert run.code == 1
        assert run.errors == [(str(january.public_id), "statement", "statement_without_terms")]
        assert Statement.objects.get(state="payable") == february


class TestAuthoriseStatement:
    def arguments(self, statement: Statement, total: str = "185.55") -> list[Any]:
        return ["authorise_statement", statement.public_id, f"--expect-total={total}"]

    def test_says_what_it_would_do_then_does_it_once(self, books: Books, january: Statement) -> None:
        books.mark_payable(january)
        preview = run_command(*self.arguments(january))
        january.refresh_from_db()
        assert (preview.code, january.state) == (0, "payable")
        assert "185.55" in preview.out

        done = run_command(*self.arguments(january), "--apply", "--actor", "Jo Baker", "--format", "json")
        january.refresh_from_db()
        assert (done.code, done.json["rows"][0]["result"], done.json["rows"][0]["total"]) == (0, "paid", "185.55")
        assert (january.state, january.authorised_by) == ("paid", "Jo Baker")

        again = run_command(*self.arguments(january), "--apply", "--format", "json")
        assert (again.code, again.json["counts"]) == (0, {"already paid": 1})

    @pytest.mark.parametrize("apply", [[], ["--apply"]])
    @pytest.mark.parametrize("total", ["185.54", "-185.55"])
    def test_another_total_is_refused_also_in_the_dry_run(
        self, books: Books, january: Statement, total: str, apply: list[str]
    ) -> None:
        books.mark_payable(january)

        run = run_command(*self.arguments(january, total), *apply, "--format", "json")

        assert run.code == 1
        assert run.errors == [(str(january.public_id), "total", "total_has_changed")]
        january.refresh_from_db()
        assert january.state == "payable"

    def test_an_open_statement_is_refused(self, january: Statement) -> None:
        run = run_command(*self.arguments(january), "--format", "json")

        assert (run.code, run.errors) == (1, [(str(january.public_id), "statement", "statement_not_payable")])

    def test_a_negative_total(self, books: Books) -> None:
        february = books.statement(2025, 2)
        run_command("add_adjustment", february.public_id, "--amount=-120.00", "--description", "Agreed", "--apply")
        books.mark_payable(february)

        assert run_command(*self.arguments(february, "-120.00"), "--apply").code == 0

    @pytest.mark.parametrize("total", ["185,55", "£185.55", "1e3", "185.555", "", "NaN"])
    def test_a_total_that_is_no_amount_is_bad_input(self, january: Statement, total: str) -> None:
        assert run_command(*self.arguments(january, total)).code == 2

    def test_an_unknown_statement_is_bad_input(self) -> None:
        assert run_command("authorise_statement", uuid.uuid4(), "--expect-total", "1.00").code == 2


class TestAddAdjustment:
    def test_says_what_it_would_do_then_does_it(self, january: Statement) -> None:
        arguments = ["add_adjustment", january.public_id, "--amount=-5.5", "--description", "Agreed in March"]

        preview = run_command(*arguments, "--format", "json")
        assert (preview.code, Adjustment.objects.count()) == (0, 0)
        row = preview.json["rows"][0]
        assert (row["amount"], row["total_before"], row["total_after"]) == ("-5.50", "185.55", "180.05")

        assert run_command(*arguments, "--apply").code == 0
        assert Adjustment.objects.get().amount == Decimal("-5.50")

    def test_a_paid_statement_is_refused(self, books: Books, january: Statement) -> None:
        books.pay(january)

        run = run_command(
            "add_adjustment", january.public_id, "--amount", "1", "--description", "Agreed", "--format", "json"
        )

        assert (run.code, run.errors) == (1, [(str(january.public_id), "statement", "statement_paid")])

    @pytest.mark.parametrize(("amount", "code"), [("0", 1), ("one", 2), ("1.005", 2)])
    def test_amounts_that_make_no_sense(self, january: Statement, amount: str, code: int) -> None:
        run = run_command("add_adjustment", january.public_id, "--amount", amount, "--description", "Agreed")

        assert run.code == code


class TestMoveDeclarations:
    def arguments(self, *more: str) -> list[str]:
        return ["move_declarations", "--cohort", "2023", "--from", "2025-01", "--to", "2025-04", *more]

    @pytest.fixture(autouse=True)
    def _in_december(self) -> Any:
        with clock.clock_at(at(date(2024, 12, 1))):
            yield

    def test_says_the_effect_on_both_statements_then_does_it(self, books: Books, january: Statement) -> None:
        april = books.statement(2025, 4)

        preview = run_command(*self.arguments("--format", "json"))
        assert (preview.code, january.lines.count()) == (0, 1)
        assert preview.json["counts"] == {"moved": 1, "recalculated": 2}
        assert [(row["statement"], row["difference"]) for row in preview.json["rows"][1:]] == [
            ("2025-01", "-185.55"),
            ("2025-04", "185.55"),
        ]

        done = run_command(*self.arguments("--apply"))
        assert (done.code, april.lines.count()) == (0, 1)
        assert "In all: £0.00" in done.out

        again = run_command(*self.arguments("--apply", "--format", "json"))
        assert (again.code, again.json["counts"]) == (0, {"nothing to move": 1})

    def test_every_provider_with_a_statement_and_each_on_its_own(
        self, books: Books, january: Statement, rival_provider: Any
    ) -> None:
        books.statement(2025, 4)
        rival = Books(lead_provider=rival_provider, cohort=books.cohort)
        rival.terms("npq-headship")
        rival.declare(rival.statement(2025, 1), "npq-headship")

        run = run_command(*self.arguments("--apply", "--format", "json"))

        assert run.code == 1
        assert run.errors == [("ucl", "statement", "no_statement_in_month")]
        assert january.lines.count() == 0

    def test_one_provider_one_course_one_type(self, books: Books, january: Statement) -> None:
        books.statement(2025, 4)
        only = ["--lead-provider", "ambition", "--course", "npq-headship", "--declaration-type", "completed"]

        run = run_command(*self.arguments(*only, "--apply", "--format", "json"))

        assert (run.code, run.json["counts"]) == (0, {"nothing to move": 1})

    def test_months_that_make_no_sense(self, january: Statement) -> None:
        assert run_command("move_declarations", "--cohort", "2023", "--from", "2025-01", "--to", "2025-01").code == 2
        assert run_command("move_declarations", "--cohort", "2023", "--from", "2025-13", "--to", "2025-01").code == 2
        assert run_command("move_declarations", "--cohort", "2023", "--from", "2026-01", "--to", "2025-01").code == 2
