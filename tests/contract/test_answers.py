"""Every endpoint of every version, asked for every status its document lists: the answers are as published.

Each test asks one question of all endpoints, in one world: what is refused changes nothing, and what succeeds
is undone before the next question.
"""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction

from npq.api.views import ApiViewSet
from npq.core.errors import TooMuchContention
from tests.contract.cases import REFUSED, SUBJECTS, SUCCESS, Operation, operations
from tests.contract.conformity import assert_conforms
from tests.contract.world import World

ALL = operations()
# What every endpoint answers in the same way needs no case of its own.
SHARED = {"400", "401", "404", "405", "411", "413", "429", "503"}

NOBODY = "99999999-9999-4999-8999-999999999999"

Question = Callable[[Operation], Any]


def refusals_of_its_own(operation: Operation) -> list[int]:
    """The statuses that only a case of the endpoint's own brings about."""
    return sorted(int(status) for status in set(operation.statuses) - SHARED - {"200", "201"})


@pytest.fixture
def every_answer(subtests: Any) -> Callable[..., None]:
    """Asks a question of several endpoints; each answer must have the status and be as documented."""

    def check(question: Question, status: int, asked: list[Operation] = ALL) -> None:
        assert asked
        for operation in asked:
            with subtests.test(operation=str(operation), status=status):
                undo = transaction.savepoint()
                response = question(operation)
                content = b"".join(response.streaming_content) if response.streaming else response.content
                transaction.savepoint_rollback(undo)
                assert response.status_code == status, content[:500]
                assert_conforms(operation.method, operation.path("an-id"), response)
                assert "no-store" in response["Cache-Control"]

    return check


def as_owner(operation: Operation, world: World, **request: Any) -> Any:
    """Asks about a record that there is, as somebody who may."""
    client = world.registration if operation.document.startswith("registration") else world.owner
    return operation.ask(client, world.ids.get(SUBJECTS.get(operation.name, ""), ""), **request)


def listing(status: str) -> list[Operation]:
    """The endpoints whose document lists a status."""
    return [operation for operation in ALL if status in operation.statuses]


def test_every_endpoint_has_a_case_for_each_status_of_its_own() -> None:
    wanted = {(operation.name, status) for operation in ALL for status in refusals_of_its_own(operation)}

    assert set(SUCCESS) == {operation.name for operation in ALL}
    assert set(REFUSED) == wanted


def test_success(every_answer: Any, world: World) -> None:
    created = listing("201")

    every_answer(lambda operation: SUCCESS[operation.name].ask(operation, world), 201, created)
    rest = [operation for operation in ALL if operation not in created]
    every_answer(lambda operation: SUCCESS[operation.name].ask(operation, world), 200, rest)


@pytest.mark.parametrize("status", sorted({status for one in ALL for status in refusals_of_its_own(one)}))
def test_refusals(status: int, every_answer: Any, world: World) -> None:
    every_answer(lambda operation: REFUSED[operation.name, status].ask(operation, world), status, listing(str(status)))


def test_without_a_token(every_answer: Any, world: World) -> None:
    every_answer(lambda operation: operation.ask(world.stranger, NOBODY), 401)


@pytest.mark.parametrize("identifier", [NOBODY, "123XXX", "outcomes"])
def test_an_unknown_id(identifier: str, every_answer: Any, world: World) -> None:
    def question(operation: Operation) -> Any:
        attributes = SUCCESS[operation.name].attributes
        body = None if attributes is None else {"data": {"attributes": attributes}}
        return operation.ask(world.owner, identifier, body=body)

    outcomes = [one for one in ALL if one.template.endswith("/participants/npq/{id}") and identifier == "outcomes"]
    every_answer(question, 404, [operation for operation in listing("404") if operation not in outcomes])


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_wrong_verb(verb: str, world: World, subtests: Any) -> None:
    for template in {operation.template for operation in ALL}:
        here = [operation for operation in ALL if operation.template == template]
        known = {operation.method for operation in here}
        if verb in known:
            continue
        with subtests.test(template=template):
            client = world.registration if here[0].document.startswith("registration") else world.owner
            path = template.replace("{id}", "an-id")
            _, _, version, below = path.split("/", 3)
            response = client.request(verb, version, f"/{below}")
            assert response.status_code == 405
            assert known <= set(response["Allow"].split(", "))
            assert_conforms(verb, path, response)


def test_a_filter_without_a_key(every_answer: Any, world: World) -> None:
    every_answer(lambda operation: as_owner(operation, world, query={"filter": "x"}), 400)


def test_a_host_that_this_is_not(every_answer: Any, world: World) -> None:
    every_answer(lambda operation: as_owner(operation, world, headers={"Host": "elsewhere.example"}), 400)


def test_an_unreadable_clock(every_answer: Any, world: World) -> None:
    clock = {"X-With-Server-Date": "tomorrow"}

    every_answer(lambda operation: as_owner(operation, world, headers=clock), 400)


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"a":"\\u0000"}'])
def test_a_body_that_cannot_be_read(body: bytes, every_answer: Any, world: World) -> None:
    with_body = [operation for operation in ALL if operation.takes_body]

    every_answer(lambda operation: as_owner(operation, world, body=body), 400, with_body)


def test_too_large_a_body(every_answer: Any, world: World) -> None:
    every_answer(lambda operation: as_owner(operation, world, body=b" " * 2_600_000), 413, listing("413"))


def test_a_body_in_chunks(every_answer: Any, world: World) -> None:
    chunked = {"Transfer-Encoding": "chunked"}

    every_answer(lambda operation: as_owner(operation, world, headers=chunked), 411, listing("411"))


def test_past_the_rate_limit(every_answer: Any, world: World, settings: Any) -> None:
    settings.NPQ_RATE_LIMIT = 0

    every_answer(lambda operation: as_owner(operation, world), 429)


def test_records_that_others_keep_changing(every_answer: Any, world: World) -> None:
    with patch.object(ApiViewSet, "initial", side_effect=TooMuchContention):
        every_answer(lambda operation: as_owner(operation, world), 503, listing("503"))
