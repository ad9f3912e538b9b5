"""POST /api/registration/v1/applications: the registration service's door (decisions.md §5; §8, Intake)."""

import re
from typing import Any

import pytest

from applications.api.intake import SUBMISSION
from applications.models import Application
from applications.services.submission import FIELDS, REQUIRED
from npq.core.choices import TokenScope
from npq.core.models import ApiToken, Change, LeadProvider
from participants.models import Participant
from tests.applications.submissions import smallest
from tests.conftest import ApiClient, errors_of
from tests.factories import (
    ApiTokenFactory,
    CohortFactory,
    CourseFactory,
    ParticipantFactory,
    ParticipantIdChangeFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def reference_data(provider: LeadProvider) -> None:
    CourseFactory()
    CohortFactory()


@pytest.fixture
def intake() -> "Intake":
    secret = ApiToken.new_secret()
    ApiTokenFactory(lead_provider=None, scope=TokenScope.REGISTRATION, secret=secret, label="registration")
    return Intake(secret)


class Intake(ApiClient):
    """Delivers applications."""

    def deliver(self, body: Any, **more: Any) -> Any:
        return self.request("POST", "registration/v1", "/applications", body=body, **more)


def test_the_first_delivery_is_201_and_the_repeat_200(intake: Intake) -> None:
    sent = smallest()

    first = intake.deliver(sent)
    second = intake.deliver(sent)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first["Content-Type"] == second["Content-Type"] == "application/json"
    shown = {"data": {"id": sent["id"], "participant_id": sent["participant_id"], "status": "pending"}}
    assert first.json() == second.json() == shown
    assert Application.objects.count() == 1


def test_other_content_is_409(intake: Intake) -> None:
    sent = smallest()
    intake.deliver(sent)

    response = intake.deliver({**sent, "email": "other@example.org"})

    assert response.status_code == 409
    assert errors_of(response) == [("id", "application_contradicted")]
    assert "with other content in email. Send a new application" in response.json()["errors"][0]["detail"]
    assert Application.objects.get().email == "priya@example.org"


def test_the_answer_names_the_survivor_of_a_retired_id(intake: Intake) -> None:
    survivor = ParticipantFactory()
    retired = ParticipantFactory(merged_into=survivor)
    ParticipantIdChangeFactory(participant=survivor, from_participant_id=retired.public_id)

    response = intake.deliver(smallest(participant_id=str(retired.public_id)))

    assert response.status_code == 201
    assert response.json()["data"]["participant_id"] == str(survivor.public_id)


def test_the_provider_sees_it(intake: Intake, api: ApiClient) -> None:
    sent = smallest(teacher_reference_number="9000001", teacher_catchment="wales", school_urn="140233")
    intake.deliver(sent)

    shown = api.get("v3", f"/npq-applications/{sent['id']}").json()["data"]["attributes"]

    assert shown["status"] == "pending"
    assert (shown["teacher_reference_number"], shown["teacher_reference_number_validated"]) == ("9000001", False)
    assert shown["teacher_catchment"] is True
    assert shown["email_validated"] is False
    assert (shown["school_urn"], shown["cohort"], shown["full_name"]) == ("140233", "2023", "Priya Okafor")


def test_the_trail_names_the_token(intake: Intake) -> None:
    intake.deliver(smallest())

    change = Change.objects.get(table="applications_application")
    assert (change.action, change.actor_kind, change.actor_name) == (
        "receive_application",
        "token",
        "Registration service (registration)",
    )


# Who may


def test_a_providers_token_is_unknown_here(api: ApiClient) -> None:
    response = api.request("POST", "registration/v1", "/applications", body=smallest())

    assert response.status_code == 401
    assert not Application.objects.exists()


def test_the_intakes_token_is_unknown_to_the_provider_api(intake: Intake) -> None:
    assert intake.get("v3", "/npq-applications").status_code == 401


def test_without_a_token_nothing_comes_in(stranger: ApiClient) -> None:
    response = stranger.request("POST", "registration/v1", "/applications", body=smallest())

    assert (response.status_code, response.json()) == (401, {"error": "HTTP Token: Access denied"})


def test_the_rate_limit_holds_here_too(intake: Intake, settings: Any) -> None:
    settings.NPQ_RATE_LIMIT = 2

    answers = [intake.deliver(smallest()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert int(answers[2]["Retry-After"]) > 0


# What cannot be taken


def test_every_missing_field_is_an_error_of_its_own(intake: Intake) -> None:
    response = intake.deliver({})

    assert response.status_code == 422
    assert errors_of(response) == [(name, "field_missing") for name in REQUIRED]


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_required_field_is_not_blank(intake: Intake, name: str, value: object) -> None:
    response = intake.deliver(smallest(**{name: value}))

    assert response.status_code == 422
    assert errors_of(response) == [(name, "field_missing")]


WRONG = [
    ("id", "not-a-uuid", "field_not_uuid"),
    ("id", 7, "field_not_uuid"),
    ("id", "2f0c9a5e5a8f4c0b9a360f6a0e6f7b11", "field_not_uuid"),
    ("id", "x" * 1_000_000, "field_not_uuid"),
    ("participant_id", ["2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11"], "field_not_uuid"),
    ("full_name", 7, "field_not_text"),
    ("full_name", {"first": "Priya"}, "field_not_text"),
    ("full_name", "x" * 256, "field_too_long"),
    ("email", "priya", "email_malformed"),
    ("email", "priya@example", "email_malformed"),
    ("email", "priya okafor@example.org", "email_malformed"),
    ("email", "priya@example.org\nBcc: x@example.org", "email_malformed"),
    ("email", "a@b@example.org", "email_malformed"),
    ("email", True, "field_not_text"),
    ("course_identifier", "npq-basket-weaving", "unknown_course"),
    ("course_identifier", 7, "field_not_text"),
    ("lead_provider", "Ambition Institute", "unknown_lead_provider"),
    ("cohort", 2050, "unknown_cohort"),
    ("cohort", "2023a", "cohort_not_year"),
    ("cohort", 2023.5, "cohort_not_year"),
    ("cohort", True, "cohort_not_year"),
    ("cohort", -2023, "cohort_not_year"),
    ("cohort", 10**400, "cohort_not_year"),
    ("cohort", "٢٠٢٣", "cohort_not_year"),
    ("cohort_suffix", "ab", "cohort_suffix_not_letter"),
    ("cohort_suffix", 1, "cohort_suffix_not_letter"),
    ("eligible_for_funding", "true", "field_not_boolean"),
    ("eligible_for_funding", 1, "field_not_boolean"),
    ("email_validated", "yes", "field_not_boolean"),
    ("teacher_reference_number", "900000", "trn_not_seven_digits"),
    ("teacher_reference_number", "90000011", "trn_not_seven_digits"),
    ("teacher_reference_number", "900000a", "trn_not_seven_digits"),
    ("teacher_reference_number", "٩٠٠٠٠٠١", "trn_not_seven_digits"),
    ("teacher_reference_number", 9000001, "trn_not_seven_digits"),
    ("teacher_reference_number_validated", True, "trn_validated_without_trn"),
    ("teacher_reference_number_validated", "false", "field_not_boolean"),
    ("date_of_birth", "1985-02-30", "field_not_date"),
    ("date_of_birth", "01/04/1985", "field_not_date"),
    ("date_of_birth", "1985-04-01T00:00:00Z", "field_not_date"),
    ("date_of_birth", 19850401, "field_not_date"),
    ("date_of_birth", "1899-12-31", "field_out_of_time"),
    ("date_of_birth", "2985-04-01", "field_out_of_time"),
    ("funding_choice", "nobody", "field_not_known"),
    ("headteacher_status", False, "field_not_known"),
    ("employment_type", "astronaut", "field_not_known"),
    ("teacher_catchment", "England", "field_not_known"),
    ("teacher_catchment_iso_country_code", "GB", "country_code_malformed"),
    ("works_as_senco", True, "field_not_known"),
    ("senco_start_date", "2025-13-01", "field_not_date"),
    ("funding_eligibility_status_code", "maybe", "field_not_known"),
    ("works_in_school", "yes", "field_not_boolean"),
    ("lead_mentor", 0, "field_not_boolean"),
    ("targeted_delivery_funding_eligibility", [], "field_not_boolean"),
    ("school_urn", 140233, "field_not_text"),
    ("school_urn", "1" * 3_000, "field_too_long"),
    ("previous_names", "Priya Reed", "field_not_list"),
    ("previous_names", ["Priya"] * 21, "field_not_list"),
    ("previous_names", [None], "field_not_text"),
    ("previous_names", ["x" * 256], "field_too_long"),
    ("created_at", "2024-07-06", "field_not_timestamp"),
    ("created_at", "2024-07-06T25:00:00Z", "field_not_timestamp"),
    ("created_at", 1720262844, "field_not_timestamp"),
    ("created_at", "2999-07-06T10:00:00Z", "field_out_of_time"),
    ("created_at", "0001-01-01T00:00:00Z", "field_out_of_time"),
]


@pytest.mark.parametrize(("name", "value", "code"), WRONG)
def test_a_field_that_cannot_be_taken(intake: Intake, name: str, value: object, code: str) -> None:
    response = intake.deliver(smallest(**{name: value}))

    assert response.status_code == 422
    assert errors_of(response) == [(name, code)]
    assert not Application.objects.exists()
    assert not Participant.objects.exists()


def test_an_instant_out_of_time_is_told_its_bounds_as_it_is_sent(intake: Intake) -> None:
    response = intake.deliver(smallest(created_at="2999-07-06T10:00:00Z"))

    (error,) = response.json()["errors"]
    assert re.search(r"between 2017-01-01T00:00:00Z and \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.", error["detail"])


def test_nobodys_trn_is_not_validated(intake: Intake) -> None:
    response = intake.deliver(smallest(teacher_reference_number="0000000", teacher_reference_number_validated=True))

    assert errors_of(response) == [("teacher_reference_number_validated", "trn_validated_without_trn")]


def test_several_wrong_fields_come_together_each_once(intake: Intake) -> None:
    response = intake.deliver(
        smallest(
            id="x",
            email="x",
            cohort=1999,
            cohort_suffix="?",
            teacher_reference_number="x",
            teacher_reference_number_validated=True,
        )
    )

    assert errors_of(response) == [
        ("id", "field_not_uuid"),
        ("email", "email_malformed"),
        ("teacher_reference_number", "trn_not_seven_digits"),
        ("cohort_suffix", "cohort_suffix_not_letter"),
    ]


def test_another_verified_trn_is_422(intake: Intake) -> None:
    person = ParticipantFactory(teacher_reference_number="9000001")

    response = intake.deliver(
        smallest(
            participant_id=str(person.public_id),
            teacher_reference_number="9000002",
            teacher_reference_number_validated=True,
        )
    )

    assert response.status_code == 422
    assert errors_of(response) == [("teacher_reference_number", "verified_trn_contradicted")]


@pytest.mark.parametrize("body", [[], [{}], "text", 7, True])
def test_the_body_is_one_flat_object(intake: Intake, body: object) -> None:
    response = intake.deliver(body)

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "not_an_object")]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"{", "malformed_json"), (b"\xff", "malformed_json"), (b'{"full_name": "\\u0000"}', "unreadable_text")],
)
def test_a_body_that_cannot_be_read(intake: Intake, body: bytes, code: str) -> None:
    response = intake.deliver(body)

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", code)]


def test_reading_is_not_offered(intake: Intake) -> None:
    response = intake.get("registration/v1", "/applications")

    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_what_is_documented_is_what_is_read() -> None:
    documented = SUBMISSION["v1"].attributes

    assert list(documented) == [*REQUIRED, *(name for name in FIELDS if name not in REQUIRED)]
    assert [name for name, given in documented.items() if given.required] == list(REQUIRED)
