"""Adjustments: signed amounts with a reason that the provider reads, possible until the statement is authorised."""

from decimal import Decimal

from finance.choices import StatementState
from finance.errors import (
    AdjustmentIsZero,
    AdjustmentNotInPence,
    AdjustmentTooLarge,
    AdjustmentUndescribed,
    StatementPaid,
)
from finance.models import Adjustment, Statement
from npq.core.audit import Actor, acting_as
from npq.core.errors import Refused, refuse_if_any

LARGEST = Decimal("9999999999.99")
PENNY = Decimal("0.01")


def add_adjustment(*, statement_id: int, amount: Decimal, description: str, by: Actor) -> Adjustment:
    """Adds a signed amount, in pounds and pence, to a statement that has not been paid (decisions.md §3.2, §3.8).

    Raises StatementPaid, AdjustmentIsZero, AdjustmentNotInPence, AdjustmentTooLarge, AdjustmentUndescribed.
    """
    with acting_as(by, "add_adjustment"):
        statement = _lock(statement_id)
        values = _checked(amount, description)
        return Adjustment.objects.create(statement=statement, **values)


def change_adjustment(*, adjustment_id: int, amount: Decimal, description: str, by: Actor) -> Adjustment:
    """Changes an adjustment of a statement that has not been paid; refuses as `add_adjustment` does."""
    with acting_as(by, "change_adjustment"):
        adjustment = _locked_adjustment(adjustment_id)
        for name, value in _checked(amount, description).items():
            setattr(adjustment, name, value)
        adjustment.save(update_fields=["amount", "description"])
        return adjustment


def remove_adjustment(*, adjustment_id: int, by: Actor) -> None:
    """Removes an adjustment of a statement that has not been paid; the audit trail keeps it. Raises StatementPaid."""
    with acting_as(by, "remove_adjustment"):
        _locked_adjustment(adjustment_id).delete()


def _locked_adjustment(adjustment_id: int) -> Adjustment:
    statement_id = Adjustment.objects.values_list("statement_id", flat=True).get(id=adjustment_id)
    _lock(statement_id)
    return Adjustment.objects.get(id=adjustment_id)


def _lock(statement_id: int) -> Statement:
    statement = Statement.objects.select_for_update(no_key=True).get(id=statement_id)
    if statement.state == StatementState.PAID:
        raise StatementPaid(statement=statement.name)
    return statement


def _checked(amount: Decimal, description: str) -> dict[str, object]:
    description = description.strip()
    refusals: list[Refused] = []
    if amount == 0:
        refusals.append(AdjustmentIsZero())
    elif not amount.is_finite() or abs(amount) > LARGEST:
        refusals.append(AdjustmentTooLarge(largest=LARGEST))
    elif amount != amount.quantize(PENNY):
        refusals.append(AdjustmentNotInPence(amount=amount))
    if not description:
        refusals.append(AdjustmentUndescribed())
    refuse_if_any(refusals)
    return {"amount": amount, "description": description}
