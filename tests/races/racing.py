"""Races with real threads and real commits.

    pytestmark = pytest.mark.django_db(transaction=True)

    def test_one_acceptance_wins(monkeypatch):
        meet_after(monkeypatch, "applications.services.accept._check")
        ends = race(lambda: accept(first), lambda: accept(second))
        assert kinds(ends) == ["AnotherApplicationAccepted", "done"]

    def test_without_locks_both_win(monkeypatch):                # the control: it must show the damage
        without_locks(monkeypatch)
        meet_after(monkeypatch, "applications.services.accept._check")
        ...

`meet_after` holds every racer between its check and its write until the others are there too. With the locks on
they cannot all get there: the one that holds the lock goes on after a moment, which proves that the others were
really kept out. With the locks off they all do, and the damage shows every time and not by luck.
"""

import contextlib
import functools
import importlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import QuerySet

# Longer than any statement of a racer takes, so that racers that can meet do meet.
PATIENCE_SECONDS = 1.0
HANG_SECONDS = 60


@dataclass(frozen=True)
class End:
    """How one racer ended: what it returned, or what it raised."""

    value: Any = None
    error: BaseException | None = None

    @property
    def kind(self) -> str:
        """`done`, or the name of the exception's class."""
        return "done" if self.error is None else type(self.error).__name__


def race(*racers: Callable[[], Any]) -> list[End]:
    """Runs the callables at once, each in a thread with a connection of its own; their ends, in the same order.

    Connections are closed afterwards. Raises TimeoutError when a racer hangs, which is a deadlock nobody broke.
    """
    start = threading.Barrier(len(racers))

    def together(racer: Callable[[], Any]) -> Any:
        connection.ensure_connection()
        start.wait(HANG_SECONDS)
        return racer()

    with ThreadPoolExecutor(max_workers=len(racers)) as pool:
        started = [pool.submit(_end_of, functools.partial(together, racer)) for racer in racers]
        return [future.result(HANG_SECONDS) for future in started]


def _end_of(racer: Callable[[], Any]) -> End:
    try:
        return End(value=racer())
    except Exception as error:  # noqa: BLE001  the test looks at whatever it was
        return End(error=error)
    finally:
        connections.close_all()


def kinds(ends: list[End]) -> list[str]:
    """The kinds of the ends in alphabetical order: which racer won is chance."""
    return sorted(end.kind for end in ends)


def meet_after(monkeypatch: pytest.MonkeyPatch, *targets: str, racers: int = 2) -> None:
    """Makes every racer, right after it has called a target, wait for the others to have done so too.

    A target is the dotted path of a function or method. A racer that waits in vain goes on, and nobody waits again.
    """
    meeting = threading.Barrier(racers)

    def wait() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait(PATIENCE_SECONDS)

    for target in targets:
        _call_after(monkeypatch, target, wait)


def intrude_after(monkeypatch: pytest.MonkeyPatch, target: str, intruder: Callable[[], Any]) -> Callable[[], End]:
    """Starts the intruder when a target has been called for the first time, and lets it finish if it can.

    For races whose damage depends on who comes last: without locks the intruder is through before whoever called
    the target goes on; with locks it waits. Returns a function that gives the intruder's end.
    """
    pool = ThreadPoolExecutor(max_workers=1)
    once = threading.Lock()
    started: list[Future[End]] = []

    def intrude() -> None:
        if once.acquire(blocking=False):
            started.append(pool.submit(_end_of, intruder))
            with contextlib.suppress(FutureTimeoutError):
                started[0].result(PATIENCE_SECONDS)

    def end() -> End:
        pool.shutdown()
        return started[0].result(HANG_SECONDS)

    _call_after(monkeypatch, target, intrude)
    return end


def _call_after(monkeypatch: pytest.MonkeyPatch, target: str, then: Callable[[], None]) -> None:
    owner, name = _owner_of(target)
    original = getattr(owner, name)

    def patched(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        then()
        return found

    monkeypatch.setattr(owner, name, patched)


def _owner_of(target: str) -> tuple[Any, str]:
    path, _, name = target.rpartition(".")
    try:
        return importlib.import_module(path), name
    except ModuleNotFoundError:
        outer, inner = _owner_of(path)
        return getattr(outer, inner), name


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes all row locks away: the control of every race."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda queryset, **_: queryset.all())


@contextlib.contextmanager
def without_index(name: str) -> Iterator[None]:
    """Within the block the database lacks a unique index or constraint: shows what the lock and it keep together.

    Afterwards it is put back; its table, and all that refers to it, is emptied first. Look before.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indrelid::regclass::text, pg_get_indexdef(indexrelid), pg_get_constraintdef(pg_constraint.oid) "
            "FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid AND contype = 'u' "
            "WHERE indexrelid = %s::regclass",
            [name],
        )
        table, definition, constraint = cursor.fetchone()
        drop, put_back = f'DROP INDEX "{name}"', definition
        if constraint:
            drop = f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'
            put_back = f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {constraint}'
        cursor.execute(drop)
        try:
            yield
        finally:
            cursor.execute(f"TRUNCATE {table} CASCADE")
            cursor.execute(put_back)
