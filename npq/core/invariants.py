"""What must always be true of the data, in a form that can be checked on a live database.

Each app lists its own as `INVARIANTS` in its queries; `manage.py check_invariants` runs them all. Most are
also constraints: the check is for what a constraint cannot say, and for whoever wants to see it proved.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True)
class Breach:
    """One record for which an invariant does not hold: its public id and what is wrong with it."""

    identifier: str
    detail: str


@dataclass(frozen=True)
class Invariant:
    """A rule about the data: a stable code, the rule in one sentence, and how to find its breaches."""

    code: str
    sentence: str
    breaches: Callable[[], Iterable[Breach]]


def sql_invariant(code: str, sentence: str, sql: str) -> Invariant:
    """An invariant whose query yields (identifier, detail) for each breach."""

    def breaches() -> list[Breach]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return [Breach(str(identifier), str(detail)) for identifier, detail in cursor.fetchall()]

    return Invariant(code, sentence, breaches)
