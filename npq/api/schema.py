"""The OpenAPI documents: one per version and one for the intake, generated from what the views declare.

How to document an endpoint (see `applications/api/views.py` for the pattern):

1. give the viewset a `tag` (the heading its endpoints stand under) and a `noun` (what its ids identify);
2. put `@documented(...)` (npq.api.documentation) on every action, with a docstring for providers;
3. declare bodies and filters as `Body` and `ListQuery` tables (npq.api.inputs) and read requests with them;
4. give shapes an `example` where a reader would wonder.

`tests/contract` fails for a route without documentation, for an answer the document does not describe and for
any warning of the generator.
"""

import inspect
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from uritemplate import variables

from npq.api.documentation import Documentation
from npq.api.errors import (
    ACCESS_DENIED,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    RECORDS_BUSY,
    TOO_MANY_REQUESTS,
    BadClockHeader,
    BadFilter,
    BadPage,
    BodyTooLarge,
    FilterNotKeyValue,
    MalformedJson,
    UnreadableText,
    WrongStructure,
)
from npq.api.inputs import Body, ListQuery
from npq.api.output import Schema
from npq.api.pagination import DEFAULT_PER_PAGE, MOST_PER_PAGE
from npq.core.choices import TokenScope
from npq.core.errors import Refused

# Singular spellings that work but are not documented on their own (decisions.md §1.3).
ALIASES = ("participant/npq/",)


@dataclass(frozen=True)
class Document:
    """One published OpenAPI document: its name in URLs, the paths it covers, and whom it is for."""

    name: str
    title: str
    summary: str
    scope: str = TokenScope.LEAD_PROVIDER

    @property
    def prefix(self) -> str:
        """What the paths of its endpoints begin with."""
        return f"/api/{self.name}/"

    @property
    def version(self) -> str:
        """The word by which tables per version know it: v1, v2 or v3."""
        return self.name.rpartition("/")[2]


DOCUMENTS = {
    document.name: document
    for document in (
        Document("v1", "NPQ provider API, version 1", "The first version, kept for systems built on it."),
        Document("v2", "NPQ provider API, version 2", "Version 1 with enrolments in the participant resource."),
        Document("v3", "NPQ provider API, version 3", "The full current contract. New systems should use this one."),
        Document(
            "registration/v1",
            "NPQ intake API, version 1",
            "How the registration service delivers applications. Not for lead providers.",
            TokenScope.REGISTRATION,
        ),
    )
}

# The version that new systems should use, and where the documentation begins.
NEWEST = "v3"

STATUS_MEANINGS = {
    400: "The request cannot be read. Nothing was changed.",
    403: "The record is visible to you but not yours to change. Nothing was changed.",
    409: "What is stored under this id contradicts the request. Nothing was changed.",
    410: "The participant id was retired when two records of one person were merged; the error names the new id.",
    413: "The request body is too large. Nothing was changed.",
    422: "A rule stands in the way. Nothing was changed.",
}

SAMPLE_FACTS = {
    "cohort": "2024a",
    "course": "npq-headship",
    "schedules": "npq-leadership-autumn, npq-leadership-spring",
    "day": "2024-10-01",
    "name": "updated_since",
    "expected": "must be an ISO 8601 date and time, for example 2024-03-01T09:30:00Z",
}


_SOURCES = re.compile(r"\s*\((?:[a-z]+\.md )?(?:§|[a-z]+\.md)[^)]*\)")


class _SampleFacts(string.Formatter):
    """Fills a refusal's sentence with facts of an example; an unknown fact shows as its name."""

    def get_value(self, key: int | str, args: Any, kwargs: Mapping[str, Any]) -> Any:
        return SAMPLE_FACTS.get(str(key), f"‹{str(key).replace('_', ' ')}›")

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return value

    def format_field(self, value: Any, format_spec: str) -> str:
        return str(value)


def sample_sentence(detail: str) -> str:
    """A refusal's sentence, given as its format string, with the facts of an example."""
    return _SampleFacts().format(detail)


