"""What a change does to open statements, in pounds. Runs inside the transaction that makes the change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from finance.models import Statement
from finance.queries.calculation import figures_of


@dataclass(frozen=True)
class Effect:
    """A statement's total before and after a change; `before` is None for a new statement."""

    statement: Statement
    before: Decimal | None
    after: Decimal

    @property
    def difference(self) -> Decimal:
        """What the change adds to the statement (a new one: all of it)."""
        return self.after - (self.before or Decimal("0.00"))


def totals(statements: Iterable[Statement]) -> dict[int, Decimal]:
    """The total of each statement as it stands, in pounds and pence, by internal id."""
    return {statement.id: figures_of(statement).shown_total for statement in statements}


def effects(statements: Iterable[Statement], before: Mapping[int, Decimal]) -> list[Effect]:
    """The statements with the totals they had and those they have now."""
    statements = list(statements)
    after = totals(statements)
    return [Effect(statement, before.get(statement.id), after[statement.id]) for statement in statements]
