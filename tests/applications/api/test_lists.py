"""GET /npq-applications and its CSV: pages, filters, order, formats (api.md §2.0, §2.1, §6)."""

import csv
import io
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from applications.models import Application
from npq.core.models import LeadProvider
from tests.conftest import ApiClient, errors_of
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    CourseFactory,
    ParticipantFactory,
    ParticipantIdChangeFactory,
)

pytestmark = pytest.mark.django_db
every_version = pytest.mark.parametrize("version", ["v1", "v2", "v3"])
with_csv = pytest.mark.parametrize("version", ["v1", "v2"])

FIRST = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)

Make = Callable[..., list[Application]]


@pytest.fixture
def make(provider: LeadProvider) -> Make:
    """Makes applications of the provider, a day apart, oldest first."""

    def make(*facts: dict[str, Any]) -> list[Application]:
        return [
            ApplicationFactory(lead_provider=provider, **{"created_at": FIRST + timedelta(days=number), **fact})
            for number, fact in enumerate(facts)
        ]

    return make


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [record["id"] for record in response.json()["data"]]


def of(*applications: Application) -> list[str]:
    return [str(application.public_id) for application in applications]


# Records


@every_version
def test_a_record_in_full(version: str, api: ApiClient, make: Make) -> None:
    [application] = make(
        {
            "cohort": CohortFactory(start_year=2026, suffix="b", funding="capped"),
            "accepted": True,
            "accepted__accepted_at": FIRST,
            "funding_choice": "trust",
            "employer_name": 'Northbeck "Council" é😀',
            "teacher_catchment": "another",
            "teacher_catchment_country": "France",
            "teacher_catchment_iso_country_code": "FRA",
            "lead_mentor": False,
            "works_as_senco": "no_i_do_not_plan_to_be_a_SENCO",
            "senco_start_date": date(2025, 9, 1),
            "created_at": datetime(2022, 7, 6, 10, 47, 24, 999999, tzinfo=UTC),
            "participant": ParticipantFactory(
                full_name="Priya Okafor", teacher_reference_number="9000001", unverified=True
            ),
            "email": "priya@example.org",
        }
    )
    Application.objects.update(updated_at=datetime(2022, 11, 24, 17, 9, 37, 500000, tzinfo=UTC))

    record = api.get(version, f"/npq-applications/{application.public_id}").json()["data"]

    attributes = {
        "course_identifier": "npq-headship",
        "email": "priya@example.org",
        "email_validated": True,
        "employer_name": 'Northbeck "Council" é😀',
        "employment_role": None,
        "full_name": "Priya Okafor",
        "funding_choice": "trust",
        "headteacher_status": "no",
        "ineligible_for_funding_reason": None,
        "participant_id": str(application.participant.public_id),
        "private_childcare_provider_urn": None,
        "teacher_reference_number": "9000001",
        "teacher_reference_number_validated": False,
        "school_urn": "140233",
        "school_ukprn": "10041122",
        "status": "accepted",
        "works_in_school": True,
        "cohort": "2026",
        "eligible_for_funding": True,
        "targeted_delivery_funding_eligibility": False,
        "teacher_catchment": False,
        "teacher_catchment_country": "France",
        "teacher_catchment_iso_country_code": "FRA",
        "itt_provider": None,
        "lead_mentor": False,
        "funded_place": True,
        "reason_for_rejection": None,
        "created_at": "2022-07-06T10:47:24Z",
        "updated_at": "2022-11-24T17:09:37Z",
    }
    if version == "v3":
        attributes |= {
            "schedule_identifier": "npq-leadership-autumn",
            "works_as_senco": "no_i_do_not_plan_to_be_a_SENCO",
            "senco_start_date": "2025-09-01",
            "cohort_suffix": "b",
        }
    assert record == {"id": str(application.public_id), "type": "npq_application", "attributes": attributes}


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (None, None),
        ("another", False),
        *((area, True) for area in ("england", "scotland", "wales", "northern_ireland", "jersey_guernsey_isle_of_man")),
    ],
)
def test_the_catchment_is_whether_it_is_in_the_uk(
    stored: str | None, shown: bool | None, api: ApiClient, make: Make
) -> None:
    make({"teacher_catchment": stored})

    assert api.get("v3", "/npq-applications").json()["data"][0]["attributes"]["teacher_catchment"] is shown


