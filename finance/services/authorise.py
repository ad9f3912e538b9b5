"""Authorising a payable statement: it is paid, and from then on nothing changes or recomputes it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from finance.choices import LineState, StatementState
from finance.errors import LinesDisagree, StatementNotPayable, TotalHasChanged, TotalTooLarge
from finance.models import Statement
from finance.queries.calculation import document_of, figures_of
from finance.queries.figures import StatementFigures
from finance.services.closing import LinesMoved, counts_from, lock_with_declarations, until_lines_stand_still
from npq.core.audit import Actor, acting_as
from npq.core.money import in_pounds

# As much as the column holds.
LARGEST_TOTAL = Decimal("999999999999.99")
SETTLED = [LineState.PAYABLE, LineState.AWAITING_CLAWBACK]

# The statement, its lines and their declarations move in one SQL statement.
PAY = """
WITH frozen AS (
  UPDATE finance_statement SET state = 'paid', paid_at = %s, authorised_by = %s, total = %s, payment = %s::jsonb
  WHERE id = %s),
settled AS (
  UPDATE finance_lineitem
  SET state = CASE state WHEN 'payable' THEN 'paid' ELSE 'clawed-back' END
  WHERE statement_id = %s AND state IN ('payable', 'awaiting-clawback')
  RETURNING declaration_id, state),
moved AS (
  UPDATE declarations_declaration AS d SET state = settled.state
  FROM settled WHERE d.id = settled.declaration_id
    AND (d.state, settled.state) IN (('payable', 'paid'), ('awaiting-clawback', 'clawed-back'))
  RETURNING d.id)
SELECT (SELECT count(*) FROM settled), (SELECT count(*) FROM moved)
"""


@dataclass(frozen=True)
class Authorised:
    """What was authorised: `result` is `paid`, or `already paid` when nothing had to be done."""

    statement: Statement
    result: str
    total: Decimal
    declarations: int = 0


def authorise_statement(*, statement_id: int, expect_total: Decimal, by: Actor, now: datetime) -> Authorised:
    """Pays a payable statement (decisions.md §3.3): it, its lines and their declarations become paid.

    What is taken back on it becomes clawed back. The total and the payment resource are stored, and from then on the
    statement is frozen. Six SQL statements whatever its size. A paid statement stays as it is. Raises
    StatementNotPayable, TotalHasChanged when the total is not `expect_total` to the penny, and LinesDisagree when a
    line and its declaration do not say the same; nothing is changed then, nor by
    TotalTooLarge.
    """
    return pay(statement_id, by, now, agreed=lambda _: expect_total)


def pay(statement_id: int, by: Actor, now: datetime, *, agreed: Callable[[Statement], Decimal]) -> Authorised:
    """Authorises a statement for the total that `agreed` says of it once it is locked; refuses what `agreed` refuses.

    The one way to pay: `authorise_statement` and the two people of the back office differ in who agrees to what.
    """
    return until_lines_stand_still(lambda: _pay(statement_id, by, now, agreed))


def payable_total(statement: Statement, figures: StatementFigures) -> Decimal:
    """The total that can be asked for and paid, to the penny; refuses with TotalTooLarge."""
    total = figures.shown_total
    if abs(total) > LARGEST_TOTAL:
        raise TotalTooLarge(
            statement=statement.name,
            total=in_pounds(total),
            largest=in_pounds(LARGEST_TOTAL),
            lead_provider=statement.lead_provider.name,
            cohort=statement.cohort,
        )
    return total


def _pay(statement_id: int, by: Actor, now: datetime, agreed: Callable[[Statement], Decimal]) -> Authorised:
    with acting_as(by, "authorise_statement"):
        locked = lock_with_declarations(statement_id, SETTLED)
        statement = locked.statements[statement_id]
        if statement.state == StatementState.PAID:
            assert statement.total is not None
            return Authorised(statement, "already paid", statement.total)
        if statement.state != StatementState.PAYABLE:
            raise StatementNotPayable(statement=statement.name, state=statement.state)
        expect_total = agreed(statement)
        figures = figures_of(statement)
        total = payable_total(statement, figures)
        if total != expect_total:
            raise TotalHasChanged(statement=statement.name, total=total, expected=expect_total)
        document = document_of(figures, state=StatementState.PAID)
        settled, moved = counts_from(PAY, [now, by.name, total, json.dumps(document), statement.id, statement.id])
        if settled != locked.declarations:
            raise LinesMoved
        if moved != settled:
            raise LinesDisagree(statement=statement.name, number=settled - moved)
        return Authorised(statement, "paid", total, declarations=moved)
