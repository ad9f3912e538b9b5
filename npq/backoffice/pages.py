"""What a page of the back office is made of: facts, tables and the audit timeline, all plain text and links."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html

from npq.core.clock import UK
from npq.core.money import in_pounds


def shown(value: Any) -> Any:
    """A value for people: UK times and dates, pounds, yes and no; `not set` for nothing."""
    if value is None or value == "":
        return "not set"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return f"{value.astimezone(UK):%-d %B %Y, %H:%M}"
    if isinstance(value, date):
        return f"{value:%-d %B %Y}"
    if isinstance(value, Decimal):
        return in_pounds(value)
    return value


def address_of(model: type[Model] | Model, public_id: UUID | str) -> str:
    """Where a record's page is."""
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[str(public_id)])


def link(record: Model, text: str | None = None) -> str:
    """A link to a record's page, with its public id as text unless another is given."""
    public_id = record.public_id  # type: ignore[attr-defined]
    return format_html('<a href="{}">{}</a>', address_of(record, public_id), text or str(public_id))


@dataclass(frozen=True)
class Facts:
    """Names and values, one a line."""

    title: str
    facts: Sequence[tuple[str, Any]]
    kind: str = "facts"

    def rows(self) -> list[tuple[str, Any]]:
        """The lines, for people."""
        return [(name, shown(value)) for name, value in self.facts]


@dataclass(frozen=True)
class Table:
    """Rows under headings; `empty` is said where there are none."""

    title: str
    heads: Sequence[str]
    body: Iterable[Sequence[Any]]
    empty: str = "None."
    kind: str = "table"

    def shown(self) -> "ShownTable":
        """Heads and rows for people; a column of nothing but numbers is numeric, so that figures can be compared."""
        rows = [list(row) for row in self.body]
        numeric = [_is_numeric([row[place] for row in rows]) for place in range(len(self.heads))]
        return ShownTable(
            list(zip(self.heads, numeric, strict=True)),
            [list(zip(map(shown, row), numeric, strict=True)) for row in rows],
        )


@dataclass(frozen=True)
class ShownTable:
    """Heads and cells as they are shown, each with whether its column is numeric."""

    heads: list[tuple[str, bool]]
    rows: list[list[tuple[Any, bool]]]


def _is_numeric(column: Sequence[Any]) -> bool:
    filled = [cell for cell in column if cell not in (None, "")]
    return bool(filled) and all(map(_is_number, filled))


def _is_number(cell: Any) -> bool:
    """Pounds, shares and numbers, also as text; a code, year or name of digits is given as text and is none."""
    if isinstance(cell, str):
        return _FIGURE.fullmatch(cell) is not None
    return isinstance(cell, int | Decimal) and not isinstance(cell, bool)


_FIGURE = re.compile(r"[-−]?£[\d,]+\.\d\d|[\d.]+%")


@dataclass(frozen=True)
class Text:
    """Texts as they are, each under its own name; `empty` is said where there are none."""

    title: str
    texts: Sequence[tuple[str, str]]
    empty: str = "None."
    kind: str = "text"


@dataclass(frozen=True)
class Fragment:
    """A part with a template of its own, which finds what it shows as `data`; `anchor` is what links may jump to."""

    title: str
    template: str
    data: Any
    anchor: str = ""
    kind: str = "fragment"


Section = Facts | Table | Text | Fragment


@dataclass
class Page:
    """What one record's page shows: whom its timeline is about is given by `person_id`."""

    title: str
    tag: str
    sections: list[Section]
    lead: str = ""
    notes: list[str] = field(default_factory=list)
