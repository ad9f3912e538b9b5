"""Adjustments: possible until the statement is authorised."""

from decimal import Decimal
from typing import Any

import pytest

from finance.errors import (
    AdjustmentIsZero,
    AdjustmentNotInPence,
    AdjustmentTooLarge,
    AdjustmentUndescribed,
    StatementPaid,
)
from finance.models import Adjustment
from finance.queries.calculation import figures_of
from finance.services.adjust import add_adjustment, change_adjustment, remove_adjustment
from npq.core.errors import RefusedTogether
from npq.core.models import Change
from tests.finance.books import BY, Books

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(db: Any) -> Books:
    return Books()


@pytest.mark.parametrize("payable", [False, True])
def test_adds_a_signed_amount_until_the_statement_is_paid(books: Books, payable: bool) -> None:
    january = books.statement(2025, 1)
    if payable:
        books.mark_payable(january)

    add_adjustment(statement_id=january.id, amount=Decimal("-120.50"), description=" Agreed in March ", by=BY)

    assert Adjustment.objects.values_list("amount", "description").get() == (Decimal("-120.50"), "Agreed in March")
    assert figures_of(january).shown_total == Decimal("-120.50")


def test_the_trail_says_who_and_why(books: Books) -> None:
    january = books.statement(2025, 1)

    adjustment = add_adjustment(statement_id=january.id, amount=Decimal(1), description="Agreed", by=BY)
    change_adjustment(adjustment_id=adjustment.id, amount=Decimal(2), description="Agreed again", by=BY)
    remove_adjustment(adjustment_id=adjustment.id, by=BY)

    trail = Change.objects.filter(table="finance_adjustment").order_by("id")
    assert list(trail.values_list("action", flat=True)) == ["add_adjustment", "change_adjustment", "remove_adjustment"]
    assert trail.last().before["amount"] == 2
    assert not Adjustment.objects.exists()


def test_a_paid_statement_refuses_each_of_them(books: Books) -> None:
    january = books.statement(2025, 1)
    adjustment = add_adjustment(statement_id=january.id, amount=Decimal(1), description="Agreed", by=BY)
    books.pay(january)

    with pytest.raises(StatementPaid, match="later statement"):
        add_adjustment(statement_id=january.id, amount=Decimal(1), description="Agreed", by=BY)
    with pytest.raises(StatementPaid):
        change_adjustment(adjustment_id=adjustment.id, amount=Decimal(2), description="Agreed", by=BY)
    with pytest.raises(StatementPaid):
        remove_adjustment(adjustment_id=adjustment.id, by=BY)
    assert Adjustment.objects.get().amount == Decimal(1)


@pytest.mark.parametrize(
    ("amount", "description", "refusal"),
    [
        ("0", "Agreed", AdjustmentIsZero),
        ("0.00", "Agreed", AdjustmentIsZero),
        ("1.005", "Agreed", AdjustmentNotInPence),
        ("10000000000.00", "Agreed", AdjustmentTooLarge),
        ("NaN", "Agreed", AdjustmentTooLarge),
        ("-Infinity", "Agreed", AdjustmentTooLarge),
        ("1E+9000", "Agreed", AdjustmentTooLarge),
        ("1.00", "  ", AdjustmentUndescribed),
    ],
)
def test_refuses_what_makes_no_sense(books: Books, amount: str, description: str, refusal: type[Exception]) -> None:
    january = books.statement(2025, 1)

    with pytest.raises(refusal):
        add_adjustment(statement_id=january.id, amount=Decimal(amount), description=description, by=BY)
    assert not Adjustment.objects.exists()


def test_names_everything_that_is_wrong_at_once(books: Books) -> None:
    january = books.statement(2025, 1)

    with pytest.raises(RefusedTogether) as refused:
        add_adjustment(statement_id=january.id, amount=Decimal(0), description="", by=BY)
    assert [problem.code for problem in refused.value.problems] == ["adjustment_is_zero", "adjustment_undescribed"]
