"""Who may do what: every route, asked by a stranger, by a token of another scope, by a rival and by the owner.

A provider sees and touches nothing of another provider's. The table names every route; the URL configuration is
walked, so that a new route fails here until somebody says who may use it.
"""

import json
import re
from typing import Any

import pytest
from django.db import transaction

from npq.core.models import Change
from tests.conftest import ApiClient
from tests.contract.cases import SUCCESS
from tests.contract.conformity import operation_at
from tests.contract.world import CLOCK, World, build
from tests.routes import Route, api_routes

# What the rival gets where it asks for a list: its own records, which are none.
EMPTY = "empty"

# method and path below the version        -> stranger, token of another scope, rival, owner
PROVIDER_API: dict[str, tuple[int, int, int | str, int]] = {
    "GET /npq-applications": (401, 401, EMPTY, 200),
    "GET /npq-applications.csv": (401, 401, EMPTY, 200),
    "GET /npq-applications/{id}": (401, 401, 404, 200),
    "POST /npq-applications/{id}/accept": (401, 401, 404, 200),
    "POST /npq-applications/{id}/reject": (401, 401, 404, 200),
    "PUT /npq-applications/{id}/change-funded-place": (401, 401, 404, 200),
    "GET /participants/npq": (401, 401, EMPTY, 200),
    "GET /npq-enrolments.csv": (401, 401, EMPTY, 200),
    "GET /participants/npq/{id}": (401, 401, 404, 200),
    "PUT /participants/npq/{id}/withdraw": (401, 401, 404, 200),
    "PUT /participants/npq/{id}/defer": (401, 401, 404, 200),
    "PUT /participants/npq/{id}/resume": (401, 401, 404, 200),
    "PUT /participants/npq/{id}/change-schedule": (401, 401, 404, 200),
    "GET /participants/npq/outcomes": (401, 401, EMPTY, 200),
    "GET /participants/npq/{id}/outcomes": (401, 401, 404, 200),
    "POST /participants/npq/{id}/outcomes": (401, 401, 404, 200),
    "GET /participant/npq/outcomes": (401, 401, EMPTY, 200),
    "GET /participant/npq/{id}/outcomes": (401, 401, 404, 200),
    "POST /participant/npq/{id}/outcomes": (401, 401, 404, 200),
    "GET /participant-declarations": (401, 401, EMPTY, 200),
    "GET /participant-declarations.csv": (401, 401, EMPTY, 200),
    # The participant is named in the body, so another provider's is a refusal and not a path that is not there.
    "POST /participant-declarations": (401, 401, 422, 200),
    "GET /participant-declarations/{id}": (401, 401, 404, 200),
    "PUT /participant-declarations/{id}/void": (401, 401, 404, 200),
    "PUT /participant-declarations/{id}/change-delivery-partner": (401, 401, 404, 200),
    "GET /participant-declarations/{id}/payment": (401, 401, 404, 200),
    "GET /statements": (401, 401, EMPTY, 200),
    "GET /statements/{id}": (401, 401, 404, 200),
    "GET /statements/{id}/payment": (401, 401, 404, 200),
    "GET /statements/{id}/declarations": (401, 401, 404, 200),
    "GET /statements/{id}/declarations.csv": (401, 401, 404, 200),
    "GET /delivery-partners": (401, 401, EMPTY, 200),
    "GET /delivery-partners/{id}": (401, 401, 404, 200),
}
# A provider's token is of another scope here, and nobody is a rival: there is one registration service.
INTAKE: dict[str, tuple[int, int, int]] = {
    "POST /applications": (401, 401, 201),
}

# The rival made one declaration before the participant was transferred to the owner, and keeps it.
RIVALS_OWN = ("foreign declaration", "transferred participant", "transferred application")

PROVIDER_PATH = re.compile(r"/api/v\d")
INTAKE_PREFIX = "/api/registration/v1"
OWNED = re.compile(r"[abcdef]0000000-0000-4000-8000-\d{12}")

