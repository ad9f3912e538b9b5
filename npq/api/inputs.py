"""What may come in, declared once: the same declaration reads the request and is published in the documentation.

An app's `api/inputs.py` holds tables of these per version, as its `outputs.py` holds tables of shapes:
`ACCEPT = {"v1": Body(...), ...}` for bodies and `APPLICATIONS = {"v1": ListQuery(...), ...}` for lists.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from rest_framework.request import Request

from npq.api.errors import BadRequest, NotAnObject, WrongStructure
from npq.api.output import Schema
from npq.api.requests import Filters, sorting
from npq.core.errors import Refused


@dataclass(frozen=True)
class Field:
    """One attribute of a request body, as the documentation tells it. Rules are the service's business."""

    schema: Schema
    description: str
    required: bool = False
    example: Any = None

    def published(self) -> Schema:
        """The attribute's JSON schema."""
        schema = {**self.schema, "description": self.description}
        if self.example is not None:
            schema["example"] = self.example
        return schema


def or_null(given: Field) -> Field:
    """The same attribute, which may also be null or left out; its example is null."""
    schema = {**given.schema, "nullable": True}
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return replace(given, schema=schema, required=False, example=None)


def words(values: Iterable[str], description: str, *, required: bool = False, example: Any = None) -> Field:
    """One of some words."""
    values = list(values)
    return Field({"type": "string", "enum": values}, description, required, example or values[0])


def any_text(description: str, *, required: bool = False, example: Any = None) -> Field:
    """Any text."""
    return Field({"type": "string"}, description, required, example)


def yes_or_no(description: str, *, required: bool = False, example: bool = True) -> Field:
    """A JSON boolean."""
    return Field({"type": "boolean"}, description, required, example)


def identifier(description: str, *, required: bool = False, example: str) -> Field:
    """A public id."""
    return Field({"type": "string", "format": "uuid"}, description, required, example)


def instant(description: str, *, required: bool = False, example: str = "2024-03-18T14:00:00Z") -> Field:
    """An RFC 3339 date and time."""
    return Field({"type": "string", "format": "date-time"}, description, required, example)


def day(description: str, *, required: bool = False, example: str = "2024-04-02") -> Field:
    """A date, `YYYY-MM-DD`."""
    return Field({"type": "string", "format": "date"}, description, required, example)


def start_year(description: str, *, required: bool = False, example: str = "2024") -> Field:
    """A cohort's start year, as text or as a number."""
    schema = {"oneOf": [{"type": "string", "pattern": r"^\d{4}[a-z]?$"}, {"type": "integer"}]}
    return Field(schema, description, required, example)


@dataclass(frozen=True)
class Body:
    """A request body, `{"data": {"type": type, "attributes": {…}}}`.

    Iterating yields the names of its attributes, so `attributes_of(request, ACCEPT[self.version])` reads
    exactly what is documented. `optional`: the whole body may be left out.
    """

    # What a body of another structure is refused with.
    misread: ClassVar[type[BadRequest]] = WrongStructure

    name: str
    type: str
    attributes: Mapping[str, Field]
    optional: bool = False

    def __iter__(self) -> Iterator[str]:
        return iter(self.attributes)

    def published(self) -> Schema:
        """The JSON schema of the whole body."""
        data: Schema = {
            "type": "object",
            "required": ["attributes"],
            "properties": {"type": {"type": "string", "example": self.type}, "attributes": self.published_attributes()},
        }
        return {"type": "object", "required": ["data"], "properties": {"data": data}}

    def published_attributes(self) -> Schema:
        """The JSON schema of the attributes alone."""
        attributes: Schema = {
            "type": "object",
            "properties": {name: given.published() for name, given in self.attributes.items()},
        }
        required = [name for name, given in self.attributes.items() if given.required]
        if required:
            attributes["required"] = required
        return attributes


@dataclass(frozen=True)
class FlatBody(Body):
    """A request body that is one flat object of attributes, without an envelope: what the intake takes."""

    misread: ClassVar[type[BadRequest]] = NotAnObject

    def published(self) -> Schema:
        """The JSON schema of the whole body."""
        return self.published_attributes()


@dataclass(frozen=True)
class Filter:
    """One `filter[name]` of a list: how it is read, and which argument of the app's query it becomes.

    `refusals` are those of its own that reading it may raise, besides BadFilter.
    """

    name: str
    argument: str
    read: Callable[[Filters, str], Any]
    schema: Schema
    description: str
    example: Any = None
    refusals: tuple[type[Refused], ...] = ()


COHORT = Filter(
    "cohort",
    "cohorts",
    Filters.years,
    {"type": "string"},
    "Start year of the cohort, or several separated by commas. Every cohort of the year is meant.",
    "2024,2025",
)
UPDATED_SINCE = Filter(
    "updated_since",
    "updated_since",
    Filters.instant,
    {"type": "string", "format": "date-time"},
    "Only what changed at or after this date and time. Encode a `+` in the offset as `%2B`.",
    "2024-03-01T09:30:00Z",
)
CREATED_SINCE = Filter(
    "created_since",
    "created_since",
    Filters.instant,
    {"type": "string", "format": "date-time"},
    "Only what was created at or after this date and time. Encode a `+` in the offset as `%2B`.",
    "2024-03-01T09:30:00Z",
)
PARTICIPANT_ID = Filter(
    "participant_id",
    "participant_ids",
    Filters.identifiers,
    {"type": "string"},
    "A participant's current id, or several separated by commas: 100 fit into any URL. A retired id matches nothing.",
    "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90",
)


@dataclass(frozen=True)
class ListQuery:
    """The filters and the order a list understands; with `sort` the caller may choose the order."""

    filters: tuple[Filter, ...] = ()
    sort: tuple[str, ...] = ()
    order: tuple[str, ...] = ("created_at", "id")

    def arguments(self, filters: Filters, request: Request) -> dict[str, Any]:
        """The arguments of the app's query that a request asks for."""
        found = {one.argument: one.read(filters, one.name) for one in self.filters}
        if self.sort:
            found["order"] = sorting(request.query_params, self.sort, self.order)
        return found
