"""No input whatsoever is answered with a 500, and what is refused changes nothing (decisions.md §1.13).

Every documented endpoint is asked with every nasty value in every place of a request: each attribute of its body,
the body itself, each filter, the page, the order, the id in the path, the headers, the verb. An endpoint takes part
by its line in `tests.contract.cases.SUCCESS`, which also makes the request that would have succeeded; a new kind
of nastiness is one more line below.

Every place gets a third of the values, so that neighbours between them get all; NPQ_EVERY_VALUE=1 sends all to all.
"""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from npq.api.schema import openapi
from npq.core.models import Change
from tests.contract.cases import SUBJECTS, SUCCESS, Operation, operations
from tests.contract.world import CLOCK, World

DEEP = 60
NASTY_TEXTS = [
    "",
    " ",
    "null",
    "nonsense",
    "x" * 1_000_000,
    "-1",
    "9" * 400,
    "1e400",
    "NaN",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59",
    "2024-02-30",
    "2024-02-30T00:00:00Z",
    "2024-03-01T00:00:00.999999999999Z",
    "99999999-9999-4999-8999-999999999999",
    "'; DROP TABLE applications_application; --",
    "%s %d {0} {x} %(x)s",
    "é😀\u202e\ufeff\u0301",
    "\x01\x7f\x85\u2028",
    "2024,2025,",
    ",",
    "[]",
]
NASTY_VALUES: list[Any] = [
    *NASTY_TEXTS,
    None,
    True,
    False,
    0,
    -1,
    10**300,
    1.5,
    1e308,
    [],
    [None],
    ["npq-headship"],
    {},
    {"a": {"b": None}},
    [[]] * 1000,
    json.loads('{"a":' * DEEP + "1" + "}" * DEEP),
]

# Bodies that are no JSON, or JSON of another structure.
NASTY_BODIES = [
    b"",
    b" \n",
    b"{",
    b"nonsense",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"{}",
    b'{"data": null}',
    b'{"data": []}',
    b'{"data": {"attributes": null}}',
    b'{"data": {"attributes": []}}',
    b'{"data": {"attributes": {}}}',
    b'{"data": {"attributes": {"nonsense": 1}}}',
    b'{"data": {"type": {}, "attributes": {"a": NaN}}}',
    b'{"data": {"attributes": {"a": "\\u0000"}}}',
    b'{"data": {"attributes": {"\\ud800": 1}}}',
    b'{"data": {"attributes": {"a": "\xff"}}}',
    b"\xff\xfe{\x00}\x00",
    b"[" * 200_000,
    b'{"a":' * 200_000,
    b"1" * 100_000,
    b"PK\x03\x04" + bytes(range(256)),
    b"data[attributes][funded_place]=true",
]
NASTY_IDS = [
    "%00",
    "%FF%FE",
    "%ED%A0%80",
    "%0A",
    "..%2F..%2Fetc%2Fpasswd",
    "a" * 1_000_000,
    "null",
    "0",
    "-1",
    "%F0%9F%98%80",
    "99999999-9999-4999-8999-99999999999",
    "99999999-9999-4999-8999-999999999999%00",
    "{id}",
    "*",
]
NASTY_QUERIES = [
    "%",
    "%00",
    "%FF=%FF",
    "filter",
    "filter=",
    "filter[]=",
    "filter[=x",
    "filter]=x",
    "filter[[cohort]]=2024",
    "filter[cohort][a][b]=2024",
    "filter%5Bcohort%5D=%FF",
    "filter[updated_since]=%ED%A0%80",
    "page=7&page[]=1&page[page][a]=1",
    "page[page]=%00",
    "page[per_page]=%F0%9F%98%80",
    "sort=%FF,-%00",
    "sort=" + "created_at," * 5000,
    "a&&&=&=a",
    "&".join(f"a{number}=1" for number in range(1500)),
    ";".join("filter[cohort]=2024" for _ in range(100)),
]
NASTY_HEADERS = [
    {"Accept": "application/xml"},
    {"Accept": "\xff"},
    {"Accept-Encoding": "gzip;q=x, *;q=-1"},
    {"Content-Type": "multipart/form-data"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "application/json; charset=klingon"},
    {"Content-Type": "\xff/\x00"},
    {"Content-Length": "-1"},
    {"Content-Length": "many"},
    {"X-With-Server-Date": "0001-01-01T00:00:00Z"},
    {"X-With-Server-Date": "9999-12-31T23:59:59-01:00"},
    {"X-With-Server-Date": "2000-01-01T00:00:00Z"},
    {"X-With-Server-Date": "2099-12-31T23:59:59Z"},
    {"X-With-Server-Date": "\x00"},
    {"X-Request-Id": "x" * 10_000},
    {"X-HTTP-Method-Override": "DELETE"},
    {"Authorization": "Bearer \xff"},
    {"Authorization": "Bearer " + "x" * 100_000},
    {"Authorization": "\x00"},
    {"If-None-Match": "*"},
    {"If-Modified-Since": "x"},
    {"Range": "bytes=0-1"},
    {"Cookie": "sessionid=\xff; csrftoken=" + "x" * 5000},
]

