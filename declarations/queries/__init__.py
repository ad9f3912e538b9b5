"""Reads of declarations, outcomes and delivery partners, and the locks a write on them takes."""

from declarations.queries.invariants import INVARIANTS

__all__ = ["INVARIANTS"]