def for_readers(docstring: str | None) -> str:
    """A docstring as documentation: its sources, which providers cannot look up, are left out."""
    return _SOURCES.sub("", inspect.cleandoc(docstring or ""))


def example_of(schema: Schema) -> Any:
    """An example of what a schema describes, made of the examples of its parts."""
    if "example" in schema:
        return schema["example"]
    if schema.get("nullable"):
        return None
    if "oneOf" in schema:
        return example_of(schema["oneOf"][0])
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: example_of(part) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema["items"])]
    samples = {"boolean": False, "integer": 1, "number": 1, "uuid": "2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11"}
    samples |= {"date-time": "2023-07-01T12:00:00Z", "date": "2024-05-25"}
    return samples.get(schema.get("format", ""), samples.get(str(kind), "text"))


class BearerTokenScheme(OpenApiAuthenticationExtension):
    """The one way in: a bearer token."""

    target_class = "npq.api.authentication.BearerToken"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> Schema:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "Send the token DfE gave you as `Authorization: Bearer <token>`.",
        }


class ApiSchema(AutoSchema):
    """Writes an operation from its `@documented` declaration."""

    view: Any

    @property
    def documentation(self) -> Documentation:
        """The action's declaration; raises AttributeError for an action that has none."""
        return getattr(self.view, self.view.action).documentation

    @property
    def version(self) -> str:
        """The version whose document is being written."""
        return document_of(self.path).version

    def get_operation_id(self) -> str:
        return self.documentation.operation

    def get_summary(self) -> str:
        return self.documentation.summary

    def get_description(self) -> str:  # type: ignore[override]
        return for_readers(getattr(self.view, self.view.action).__doc__)

    def get_tags(self) -> list[str]:
        return [self.view.tag]

    def is_excluded(self) -> bool:
        # An endpoint without documentation is left out; tests/contract names it.
        return not hasattr(getattr(self.view, self.view.action), "documentation")

    # What goes in

    def _get_parameters(self) -> list[Schema]:
        parameters = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": f"The {self.view.noun}'s id.",
                "schema": {"type": "string", "format": "uuid"},
            }
            for name in variables(self.path)
        ]
        if self.documentation.query is not None:
            query = self.documentation.query[self.version]
            parameters += [_filter_parameter(one) for one in query.filters]
            if query.sort:
                parameters.append(_sort_parameter(query))
        if self.documentation.many is not None:
            parameters += [self._component("parameters", name, PARAMETERS[name]) for name in ("Page", "PerPage")]
        parameters.append(self._component("parameters", "ServerDate", PARAMETERS["ServerDate"]))
        return parameters

    def _get_request_body(self, direction: str = "request") -> Schema | None:
        if self.documentation.body is None:
            return None
        body: Body = self.documentation.body[self.version]
        schema = body.published()
        return {
            "required": not body.optional,
            "content": {
                "application/json": {
                    "schema": self._component("schemas", body.name, schema),
                    "example": example_of(schema),
                }
            },
        }

    # What comes out

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        responses: dict[str, Any] = {"200": self._success()}
        if self.documentation.created:
            responses["201"] = {**self._success(), "description": "Stored."}
        for status, kinds in _by_status(self._all_refusals()).items():
            responses[str(status)] = self._refusals(status, kinds)
        shared = ["401", "405", "429"]
        if list(variables(self.path)):
            shared.append("404")
        if self.method != "GET":
            shared.append("503")
        self._component("schemas", "ShortError", SHORT_ERROR)
        for word in shared:
            responses[word] = self._component("responses", *SHORT_RESPONSES[word])
        return dict(sorted(responses.items()))

    def _success(self) -> Schema:
        documentation = self.documentation
        if documentation.csv is not None:
            shape = documentation.csv[self.version]
            columns = ",".join(shape.csv_columns or ("id", *shape.attributes))
            return {
                "description": f"Every record at once, without pages. The columns are: {columns}",
                "content": {"text/csv": {"schema": {"type": "string"}, "example": columns}},
            }
        table = documentation.one if documentation.one is not None else documentation.many
        assert table is not None
        shape = table[self.version]
        record = shape.published()
        reference = self._component("schemas", _plain(shape.name), record)
        data, example = reference, example_of(record)
        name = f"{_plain(shape.name)}Answer"
        if documentation.many is not None:
            data, example, name = {"type": "array", "items": reference}, [example], f"{_plain(shape.name)}List"
        envelope = {"type": "object", "required": ["data"], "properties": {"data": data}}
        return {
            "description": "Done." if self.method != "GET" else "Found.",
            "content": {
                "application/json": {
                    "schema": self._component("schemas", name, envelope),
                    "example": {"data": example},
                }
            },
        }

    def _all_refusals(self) -> list[type[Refused]]:
        documentation = self.documentation
        found: list[type[Refused]] = [FilterNotKeyValue, UnreadableText, BadClockHeader]
        if documentation.many is not None:
            found.append(BadPage)
        if documentation.query is not None:
            filters = documentation.query[self.version].filters
            found += [BadFilter] if filters else []
            found += [kind for one in filters for kind in one.refusals]
        if documentation.body is not None:
            found += [MalformedJson, documentation.body[self.version].misread]
        if self.method != "GET":
            found.append(BodyTooLarge)
        return list(dict.fromkeys([*found, *documentation.refused_in(self.version)]))

    def _refusals(self, status: int, kinds: list[type[Refused]]) -> Schema:
        base = self._component("schemas", "Errors", ERRORS)
        codes = {"type": "string", "enum": sorted(kind.code for kind in kinds)}
        narrowed = {
            "allOf": [
                base,
                {
                    "type": "object",
                    "properties": {
                        "errors": {"type": "array", "items": {"type": "object", "properties": {"code": codes}}}
                    },
                },
            ]
        }
        return {
            "description": STATUS_MEANINGS[status],
            "content": {
                "application/json": {
                    "schema": self._component("schemas", self._name_of_refusals(status, kinds), narrowed),
                    "examples": {kind.code: _error_example(kind) for kind in kinds},
                }
            },
        }

    def _name_of_refusals(self, status: int, kinds: list[type[Refused]]) -> str:
        """A name for a set of refusals: endpoints that share the set share the name."""
        if len(kinds) == 1:
            return f"Refused{kinds[0].__name__}"
        own = [kind for kind in kinds if kind in self.documentation.refused_in(self.version)]
        if own:
            return f"Refused{status}{_camel(self.documentation.operation)}"
        parts = {BadPage: "Page", BadFilter: "Filter", WrongStructure: "Body"}
        return f"Refused{status}" + "".join(word for kind, word in parts.items() if kind in kinds)

    def _component(self, kind: str, name: str, content: Schema) -> Schema:
        component = ResolvedComponent(name=name, type=kind, schema=content, object=name)
        if component in self.registry:
            held = self.registry[component].schema
            if held != content:
                raise ValueError(f"two different {kind} are named {name}")
        else:
            self.registry.register(component)
        return component.ref