@every_version
def test_a_list_is_mine_alone_oldest_first_in_every_status(
    version: str, api: ApiClient, make: Make, rival_provider: LeadProvider
) -> None:
    made = make({"created_at": FIRST}, {"accepted": True}, {"rejected": True}, {"created_at": FIRST - timedelta(1)})
    ApplicationFactory(lead_provider=rival_provider)

    response = api.get(version, "/npq-applications")

    assert ids(response) == of(made[3], made[0], made[1], made[2])
    assert list(response.json()) == ["data"]
    assert response["Content-Type"] == "application/json"


@every_version
def test_an_empty_list(version: str, api: ApiClient) -> None:
    assert api.get(version, "/npq-applications").json() == {"data": []}


@every_version
def test_of_one_instant_the_first_stored_comes_first(version: str, api: ApiClient, make: Make) -> None:
    made = make(*[{"created_at": FIRST}] * 5)

    pages = [api.get(version, "/npq-applications", {"page[page]": str(n), "page[per_page]": "2"}) for n in (1, 2, 3)]

    assert [identifier for page in pages for identifier in ids(page)] == of(*made)


# Pages


@every_version
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"page[per_page]": "2"}, [0, 1]),
        ({"page[per_page]": "2", "page[page]": "2"}, [2, 3]),
        ({"page[per_page]": "2", "page[page]": "3"}, [4]),
        ({"page[per_page]": "2", "page[page]": "4"}, []),
        ({"page[per_page]": "02", "page[page]": "0002"}, [2, 3]),
        ({"page[per_page]": "3001"}, [0, 1, 2, 3, 4]),
        ({"page[per_page]": "9" * 1000}, [0, 1, 2, 3, 4]),
        ({"page[page]": "9" * 19}, []),
        ({"page[page]": "9" * 1000}, []),
        ({"page[page]": "9223372036854775807", "page[per_page]": "3000"}, []),
        ({"page[page]": "", "page[per_page]": ""}, [0, 1, 2, 3, 4]),
        ({"page": "2"}, [0, 1, 2, 3, 4]),
        ({"page[size]": "1", "per_page": "1", "page[]": "2"}, [0, 1, 2, 3, 4]),
    ],
)
def test_pages(version: str, query: dict[str, str], wanted: list[int], api: ApiClient, make: Make) -> None:
    made = make(*[{}] * 5)

    assert ids(api.get(version, "/npq-applications", query)) == of(*(made[number] for number in wanted))


@every_version
@pytest.mark.parametrize("name", ["page[page]", "page[per_page]"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "one", "1e3", "0x1", " 1", "+1", "٣", "²", "1,2", "null", "00"])
def test_a_page_is_a_positive_whole_number(version: str, name: str, value: str, api: ApiClient) -> None:
    response = api.get(version, "/npq-applications", {name: value})

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "bad_page")]


def test_a_page_holds_100_unless_asked_and_3000_at_most(
    api: ApiClient, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("npq.api.pagination.MOST_PER_PAGE", 110)
    make(*[{}] * 112)

    assert len(ids(api.get("v3", "/npq-applications"))) == 100
    assert len(ids(api.get("v3", "/npq-applications", {"page[per_page]": "111"}))) == 110


# Filters


@every_version
@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("2021", [0]),
        ("2026", [2, 3]),
        ("2021,2023", [0, 1]),
        (" 2021 , ,2023,", [0, 1]),
        ("", [0, 1, 2, 3]),
        ("1999", []),
        ("2026a", []),
        ("abcd", []),
        ("20211", []),
        ("٢٠٢١", []),
        ("2021,nonsense", [0]),
        (",", []),
        ("-2021", []),
        ("9" * 100_000, []),
    ],
)
def test_the_cohort_filter(version: str, value: str, wanted: list[int], api: ApiClient, make: Make) -> None:
    made = make(
        {"cohort": CohortFactory(start_year=2021)},
        {"cohort": CohortFactory()},
        {"cohort": CohortFactory(start_year=2026, suffix="a")},
        {"cohort": CohortFactory(start_year=2026, suffix="b")},
    )

    assert ids(api.get(version, "/npq-applications", {"filter[cohort]": value})) == of(*(made[n] for n in wanted))


