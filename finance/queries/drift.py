"""Whether a paid statement is still what it was when it was authorised (finance.md §7.1)."""

from typing import Any

from finance.choices import StatementState
from finance.models import Statement
from finance.queries.calculation import document_of
from finance.queries.figures import StatementFigures


def drift_of(statement: Statement, figures: StatementFigures) -> str:
    """What differs between a paid statement's frozen payment and its figures calculated anew; empty when nothing."""
    calculated = document_of(figures, state=StatementState.PAID)
    if figures.shown_total == statement.total and calculated == statement.payment:
        return ""
    return _difference({**(statement.payment or {}), "total": str(statement.total)}, calculated)


def _difference(frozen: dict[str, Any], calculated: dict[str, Any]) -> str:
    names = sorted(name for name in frozen | calculated if frozen.get(name) != calculated.get(name))
    plain = [name for name in names if not isinstance(calculated.get(name), list)]
    told = [f"{name} {frozen.get(name)}, calculated {calculated.get(name)}" for name in plain]
    return "; ".join(told + [name for name in names if name not in plain]) or "payment total"
