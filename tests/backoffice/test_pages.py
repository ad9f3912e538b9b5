"""Inspect pages: who may open them, what they show, and that they cost the same however much there is."""

import uuid
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from npq.backoffice.pages import Table, address_of
from npq.backoffice.timeline import action_in_words
from tests.backoffice.walking import record_kinds
from tests.backoffice.world import world
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    DeclarationFactory,
    MessageFactory,
    ParticipantFactory,
    StatementFactory,
)

MOST_QUERIES = 12
MODELS = list(record_kinds())
# Of these only access managers know; viewers see all others.
FOR_ACCESS_MANAGERS = {"core/apitoken", "backoffice/accessevent"}


def looked_at(client: Client, address: str) -> int:
    """How many queries a page takes."""
    with CaptureQueriesContext(connection) as caught:
        response = client.get(address)
    assert response.status_code == 200
    return len(caught)


def role_for(name: str) -> str:
    """A role that may see a list."""
    return "access manager" if name in FOR_ACCESS_MANAGERS else "viewer"


@pytest.mark.parametrize("name", MODELS)
def test_pages_cost_at_most_twelve_queries_however_much_there_is(as_role: Callable[[str], Client], name: str) -> None:
    client = as_role(role_for(name))
    costs = []
    for number in (2, 18):
        record = world(number)[name]
        costs.append((looked_at(client, f"/admin/{name}/"), looked_at(client, address_of(record, record.public_id))))

    assert costs[0] == costs[1]
    assert max(costs[0]) <= MOST_QUERIES


def test_the_first_page_costs_at_most_twelve_queries(as_role: Callable[[str], Client]) -> None:
    client = as_role("finance")
    world(2)
    few = looked_at(client, "/admin/")
    world(10)

    assert few == looked_at(client, "/admin/") <= MOST_QUERIES


@pytest.mark.parametrize("name", MODELS)
def test_an_unknown_id_is_not_found(as_role: Callable[[str], Client], name: str) -> None:
    assert as_role(role_for(name)).get(f"/admin/{name}/{uuid.uuid4()}/").status_code == 404


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("way", ["add/", "{id}/delete/", "{id}/change/", "{id}/history/"])
def test_nothing_is_added_edited_or_deleted_by_hand(admin_client: Client, name: str, way: str) -> None:
    record = world(1)[name]

    response = admin_client.post(f"/admin/{name}/{way.format(id=record.public_id)}")

    assert response.status_code in {403, 404}


def test_an_application_answers_the_questions_about_it(as_role: Callable[[str], Client]) -> None:
    records = world(1)
    application, declaration = records["applications/application"], records["declarations/declaration"]

    page = as_role("caseworker").get(address_of(application, application.public_id)).content.decode()

    for shown in (
        application.participant.full_name,
        application.participant.teacher_reference_number,
        str(application.enrolment.schedule),
        str(declaration.public_id),
        "Passed",
        "Failed for good",
        "Telephoned: will send the letter of the school.",
        "npq_application",
        "Prepare",
    ):
        assert shown in page


def test_a_statement_shows_its_figures(as_role: Callable[[str], Client]) -> None:
    statement = world(1)["finance/statement"]

    page = as_role("finance").get(address_of(statement, statement.public_id)).content.decode()

    assert "-£125.40" in page
    assert "Provisional" in page
    assert Decimal("-125.40") == statement.adjustments.get().amount


def test_records_with_nothing_on_them_have_a_page(as_role: Callable[[str], Client]) -> None:
    bare = [
        ApplicationFactory(),
        ApplicationFactory(rejected=True),
        ParticipantFactory(without_trn=True),
        ParticipantFactory(merged_into=ParticipantFactory()),
        DeclarationFactory(ineligible=True),
        StatementFactory(paid=True, payment={}),
        MessageFactory(),
    ]
    client = as_role("caseworker")

    assert {client.get(address_of(each, each.public_id)).status_code for each in bare} == {200}