@every_version
@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("2024-03-02T09:00:00Z", [1, 2]),
        ("2024-03-02T09:00:01Z", [2]),
        ("2024-03-02T09:00:00.000001Z", [2]),
        ("2024-03-02T08:59:59,999999999Z", [1, 2]),
        ("2024-03-02T09:00:00", [1, 2]),
        ("2024-03-02t09:00:00z", [1, 2]),
        ("2024-03-02T10:00:00+01:00", [1, 2]),
        ("2024-03-02T10:00:00+0100", [1, 2]),
        ("2024-03-02T10:00:00+01", [1, 2]),
        ("2024-03-02T08:00:00-01:00", [1, 2]),
        ("2024-03-02T10:00:01+01:00", [2]),
        # A `+` that was sent raw arrives as a space.
        ("2024-03-02T10:00:01 01:00", [2]),
        # Encoded once more by the caller.
        (quote("2024-03-02T10:00:01+01:00"), [2]),
        (quote("2024-03-02T10:00:01+01:00", safe=""), [2]),
        ("", [0, 1, 2]),
        ("0001-01-01T00:00:00Z", [0, 1, 2]),
        ("9999-12-31T23:59:59Z", []),
    ],
)
def test_the_updated_since_filter(version: str, value: str, wanted: list[int], api: ApiClient, make: Make) -> None:
    made = make({}, {}, {})
    for number, application in enumerate(made):
        Application.objects.filter(id=application.id).update(updated_at=FIRST + timedelta(days=number))

    found = api.get(version, "/npq-applications", {"filter[updated_since]": value})

    assert ids(found) == of(*(made[number] for number in wanted))


@every_version
@pytest.mark.parametrize(
    "value",
    [
        "yesterday",
        "2024-03-02",
        "2024-03-02 09:00:00",
        "2024-13-02T09:00:00Z",
        "2024-02-30T09:00:00Z",
        "1709370000",
        "2024-03-02T25:00:00Z",
        "2024-03-02T09:00Z",
        "2024-03-02T09:00:00+99:00",
        "0001-01-01T00:00:00+01:00",
        "٢٠٢٤-03-02T09:00:00Z",
        "2024-03-02T09:00:00Z,2024-03-03T09:00:00Z",
        "0000-01-01T00:00:00Z",
        "%",
        "%FF",
    ],
)
def test_updated_since_must_be_a_date_and_time(version: str, value: str, api: ApiClient) -> None:
    response = api.get(version, "/npq-applications", {"filter[updated_since]": value})

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "bad_filter")]
    assert response.json()["errors"][0]["detail"].startswith("'#/updated_since' must be an ISO 8601 date and time")


def test_v3_filters_by_participant(api: ApiClient, make: Make) -> None:
    first, second, third = make({}, {}, {})
    one, two = str(first.participant.public_id), str(second.participant.public_id)

    assert ids(api.get("v3", "/npq-applications", {"filter[participant_id]": one})) == of(first)
    assert ids(api.get("v3", "/npq-applications", {"filter[participant_id]": one.upper()})) == of(first)
    assert ids(api.get("v3", "/npq-applications", {"filter[participant_id]": f"{two}, {one},"})) == of(first, second)
    assert ids(api.get("v3", "/npq-applications", {"filter[participant_id]": ""})) == of(first, second, third)
    assert ids(api.get("v3", "/npq-applications", {"filter[participant_id]": str(uuid.uuid4())})) == []


def test_a_retired_participant_id_matches_nothing(api: ApiClient, make: Make) -> None:
    [application] = make({})
    retired = ParticipantFactory(merged_into=application.participant)
    ParticipantIdChangeFactory(participant=application.participant, from_participant_id=retired.public_id)

    assert ids(api.get("v3", "/npq-applications", {"filter[participant_id]": str(retired.public_id)})) == []


@pytest.mark.parametrize(
    "value", ["nonsense", ",", "null", "53847955-7cfg-41eb-a322-96c50adc742b", "1" * 36, "x" * 10**5]
)
def test_a_participant_id_must_be_one(value: str, api: ApiClient) -> None:
    response = api.get("v3", "/npq-applications", {"filter[participant_id]": value})

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "bad_filter")]


