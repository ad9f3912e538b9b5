"""set_statement: an open statement's dates and output flag."""

import uuid
from datetime import date

import pytest

from finance.models import Statement
from npq.core.models import Change
from tests.commands import run_command
from tests.factories import DeclarationFactory, LineItemFactory, StatementFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def statement(provider) -> Statement:
    return StatementFactory(lead_provider=provider, deadline_date=date(2024, 12, 25), payment_date=date(2025, 1, 25))


def test_dates_change(statement) -> None:
    arguments = [statement.public_id, "--deadline-date", "2024-12-20", "--payment-date", "2025-01-20"]

    preview = run_command("set_statement", *arguments)
    statement.refresh_from_db()
    assert (preview.code, statement.deadline_date) == (0, date(2024, 12, 25))
    assert "deadline_date 2024-12-25 → 2024-12-20" in preview.out

    done = run_command("set_statement", *arguments, "--apply", "--actor", "Jo Baker", "--reason", "ticket 12")
    moved = Statement.objects.get()
    assert (done.code, moved.deadline_date, moved.payment_date) == (0, date(2024, 12, 20), date(2025, 1, 20))
    assert moved.updated_at > statement.updated_at
    change = Change.objects.get(table="finance_statement", operation="update")
    assert (change.action, change.actor_name, change.reason) == ("set_statement", "Jo Baker", "ticket 12")

    again = run_command("set_statement", *arguments, "--apply", "--format", "json")
    assert again.json["counts"] == {"unchanged": 1}


def test_the_output_flag_changes(statement) -> None:
    run = run_command("set_statement", statement.public_id, "--output-fee", "false", "--apply")

    assert run.code == 0
    assert Statement.objects.get().output_fee is False


@pytest.mark.parametrize("state", ["payable", "paid"])
@pytest.mark.parametrize("apply", [[], ["--apply"]])
def test_a_closed_statement_is_refused(provider, state: str, apply: list[str]) -> None:
    statement = StatementFactory(lead_provider=provider, **{state: True})

    run = run_command("set_statement", statement.public_id, "--payment-date", "2025-02-01", "--format", "json", *apply)

    assert run.code == 1
    assert run.errors == [(str(statement.public_id), "statement", "statement_not_open")]
    assert Statement.objects.get().payment_date == statement.payment_date


def test_a_deadline_after_the_payment_is_refused(statement) -> None:
    run = run_command("set_statement", statement.public_id, "--deadline-date", "2025-01-26", "--format", "json")

    assert run.errors == [(str(statement.public_id), "deadline_date", "deadline_after_payment")]


def test_the_flag_of_a_statement_with_declarations_is_refused(provider) -> None:
    declaration = DeclarationFactory(enrolment__application__lead_provider=provider, state="eligible")
    statement = LineItemFactory(declaration=declaration).statement

    run = run_command("set_statement", statement.public_id, "--output-fee", "no", "--apply", "--format", "json")

    assert run.errors == [(str(statement.public_id), "output_fee", "statement_has_declarations")]
    assert Statement.objects.get().output_fee is True


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["not-an-id", "--output-fee", "true"],
        ["--output-fee", "true"],
        [uuid.uuid4(), "--output-fee", "true"],
        [uuid.uuid4(), "--output-fee", "maybe"],
        [uuid.uuid4(), "--deadline-date", "25/12/2024"],
        [uuid.uuid4(), "--deadline-date", ""],
        [uuid.uuid4(), "--state", "paid"],
    ],
)
def test_wrong_arguments_are_bad_input(db, arguments: list[object]) -> None:
    assert run_command("set_statement", *arguments).code == 2


def test_nothing_to_change_is_bad_input(statement) -> None:
    assert run_command("set_statement", statement.public_id).code == 2
