"""Requests made up from the documents, good and bad: no 500, and every answer as documented.

Bounded and the same in every run, so that the suite stays quick; NPQ_GENERATED_EXAMPLES=100 searches longer.
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from npq.api.schema import DOCUMENTS, openapi
from npq.wsgi import application
from tests.contract.cases import SUBJECTS
from tests.contract.world import World

EXAMPLES = int(os.environ.get("NPQ_GENERATED_EXAMPLES", "4"))
# The client that sends these requests does not unpack what it is sent.
PLAIN = {"Accept-Encoding": "identity"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Keeps the server from closing the test's connection, and its transaction, between requests."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def ask_many(operation: Any, mode: GenerationMode, world: World, client: Any) -> Counter[int]:
    """Sends made-up requests to an endpoint, half of them about a record that there is; counts the statuses."""
    subject = world.ids.get(SUBJECTS.get(operation.definition.raw["operationId"], ""), "")
    answered: Counter[int] = Counter()

    @bounded
    @given(case=operation.as_strategy(generation_mode=mode), about_a_real_one=st.booleans())
    def ask(case: Any, about_a_real_one: bool) -> None:
        if subject and about_a_real_one:
            case.path_parameters["id"] = subject
        undo = transaction.savepoint()
        response = case.call(headers={**client.headers, **PLAIN})
        transaction.savepoint_rollback(undo)
        answered[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    ask()
    return answered


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("document", list(DOCUMENTS))
def test_generated_requests_are_answered_as_documented(
    document: str, mode: GenerationMode, world: World, settings: Any, subtests: Any
) -> None:
    settings.NPQ_RATE_LIMIT = 10**6
    schema = schemathesis.openapi.from_dict(openapi(document))
    schema.app = application
    client = world.registration if document.startswith("registration") else world.owner
    answered: Counter[int] = Counter()

    for found in schema.get_all_operations():
        operation = found.ok()
        with subtests.test(operation=operation.label):
            answered += ask_many(operation, mode, world, client)

    assert answered.total() > len(openapi(document)["paths"])
