"""Listening to services: what each `acting_as` block wrote, read from the audit trail at the block's end.

The audit trigger knows the before and after of every row, whoever wrote it and how; so nothing has to be told twice.
It is read inside the transaction: of a real write just as of one that a rehearsal is about to undo.

    with recorded() as effects:
        undo_acceptance(application_id=…, by=…, now=…)
    for change in effects.changes: …

The trail knows nothing of messages and of rows that are merely touched; `queue_message` and `touch()` report those.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db import connection, models
from django.db.models.functions import Cast

from npq.core.effects import Effects, FieldChange, RecordChange

# What says nothing to anybody when a record is new.
NOT_SHOWN_OF_NEW = ("id", "public_id", "created_at")


class _Listener:
    """Collects the effects of each `acting_as` block, and what only the program knows of them."""

    def __init__(self, then: Callable[[Effects], None], counted: Sequence[type[models.Model]]) -> None:
        self.then = then
        self.counted = {model._meta.db_table: str(model._meta.verbose_name_plural) for model in counted}
        self.effects = Effects()
        self.message_ids: list[int] = []
        self.touched: dict[tuple[type[models.Model], int], UUID] = {}

    def take_down(self, since: "_Since") -> None:
        """Adds what the current transaction did since then, and starts anew."""
        changes = list(_changes(since, self.counted))
        self.effects.changes += changes
        for name, number in _numbers(since, self.counted):
            self.effects.counted[name] = self.effects.counted.get(name, 0) + number
        message_model = apps.get_model("core", "Message")
        if self.message_ids:
            self.effects.messages += message_model._default_manager.filter(id__in=self.message_ids).order_by("id")
        changed = {(change.model, change.record_id) for change in changes}
        self.effects.touched += [
            (str(model._meta.verbose_name), identifier)
            for (model, record_id), identifier in self.touched.items()
            if (model, record_id) not in changed
        ]
        self.message_ids, self.touched = [], {}
        self.then(self.effects)


_listener: ContextVar[_Listener | None] = ContextVar("listener", default=None)


def _nothing_more(_: Effects) -> None:
    """Nothing more is to be looked at."""


@contextmanager
def recorded(
    then: Callable[[Effects], None] = _nothing_more, *, counted: Sequence[type[models.Model]] = ()
) -> Iterator[Effects]:
    """Within the block the effects of every service are added to what it yields.

    `then` is called with them at the end of each service, inside its transaction. Of the kinds of records in
    `counted` the effects say how many changed, and no more: reading tens of thousands of them would take too long.
    """
    listener = _Listener(then, counted)
    token = _listener.set(listener)
    try:
        yield listener.effects
    finally:
        _listener.reset(token)


@contextmanager
def observed() -> Iterator[None]:
    """`acting_as` does its work within this: what was done is taken down when somebody wants to know."""
    listener = _listener.get()
    if listener is None:
        yield
        return
    listener.message_ids, listener.touched = [], {}
    now = _now()
    yield
    listener.take_down(now)


def hear_message(message: models.Model) -> None:
    """A message was queued."""
    listener = _listener.get()
    if listener is not None:
        listener.message_ids.append(message.pk)


def hear_touched(rows: models.QuerySet[Any]) -> None:
    """Rows are about to be marked as changed."""
    listener = _listener.get()
    if listener is not None:
        found = rows.order_by("id").values_list("id", "public_id")
        listener.touched.update({(rows.model, record_id): identifier for record_id, identifier in found})


# From the trail to fields and values -----------------------------------------------------------------


class _Since(NamedTuple):
    """A moment of a transaction: the newest change that it had made."""

    transaction: int
    newest: int

    def trail(self) -> models.QuerySet[Any]:
        """What the transaction has changed since then."""
        changes = apps.get_model("core", "Change")._default_manager
        return changes.filter(transaction=self.transaction, id__gt=self.newest)


def _now() -> _Since:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT this, (SELECT coalesce(max(id), 0) FROM core_change WHERE transaction = this)"
            " FROM CAST(pg_current_xact_id()::text AS bigint) AS this"
        )
        return _Since(*cursor.fetchone())


@dataclass
class _Row:
    """All that happened to one row, as JSON: columns that changed, before and after."""

    identifier: UUID | None
    operation: str
    before: dict[str, Any]
    after: dict[str, Any]

    def then(self, operation: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Adds a later change of the same row."""
        self.before = {**before, **self.before} if self.operation != "insert" else {}
        self.after = {} if operation == "delete" else {**self.after, **after}
        if operation == "delete" or self.operation != "insert":
            self.operation = operation

    @property
    def columns(self) -> set[str]:
        """The columns that differ in the end; of a new row those that hold something."""
        hidden = NOT_SHOWN_OF_NEW if self.operation == "insert" else ()
        return {
            column
            for column in (*self.before, *self.after)
            if column not in hidden
            and self.before.get(column) != self.after.get(column)
            and (self.operation != "insert" or self.after.get(column) not in ("", []))
        }


def _numbers(since: _Since, counted: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    if not counted:
        return
    trail = since.trail().filter(table__in=list(counted)).order_by()
    for table, number in trail.values_list("table").annotate(number=models.Count("record_id", distinct=True)):
        yield counted[table], number


def _changes(since: _Since, left_out: Iterable[str]) -> Iterator[RecordChange]:
    tables = {model._meta.db_table: model for model in apps.get_models()}
    related = _Related()
    for (table, record_id), row in _rows(since, left_out).items():
        model = tables[table]
        fields = [
            FieldChange(each, related.value(each, row.before), related.value(each, row.after))
            for each in model._meta.concrete_fields
            if each.column in row.columns
        ]
        if fields:
            yield RecordChange(model, record_id, row.identifier, row.operation, tuple(fields))


def _rows(since: _Since, left_out: Iterable[str]) -> dict[tuple[str, int], _Row]:
    """What the trail says of the current transaction since then, by row, in the order of writing."""
    # Read as text, so that a number keeps every digit.
    texts = {"old": Cast("before", models.TextField()), "new": Cast("after", models.TextField())}
    trail = since.trail().exclude(table__in=list(left_out))
    trail = trail.annotate(**texts).order_by("id")
    rows: dict[tuple[str, int], _Row] = {}
    for change in trail.values("table", "record_id", "record_public_id", "operation", "old", "new"):
        old, new = (json.loads(change[side] or "{}", parse_float=Decimal) for side in ("old", "new"))
        key = (change["table"], change["record_id"])
        if key in rows:
            rows[key].then(change["operation"], old, new)
        else:
            rows[key] = _Row(change["record_public_id"], change["operation"], old, new)
    return rows


class _Related:
    """Stored values in their types; a related record as itself, read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, Any], models.Model | None] = {}

    def value(self, of: "models.Field[Any, Any]", stored: dict[str, Any]) -> Any:
        """The value of a field in a row that is stored as JSON."""
        value = stored.get(str(of.column))
        if value is None:
            return None
        if isinstance(of, models.ForeignKey):
            return self._record(of.related_model, value)
        return of.to_python(value) if isinstance(value, str | Decimal) else value

    def _record(self, model: Any, key: Any) -> models.Model | None:
        if (model, key) not in self._known:
            self._known[model, key] = model._base_manager.filter(pk=key).first()
        return self._known[model, key]
