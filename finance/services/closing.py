"""What making a statement payable and authorising it have in common: locks in order, everything moved at once.

The order of locks is declarations, then statement, as everywhere. Which declarations a statement has is only
certain once it is locked: if one arrived in between, everything is let go and tried again.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from django.db import connection

from finance.choices import LineState
from finance.models import Statement
from npq.core.errors import TooMuchContention

Result = TypeVar("Result")
MOST_ATTEMPTS = 20

LOCK = """
WITH declarations AS MATERIALIZED (
  SELECT d.id FROM declarations_declaration AS d
  WHERE d.id IN (SELECT l.declaration_id FROM finance_lineitem AS l WHERE l.statement_id = %s AND l.state = ANY(%s))
  ORDER BY d.id FOR NO KEY UPDATE)
SELECT s.*, locked.number AS locked_declarations
FROM (SELECT count(*) AS number FROM declarations) AS locked, finance_statement AS s
WHERE s.id = ANY(%s) ORDER BY s.id FOR NO KEY UPDATE OF s
"""


class Locked(NamedTuple):
    """Locked statements by their internal id, and how many declarations were locked with them."""

    statements: dict[int, Statement]
    declarations: int


class LinesMoved(Exception):
    """Lines came or went between the lock on the declarations and the lock on the statement."""


def lock_with_declarations(statement_id: int, states: Iterable[LineState], *, also: Iterable[int] = ()) -> Locked:
    """Locks the declarations whose lines on a statement have one of the states, in id order, then the statement.

    `also` are the ids of further statements to lock. One SQL statement whatever the number of lines. The caller
    compares the number of declarations with what it finds once all is locked, and raises LinesMoved when they differ.
    """
    ids = [statement_id, *also]
    found = list(Statement.objects.raw(LOCK, [statement_id, list(states), ids]))
    if len(found) < len(set(ids)):
        raise Statement.DoesNotExist
    return Locked({each.id: each for each in found}, vars(found[0])["locked_declarations"])


def until_lines_stand_still(attempt: Callable[[], Result]) -> Result:
    """Calls `attempt`, a transaction of its own, again whenever it raises LinesMoved."""
    for _ in range(MOST_ATTEMPTS):
        try:
            return attempt()
        except LinesMoved:
            continue
    raise TooMuchContention


def counts_from(sql: str, params: Iterable[Any]) -> tuple[Any, ...]:
    """Runs one SQL statement that answers one row."""
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        row: tuple[Any, ...] = cursor.fetchone()
    return row
