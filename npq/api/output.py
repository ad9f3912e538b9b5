"""One declared shape per resource and version: the columns to fetch, the bytes to send, the schema to publish.

A `Shape` lists attributes with the expression that yields each. The database builds the JSON of a record
(`JSON_BUILD_OBJECT(...)::text`) and a page is those texts joined, so 3,000 records cost little more than the
query itself. There is no second way to render a record: the single answer, the list, the CSV and the OpenAPI
schema all come from the same declaration.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import F, Func, Model, QuerySet, Subquery, TextField, Value
from django.db.models.expressions import BaseExpression, Combinable
from django.db.models.functions import Cast

Schema = dict[str, Any]
Source = str | BaseExpression | Combinable | Callable[[Any], BaseExpression | Combinable]

ROWS_PER_CHUNK = 2000
# How amounts are written (decisions.md §3.9).
POUNDS = r"^-?\d+\.\d{2}$"


@dataclass(frozen=True)
class Attribute:
    """One attribute: where its value comes from, how it is written, and what the documentation says of it.

    `source` is an ORM path, an expression, or a function of the caller that gives one.
    """

    source: Source
    schema: Schema
    null: bool = False
    description: str = ""
    example: Any = None
    write: Callable[[Any], BaseExpression | Combinable] | None = None

    def expression(self, caller: Any) -> Any:
        """The expression whose JSON value is the attribute, for a caller."""
        found = self.source
        if isinstance(found, str):
            value: Any = F(found)
        elif isinstance(found, BaseExpression | Combinable):
            value = found
        else:
            value = found(caller)
        return self.write(value) if self.write else value

    def published(self) -> Schema:
        """The attribute's JSON schema."""
        schema = dict(self.schema)
        if self.null:
            schema["nullable"] = True
            if "enum" in schema:
                schema["enum"] = [*schema["enum"], None]
        if self.description:
            schema["description"] = self.description
        if self.example is not None:
            schema["example"] = self.example
        return schema


class _Written(Func):
    """A template around one expression, with text as its result."""

    output_field = TextField()

    def __init__(self, expression: Any, template: str) -> None:
        super().__init__(expression)
        self.template = template


def _as_text(expression: Any) -> BaseExpression:
    return _Written(expression, "%(expressions)s::text")


def _as_timestamp(expression: Any) -> BaseExpression:
    return _Written(expression, """to_char(%(expressions)s, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""")


def _as_date(expression: Any) -> BaseExpression:
    return _Written(expression, "to_char(%(expressions)s, 'YYYY-MM-DD')")


def _as_date_at_midnight(expression: Any) -> BaseExpression:
    return _Written(expression, """to_char(%(expressions)s, 'YYYY-MM-DD"T00:00:00+00:00"')""")


def _as_pounds(expression: Any) -> BaseExpression:
    return _Written(expression, "round(%(expressions)s, 2)::text")


def pounds(source: Source, description: str = "", *, null: bool = False, example: Any = "185.55") -> Attribute:
    """An amount as text with two decimals, halves rounded away from zero; what is taken back is negative."""
    return Attribute(source, {"type": "string", "pattern": POUNDS}, null, description, example, _as_pounds)


def text(
    source: Source,
    description: str = "",
    *,
    null: bool = False,
    enum: Iterable[str] | None = None,
    example: Any = None,
) -> Attribute:
    """A string, sent as stored."""
    schema: Schema = {"type": "string"}
    if enum is not None:
        schema["enum"] = list(enum)
    return Attribute(source, schema, null, description, example)


def year(source: Source, description: str = "", *, null: bool = False, example: Any = "2024") -> Attribute:
    """A number sent as a string: years are strings on the wire."""
    return Attribute(source, {"type": "string", "pattern": r"^\d{4}$"}, null, description, example, _as_text)


def identifier(source: Source, description: str = "", *, null: bool = False, example: Any = None) -> Attribute:
    """A public id."""
    return Attribute(source, {"type": "string", "format": "uuid"}, null, description, example)


def boolean(source: Source, description: str = "", *, null: bool = False, example: Any = None) -> Attribute:
    """true or false."""
    return Attribute(source, {"type": "boolean"}, null, description, example)


def integer(source: Source, description: str = "", *, null: bool = False, example: Any = None) -> Attribute:
    """A whole number."""
    return Attribute(source, {"type": "integer"}, null, description, example)