def test_dates_of_birth_are_not_shown_where_something_changes_either(as_role: Callable[[str], Client]) -> None:
    born = ParticipantFactory(date_of_birth=date(1985, 3, 9), without_trn=True)
    survivor, client = ParticipantFactory(date_of_birth=None), as_role("caseworker")
    merge = f"{address_of(born, born.public_id)}merge_participants/"

    page = client.get(address_of(born, born.public_id)).content.decode()
    preview = client.post(merge, {"survivor": survivor.public_id, "reason": "One person"}).content.decode()

    assert "1985" not in page + preview
    assert "<td>Date of birth</td><td>nothing</td><td>not shown</td>" in preview


def test_the_current_cohort_is_looked_up_once(as_role: Callable[[str], Client]) -> None:
    client = as_role("viewer")
    for year in range(2021, 2027):
        CohortFactory(start_year=year, registration_start_date=date(year, 6, 1))

    assert looked_at(client, "/admin/applications/application/") <= MOST_QUERIES


@pytest.mark.parametrize(
    ("role", "name", "address", "leads"),
    [
        ("access manager", "core/apitoken", "/admin/tokens/issue/", True),
        ("caseworker", "applications/application", "/admin/bulk/", True),
        ("caseworker", "participants/participant", "/admin/duplicates/", True),
        ("finance", "finance/statement", "/admin/move-declarations/", True),
        ("viewer", "finance/statement", "/admin/move-declarations/", False),
    ],
)
def test_a_list_leads_to_the_tasks_that_belong_to_it(
    as_role: Callable[[str], Client], role: str, name: str, address: str, leads: bool
) -> None:
    page = as_role(role).get(f"/admin/{name}/").content.decode()

    assert (f'href="{address}"' in page) is leads


def test_who_manages_access_has_it_in_the_navigation(as_role: Callable[[str], Client]) -> None:
    pages = {role: as_role(role).get("/admin/").content.decode() for role in ("access manager", "viewer")}

    assert {role: "/admin/auth/user/" in page for role, page in pages.items()} == {
        "access manager": True,
        "viewer": False,
    }


@pytest.mark.parametrize(
    ("action", "words"),
    [("change_trn_in_bulk", "Change TRN in bulk"), ("accept_application", "Accept application")],
)
def test_what_was_done_is_told_in_words(action: str, words: str) -> None:
    assert action_in_words(action) == words


def test_a_message_is_shown_as_it_was_read(as_role: Callable[[str], Client]) -> None:
    values = {
        "full_name": "Priya Okafor",
        "course_name": "NPQ for headship",
        "lead_provider": "Ambition Institute",
        "application_id": "1",
    }
    written = MessageFactory(personalisation=values)
    unwritten = MessageFactory(personalisation={**values, "course_name": ""})
    client = as_role("viewer")

    page = client.get(address_of(written, written.public_id)).content.decode()
    other = client.get(address_of(unwritten, unwritten.public_id)).content.decode()

    assert "<p>Dear Priya Okafor</p>" in page
    assert "Priya Okafor (" in page
    assert "course_name" not in page + other
    assert "It cannot be written: the message lacks course name." in other


@pytest.mark.parametrize(
    ("column", "is_numeric"),
    [
        ([1, 20, None], True),
        ([Decimal("1.50"), "-£1,204.00"], True),
        (["£1,204.00", "the same"], False),
        ([True, False], False),
        (["9010276"], False),
        ([None, ""], False),
    ],
)
def test_columns_of_numbers_are_aligned_as_numbers(column: list[Any], is_numeric: bool) -> None:
    table = Table("A table", ["Name", "Figure"], ([f"row {place}", cell] for place, cell in enumerate(column)))

    shown = table.shown()

    assert shown.heads == [("Name", False), ("Figure", is_numeric)]
    assert [row[1][1] for row in shown.rows] == [is_numeric] * len(column)


def test_the_records_of_one_app_have_a_page_in_plain_words(as_role: Callable[[str], Client]) -> None:
    page = as_role("viewer").get("/admin/participants/").content.decode()

    assert "<h1>Participants</h1>" in page
    assert '<li><a href="/admin/participants/schedule/">Schedules</a></li>' in page
    assert "administration" not in page
