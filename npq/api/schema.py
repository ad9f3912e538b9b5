"""The OpenAPI documents: one per version and one for the intake, generated from what the views declare.

How to document an endpoint (see `applications/api/views.py` for the pattern):

1. give the viewset a `tag` (the heading its endpoints stand under) and a `noun` (what its ids identify);
2. put `@documented(...)` (npq.api.documentation) on every action, with a docstring for providers;
3. declare bodies and filters as `Body` and `ListQuery` tables (npq.api.inputs) and read requests with them;
4. give shapes an `example` where a reader would wonder.

`tests/contract` fails for a route without documentation, for an answer the document does not describe and for
any warning of the generator.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from uritemplate import variables

from npq.api.documentation import Documentation
from npq.api.errors import (
    BadClockHeader,
    BadFilter,
    BadPage,
    BodyTooLarge,
    FilterNotKeyValue,
    LengthRequired,
    MalformedJson,
    TooManyParameters,
    UnknownHost,
    UnreadableText,
    WrongStructure,
)
from npq.api.examples import error_example, example_of, for_readers
from npq.api.inputs import Body, ListQuery
from npq.api.output import Schema
from npq.api.published import ERRORS, PARAMETERS, SHORT_ERROR, SHORT_RESPONSES, STATUS_MEANINGS, TAGS
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
        found: list[type[Refused]] = [FilterNotKeyValue, TooManyParameters, UnreadableText, UnknownHost, BadClockHeader]
        if documentation.many is not None:
            found.append(BadPage)
        if documentation.query is not None:
            filters = documentation.query[self.version].filters
            found += [BadFilter] if filters else []
            found += [kind for one in filters for kind in one.refusals]
        if documentation.body is not None:
            found += [MalformedJson, documentation.body[self.version].misread]
        if self.method != "GET":
            found += [BodyTooLarge, LengthRequired]
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
                    "examples": {kind.code: error_example(kind) for kind in kinds},
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


# The generator keeps what it is doing in its own modules, so two threads must not generate at once.
_generating = Lock()


def openapi(name: str) -> Schema:
    """The OpenAPI document of a version (`v1`, `v2`, `v3`, `registration/v1`)."""
    with _generating:
        return _generated(name)


@lru_cache
def _generated(name: str) -> Schema:
    document = DOCUMENTS[name]
    found = DocumentGenerator(document).get_schema(public=True)
    used = {tag for methods in found["paths"].values() for operation in methods.values() for tag in operation["tags"]}
    found["tags"] = [{"name": tag, "description": TAGS[tag]} for tag in TAGS if tag in used]
    found["info"] = {"title": document.title, "version": document.version, "description": document.summary}
    return found