ROUTES = api_routes()
PROVIDER_ROUTES = [route for route in ROUTES if PROVIDER_PATH.match(route.path)]
INTAKE_ROUTES = [route for route in ROUTES if route.path.startswith(INTAKE_PREFIX)]

every_provider_route = pytest.mark.parametrize("route", PROVIDER_ROUTES, ids=str)


@pytest.fixture
def world(db: Any) -> World:
    """The contract tests' world: the owner has a record for every route, the rival made one declaration."""
    return build()


def line_of(route: Route) -> str:
    """The route as the tables name it, without its version."""
    return f"{route.method} {PROVIDER_PATH.sub('', route.path.removeprefix(INTAKE_PREFIX))}"


def ask(route: Route, client: ApiClient, world: World) -> Any:
    """What the owner would ask of the route, and succeed with, asked by somebody."""
    operation = operation_at(route.method, route.path.replace("{id}", "an-id"))
    assert operation is not None, f"{route} is not documented"
    case = SUCCESS[operation["operationId"]]
    _, _, version, below = route.path.replace("{id}", world.ids.get(case.subject, "")).split("/", 3)
    body = case.body(world, flat=route in INTAKE_ROUTES)
    return client.request(route.method, version, f"/{below}", body=body, headers=CLOCK)


def text_of(response: Any) -> str:
    """The whole body."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode()


def test_the_tables_name_every_route() -> None:
    assert {line_of(route) for route in PROVIDER_ROUTES} == set(PROVIDER_API)
    assert {line_of(route) for route in INTAKE_ROUTES} == set(INTAKE)
    assert len(PROVIDER_ROUTES) + len(INTAKE_ROUTES) == len(ROUTES)


def test_who_may_use_the_provider_api(world: World, subtests: Any) -> None:
    for route in PROVIDER_ROUTES:
        stranger, other_scope, rival, owner = PROVIDER_API[line_of(route)]
        with subtests.test(route=str(route)):
            changes = Change.objects.count()

            assert ask(route, world.stranger, world).status_code == stranger
            assert ask(route, world.registration, world).status_code == other_scope
            response = ask(route, world.rival, world)
            shown = text_of(response)
            assert response.status_code == (200 if rival == EMPTY else rival), shown
            if rival == EMPTY:
                foreign = {world.ids[name] for name in RIVALS_OWN}
                assert set(OWNED.findall(shown)) <= foreign
            assert Change.objects.count() == changes, "somebody who may not has changed something"

            undo = transaction.savepoint()
            assert ask(route, world.owner, world).status_code == owner
            transaction.savepoint_rollback(undo)


def test_who_may_use_the_intake(world: World, subtests: Any) -> None:
    for route in INTAKE_ROUTES:
        stranger, provider, registration = INTAKE[line_of(route)]
        with subtests.test(route=str(route)):
            changes = Change.objects.count()
            assert ask(route, world.stranger, world).status_code == stranger
            assert ask(route, world.owner, world).status_code == provider
            assert Change.objects.count() == changes
            assert ask(route, world.registration, world).status_code == registration


def test_a_retired_id_tells_a_rival_nothing(world: World, subtests: Any) -> None:
    routes = [route for route in PROVIDER_ROUTES if re.search(r"/participants?/npq/\{id\}", route.path)]

    for route in routes:
        with subtests.test(route=str(route)):
            merged = World(**{**vars(world), "ids": dict.fromkeys(world.ids, world.ids["retired participant"])})
            assert ask(route, world.owner, merged).status_code == 410
            assert ask(route, world.rival, merged).status_code == 404


def test_a_rival_cannot_claim_the_owners_records_in_a_body(world: World) -> None:
    route = next(r for r in PROVIDER_ROUTES if r.path == "/api/v3/participant-declarations" and r.method == "POST")

    errors = json.loads(text_of(ask(route, world.rival, world)))["errors"]

    assert [error["code"] for error in errors] == ["participant_not_recognised"]