@pytest.mark.parametrize("name", ["filter[participant_id][]", "filter[participant_id][eq]", "filter[cohort][]"])
def test_a_filter_is_no_structure(name: str, api: ApiClient) -> None:
    response = api.get("v3", "/npq-applications", {name: str(uuid.uuid4())})

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "bad_filter")]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_v1_and_v2_do_not_know_the_participant_filter(version: str, api: ApiClient, make: Make) -> None:
    made = make({}, {})

    for value in (str(made[0].participant.public_id), "nonsense"):
        assert ids(api.get(version, "/npq-applications", {"filter[participant_id]": value})) == of(*made)


@every_version
def test_filters_go_together(version: str, api: ApiClient, make: Make) -> None:
    made = make({"cohort": CohortFactory(start_year=2021)}, {}, {})
    Application.objects.filter(id=made[1].id).update(updated_at=FIRST)

    query = {"filter[cohort]": "2023", "filter[updated_since]": "2024-06-01T00:00:00Z"}

    assert ids(api.get(version, "/npq-applications", query)) == of(made[2])


@every_version
@pytest.mark.parametrize("query", [{"filter": "x"}, {"filter": ""}, {"filter": "cohort=2021"}])
def test_filter_names_what_it_filters(version: str, query: dict[str, str], api: ApiClient) -> None:
    response = api.get(version, "/npq-applications", query)

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "filter_not_key_value")]


@every_version
def test_unknown_filters_and_parameters_are_ignored(version: str, api: ApiClient, make: Make) -> None:
    made = make({})
    query = {"filter[nonsense]": "x", "filter[]": "x", "filter[cohort": "1999", "nonsense": "x", "é": "é", "[": "]"}

    assert ids(api.get(version, "/npq-applications", query)) == of(*made)


@every_version
@pytest.mark.parametrize("query", ["filter[cohort]=%00", "a=%00", "%00=a", "sort=%00", "filter[updated_since]=a%00"])
def test_a_nul_anywhere_in_the_query_is_400(version: str, query: str, api: ApiClient) -> None:
    response = api.request("GET", version, f"/npq-applications?{query}")

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "unreadable_text")]


# Order


@pytest.mark.parametrize(
    ("sort", "wanted"),
    [
        ("created_at", [0, 1, 2]),
        ("-created_at", [2, 1, 0]),
        ("+created_at", [0, 1, 2]),
        (" created_at", [0, 1, 2]),
        ("updated_at", [2, 0, 1]),
        ("-updated_at", [1, 0, 2]),
        ("updated_at,created_at", [2, 0, 1]),
        ("nonsense,-created_at", [2, 1, 0]),
        ("-created_at,created_at", [2, 1, 0]),
        ("nonsense", [0, 1, 2]),
        ("--created_at", [0, 1, 2]),
        ("-", [0, 1, 2]),
        ("", [0, 1, 2]),
        (" ", [0, 1, 2]),
        (",,", [0, 1, 2]),
        ("email", [0, 1, 2]),
        ("participant__full_name", [0, 1, 2]),
        ("CREATED_AT", [0, 1, 2]),
        ("?", [0, 1, 2]),
        ("x" * 100_000, [0, 1, 2]),
    ],
)
def test_v3_sorts(sort: str, wanted: list[int], api: ApiClient, make: Make) -> None:
    made = make({}, {}, {})
    for application, days in zip(made, (2, 3, 1), strict=True):
        Application.objects.filter(id=application.id).update(updated_at=FIRST + timedelta(days=days))

    assert ids(api.get("v3", "/npq-applications", {"sort": sort})) == of(*(made[number] for number in wanted))


