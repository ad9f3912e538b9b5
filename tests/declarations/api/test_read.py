"""GET /participant-declarations: lists, single records, CSV, filters and who sees what (api.md §2.3, §4.2, §6)."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from declarations.models import Declaration
from finance.models import Statement
from npq.core.models import LeadProvider
from participants.models import Enrolment
from tests.conftest import ApiClient, errors_of
from tests.declarations.conftest import CLOCK, DECLARED, NOW, declared, every_version, next_statement, pay, trainee
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    DeclarationFactory,
    OutcomeFactory,
    ParticipantFactory,
    ParticipantIdChangeFactory,
)

pytestmark = pytest.mark.django_db

PATH = "/participant-declarations"


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["data"]]


def made(provider: LeadProvider, hours: int = 0, **facts: Any) -> Declaration:
    """A declaration of a provider, made some hours after NOW."""
    at = NOW + timedelta(hours=hours)
    return DeclarationFactory(
        enrolment__application__lead_provider=provider, **{"created_at": at, "updated_at": at, **facts}
    )


# Lists -----------------------------------------------------------------------------------------------------------


@every_version
def test_declarations_come_oldest_first(version: str, api: ApiClient, provider: LeadProvider) -> None:
    late, early, middle = (made(provider, hours) for hours in (3, 1, 2))

    assert ids(api.get(version, PATH)) == [str(one.public_id) for one in (early, middle, late)]


@every_version
def test_a_list_shows_what_a_single_record_shows(
    version: str, api: ApiClient, enrolment: Enrolment, provider: LeadProvider
) -> None:
    declared(api, enrolment, "completed")
    pay(Statement.objects.get())
    made(provider)

    for row in api.get(version, PATH).json()["data"]:
        assert api.get(version, f"{PATH}/{row['id']}").json() == {"data": row}


@every_version
def test_nothing_is_an_empty_list(version: str, api: ApiClient) -> None:
    assert api.get(version, PATH).json() == {"data": []}


@every_version
def test_voided_ones_stay_in_the_list(version: str, api: ApiClient, provider: LeadProvider) -> None:
    declaration = made(provider, state="voided")

    assert ids(api.get(version, PATH)) == [str(declaration.public_id)]


@every_version
@pytest.mark.parametrize("identifier", ["123XXX", "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90"])
def test_an_unknown_one_is_404(version: str, identifier: str, api: ApiClient) -> None:
    response = api.get(version, f"{PATH}/{identifier}")

    assert (response.status_code, response.json()) == (404, {"error": "Resource not found"})


@every_version
def test_another_providers_are_unknown(version: str, api: ApiClient, rival_provider: LeadProvider) -> None:
    declaration = made(rival_provider)

    assert ids(api.get(version, PATH)) == []
    assert api.get(version, f"{PATH}/{declaration.public_id}").status_code == 404


@every_version
def test_pages_do_not_overlap(version: str, api: ApiClient, provider: LeadProvider) -> None:
    made_at_once = [made(provider, 0) for _ in range(5)]

    pages = [ids(api.get(version, PATH, {"page[page]": str(page), "page[per_page]": "2"})) for page in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert sorted(identifier for page in pages for identifier in page) == sorted(
        str(one.public_id) for one in made_at_once
    )


@every_version
def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    version: str, api: ApiClient, provider: LeadProvider, rival_provider: LeadProvider
) -> None:
    api.get(version, PATH)  # the token's first use is recorded
    counts = []
    for number in (2, 18):
        for _ in range(number):
            declaration = made(provider, completed=True, state="eligible")
            OutcomeFactory(declaration=declaration)
        moved = made(rival_provider)
        Enrolment.objects.filter(id=moved.enrolment_id).update(lead_provider=provider, transferred_at=NOW)
        moved.enrolment.application.lead_provider = provider
        moved.enrolment.application.save()
        with CaptureQueriesContext(connection) as captured:
            api.get(version, PATH)
        counts.append(len(captured))

    assert counts[0] == counts[1]


# Filters ---------------------------------------------------------------------------------------------------------


@every_version
def test_updated_since_is_inclusive(version: str, api: ApiClient, provider: LeadProvider) -> None:
    before, at, after = (made(provider, hours) for hours in (-1, 0, 1))

    found = ids(api.get(version, PATH, {"filter[updated_since]": "2024-11-20T12:00:00Z"}))

    assert found == [str(at.public_id), str(after.public_id)]
    assert str(before.public_id) not in found


@every_version
def test_declarations_of_some_participants(version: str, api: ApiClient, provider: LeadProvider) -> None:
    first, _, third = (made(provider, hours) for hours in (0, 1, 2))
    people = ",".join(str(one.enrolment.participant.public_id) for one in (first, third))

    assert ids(api.get(version, PATH, {"filter[participant_id]": people})) == [
        str(first.public_id),
        str(third.public_id),
    ]


@every_version
def test_a_retired_participant_id_matches_nothing(version: str, api: ApiClient, provider: LeadProvider) -> None:
    declaration = made(provider)
    change = ParticipantIdChangeFactory(participant=declaration.enrolment.participant)

    assert ids(api.get(version, PATH, {"filter[participant_id]": str(change.from_participant_id)})) == []


@pytest.mark.parametrize(("version", "narrows"), [("v1", False), ("v2", False), ("v3", True)])
def test_the_cohort_is_the_declarations_own(
    version: str, narrows: bool, api: ApiClient, provider: LeadProvider
) -> None:
    older = made(provider, 0, cohort=CohortFactory(start_year=2022))
    suffixed = made(provider, 1, cohort=CohortFactory(start_year=2025, suffix="b"))
    other = made(provider, 2)

    found = ids(api.get(version, PATH, {"filter[cohort]": "2022,2025"}))

    assert found == [str(one.public_id) for one in ([older, suffixed] if narrows else [older, suffixed, other])]


@every_version
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("filter[updated_since]", "2024-11-20"),
        ("filter[updated_since]", "yesterday"),
        ("filter[participant_id]", "123XXX"),
        ("filter[participant_id][x]", "1"),
        ("filter", "x"),
        ("page[page]", "0"),
        ("page[per_page]", "many"),
    ],
)
def test_what_cannot_be_read_is_400(version: str, name: str, value: str, api: ApiClient) -> None:
    response = api.get(version, PATH, {name: value})

    assert response.status_code == 400
    assert [title for title, _ in errors_of(response)] == ["Bad request"]


@every_version
def test_unknown_filters_and_sort_are_ignored(version: str, api: ApiClient, provider: LeadProvider) -> None:
    early, late = made(provider, 0), made(provider, 1)

    found = ids(api.get(version, PATH, {"filter[state]": "paid", "sort": "-created_at", "filter[participant_id]": ""}))

    assert found == [str(early.public_id), str(late.public_id)]


# Who sees what (api.md §4.2) -------------------------------------------------------------------------------------


@pytest.fixture
def moved(enrolment: Enrolment, api: ApiClient, rival_provider: LeadProvider) -> Declaration:
    """Declared by `provider`, on an enrolment that staff then moved to `rival_provider`."""
    declared(api, enrolment)
    transfer(enrolment, rival_provider)
    return Declaration.objects.get()


def transfer(enrolment: Enrolment, to: LeadProvider) -> None:
    enrolment.lead_provider = to
    enrolment.transferred_at = NOW
    enrolment.save()
    enrolment.application.lead_provider = to
    enrolment.application.save()


@pytest.mark.parametrize(("version", "visible"), [("v1", False), ("v2", False), ("v3", True)])
def test_the_new_provider_reads_earlier_declarations_in_v3(
    version: str, visible: bool, rival_api: ApiClient, moved: Declaration
) -> None:
    assert ids(rival_api.get(version, PATH)) == ([str(moved.public_id)] if visible else [])
    response = rival_api.get(version, f"{PATH}/{moved.public_id}")
    assert response.status_code == (200 if visible else 404)
    if visible:
        assert response.json()["data"]["attributes"]["lead_provider_name"] == "Ambition Institute"


@every_version
def test_the_old_provider_keeps_what_it_made_and_sees_nothing_later(
    version: str, api: ApiClient, moved: Declaration, rival_provider: LeadProvider
) -> None:
    later = DeclarationFactory(enrolment=moved.enrolment, lead_provider=rival_provider, declaration_type="retained-1")

    assert ids(api.get(version, PATH)) == [str(moved.public_id)]
    assert api.get(version, f"{PATH}/{later.public_id}").status_code == 404


def test_own_and_transferred_ones_are_one_ordered_list(
    rival_api: ApiClient, moved: Declaration, rival_provider: LeadProvider
) -> None:
    Declaration.objects.update(created_at=NOW)
    early, late = made(rival_provider, -1), made(rival_provider, 1)
    on_the_moved = DeclarationFactory(
        enrolment=moved.enrolment, lead_provider=rival_provider, declaration_type="completed", created_at=NOW
    )

    found = [ids(rival_api.get("v3", PATH, {"page[page]": str(page), "page[per_page]": "2"})) for page in (1, 2, 3)]

    assert found == [
        [str(early.public_id), str(moved.public_id)],
        [str(on_the_moved.public_id), str(late.public_id)],
        [],
    ]


def test_filters_hold_for_transferred_ones_too(
    rival_api: ApiClient, moved: Declaration, rival_provider: LeadProvider
) -> None:
    made(rival_provider)
    person = str(moved.enrolment.participant.public_id)

    assert ids(rival_api.get("v3", PATH, {"filter[participant_id]": person})) == [str(moved.public_id)]
    assert ids(rival_api.get("v3", PATH, {"filter[cohort]": "2019"})) == []
    assert ids(rival_api.get("v3", PATH, {"filter[updated_since]": "2099-01-01T00:00:00Z"})) == []


def test_an_undone_acceptance_shows_nothing(rival_api: ApiClient, moved: Declaration) -> None:
    application = moved.enrolment.application
    application.status, application.enrolment, application.decided_at = "pending", None, None
    application.save()
    Enrolment.objects.update(undone_at=NOW)

    assert ids(rival_api.get("v3", PATH)) == []
    assert rival_api.get("v3", f"{PATH}/{moved.public_id}").status_code == 404


# Fields that are computed ----------------------------------------------------------------------------------------


@every_version
def test_the_participant_is_who_they_are_now(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    declaration_id = declared(api, enrolment)["id"]
    survivor = ParticipantFactory()
    Enrolment.objects.update(participant=survivor)
    enrolment.application.participant = survivor
    enrolment.application.save()

    shown = api.get(version, f"{PATH}/{declaration_id}").json()["data"]["attributes"]

    assert shown["participant_id"] == str(survivor.public_id)


@every_version
@pytest.mark.parametrize(
    ("outcomes", "has_passed"),
    [([], None), (["passed"], True), (["passed", "failed"], False), (["failed", "passed", "voided"], None)],
    ids=str,
)
def test_has_passed_is_the_newest_outcome(
    version: str, outcomes: list[str], has_passed: bool | None, api: ApiClient, provider: LeadProvider
) -> None:
    declaration = made(provider, completed=True)
    for state in outcomes:
        OutcomeFactory(declaration=declaration, state=state)

    shown = api.get(version, f"{PATH}/{declaration.public_id}").json()["data"]["attributes"]

    assert shown["has_passed"] is has_passed


@pytest.mark.parametrize(
    ("state", "payable", "voided"),
    [
        ("submitted", False, False),
        ("eligible", True, False),
        ("payable", True, False),
        ("paid", False, False),
        ("voided", False, True),
        ("ineligible", False, False),
        ("awaiting-clawback", False, False),
        ("clawed-back", False, False),
    ],
)
def test_v1_says_what_is_payable_and_what_was_voided(
    state: str, payable: bool, voided: bool, api: ApiClient, provider: LeadProvider
) -> None:
    declaration = made(provider, state=state, ineligible_reason="duplicate_declaration")

    shown = api.get("v1", f"{PATH}/{declaration.public_id}").json()["data"]["attributes"]

    assert (shown["state"], shown["eligible_for_payment"], shown["voided"]) == (state, payable, voided)


@pytest.mark.parametrize(
    ("facts", "uplift"),
    [
        ({"targeted_delivery_funding_eligibility": True}, True),
        ({"targeted_delivery_funding_eligibility": False}, False),
        ({"targeted_delivery_funding_eligibility": True, "cohort": "2021"}, False),
    ],
    ids=["eligible for it", "not eligible", "cohort before it began"],
)
def test_uplift_was_paid_where_it_was_in_fact_paid(
    facts: dict[str, Any], uplift: bool, api: ApiClient, provider: LeadProvider
) -> None:
    if "cohort" in facts:
        facts = {**facts, "cohort": CohortFactory(start_year=2021)}
    enrolment = trainee(provider, **facts)
    declaration_id = declared(api, enrolment)["id"]
    assert uplift_of(api, declaration_id) is False

    pay(Statement.objects.get())
    assert uplift_of(api, declaration_id) is uplift

    next_statement(enrolment)
    api.put("v3", f"{PATH}/{declaration_id}/void", headers=CLOCK)
    assert uplift_of(api, declaration_id) is uplift


def uplift_of(api: ApiClient, declaration_id: str) -> bool:
    return api.get("v3", f"{PATH}/{declaration_id}").json()["data"]["attributes"]["uplift_paid"]


def test_uplift_is_never_paid_for_other_types(api: ApiClient, provider: LeadProvider) -> None:
    enrolment = trainee(provider, targeted_delivery_funding_eligibility=True)
    declaration_id = declared(api, enrolment, "retained-1")["id"]
    pay(Statement.objects.get())

    assert uplift_of(api, declaration_id) is False
    assert Declaration.objects.get().lines.get().output_payment > Decimal(0)


# CSV -------------------------------------------------------------------------------------------------------------

CSV_V1 = (
    "id,participant_id,declaration_type,course_identifier,eligible_for_payment,declaration_date,voided,state,"
    "updated_at,has_passed"
)
CSV_V2 = "id,participant_id,declaration_type,course_identifier,declaration_date,state,updated_at,has_passed"


def rows_of(response: Any) -> list[list[str]]:
    assert (response.status_code, response["Content-Type"]) == (200, "text/csv")
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))


@pytest.mark.parametrize(
    ("version", "header", "row"),
    [
        ("v1", CSV_V1, ["completed", "npq-headship", "true", DECLARED, "false", "eligible"]),
        ("v2", CSV_V2, ["completed", "npq-headship", DECLARED, "eligible"]),
    ],
    ids=["v1", "v2"],
)
def test_csv_has_the_documented_columns(
    version: str, header: str, row: list[str], api: ApiClient, enrolment: Enrolment
) -> None:
    declared(api, enrolment, "completed")

    found = rows_of(api.get(version, f"{PATH}.csv"))

    declaration = Declaration.objects.get()
    assert found[0] == header.split(",")
    assert found[1:] == [
        [
            str(declaration.public_id),
            str(enrolment.participant.public_id),
            *row,
            declaration.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "true",
        ]
    ]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_csv_of_nothing_is_nothing(version: str, api: ApiClient) -> None:
    response = api.get(version, f"{PATH}.csv")

    assert (response.status_code, response["Content-Type"]) == (200, "text/csv")
    assert b"".join(response.streaming_content) == b""


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_csv_filters_and_never_pages(version: str, api: ApiClient, provider: LeadProvider) -> None:
    early, late = made(provider, 0), made(provider, 1)
    person = str(early.enrolment.participant.public_id)

    everything = rows_of(api.get(version, f"{PATH}.csv", {"page[page]": "2", "page[per_page]": "1"}))
    recent = rows_of(api.get(version, f"{PATH}.csv", {"filter[updated_since]": "2024-11-20T13:00:00Z"}))
    one = rows_of(api.get(version, f"{PATH}.csv", {"filter[participant_id]": person}))

    assert [row[0] for row in everything[1:]] == [str(early.public_id), str(late.public_id)]
    assert [row[0] for row in recent[1:]] == [str(late.public_id)]
    assert [row[0] for row in one[1:]] == [str(early.public_id)]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_csv_refuses_in_json(version: str, api: ApiClient, stranger: ApiClient) -> None:
    assert stranger.get(version, f"{PATH}.csv").json() == {"error": "HTTP Token: Access denied"}
    assert api.get(version, f"{PATH}.csv", {"filter[updated_since]": "x"}).status_code == 400


def test_v3_has_no_csv(api: ApiClient) -> None:
    assert api.get("v3", f"{PATH}.csv").status_code == 404


# Moving on -------------------------------------------------------------------------------------------------------


def test_the_application_is_the_one_declared_for(api: ApiClient, enrolment: Enrolment) -> None:
    ApplicationFactory(lead_provider=enrolment.lead_provider, participant=enrolment.participant)

    assert declared(api, enrolment)["attributes"]["application_id"] == str(enrolment.application.public_id)


@every_version
def test_times_are_written_in_utc_without_fractions(version: str, api: ApiClient, provider: LeadProvider) -> None:
    made(provider, updated_at=datetime(2024, 7, 1, 12, 0, 0, 123456, tzinfo=UTC))

    (row,) = api.get(version, PATH).json()["data"]

    assert row["attributes"]["updated_at"] == "2024-07-01T12:00:00Z"
