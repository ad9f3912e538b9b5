"""Changing an open statement's dates, or whether it takes declarations."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db.models import Count

from finance.choices import BILLABLE_LINES, REFUNDABLE_LINES, StatementState
from finance.errors import DeadlineAfterPayment, StatementHasDeclarations, StatementNotOpen
from finance.models import LineItem, Statement
from npq.core.audit import Actor, acting_as


def set_statement(
    *,
    statement_id: int,
    by: Actor,
    deadline_date: date | None = None,
    payment_date: date | None = None,
    output_fee: bool | None = None,
) -> dict[str, tuple[Any, Any]]:
    """Changes what is given of an open statement; returns the old and new value of each field that changed.

    A deadline in the past is allowed: the next nightly run makes the statement payable. Raises StatementNotOpen,
    DeadlineAfterPayment, StatementHasDeclarations (finance.md §3.2, hazard 26).
    """
    given = {"deadline_date": deadline_date, "payment_date": payment_date, "output_fee": output_fee}
    with acting_as(by, "set_statement"):
        statement = Statement.objects.select_for_update(no_key=True).get(id=statement_id)
        changes = changes_of(statement, {name: value for name, value in given.items() if value is not None})
        if not changes:
            return changes
        if statement.state != StatementState.OPEN:
            raise StatementNotOpen(statement=statement.name, state=statement.state)
        for name, (_, new) in changes.items():
            setattr(statement, name, new)
        if statement.deadline_date > statement.payment_date:
            raise DeadlineAfterPayment(deadline=statement.deadline_date, payment=statement.payment_date)
        lines = counted_lines([statement]).get(statement.id, 0)
        if lines and not statement.output_fee:
            raise StatementHasDeclarations(statement=statement.name, declarations=lines)
        statement.save(update_fields=list(changes))
        return changes


def changes_of(statement: Statement, values: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The old and new value of each field that would change."""
    return {
        name: (getattr(statement, name), value) for name, value in values.items() if getattr(statement, name) != value
    }


def counted_lines(statements: Iterable[Statement]) -> dict[int, int]:
    """How many lines that pay or take back each statement has, by its internal id; none is left out."""
    lines = LineItem.objects.filter(
        statement__in=[statement.id for statement in statements], state__in=[*BILLABLE_LINES, *REFUNDABLE_LINES]
    )
    return dict(lines.order_by().values_list("statement_id").annotate(number=Count("id")))