NASTY_VERBS = [
    *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"),
    *("BREW", "get", "X" * 1000),
]

# The three versions share their code: the newest stands for all where it has the endpoint.
NEWEST = [one for one in operations() if one.document in ("v3", "registration/v1")]
ASKED = NEWEST + [
    one for one in operations() if one.document == "v2" and one.name not in {newest.name for newest in NEWEST}
]
WITH_BODY = [one for one in ASKED if one.takes_body]
WRITES = [one for one in ASKED if one.method != "GET"]
WITH_ID = [one for one in ASKED if "{id}" in one.template]
LISTS = [one for one in ASKED if one.name.startswith(("list_", "export_"))]
# Headers and verbs are dealt with before any endpoint is: one of each kind stands for all.
KINDS = ("list_applications", "show_participant", "accept_application", "deliver_application")
OF_EACH_KIND = [one for one in ASKED if one.name in KINDS]


def of(asked: list[Operation]) -> Any:
    return pytest.mark.parametrize("operation", asked, ids=str)


Question = Callable[[], Any]
SHARE = 1 if os.environ.get("NPQ_EVERY_VALUE") else 3


def shared(names: list[str], values: list[Any]) -> list[tuple[str, Any]]:
    """Each name with its share of the values."""
    return [
        (name, value)
        for place, name in enumerate(names)
        for number, value in enumerate(values)
        if (number + place) % SHARE == 0
    ]


@pytest.fixture(autouse=True)
def no_rate_limit(settings: Any) -> None:
    settings.NPQ_RATE_LIMIT = 10**9


def ask_all(questions: Iterable[tuple[str, Question]]) -> None:
    """Asks one question after the other, each in the world as it was; fails with all that went wrong."""
    wrong: list[str] = []
    for told, question in questions:
        before = Change.objects.count()
        undo = transaction.savepoint()
        response = question()
        if hasattr(response, "streaming_content"):
            list(response.streaming_content)
        if response.status_code >= 500:
            wrong.append(f"{told}: {response.status_code}")
        elif response.status_code >= 400 and Change.objects.count() != before:
            wrong.append(f"{told}: {response.status_code}, and something changed")
        transaction.savepoint_rollback(undo)
    assert not wrong, "\n".join(wrong)


def client_of(operation: Operation, world: World) -> Any:
    return world.registration if operation.document.startswith("registration") else world.owner


def subject_of(operation: Operation, world: World) -> str:
    return world.ids.get(SUBJECTS.get(operation.name, ""), "")


