"""Who writes, and why: the context without which an audited row cannot be written.

The audit trail is kept by the database: a row trigger on every audited table copies what changed into
`core_change` together with the actor found in the transaction setting `npq.actor` (decisions.md §4.2).
Bulk updates and plain SQL are seen like any other write, and a write with no declared actor fails.
`acting_as` opens the transaction and declares the actor; a service is one `with acting_as(...)` block.
"""

import contextlib
import json
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from django.db import connection, transaction

from npq.core.errors import ReasonMissing
from npq.core.listening import observed

ActorKind = Literal["token", "staff", "command", "system"]

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_rehearsing: ContextVar[bool] = ContextVar("rehearsing", default=False)


@dataclass(frozen=True)
class Actor:
    """Who acts: a provider's token, a member of staff, a person running a command, or the system.

    What is done `in_bulk`, as one row of many, is recorded as such.
    """

    kind: ActorKind
    name: str
    identifier: str = ""
    lead_provider_id: int | None = None
    reason: str = ""
    in_bulk: bool = False

    @classmethod
    def system(cls, name: str = "system", *, reason: str = "") -> "Actor":
        """The service itself, for work nobody asked for by hand (migrations, nightly runs)."""
        return cls("system", name, reason=reason)

    @classmethod
    def command(cls, name: str, *, reason: str = "", command: str = "") -> "Actor":
        """A person at the command line; `reason` is what they typed after --reason."""
        return cls("command", name, identifier=command, reason=reason)

    @classmethod
    def staff(cls, name: str, *, identifier: str, reason: str = "", in_bulk: bool = False) -> "Actor":
        """A member of staff in the back office; `identifier` is the user's id."""
        return cls("staff", name, identifier=identifier, reason=reason, in_bulk=in_bulk)


@contextlib.contextmanager
def request_id_is(identifier: str) -> Iterator[None]:
    """Adds a request id to everything that is written within the block."""
    token = _request_id.set(identifier)
    try:
        yield
    finally:
        _request_id.reset(token)


def current_request_id() -> str:
    """The id of the request being served, or an empty string."""
    return _request_id.get()


@contextlib.contextmanager
def acting_as(by: Actor, action: str, *, reason: str = "", durable: bool = True) -> Iterator[None]:
    """Opens a transaction in which every change is recorded as `action`, done by `by`.

    `action` is a verb and a noun in snake case (`accept_application`); `reason` adds to the actor's.
    Durable: refuses to run inside another transaction, so that what was answered is on disk. Within
    `rehearsal()` everything is done and checked, and then undone.
    """
    with transaction.atomic(durable=durable):
        declare(by, action, reason=reason)
        with observed():
            yield
        if _rehearsing.get():
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            transaction.set_rollback(True)


@contextlib.contextmanager
def correcting(by: Actor, action: str) -> Iterator[None]:
    """`acting_as` for staff's corrections, which say why: raises ReasonMissing when `by` gives no reason.

    A rehearsal needs none: the reason is asked for where the effects are shown.
    """
    if not by.reason.strip() and not _rehearsing.get():
        raise ReasonMissing
    with acting_as(by, action):
        yield


@contextlib.contextmanager
def rehearsal() -> Iterator[None]:
    """Within the block every service runs in full, refuses what it would refuse, and keeps nothing.

    This is how a command without --apply, or a preview in the back office, says what would happen.
    """
    token = _rehearsing.set(True)
    try:
        yield
    finally:
        _rehearsing.reset(token)


def declare(by: Actor, action: str, *, reason: str = "") -> None:
    """Declares the actor for the rest of the current transaction. Prefer `acting_as`."""
    declaration = {
        "kind": by.kind,
        "name": by.name,
        "identifier": by.identifier,
        "lead_provider_id": by.lead_provider_id,
        "action": f"{action}_in_bulk" if by.in_bulk else action,
        "reason": reason or by.reason,
        "request_id": current_request_id(),
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('npq.actor', %s, true)", [json.dumps(declaration)])
