"""What a write did or would do: records before and after, messages, pounds, what else will be shown as changed.

`npq.core.rehearsal.what_would_change` says it of a service that is rehearsed, `npq.core.listening.recorded` of one
that is carried out.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models

from npq.core.clock import UK
from npq.core.money import in_pounds

EMPTY = "nothing"
# Of these it is said that they change, and never what they are: nobody needs to read them.
PRIVATE = frozenset({"date_of_birth"})
NOT_SHOWN = "not shown"


@dataclass(frozen=True)
class FieldChange:
    """One field of one record, before and after; a related record as itself, anything else in its type.

    In words a related record is its `long_name`, where it has one.
    """

    field: "models.Field[Any, Any]"
    before: Any
    after: Any

    @property
    def name(self) -> str:
        """The field's name: `lead_provider`."""
        return self.field.name

    @property
    def label(self) -> str:
        """The field's name for people: `lead provider`."""
        return str(self.field.verbose_name)

    @property
    def is_for_people(self) -> bool:
        """Whether it can be read: a document kept whole, like the figures a payment rests on, is shown elsewhere."""
        return not isinstance(self.field, models.JSONField)

    @property
    def is_nothing_but_an_id(self) -> bool:
        """Whether the new value is a record that people know by no name."""
        after = self.after
        return isinstance(after, models.Model) and _name_of(after) == str(getattr(after, "public_id", ""))

    @property
    def before_in_words(self) -> str:
        """The old value for people."""
        return self._in_words(self.before)

    @property
    def after_in_words(self) -> str:
        """The new value for people."""
        return self._in_words(self.after)

    def _in_words(self, value: Any) -> str:
        choices = dict(self.field.flatchoices)
        if value is None or value in ("", []):
            return EMPTY
        if self.name in PRIVATE:
            return NOT_SHOWN
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, datetime):
            return f"{value.astimezone(UK):%-d %B %Y, %H:%M}"
        if isinstance(value, date):
            return f"{value:%-d %B %Y}"
        if isinstance(value, Decimal):
            return in_pounds(value)
        if isinstance(value, list):
            return ", ".join(str(each) for each in value)
        if isinstance(value, str) and value in choices:
            return str(choices[value])
        return _name_of(value)


def _name_of(value: Any) -> str:
    return getattr(value, "long_name", None) or str(value)


@dataclass(frozen=True)
class RecordChange:
    """One record that was made, changed or deleted (`operation`: insert, update, delete)."""

    model: type[models.Model]
    record_id: int
    identifier: UUID | None
    operation: str
    fields: tuple[FieldChange, ...]

    @property
    def record(self) -> str:
        """What kind of record it is, for people: `application`."""
        return str(self.model._meta.verbose_name)

    @property
    def told(self) -> tuple[FieldChange, ...]:
        """The fields that people are told of; of a new record not what it hangs on, where that has only an id."""
        told = (each for each in self.fields if each.is_for_people)
        return tuple(each for each in told if self.operation != "insert" or not each.is_nothing_but_an_id)

    @property
    def values(self) -> dict[str, tuple[Any, Any]]:
        """Before and after of each field that changed, by its name."""
        return {each.name: (each.before, each.after) for each in self.fields}


@dataclass(frozen=True)
class Pounds:
    """A figure in pounds before and after: `name` says whose and of what."""

    identifier: UUID
    name: str
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        """What is added (or, negative, taken away)."""
        return self.after - self.before


@dataclass(frozen=True)
class Corrected:
    """What a correction returns: whether anything changed, and what staff should know besides what changed.

    `pounds` are figures whose change the service has worked out itself.
    """

    changed: bool = True
    notes: tuple[str, ...] = ()
    pounds: tuple[Pounds, ...] = ()


@dataclass
class Effects:
    """What a write did, or would do.

    `touched` are records that change nowhere but will be shown as changed; `result` is what the service returned.
    `counted` says of kinds of records that are too many to be listed how many changed, under their name in the plural.
    """

    changes: list[RecordChange] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    touched: list[tuple[str, UUID]] = field(default_factory=list)
    pounds: list[Pounds] = field(default_factory=list)
    result: Any = None
    counted: dict[str, int] = field(default_factory=dict)

    @property
    def in_all(self) -> Decimal | None:
        """What the figures come to more (or, negative, less) together; None where there are not several."""
        return sum((each.difference for each in self.pounds), Decimal(0)) if len(self.pounds) > 1 else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the service has to say besides what changes."""
        return self.result.notes if isinstance(self.result, Corrected) else ()

    @property
    def nothing(self) -> bool:
        """Whether no record changed."""
        return not self.changes and not self.counted

    def of(self, model: type[models.Model]) -> list[RecordChange]:
        """The changes of one kind of record."""
        return [change for change in self.changes if change.model is model]

    def for_json(self) -> dict[str, Any]:
        """The effects as scripts read them."""
        return {
            "changes": [
                {
                    "record": change.record,
                    "id": change.identifier,
                    "operation": change.operation,
                    "fields": {
                        each.name: {"before": _for_scripts(each.before), "after": _for_scripts(each.after)}
                        for each in change.fields
                    },
                }
                for change in self.changes
            ],
            "messages": [
                {"kind": message.kind, "to": message.to, "application_id": message.application_public_id}
                for message in self.messages
            ],
            "pounds": [
                {
                    "statement_id": each.identifier,
                    "name": each.name,
                    "before": each.before,
                    "after": each.after,
                    "difference": each.difference,
                }
                for each in self.pounds
            ],
            "touched": [{"record": record, "id": identifier} for record, identifier in self.touched],
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """The effects for people, a line for each."""
        found = []
        for change in self.changes:
            head = f"{change.record} {change.identifier}"
            if change.operation == "update":
                said = [f"{each.label}: {each.before_in_words} → {each.after_in_words}" for each in change.told]
            elif change.operation == "insert":
                said = ["new", *(f"{each.label}: {each.after_in_words}" for each in change.told)]
            else:
                said = ["deleted"]
            found.append(f"{head}: {'; '.join(said)}")
        found += [f"message to {message.to}: {message.get_kind_display()}" for message in self.messages]
        found += [f"{each.name}: {in_pounds(each.before)} → {in_pounds(each.after)}" for each in self.pounds]
        found += [f"{record} {identifier}: shown as changed" for record, identifier in self.touched]
        return [*found, *self.notes]


def _for_scripts(value: Any) -> Any:
    """A related record by its code where it has one, since names may change; anything else as it is."""
    return getattr(value, "code", str(value)) if isinstance(value, models.Model) else value
