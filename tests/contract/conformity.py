"""Whether an answer is what the published OpenAPI document says it is."""

import gzip
import json
import re
from copy import deepcopy
from functools import lru_cache
from typing import Any

from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from npq.api.schema import document_of, openapi

ALIAS = re.compile(r"(/api/v\d)/participant/npq/")


def operation_at(method: str, path: str) -> dict[str, Any] | None:
    """The documented operation that answers a request; None when the documents know none."""
    methods = _methods_at(path)
    return methods.get(method.lower()) if methods else None


def assert_conforms(method: str, path: str, response: Any) -> None:
    """Fails when an answer is not what the document of its path says: status, type, headers, schema.

    Attributes the document does not name are an error too. A method the path does not know must be answered as
    its 405 says; a path that no document knows is not judged.
    """
    methods = _methods_at(path)
    if not methods:
        return
    operation = methods.get(method.lower()) or next(iter(methods.values()))
    name = document_of(path).name
    where = f"{method} {path} answered {response.status_code}"
    documented = operation["responses"].get(str(response.status_code))
    assert documented is not None, f"{where}, which the document does not say: {_text_of(response)}"
    documented = _resolved(name, documented)
    _check_headers(where, documented, response)
    (media_type,) = documented["content"]
    assert response["Content-Type"] == media_type, f"{where} as {response['Content-Type']}, not {media_type}"
    if method != "HEAD" and media_type == "application/json":
        schema = documented["content"][media_type]["schema"]
        errors = [
            _told(error) for error in _validator(name, schema["$ref"]).iter_errors(json.loads(_body_of(response)))
        ]
        assert not errors, f"{where}, not as documented:\n" + "\n".join(errors[:10])


def _body_of(response: Any) -> bytes:
    compressed = response.headers.get("Content-Encoding") == "gzip"
    return gzip.decompress(response.content) if compressed else response.content


def _methods_at(path: str) -> dict[str, Any] | None:
    path = ALIAS.sub(r"\1/participants/npq/", path)
    try:
        name = document_of(path).name
    except StopIteration:
        return None
    for template, methods in _templates(name):
        if template.fullmatch(path):
            return methods
    return None


@lru_cache
def _templates(name: str) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    paths = sorted(openapi(name)["paths"].items(), key=lambda item: "{" in item[0])
    return [(re.compile(re.escape(path).replace(r"\{id\}", "[^/]+")), methods) for path, methods in paths]


def _check_headers(where: str, documented: dict[str, Any], response: Any) -> None:
    for header, description in documented.get("headers", {}).items():
        assert header in response.headers, f"{where} without {header}"
        schema = description["schema"]
        value: Any = response.headers[header]
        value = int(value) if schema["type"] == "integer" else value
        assert not list(OAS30Validator(schema).iter_errors(value)), f"{where} with {header}: {value}"


def _resolved(name: str, thing: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in thing:
        return thing
    found: Any = openapi(name)
    for step in thing["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


@lru_cache
def _validator(name: str, reference: str) -> OAS30Validator:
    resource = Resource.from_contents(_closed(name), default_specification=DRAFT4)
    registry = Registry().with_resource("urn:document", resource)
    return OAS30Validator({"$ref": f"urn:document{reference}"}, registry=registry, format_checker=oas30_format_checker)


@lru_cache
def _closed(name: str) -> dict[str, Any]:
    """The document with every object closed, so that an undocumented attribute is an error."""
    document = deepcopy(openapi(name))
    for component, schema in document["components"]["schemas"].items():
        if "Refused" not in component and component != "Errors":
            _close(schema)
    return document


def _close(schema: Any) -> None:
    if isinstance(schema, list):
        for part in schema:
            _close(part)
    elif isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            _close(part)


def _told(error: Any) -> str:
    place = "/".join(str(step) for step in error.absolute_path)
    return f"{place or 'the body'}: {error.message[:300]}"


def _text_of(response: Any) -> str:
    return response.content.decode(errors="replace")[:300] if hasattr(response, "content") else "a stream"