def timestamp(source: Source, description: str = "", *, null: bool = False, example: Any = None) -> Attribute:
    """RFC 3339, UTC, whole seconds: `2023-07-01T12:00:00Z`."""
    schema = {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"}
    return Attribute(source, schema, null, description, example or "2023-07-01T12:00:00Z", _as_timestamp)


def day(source: Source, description: str = "", *, null: bool = False, example: Any = None) -> Attribute:
    """`YYYY-MM-DD`."""
    schema = {"type": "string", "format": "date"}
    return Attribute(source, schema, null, description, example or "2024-05-25", _as_date)


def day_at_midnight(source: Source, description: str = "", *, example: Any = None) -> Attribute:
    """A date written as the contract writes completion dates: `2021-05-31T00:00:00+00:00`."""
    schema = {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d{2}-\d{2}T00:00:00\+00:00$"}
    return Attribute(source, schema, False, description, example or "2021-05-31T00:00:00+00:00", _as_date_at_midnight)


def listing(source: Source, items: Schema, description: str = "", *, example: Any = None) -> Attribute:
    """An array; the source must yield a PostgreSQL array or JSON."""
    return Attribute(source, {"type": "array", "items": items}, False, description, example)


def nested(source: Source, schema: Schema, description: str = "", *, null: bool = False) -> Attribute:
    """A JSON object; the source must yield JSON."""
    return Attribute(source, schema, null, description)


class JsonObject(Func):
    """`JSON_BUILD_OBJECT` with the keys written into the statement; keeps their order."""

    output_field = TextField()

    def __init__(self, values: Mapping[str, Any], *, cast: str = "") -> None:
        self.keys = tuple(values)
        if not all(key.isidentifier() for key in self.keys):
            raise ValueError(f"not plain keys: {self.keys}")
        self.cast = cast
        super().__init__(*values.values())

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> Any:
        parts, params = [], []
        for key, source in zip(self.keys, self.get_source_expressions(), strict=True):
            sql, source_params = compiler.compile(source)
            parts.append(f"'{key}', {sql}")
            params.extend(source_params)
        return f"json_build_object({', '.join(parts)}){self.cast}", params


class JsonArray(Subquery):
    """The one column of a subquery's rows as a JSON array, in the subquery's order; `[]` when there are none."""

    template = "(SELECT coalesce(json_agg(listed.item), '[]'::json) FROM (%(subquery)s) AS listed (item))"
    output_field = TextField()


def array_of(
    rows: Callable[[Any], QuerySet[Any]], attributes: Mapping[str, Attribute], description: str = ""
) -> Attribute:
    """An array of nested objects, one for each row that `rows` yields for a caller, in the queryset's order.

    The rows refer to the record they belong to with OuterRef, so that the whole page stays one statement.
    """

    def source(caller: Any) -> JsonArray:
        return JsonArray(rows(caller).annotate(_item=object_of(attributes, caller)).values("_item"))

    return listing(source, object_schema(attributes), description)


@dataclass(frozen=True)
class Shape:
    """What a resource looks like on the wire in one version."""

    type: str
    attributes: Mapping[str, Attribute]
    name: str
    id: str = "public_id"
    csv_columns: tuple[str, ...] = field(default=())

    def plus(self, name: str, **attributes: Attribute) -> "Shape":
        """The same shape with more attributes, or with others in place of the same name."""
        return replace(self, name=name, attributes={**self.attributes, **attributes})

    def without(self, name: str, *names: str) -> "Shape":
        """The same shape without some attributes."""
        kept = {key: value for key, value in self.attributes.items() if key not in names}
        return replace(self, name=name, attributes=kept)

    # bytes

    def record(self, caller: Any = None) -> BaseExpression:
        """The expression that yields a record as JSON text."""
        attributes = JsonObject({key: value.expression(caller) for key, value in self.attributes.items()})
        return JsonObject({"id": F(self.id), "type": Value(self.type), "attributes": attributes}, cast="::text")

    def texts(self, queryset: QuerySet[Model], caller: Any = None) -> list[str]:
        """Each record of the queryset as JSON text, in the queryset's order."""
        return list(queryset.annotate(_record=self.record(caller)).values_list("_record", flat=True))

    def many(self, queryset: QuerySet[Model], caller: Any = None) -> bytes:
        """The list answer: `{"data": [...]}`."""
        return b'{"data":[' + ",".join(self.texts(queryset, caller)).encode() + b"]}"

    def one(self, queryset: QuerySet[Model], caller: Any = None) -> bytes | None:
        """The single answer, `{"data": {...}}`, from the queryset's first row; None when there is none."""
        texts = self.texts(queryset[:1], caller)
        return b'{"data":' + texts[0].encode() + b"}" if texts else None

    def csv(self, queryset: QuerySet[Model], caller: Any = None, *, header_when_empty: bool = True) -> Iterator[bytes]:
        """The records as CSV, in chunks: booleans true/false, nulls empty, everything else as in the JSON."""
        columns = self.csv_columns or ("id", *self.attributes)
        sources: list[Any] = [
            Cast(F(self.id) if column == "id" else self.attributes[column].expression(caller), TextField())
            for column in columns
        ]
        named = {f"_column_{position}": source for position, source in enumerate(sources)}
        rows = queryset.annotate(**named).values_list(*named).iterator(chunk_size=ROWS_PER_CHUNK)
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        written = False
        if header_when_empty:
            writer.writerow(columns)
            written = True
        for number, row in enumerate(rows, start=1):
            if not written:
                writer.writerow(columns)
                written = True
            writer.writerow(row)
            if number % ROWS_PER_CHUNK == 0:
                yield _drained(buffer)
        rest = _drained(buffer)
        if rest:
            yield rest

    # documentation

    def published(self) -> Schema:
        """The JSON schema of one record."""
        return {
            "type": "object",
            "required": ["id", "type", "attributes"],
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "type": {"type": "string", "enum": [self.type]},
                "attributes": {
                    "type": "object",
                    "required": list(self.attributes),
                    "properties": {key: value.published() for key, value in self.attributes.items()},
                },
            },
        }


def object_schema(attributes: Mapping[str, Attribute]) -> Schema:
    """The JSON schema of a nested object made of attributes."""
    return {
        "type": "object",
        "required": list(attributes),
        "properties": {key: value.published() for key, value in attributes.items()},
    }


def object_of(attributes: Mapping[str, Attribute], caller: Any = None) -> JsonObject:
    """The expression that yields a nested object made of attributes."""
    return JsonObject({key: value.expression(caller) for key, value in attributes.items()})


def _drained(buffer: io.StringIO) -> bytes:
    content = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return content