def raw(operation: Operation, world: World, path: str = "", query: str = "", body: bytes = b"", **headers: str) -> Any:
    """A request past what the test client would encode for us."""
    sent = {**CLOCK, **client_of(operation, world).headers, **headers}
    environment = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.items()}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if f"HTTP_{name}" in environment:
            environment[name] = environment.pop(f"HTTP_{name}")
    content_type = environment.pop("CONTENT_TYPE", "application/json")
    path = path or operation.path(subject_of(operation, world))
    client = Client(raise_request_exception=False)
    return client.generic(operation.method, path, body, content_type, QUERY_STRING=query, **environment)


def documented_attributes(operation: Operation) -> list[str]:
    """The attributes of a body, as the document lists them."""
    described = openapi(operation.document)["paths"][operation.template][operation.method.lower()]
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    schema = openapi(operation.document)["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "data" in schema["properties"]:
        schema = schema["properties"]["data"]["properties"]["attributes"]
    return list(schema["properties"])


def documented_parameters(operation: Operation) -> list[str]:
    """The query parameters the document lists, and some it does not."""
    document = openapi(operation.document)
    described = document["paths"][operation.template][operation.method.lower()].get("parameters", [])
    shared = document["components"].get("parameters", {})
    found = [shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in described]
    return [one["name"] for one in found if one["in"] == "query"] + ["filter[nonsense]"]


@of(WITH_BODY)
def test_every_value_in_every_attribute(operation: Operation, world: World) -> None:
    case = SUCCESS[operation.name]
    flat = operation.document.startswith("registration")

    def with_value(name: str, value: Any) -> Question:
        attributes = {**(case.attributes or {}), name: value}
        body = type(case)(case.subject, attributes).body(world, flat=flat)
        return lambda: raw(operation, world, body=json.dumps(body).encode())

    names = documented_attributes(operation)
    assert names
    ask_all((f"{name}={value!r:.60}", with_value(name, value)) for name, value in shared(names, NASTY_VALUES))


@of(WRITES)
def test_every_body(operation: Operation, world: World) -> None:
    ask_all((f"{body!r:.60}", lambda body=body: raw(operation, world, body=body)) for body in NASTY_BODIES)


@of(LISTS)
def test_every_value_in_every_parameter(operation: Operation, world: World) -> None:
    client = client_of(operation, world)
    path = operation.path(subject_of(operation, world)).removeprefix(f"/api/{operation.document}")

    def with_parameter(name: str, value: str) -> Question:
        return lambda: client.request(operation.method, operation.document, path, query={name: value}, headers=CLOCK)

    ask_all(
        (f"{name}={value!r:.60}", with_parameter(name, value))
        for name, value in shared(documented_parameters(operation), NASTY_TEXTS)
    )


@of([*LISTS, *OF_EACH_KIND])
def test_every_query(operation: Operation, world: World) -> None:
    ask_all((query[:60], lambda query=query: raw(operation, world, query=query)) for query in NASTY_QUERIES)


@of(WITH_ID)
def test_every_id(operation: Operation, world: World) -> None:
    ask_all(
        (identifier[:60], lambda identifier=identifier: raw(operation, world, path=operation.path(identifier)))
        for identifier in NASTY_IDS
    )


@of(OF_EACH_KIND)
def test_every_header(operation: Operation, world: World) -> None:
    body = SUCCESS[operation.name].body(world, flat=operation.document.startswith("registration"))
    sent = b"" if body is None else json.dumps(body).encode()
    ask_all(
        (f"{headers!r:.60}", lambda headers=headers: raw(operation, world, body=sent, **headers))
        for headers in NASTY_HEADERS
    )


@of(OF_EACH_KIND)
def test_every_verb(operation: Operation, world: World) -> None:
    path = operation.path(subject_of(operation, world))
    headers = {**CLOCK, **client_of(operation, world).headers}

    def with_verb(verb: str) -> Question:
        return lambda: Client(raise_request_exception=False).generic(verb, path, b"{}", headers=headers)

    ask_all((verb[:20], with_verb(verb)) for verb in NASTY_VERBS)
