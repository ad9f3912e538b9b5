"""Reads of money: which statement takes a declaration, what a statement comes to, what is still expected."""

from finance.queries.invariants import INVARIANTS

__all__ = ["INVARIANTS"]
