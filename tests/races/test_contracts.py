"""Two people load, change or close the same contract or statement at once."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from finance.models import ContractTerms, LineItem, Statement
from finance.services import load_contracts, load_statements, set_statement
from finance.services.load_contracts import COLUMNS as CONTRACT_COLUMNS
from finance.services.load_statements import COLUMNS as STATEMENT_COLUMNS
from npq.core.csv_files import CsvRow
from tests.finance.books import BY, Books
from tests.races.racing import intrude_after, kinds, meet_after, race, without_locks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def books(provider: Any) -> Books:
    books = Books(provider)
    books.terms("npq-headship")
    books.course("npq-leading-teaching")
    return books


def row(columns: tuple[str, ...], cells: str) -> list[CsvRow]:
    return [CsvRow(2, dict(zip(columns, cells.split(","), strict=True)))]


def new_contract(price: str) -> Callable[[], list[str]]:
    """Loads the same new contract at a price; gives the results."""
    cells = f"ambition,2023,npq-leading-teaching,30,{price},24,no,,"
    return lambda: [each.result for each in load_contracts(rows=row(CONTRACT_COLUMNS, cells), by=BY).proposals]


def new_statement() -> list[str]:
    """Loads the same new statement; gives the results."""
    cells = "ambition,2023,2025,1,2024-12-25,2025-01-25,yes"
    return [each.result for each in load_statements(rows=row(STATEMENT_COLUMNS, cells), by=BY).entries]


def test_of_two_loaders_of_a_new_contract_the_second_sees_the_first(monkeypatch, books: Books) -> None:
    meet_after(monkeypatch, "finance.services.load_contracts.plan")

    ends = race(new_contract("1000.75"), new_contract("1000.75"))

    assert sorted(end.value[0] for end in ends) == ["created", "unchanged"]
    assert ContractTerms.objects.filter(course__identifier="npq-leading-teaching").count() == 1


def test_of_two_loaders_with_two_prices_the_later_one_updates(monkeypatch, books: Books) -> None:
    meet_after(monkeypatch, "finance.services.load_contracts.plan")

    ends = race(new_contract("1000.75"), new_contract("1100.25"))

    assert sorted(end.value[0] for end in ends) == ["created", "updated"]


def test_without_locks_the_second_loader_of_a_contract_breaks_off(monkeypatch, books: Books) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, "finance.services.load_contracts.plan")

    assert kinds(race(new_contract("1000.75"), new_contract("1100.25"))) == ["IntegrityError", "done"]


def test_of_two_loaders_of_a_statement_the_second_sees_the_first(monkeypatch, books: Books) -> None:
    meet_after(monkeypatch, "finance.services.load_statements._compare")

    ends = race(new_statement, new_statement)

    assert sorted(end.value[0] for end in ends) == ["created", "unchanged"]
    assert Statement.objects.count() == 1


def test_without_locks_the_second_loader_of_a_statement_breaks_off(monkeypatch, books: Books) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, "finance.services.load_statements._compare")

    assert kinds(race(new_statement, new_statement)) == ["IntegrityError", "done"]


def declare_while_the_flag_changes(monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement) -> list[str]:
    """A declaration comes between the check that a statement has none and the change of its flag."""
    intruder = intrude_after(
        monkeypatch,
        "finance.services.set_statement.counted_lines",
        lambda: books.declare(january, "npq-headship"),
    )
    set_statement(statement_id=january.id, output_fee=False, by=BY)
    return [intruder().kind]


def test_no_declaration_slips_onto_a_month_that_becomes_service_fees_only(monkeypatch, books: Books) -> None:
    january = books.statement(2025, 1)

    assert declare_while_the_flag_changes(monkeypatch, books, january) == ["NoOpenStatement"]
    assert LineItem.objects.count() == 0


def test_without_locks_it_slips_on_and_is_lost(monkeypatch, books: Books) -> None:
    january = books.statement(2025, 1)
    without_locks(monkeypatch)

    assert declare_while_the_flag_changes(monkeypatch, books, january) == ["done"]
    assert LineItem.objects.get().statement.output_fee is False


def test_a_statement_that_closes_meanwhile_keeps_its_dates(monkeypatch, books: Books) -> None:
    january = books.statement(2025, 1)
    intruder = intrude_after(
        monkeypatch,
        "finance.services.mark_payable.terms_of_month",
        lambda: set_statement(statement_id=january.id, payment_date=date(2025, 2, 1), by=BY),
    )

    books.mark_payable(january)

    assert intruder().kind == "StatementNotOpen"
    january.refresh_from_db()
    assert (january.state, january.payment_date) == ("payable", date(2025, 1, 25))