@pytest.mark.parametrize(
    ("sort", "wanted"),
    [
        ("updated_at", [0, 1, 2, 3, 4]),
        ("-updated_at", [4, 3, 2, 1, 0]),
        # No index happens to be in this order.
        ("updated_at,-created_at", [4, 3, 2, 1, 0]),
        ("-updated_at,created_at", [0, 1, 2, 3, 4]),
    ],
)
def test_pages_of_a_sorted_list_do_not_overlap(sort: str, wanted: list[int], api: ApiClient, make: Make) -> None:
    made = make(*[{"created_at": FIRST}] * 5)
    Application.objects.update(updated_at=FIRST)

    pages = [
        api.get("v3", "/npq-applications", {"sort": sort, "page[page]": str(n), "page[per_page]": "2"})
        for n in (1, 2, 3)
    ]

    # Of one instant, the order in which they were stored decides.
    assert [identifier for page in pages for identifier in ids(page)] == of(*(made[number] for number in wanted))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_v1_and_v2_do_not_sort(version: str, api: ApiClient, make: Make) -> None:
    made = make({}, {})

    assert ids(api.get(version, "/npq-applications", {"sort": "-created_at"})) == of(*made)


# The CSV of v1 and v2


COLUMNS = (
    "id,participant_id,full_name,email,email_validated,teacher_reference_number,teacher_reference_number_validated,"
    "school_urn,school_ukprn,private_childcare_provider_urn,headteacher_status,eligible_for_funding,funded_place,"
    "funding_choice,course_identifier,status,works_in_school,employer_name,employment_role,created_at,updated_at,cohort,"
    "ineligible_for_funding_reason,targeted_delivery_funding_eligibility,teacher_catchment,teacher_catchment_country,"
    "teacher_catchment_iso_country_code,itt_provider,lead_mentor"
)


def table(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.getvalue().decode())))


@with_csv
def test_the_csv_says_what_the_json_says(version: str, api: ApiClient, make: Make) -> None:
    make(
        {"employer_name": 'Northbeck, "the" Council\nof é', "accepted": True},
        {"rejected": True, "eligible_for_funding": False},
        {"course": CourseFactory(specialist=True)},
    )
    records = api.get(version, "/npq-applications").json()["data"]

    response = api.get(version, "/npq-applications.csv")

    assert response["Content-Type"] == "text/csv"
    assert response["Cache-Control"] == "no-store"
    rows = table(response)
    assert len(rows) == 3
    for row, record in zip(rows, records, strict=True):
        attributes = {"id": record["id"], **record["attributes"]}
        assert row == {name: in_a_cell(attributes[name]) for name in COLUMNS.split(",")}


def in_a_cell(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else value


@with_csv
def test_the_csv_has_its_columns_in_order_even_when_empty(version: str, api: ApiClient) -> None:
    assert api.get(version, "/npq-applications.csv").getvalue().decode() == COLUMNS + "\n"


@with_csv
def test_the_csv_takes_filters_and_no_pages(version: str, api: ApiClient, make: Make) -> None:
    make({}, {}, {"cohort": CohortFactory(start_year=2021)})
    pages = {"page[page]": "7", "page[per_page]": "1"}

    assert len(table(api.get(version, "/npq-applications.csv", pages))) == 3
    assert len(table(api.get(version, "/npq-applications.csv", {"filter[cohort]": "2023", **pages}))) == 2
    assert api.get(version, "/npq-applications.csv", {"page[page]": "0"}).status_code == 200


@with_csv
@pytest.mark.parametrize("query", [{"filter": "x"}, {"filter[updated_since]": "x"}])
def test_a_bad_filter_of_the_csv_is_told_in_json(version: str, query: dict[str, str], api: ApiClient) -> None:
    response = api.get(version, "/npq-applications.csv", query)

    assert response.status_code == 400
    assert response["Content-Type"] == "application/json"


@with_csv
def test_the_csv_of_many_rows_comes_in_pieces(
    version: str, api: ApiClient, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("npq.api.output.ROWS_PER_CHUNK", 2)
    made = make(*[{}] * 5)

    response = api.get(version, "/npq-applications.csv")

    assert len(list(response.streaming_content)) == 3
    assert [row["id"] for row in table(api.get(version, "/npq-applications.csv"))] == of(*made)


# Cost


@every_version
def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(version: str, api: ApiClient, make: Make) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            api.get(version, "/npq-applications")
        return len(captured)

    make({}, {"accepted": True})
    api.get(version, "/npq-applications")
    few = queries()
    make(*[{"cohort": CohortFactory(start_year=year)} for year in range(2021, 2027)] * 3)

    assert queries() == few
