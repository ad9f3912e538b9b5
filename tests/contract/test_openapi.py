"""The OpenAPI documents themselves: valid, complete, without warnings."""

import io
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from typing import Any

import pytest
import yaml
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from npq.api import schema
from npq.api.published import TAGS
from npq.api.schema import DOCUMENTS, DocumentGenerator, openapi
from npq.core.errors import catalogue
from tests.contract.conformity import operation_at
from tests.routes import api_routes

every_document = pytest.mark.parametrize("name", list(DOCUMENTS))


def operations(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of a document."""
    for path, methods in openapi(name)["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@every_document
def test_the_document_is_valid_openapi(name: str) -> None:
    validate(openapi(name))


@every_document
def test_the_generator_has_nothing_to_warn_of(name: str) -> None:
    with redirect_stderr(io.StringIO()) as said:
        DocumentGenerator(DOCUMENTS[name]).get_schema(public=True)

    assert said.getvalue() == ""
    assert not GENERATOR_STATS


@pytest.mark.parametrize("route", api_routes(), ids=str)
def test_every_route_is_documented(route: Any) -> None:
    operation = operation_at(route.method, route.path.replace("{id}", "an-id"))

    assert operation is not None, f"{route} has no @documented"
    assert operation["description"].strip(), f"{route} has no docstring"
    assert set(operation["tags"]) <= set(TAGS)


@every_document
def test_aliases_are_not_documented_on_their_own(name: str) -> None:
    assert not [path for path in openapi(name)["paths"] if "/participant/" in path]


@every_document
def test_operation_ids_are_unique(name: str) -> None:
    ids = Counter(operation["operationId"] for _, _, operation in operations(name))

    assert [operation for operation, times in ids.items() if times > 1] == []


@every_document
def test_no_two_components_say_the_same(name: str) -> None:
    for kind, components in openapi(name)["components"].items():
        said = Counter(json.dumps(component, sort_keys=True) for component in components.values())
        assert [text for text, times in said.items() if times > 1] == [], kind


@every_document
def test_no_object_is_described_twice_in_line(name: str) -> None:
    said = Counter(
        json.dumps(part, sort_keys=True)
        for part in _parts(openapi(name))
        if part.get("type") == "object" and len(part.get("properties", {})) > 2
    )

    assert [text for text, times in said.items() if times > 1] == []


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _parts(part)


@every_document
def test_every_example_is_what_its_schema_describes(name: str) -> None:
    document = openapi(name)
    registry = Registry().with_resource("urn:document", Resource.from_contents(document, default_specification=DRAFT4))
    wrong = []
    for part in _parts(document):
        schema = part.get("schema")
        examples = [part["example"]] if "example" in part and schema else []
        examples += [example["value"] for example in part.get("examples", {}).values()] if schema else []
        for example in examples:
            resolved = {"$ref": "urn:document" + schema["$ref"]} if "$ref" in schema else schema
            validator = OAS30Validator(resolved, registry=registry, format_checker=oas30_format_checker)
            wrong += [f"{example}: {error.message}" for error in validator.iter_errors(example)]

    assert wrong == []


@every_document
def test_every_answer_with_a_body_has_an_example(name: str) -> None:
    document = openapi(name)
    without = [
        f"{method} {path} {status}"
        for path, method, operation in operations(name)
        for status, answer in operation["responses"].items()
        for content in answer.get("content", {}).values()
        if not (content.get("example") or content.get("examples"))
    ]
    without += [
        response
        for response, answer in document["components"].get("responses", {}).items()
        for content in answer["content"].values()
        if "example" not in content
    ]

    assert without == []


@every_document
def test_every_parameter_and_attribute_of_a_body_is_described(name: str) -> None:
    document = openapi(name)
    silent = [
        f"{method} {path} {parameter.get('name')}"
        for path, method, operation in operations(name)
        for parameter in operation.get("parameters", [])
        if "$ref" not in parameter and not parameter.get("description")
    ]
    for path, method, operation in operations(name):
        content = operation.get("requestBody", {}).get("content", {})
        for media in content.values():
            schema = document["components"]["schemas"][media["schema"]["$ref"].rpartition("/")[2]]
            attributes = schema["properties"].get("data", {}).get("properties", {}).get("attributes", schema)
            silent += [
                f"{method} {path} {attribute}"
                for attribute, described in attributes["properties"].items()
                if not described.get("description")
            ]

    assert silent == []


def published_codes() -> set[str]:
    """Every error code that some endpoint is said to answer with."""
    return {
        code
        for name in DOCUMENTS
        for _, _, operation in operations(name)
        for answer in operation["responses"].values()
        for content in answer.get("content", {}).values()
        for code in content.get("examples", {})
    }


@every_document
def test_every_attribute_of_a_record_is_described(name: str) -> None:
    def without_words(schema: dict[str, Any], path: str) -> Iterator[str]:
        for key, value in schema.get("properties", {}).items():
            if not value.get("description"):
                yield f"{path}.{key}"
            yield from without_words(value.get("items", value), f"{path}.{key}")

    records = {
        component: schema["properties"]["attributes"]
        for component, schema in openapi(name)["components"]["schemas"].items()
        if "attributes" in schema.get("properties", {})
    }

    assert [missing for record, schema in records.items() for missing in without_words(schema, record)] == []


def test_published_codes_are_of_the_catalogue() -> None:
    assert published_codes() <= {error.code for error in catalogue()}


def test_what_only_the_api_answers_is_published() -> None:
    # A 422 may also be for staff and commands alone; the other statuses exist over HTTP only.
    over_http = {error.code for error in catalogue() if error.status != 422}

    assert over_http <= published_codes()


@every_document
@pytest.mark.parametrize("extension", ["yaml", "json"])
def test_the_document_is_served(name: str, extension: str) -> None:
    response = Client().get(f"/api/docs/{name}/openapi.{extension}")

    assert response.status_code == 200
    assert response["Content-Type"] == f"application/{extension}"
    read = yaml.safe_load if extension == "yaml" else json.loads
    assert read(response.content) == json.loads(json.dumps(openapi(name)))


def test_two_threads_may_ask_for_a_document_that_nobody_has_made_yet() -> None:
    """The generator is not made for it: it keeps what it is doing in its own modules."""
    schema._generated.cache_clear()
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(openapi, [*DOCUMENTS, *DOCUMENTS]))

    assert found[: len(DOCUMENTS)] == found[len(DOCUMENTS) :]