SHORT_ERROR: Schema = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}

ERRORS: Schema = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["title", "detail", "code"],
                "properties": {
                    "title": {"type": "string", "description": "What the error is about: often the attribute."},
                    "detail": {"type": "string", "description": "What is wrong and what to do next, for people."},
                    "code": {"type": "string", "description": "What is wrong, for programs. Codes never change."},
                },
            },
        }
    },
}

PARAMETERS: dict[str, Schema] = {
    "Page": {
        "name": "page[page]",
        "in": "query",
        "description": "The number of the page, from 1. A page past the end is empty.",
        "schema": {"type": "integer", "minimum": 1, "default": 1},
    },
    "PerPage": {
        "name": "page[per_page]",
        "in": "query",
        "description": f"Records on a page; more than {MOST_PER_PAGE} are cut to {MOST_PER_PAGE}.",
        "schema": {"type": "integer", "minimum": 1, "default": DEFAULT_PER_PAGE},
    },
    "ServerDate": {
        "name": "X-With-Server-Date",
        "in": "header",
        "description": "Sandbox only: the date and time the rules of this request shall see. Ignored in production.",
        "schema": {"type": "string", "format": "date-time"},
    },
}


def _short(description: str, message: str, headers: Schema | None = None) -> Schema:
    response: Schema = {
        "description": description,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/ShortError"},
                "example": {"error": message},
            }
        },
    }
    if headers:
        response["headers"] = headers
    return response


