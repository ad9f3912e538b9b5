"""GET /participants/npq and /participants/npq/{id}: who is shown, and what of them (api.md §2.2, §4.2, §6)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from npq.core.clock import wall_clock
from npq.core.models import LeadProvider
from participants.choices import TrainingStatus
from participants.models import Enrolment, Participant
from tests.conftest import ApiClient, errors_of
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    CourseFactory,
    EnrolmentFactory,
    ParticipantFactory,
    ParticipantIdChangeFactory,
    TrainingStatusChangeFactory,
)

pytestmark = pytest.mark.django_db
every_version = pytest.mark.parametrize("version", ["v1", "v2", "v3"])
AT = datetime(2024, 11, 5, 10, 30, tzinfo=UTC)


@pytest.fixture
def enrol(provider: LeadProvider) -> Callable[..., Enrolment]:
    """Makes an enrolment with the provider; `application` facts by `application__…`."""

    def make(**facts: Any) -> Enrolment:
        facts.setdefault("application__lead_provider", provider)
        return EnrolmentFactory(**facts)

    return make


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [record["id"] for record in response.json()["data"]]


def attributes(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    data = response.json()["data"]
    return (data[0] if isinstance(data, list) else data)["attributes"]


# The documents


@pytest.fixture
def golden(provider: LeadProvider) -> Enrolment:
    """A deferred participant with a retired id, all of whose values are fixed."""
    participant = ParticipantFactory(
        public_id="9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90",
        full_name="Priya Okafor",
        teacher_reference_number="9104857",
        previous_names=["Priya Nair"],
    )
    enrolment = EnrolmentFactory(
        application=ApplicationFactory(
            public_id="2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11",
            participant=participant,
            lead_provider=provider,
            cohort=CohortFactory(capped=True),
            email="p.okafor@ash-grove.example.org",
            funded_place=True,
        ),
        accepted_at=datetime(2024, 10, 10, 8, 15, tzinfo=UTC),
        training_status=TrainingStatus.DEFERRED,
    )
    TrainingStatusChangeFactory(
        enrolment=enrolment, status=TrainingStatus.DEFERRED, reason="parental-leave", changed_at=AT
    )
    ParticipantIdChangeFactory(
        participant=participant,
        from_participant_id="5b7f3a10-0c61-4a4d-9f3e-77c1d2a8e601",
        created_at=datetime(2024, 12, 1, 0, 10, tzinfo=UTC),
    )
    Participant.objects.update(updated_at=datetime(2024, 12, 1, 17, 9, 37, tzinfo=UTC))
    return enrolment


ENROLMENT_V2 = {
    "course_identifier": "npq-headship",
    "schedule_identifier": "npq-leadership-autumn",
    "cohort": "2024",
    "npq_application_id": "2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11",
    "eligible_for_funding": True,
    "training_status": "deferred",
    "school_urn": "140233",
    "targeted_delivery_funding_eligibility": False,
    "funded_place": True,
}
SHARED = {
    "full_name": "Priya Okafor",
    "teacher_reference_number": "9104857",
    "updated_at": "2024-12-01T17:09:37Z",
}
GOLDEN = {
    "v1": {
        **SHARED,
        "participant_id": "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90",
        "email": "p.okafor@ash-grove.example.org",
        "npq_courses": ["npq-headship"],
        "funded_places": [
            {
                "npq_course": "npq-headship",
                "funded_place": True,
                "npq_application_id": "2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11",
            }
        ],
    },
    "v2": {**SHARED, "email": "p.okafor@ash-grove.example.org", "npq_enrolments": [ENROLMENT_V2]},
    "v3": {
        **SHARED,
        "npq_enrolments": [
            {
                **ENROLMENT_V2,
                "email": "p.okafor@ash-grove.example.org",
                "withdrawal": None,
                "deferral": {"reason": "parental-leave", "date": "2024-11-05T10:30:00Z"},
                "created_at": "2024-10-10T08:15:00Z",
                "cohort_suffix": "a",
            }
        ],
        "participant_id_changes": [
            {
                "from_participant_id": "5b7f3a10-0c61-4a4d-9f3e-77c1d2a8e601",
                "to_participant_id": "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90",
                "changed_at": "2024-12-01T00:10:00Z",
            }
        ],
        "previous_names": ["Priya Nair"],
    },
}


@every_version
def test_the_document(version: str, api: ApiClient, golden: Enrolment) -> None:
    expected = {
        "id": "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90",
        "type": "npq-participant",
        "attributes": GOLDEN[version],
    }

    assert api.get(version, "/participants/npq").json() == {"data": [expected]}
    assert api.get(version, f"/participants/npq/{golden.participant.public_id}").json() == {"data": expected}


def test_the_csv(api: ApiClient, golden: Enrolment) -> None:
    response = api.get("v2", "/npq-enrolments.csv")

    assert response["Content-Type"] == "text/csv"
    assert response.getvalue().decode() == (
        "participant_id,course_identifier,schedule_identifier,cohort,npq_application_id,eligible_for_funding,"
        "training_status,school_urn,funded_place\n"
        "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90,npq-headship,npq-leadership-autumn,2024,"
        "2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11,true,deferred,140233,true\n"
    )


# Who is shown


@every_version
def test_a_person_appears_once_with_the_callers_standing_enrolments(
    version: str, api: ApiClient, enrol: Callable[..., Enrolment], rival_provider: LeadProvider
) -> None:
    first = enrol()
    person = first.participant
    second = enrol(
        application__participant=person,
        application__course=CourseFactory(specialist=True),
        training_status=TrainingStatus.WITHDRAWN,
        accepted_at=first.accepted_at + timedelta(days=1),
    )
    enrol(application__participant=person, application__course=CourseFactory(ehco=True), undone_at=AT)
    EnrolmentFactory(
        application__participant=person,
        application__lead_provider=rival_provider,
        application__course=CourseFactory(aso=True),
    )
    ApplicationFactory(participant=person, lead_provider=first.lead_provider, course=CourseFactory(aso=True))

    response = api.get(version, "/participants/npq")

    assert ids(response) == [str(person.public_id)]
    shown = attributes(response)
    names = {"v1": "funded_places"}.get(version, "npq_enrolments")
    assert [each["npq_application_id"] for each in shown[names]] == [
        str(first.application.public_id),
        str(second.application.public_id),
    ]
    if version == "v1":
        assert shown["npq_courses"] == ["npq-headship", "npq-leading-teaching"]


@every_version
def test_people_without_an_accepted_application_are_not_shown(
    version: str, api: ApiClient, enrol: Callable[..., Enrolment], provider: LeadProvider, rival_provider: LeadProvider
) -> None:
    pending = ApplicationFactory(lead_provider=provider).participant
    rejected = ApplicationFactory(lead_provider=provider, rejected=True).participant
    undone = enrol(undone_at=AT).participant
    rivals = EnrolmentFactory(application__lead_provider=rival_provider).participant

    assert ids(api.get(version, "/participants/npq")) == []
    for person in (pending, rejected, undone, rivals):
        response = api.get(version, f"/participants/npq/{person.public_id}")
        assert response.status_code == 404
        assert response.json() == {"error": "Resource not found"}


@every_version
@pytest.mark.parametrize(
    "identifier", ["123XXX", "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90", "9D1E7C446B0A4F7E8A2D3C5B1F0D2E90"]
)
def test_an_unknown_id_is_404(version: str, api: ApiClient, identifier: str) -> None:
    assert api.get(version, f"/participants/npq/{identifier}").status_code == 404


@every_version
def test_the_oldest_person_comes_first_and_pages_follow(
    version: str, api: ApiClient, enrol: Callable[..., Enrolment]
) -> None:
    people = [enrol().participant for _ in range(3)]
    for age, person in zip((1, 3, 2), people, strict=True):
        Participant.objects.filter(id=person.id).update(created_at=AT - timedelta(days=age))
    oldest_first = [str(people[index].public_id) for index in (1, 2, 0)]

    assert ids(api.get(version, "/participants/npq")) == oldest_first
    pages = [
        ids(api.get(version, "/participants/npq", {"page[page]": str(page), "page[per_page]": "2"}))
        for page in (1, 2, 3)
    ]
    assert pages == [oldest_first[:2], oldest_first[2:], []]


# What is shown


@every_version
def test_the_trn_is_shown_once_it_is_verified(version: str, api: ApiClient, enrol: Callable[..., Enrolment]) -> None:
    enrolment = enrol(application__participant=ParticipantFactory(unverified=True))

    assert attributes(api.get(version, "/participants/npq"))["teacher_reference_number"] is None

    Participant.objects.filter(id=enrolment.participant_id).update(teacher_reference_number_verified=True)
    shown = attributes(api.get(version, "/participants/npq"))
    assert shown["teacher_reference_number"] == enrolment.participant.teacher_reference_number


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_email_is_that_of_the_callers_newest_accepted_application(
    version: str, api: ApiClient, enrol: Callable[..., Enrolment], rival_provider: LeadProvider
) -> None:
    older = enrol(application__email="older@example.org")
    person = older.participant
    enrol(
        application__participant=person,
        application__email="newer@example.org",
        application__course=CourseFactory(specialist=True),
        accepted_at=older.accepted_at + timedelta(days=1),
    )
    EnrolmentFactory(
        application__participant=person,
        application__lead_provider=rival_provider,
        application__email="rival@example.org",
        application__course=CourseFactory(ehco=True),
        accepted_at=older.accepted_at + timedelta(days=2),
    )

    assert attributes(api.get(version, "/participants/npq"))["email"] == "newer@example.org"


BLOCKS = {TrainingStatus.WITHDRAWN: "withdrawal", TrainingStatus.DEFERRED: "deferral"}


@pytest.mark.parametrize("status", list(BLOCKS))
def test_the_newest_row_of_the_callers_own_is_shown_while_the_status_lasts(
    status: TrainingStatus, api: ApiClient, enrol: Callable[..., Enrolment]
) -> None:
    enrolment = enrol(training_status=status)
    TrainingStatusChangeFactory(enrolment=enrolment, status=status, reason="career-break", changed_at=AT)
    TrainingStatusChangeFactory(enrolment=enrolment, status=status, reason="other", changed_at=AT + timedelta(days=1))
    other = BLOCKS[next(each for each in BLOCKS if each != status)]

    (shown,) = attributes(api.get("v3", "/participants/npq"))["npq_enrolments"]
    assert shown[BLOCKS[status]] == {"reason": "other", "date": "2024-11-06T10:30:00Z"}
    assert shown[other] is None

    Enrolment.objects.update(training_status=TrainingStatus.ACTIVE)
    (shown,) = attributes(api.get("v3", "/participants/npq"))["npq_enrolments"]
    assert shown["withdrawal"] is shown["deferral"] is None


@pytest.mark.parametrize("status", list(BLOCKS))
@pytest.mark.parametrize("recorded_by", ["rival", "staff"])
def test_what_another_recorded_is_not_shown(
    status: TrainingStatus,
    recorded_by: str,
    api: ApiClient,
    enrol: Callable[..., Enrolment],
    rival_provider: LeadProvider,
) -> None:
    enrolment = enrol(training_status=status)
    recorder = rival_provider if recorded_by == "rival" else None
    TrainingStatusChangeFactory(enrolment=enrolment, status=status, reason="other", lead_provider=recorder)

    (shown,) = attributes(api.get("v3", "/participants/npq"))["npq_enrolments"]

    assert shown["training_status"] == status
    assert shown[BLOCKS[status]] is None


def test_id_changes_come_newest_first(api: ApiClient, enrol: Callable[..., Enrolment]) -> None:
    person = enrol().participant
    older = ParticipantIdChangeFactory(participant=person, created_at=AT)
    newer = ParticipantIdChangeFactory(participant=person, created_at=AT + timedelta(days=1))
    ParticipantIdChangeFactory()

    shown = attributes(api.get("v3", "/participants/npq"))["participant_id_changes"]

    assert [each["from_participant_id"] for each in shown] == [
        str(newer.from_participant_id),
        str(older.from_participant_id),
    ]


@every_version
def test_the_number_of_statements_does_not_grow(version: str, api: ApiClient, enrol: Callable[..., Enrolment]) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            api.get(version, "/participants/npq")
        return len(captured)

    for _ in range(2):
        enrol()
    statements()
    few = statements()
    for _ in range(18):
        ParticipantIdChangeFactory(participant=enrol().participant)

    assert statements() == few
    with CaptureQueriesContext(connection) as captured:
        api.get(version, "/participants/npq")
    # The ids of the page, and everything about those people.
    assert len([query for query in captured if "participants_" in query["sql"]]) == 2


# Filters and order


@every_version
def test_updated_since_is_inclusive(version: str, api: ApiClient, enrol: Callable[..., Enrolment]) -> None:
    for day in (4, 5, 6):
        person = enrol().participant
        Participant.objects.filter(id=person.id).update(updated_at=AT.replace(day=day))

    found = ids(api.get(version, "/participants/npq", {"filter[updated_since]": "2024-11-05T10:30:00Z"}))

    assert len(found) == 2


@every_version
def test_a_bad_updated_since_is_400(version: str, api: ApiClient) -> None:
    response = api.get(version, "/participants/npq", {"filter[updated_since]": "2024-11-05"})

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "bad_filter")]


@pytest.mark.parametrize("status", TrainingStatus.values)
def test_training_status_narrows_people_and_enrolments(
    status: str, api: ApiClient, enrol: Callable[..., Enrolment]
) -> None:
    courses = [CourseFactory(), CourseFactory(specialist=True), CourseFactory(ehco=True)]
    person = ParticipantFactory()
    for course, each in zip(courses, TrainingStatus.values, strict=True):
        enrol(application__participant=person, application__course=course, training_status=each)
    for each in TrainingStatus.values:
        if each != status:
            enrol(training_status=each)

    response = api.get("v3", "/participants/npq", {"filter[training_status]": status})

    assert ids(response) == [str(person.public_id)]
    assert [each["training_status"] for each in attributes(response)["npq_enrolments"]] == [status]


def test_an_unknown_training_status_is_422(api: ApiClient) -> None:
    response = api.get("v3", "/participants/npq", {"filter[training_status]": "paused"})

    assert response.status_code == 422
    assert errors_of(response) == [("Unpermitted parameters", "unknown_training_status")]
    assert '["active", "deferred", "withdrawn"]' in response.json()["errors"][0]["detail"]


def test_from_participant_id_finds_the_survivor_and_narrows_the_changes(
    api: ApiClient, enrol: Callable[..., Enrolment]
) -> None:
    person = enrol().participant
    wanted, _ = (ParticipantIdChangeFactory(participant=person) for _ in range(2))
    ParticipantIdChangeFactory(participant=enrol().participant)

    response = api.get("v3", "/participants/npq", {"filter[from_participant_id]": str(wanted.from_participant_id)})

    assert ids(response) == [str(person.public_id)]
    (change,) = attributes(response)["participant_id_changes"]
    assert change["from_participant_id"] == str(wanted.from_participant_id)


@pytest.mark.parametrize(
    "value", ["garbage", "5b7f3a10-0c61-4a4d-9f3e-77c1d2a8e601", "00000000-0000-0000-0000-000000000000"]
)
def test_an_unknown_from_participant_id_finds_nobody(
    value: str, api: ApiClient, enrol: Callable[..., Enrolment]
) -> None:
    ParticipantIdChangeFactory(participant=enrol().participant)

    assert ids(api.get("v3", "/participants/npq", {"filter[from_participant_id]": value})) == []


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_older_versions_ignore_what_they_do_not_know(
    version: str, api: ApiClient, enrol: Callable[..., Enrolment]
) -> None:
    people = [str(enrol().participant.public_id) for _ in range(2)]
    query = {"filter[training_status]": "paused", "filter[from_participant_id]": people[0], "sort": "-created_at"}

    assert ids(api.get(version, "/participants/npq", query)) == people


@pytest.mark.parametrize(
    ("sort", "order"),
    [("created_at", [0, 1]), ("-created_at", [1, 0]), ("updated_at", [1, 0]), ("-updated_at", [0, 1]), ("x", [0, 1])],
)
def test_v3_sorts(sort: str, order: list[int], api: ApiClient, enrol: Callable[..., Enrolment]) -> None:
    people = [enrol().participant for _ in range(2)]
    for age, person in enumerate(people):
        Participant.objects.filter(id=person.id).update(
            created_at=AT + timedelta(days=age), updated_at=AT - timedelta(days=age)
        )

    found = ids(api.get("v3", "/participants/npq", {"sort": sort}))

    assert found == [str(people[index].public_id) for index in order]


# The CSV


def test_the_csv_has_every_standing_enrolment_in_the_order_of_applications(
    api: ApiClient, enrol: Callable[..., Enrolment], rival_provider: LeadProvider
) -> None:
    second, first = enrol(application__created_at=AT), enrol(application__created_at=AT - timedelta(days=1))
    third = enrol(
        application__participant=first.participant,
        application__course=CourseFactory(specialist=True),
        application__created_at=AT + timedelta(days=1),
        application__school_urn=None,
    )
    enrol(undone_at=AT)
    EnrolmentFactory(application__lead_provider=rival_provider)

    lines = api.get("v2", "/npq-enrolments.csv", {"page[per_page]": "1"}).getvalue().decode().splitlines()

    assert [line.split(",")[4] for line in lines[1:]] == [
        str(enrolment.application.public_id) for enrolment in (first, second, third)
    ]
    assert lines[3].endswith(",active,,")


def test_the_csv_of_nobody_is_its_header(api: ApiClient) -> None:
    assert api.get("v2", "/npq-enrolments.csv").getvalue().decode().count("\n") == 1


def test_the_csv_knows_updated_since(api: ApiClient, enrol: Callable[..., Enrolment]) -> None:
    enrol()
    moment = (wall_clock() + timedelta(minutes=1)).isoformat()

    lines = api.get("v2", "/npq-enrolments.csv", {"filter[updated_since]": moment}).getvalue().decode().splitlines()

    assert len(lines) == 1


@pytest.mark.parametrize("path", ["/npq-enrolments", "/npq-enrolments.csv"])
@pytest.mark.parametrize("version", ["v1", "v3"])
def test_only_v2_has_the_csv(version: str, path: str, api: ApiClient) -> None:
    assert api.get(version, path).status_code == 404


@every_version
@pytest.mark.parametrize("path", ["/participants/npq", "/participants/npq/9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90"])
def test_a_stranger_is_401(version: str, path: str, stranger: ApiClient) -> None:
    assert stranger.get(version, path).status_code == 401