_RETRY_AFTER: Schema = {
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 1}}
}

SHORT_RESPONSES: dict[str, tuple[str, Schema]] = {
    "401": (
        "AccessDenied",
        _short(
            "The token is missing, unknown, revoked, expired or for another API.",
            ACCESS_DENIED,
            {"WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}}},
        ),
    ),
    "404": ("NotFound", _short("No such record, or it is another provider's.", NOT_FOUND)),
    "405": (
        "MethodNotAllowed",
        _short(
            "This path does not know the method that was sent.",
            METHOD_NOT_ALLOWED,
            {"Allow": {"description": "The methods it knows.", "schema": {"type": "string"}}},
        ),
    ),
    "429": ("TooManyRequests", _short("The token's rate limit is used up.", TOO_MANY_REQUESTS, _RETRY_AFTER)),
    "503": (
        "RecordsBusy",
        _short("Others kept changing the same records. Nothing was changed; try again.", RECORDS_BUSY, _RETRY_AFTER),
    ),
}


def _filter_parameter(one: Any) -> Schema:
    parameter = {
        "name": f"filter[{one.name}]",
        "in": "query",
        "description": one.description,
        "schema": one.schema,
    }
    if one.example is not None:
        parameter["example"] = one.example
    return parameter


def _sort_parameter(query: ListQuery) -> Schema:
    words = [sign + key for key in query.sort for sign in ("", "-")]
    default = " then ".join(key.lstrip("-") for key in query.order if key != "id")
    return {
        "name": "sort",
        "in": "query",
        "description": f"Sort keys separated by commas; `-` sorts downwards. Without it: {default}.",
        "style": "form",
        "explode": False,
        "schema": {"type": "array", "items": {"type": "string", "enum": words}},
        "example": [f"-{query.sort[-1]}"],
    }


def _by_status(kinds: Iterable[type[Refused]]) -> dict[int, list[type[Refused]]]:
    found: dict[int, list[type[Refused]]] = {}
    for kind in kinds:
        found.setdefault(kind.status, []).append(kind)
    return found


def _error_example(kind: type[Refused]) -> Schema:
    problem = {"title": kind.title, "detail": sample_sentence(kind.detail), "code": kind.code}
    return {"summary": for_readers(kind.__doc__), "value": {"errors": [problem]}}


def _plain(name: str) -> str:
    return name.rstrip("0123456789").removesuffix("V")


def _camel(name: str) -> str:
    return name.title().replace("_", "")


def document_of(path: str) -> Document:
    """The document a path belongs to; raises LookupError when it belongs to none."""
    return next(document for document in DOCUMENTS.values() if path.startswith(document.prefix))


class DocumentGenerator(SchemaGenerator):
    """Generates one document: the paths that begin with its prefix, aliases left out."""

    def __init__(self, document: Document) -> None:
        super().__init__(api_version=document.version)
        self.document = document

    def _initialise_endpoints(self) -> None:
        super()._initialise_endpoints()
        prefix = self.document.prefix
        self.endpoints = [
            endpoint
            for endpoint in self.endpoints or ()
            if endpoint[0].startswith(prefix) and not endpoint[0].removeprefix(prefix).startswith(ALIASES)
        ]

    def coerce_path(self, path: str, method: str, view: Any) -> str:
        return path.replace("{public_id}", "{id}")


@lru_cache
def openapi(name: str) -> Schema:
    """The OpenAPI document of a version (`v1`, `v2`, `v3`, `registration/v1`)."""
    document = DOCUMENTS[name]
    found = DocumentGenerator(document).get_schema(public=True)
    found["info"] = {"title": document.title, "version": document.version, "description": document.summary}
    return found
