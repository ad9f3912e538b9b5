"""POST /npq-applications/{id}/accept: every row of the accept table (api.md §5.3), in each version."""

from collections.abc import Callable
from datetime import date

import pytest

from applications.models import Application
from npq.core.choices import MessageKind
from npq.core.clock import wall_clock
from npq.core.models import Change, Cohort, LeadProvider, Message
from participants.models import Enrolment, Participant, ParticipantQuerySet, ScheduleWindow
from tests.conftest import NOW, ApiClient, errors_of
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    CourseFactory,
    EnrolmentFactory,
    LeadProviderFactory,
    ParticipantFactory,
    ScheduleFactory,
    ScheduleWindowFactory,
)

pytestmark = pytest.mark.django_db
every_version = pytest.mark.parametrize("version", ["v1", "v2", "v3"])


@pytest.fixture
def application(provider: LeadProvider) -> Application:
    return in_cohort(provider, CohortFactory())


@pytest.fixture
def capped(provider: LeadProvider) -> Application:
    return in_cohort(provider, CohortFactory(capped=True))


@pytest.fixture
def unfunded(provider: LeadProvider) -> Application:
    return in_cohort(provider, CohortFactory(unfunded=True))


def in_cohort(provider: LeadProvider, cohort: Cohort) -> Application:
    made = ApplicationFactory(lead_provider=provider, cohort=cohort)
    ScheduleWindowFactory(schedule=ScheduleFactory(cohort=cohort))
    return made


@every_version
def test_accepting_enrols_the_participant(version: str, api: ApiClient, application: Application) -> None:
    response = api.post(version, f"/npq-applications/{application.public_id}/accept")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json()["data"]["attributes"]["status"] == "accepted"
    enrolment = Enrolment.objects.get(application=application)
    assert enrolment.schedule.identifier == "npq-leadership-autumn"
    assert enrolment.training_status == "active"


def test_v3_shows_the_schedule(api: ApiClient, application: Application) -> None:
    response = api.post("v3", f"/npq-applications/{application.public_id}/accept")

    assert response.json()["data"]["attributes"]["schedule_identifier"] == "npq-leadership-autumn"


@every_version
def test_accepting_rejects_the_other_pending_applications_for_course_and_cohort(
    version: str, api: ApiClient, application: Application
) -> None:
    sibling = ApplicationFactory(participant=application.participant)
    other_course = ApplicationFactory(participant=application.participant, course=CourseFactory(specialist=True))
    other_cohort = ApplicationFactory(participant=application.participant, cohort=CohortFactory(start_year=2022))
    somebody_else = ApplicationFactory()

    api.post(version, f"/npq-applications/{application.public_id}/accept")

    states = {row.id: (row.status, row.reason_for_rejection) for row in Application.objects.all()}
    assert states[sibling.id] == ("rejected", "other_application_in_this_cohort_accepted")
    assert states[other_course.id] == states[other_cohort.id] == states[somebody_else.id] == ("pending", None)
    kinds = set(Message.objects.values_list("kind", "application_public_id"))
    assert kinds == {
        (MessageKind.APPLICATION_ACCEPTED, application.public_id),
        (MessageKind.APPLICATION_REJECTED_AUTOMATICALLY, sibling.public_id),
    }


@every_version
def test_accepting_twice_is_refused(version: str, api: ApiClient, application: Application) -> None:
    api.post(version, f"/npq-applications/{application.public_id}/accept")

    response = api.post(version, f"/npq-applications/{application.public_id}/accept")

    assert response.status_code == 422
    assert errors_of(response) == [("application", "application_already_accepted")]
    assert Enrolment.objects.count() == 1


@every_version
def test_another_persons_verified_trn_counts(version: str, api: ApiClient, application: Application) -> None:
    same_trn = ParticipantFactory(teacher_reference_number=application.participant.teacher_reference_number)
    ApplicationFactory(participant=same_trn, lead_provider=LeadProviderFactory(), accepted=True)

    response = api.post(version, f"/npq-applications/{application.public_id}/accept")

    assert response.status_code == 422
    assert errors_of(response) == [("application", "participant_already_accepted_on_course")]


@every_version
def test_the_trail_names_the_token(
    version: str, api: ApiClient, application: Application, provider: LeadProvider
) -> None:
    api.post(version, f"/npq-applications/{application.public_id}/accept")

    change = Change.objects.get(table="applications_application", record_id=application.id, operation="update")
    assert change.action == "accept_application"
    assert change.actor_kind == "token"
    assert change.lead_provider_id == provider.id
    assert change.before["status"] == "pending"
    assert change.after["status"] == "accepted"


# Refusals: each row of the table


@every_version
def test_a_rejected_application_stays_rejected(version: str, api: ApiClient, provider: LeadProvider) -> None:
    rejected = ApplicationFactory(lead_provider=provider, rejected=True)

    response = api.post(version, f"/npq-applications/{rejected.public_id}/accept")

    assert response.status_code == 422
    assert errors_of(response) == [("application", "application_already_rejected")]
    rejected.refresh_from_db()
    assert rejected.status == "rejected"


@every_version
@pytest.mark.parametrize("funded_place", [None, "true", "false", "", 1, 0, [], {}])
def test_a_capped_cohort_needs_a_boolean(
    version: str, funded_place: object, api: ApiClient, capped: Application
) -> None:
    response = api.post(version, f"/npq-applications/{capped.public_id}/accept", {"funded_place": funded_place})

    assert response.status_code == 422
    assert errors_of(response) == [("funded_place", "funded_place_required")]
    assert not Enrolment.objects.exists()


@every_version
def test_a_capped_cohort_needs_a_body(version: str, api: ApiClient, capped: Application) -> None:
    response = api.post(version, f"/npq-applications/{capped.public_id}/accept")

    assert errors_of(response) == [("funded_place", "funded_place_required")]


@every_version
@pytest.mark.parametrize("funded_place", [True, False])
def test_a_capped_cohort_stores_the_funded_place(
    version: str, funded_place: bool, api: ApiClient, capped: Application
) -> None:
    response = api.post(version, f"/npq-applications/{capped.public_id}/accept", {"funded_place": funded_place})

    assert response.status_code == 200
    assert response.json()["data"]["attributes"]["funded_place"] is funded_place


@every_version
@pytest.mark.parametrize("funded_place", [None, True, "false", 0])
def test_an_unfunded_cohort_needs_false(
    version: str, funded_place: object, api: ApiClient, unfunded: Application
) -> None:
    response = api.post(version, f"/npq-applications/{unfunded.public_id}/accept", {"funded_place": funded_place})

    assert response.status_code == 422
    assert errors_of(response) == [("funded_place", "funded_place_must_be_false")]


@every_version
def test_an_unfunded_cohort_stores_false(version: str, api: ApiClient, unfunded: Application) -> None:
    response = api.post(version, f"/npq-applications/{unfunded.public_id}/accept", {"funded_place": False})

    assert response.status_code == 200
    assert response.json()["data"]["attributes"]["funded_place"] is False


@every_version
@pytest.mark.parametrize("funded_place", [True, False, "true", {"a": 1}])
def test_a_full_cohort_ignores_the_funded_place(
    version: str, funded_place: object, api: ApiClient, application: Application
) -> None:
    response = api.post(version, f"/npq-applications/{application.public_id}/accept", {"funded_place": funded_place})

    assert response.status_code == 200
    assert response.json()["data"]["attributes"]["funded_place"] is None


@every_version
def test_a_funded_place_needs_eligibility(version: str, api: ApiClient, capped: Application) -> None:
    Application.objects.update(eligible_for_funding=False)

    response = api.post(version, f"/npq-applications/{capped.public_id}/accept", {"funded_place": True})

    assert response.status_code == 422
    assert errors_of(response) == [("application", "not_eligible_for_funded_place")]
    assert api.post(version, f"/npq-applications/{capped.public_id}/accept", {"funded_place": False}).status_code == 200


@every_version
def test_policy_makes_eligible_for_a_funded_place(version: str, api: ApiClient, capped: Application) -> None:
    Application.objects.update(eligible_for_funding=False, funding_eligibility_status_code="marked_funded_by_policy")

    response = api.post(version, f"/npq-applications/{capped.public_id}/accept", {"funded_place": True})

    assert response.status_code == 200
    assert response.json()["data"]["attributes"]["eligible_for_funding"] is True


@every_version
@pytest.mark.parametrize("cohort", [{}, {"start_year": 2021}])
def test_one_acceptance_on_a_course_in_any_cohort(
    version: str, cohort: dict[str, int], api: ApiClient, application: Application
) -> None:
    ApplicationFactory(participant=application.participant, cohort=CohortFactory(**cohort), accepted=True)

    response = api.post(version, f"/npq-applications/{application.public_id}/accept")

    assert response.status_code == 422
    assert errors_of(response) == [("application", "participant_already_accepted_on_course")]


@every_version
def test_aso_and_ehco_are_one_course(version: str, api: ApiClient, provider: LeadProvider) -> None:
    ehco = ApplicationFactory(lead_provider=provider, course=CourseFactory(ehco=True))
    ScheduleWindowFactory(schedule=ScheduleFactory(cohort=ehco.cohort, course_group="ehco"))
    ApplicationFactory(participant=ehco.participant, course=CourseFactory(aso=True), accepted=True)

    response = api.post(version, f"/npq-applications/{ehco.public_id}/accept")

    assert errors_of(response) == [("application", "participant_already_accepted_on_course")]


@every_version
@pytest.mark.parametrize("undone", [False, True])
def test_a_withdrawn_or_undone_acceptance_is_not_in_the_way(
    version: str, undone: bool, api: ApiClient, application: Application
) -> None:
    other = ApplicationFactory(participant=application.participant, cohort=CohortFactory(start_year=2021))
    if undone:
        EnrolmentFactory(application=other, undone_at=NOW)
    else:
        EnrolmentFactory(application=other, training_status="withdrawn")

    response = api.post(version, f"/npq-applications/{application.public_id}/accept")

    assert response.status_code == 200
    other.refresh_from_db()
    assert other.status == ("pending" if undone else "accepted")


@every_version
def test_a_deferred_acceptance_is_in_the_way(version: str, api: ApiClient, application: Application) -> None:
    other = ApplicationFactory(participant=application.participant, cohort=CohortFactory(start_year=2021))
    EnrolmentFactory(application=other, training_status="deferred")

    response = api.post(version, f"/npq-applications/{application.public_id}/accept")

    assert errors_of(response) == [("application", "participant_already_accepted_on_course")]


@every_version
def test_an_unverified_trn_makes_nobody_the_same_person(version: str, api: ApiClient, application: Application) -> None:
    other = ParticipantFactory(
        teacher_reference_number=application.participant.teacher_reference_number, unverified=True
    )
    ApplicationFactory(participant=other, accepted=True)

    response = api.post(version, f"/npq-applications/{application.public_id}/accept")

    assert response.status_code == 200


@every_version
def test_without_a_window_there_is_no_default_schedule(version: str, api: ApiClient, application: Application) -> None:
    ScheduleWindow.objects.all().delete()

    response = api.post(version, f"/npq-applications/{application.public_id}/accept")

    assert response.status_code == 422
    assert errors_of(response) == [("schedule", "no_default_schedule")]
    assert "npq-leadership-autumn" in response.json()["errors"][0]["detail"]


@pytest.mark.parametrize("given", [None, "", "  "])
def test_a_blank_schedule_is_not_given(given: object, api: ApiClient, application: Application) -> None:
    response = api.post("v3", f"/npq-applications/{application.public_id}/accept", {"schedule_identifier": given})

    assert response.json()["data"]["attributes"]["schedule_identifier"] == "npq-leadership-autumn"


def test_v3_takes_the_schedule_asked_for(api: ApiClient, application: Application) -> None:
    ScheduleFactory(cohort=application.cohort, identifier="npq-leadership-spring")

    response = api.post(
        "v3",
        f"/npq-applications/{application.public_id}/accept",
        {"schedule_identifier": "npq-leadership-spring"},
    )

    assert response.json()["data"]["attributes"]["schedule_identifier"] == "npq-leadership-spring"


@pytest.mark.parametrize("given", ["no-such-schedule", "NPQ-LEADERSHIP-AUTUMN", 7, True, [], {"a": 1}, "x" * 1_000_000])
def test_v3_refuses_an_unknown_schedule(given: object, api: ApiClient, application: Application) -> None:
    response = api.post("v3", f"/npq-applications/{application.public_id}/accept", {"schedule_identifier": given})

    assert response.status_code == 422
    assert errors_of(response) == [("schedule_identifier", "schedule_not_in_cohort")]
    assert not Enrolment.objects.exists()


def test_v3_refuses_a_schedule_of_another_cohort(api: ApiClient, application: Application) -> None:
    ScheduleFactory(cohort=CohortFactory(start_year=2022), identifier="npq-leadership-spring")

    response = api.post(
        "v3",
        f"/npq-applications/{application.public_id}/accept",
        {"schedule_identifier": "npq-leadership-spring"},
    )

    assert errors_of(response) == [("schedule_identifier", "schedule_not_in_cohort")]


def test_v3_refuses_a_schedule_for_other_courses(api: ApiClient, application: Application) -> None:
    ScheduleFactory(cohort=application.cohort, course_group="specialist", identifier="npq-specialist-autumn")

    response = api.post(
        "v3",
        f"/npq-applications/{application.public_id}/accept",
        {"schedule_identifier": "npq-specialist-autumn"},
    )

    assert response.status_code == 422
    assert errors_of(response) == [("schedule_identifier", "schedule_not_for_course")]


def test_several_refusals_come_together(api: ApiClient, capped: Application) -> None:
    ApplicationFactory(participant=capped.participant, accepted=True)

    response = api.post(
        "v3",
        f"/npq-applications/{capped.public_id}/accept",
        {"funded_place": "yes", "schedule_identifier": "none"},
    )

    assert errors_of(response) == [
        ("funded_place", "funded_place_required"),
        ("application", "participant_already_accepted_on_course"),
        ("schedule_identifier", "schedule_not_in_cohort"),
    ]


# The envelope


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_v1_and_v2_know_no_schedule(version: str, api: ApiClient, application: Application) -> None:
    response = api.post(
        version,
        f"/npq-applications/{application.public_id}/accept",
        {"schedule_identifier": "npq-leadership-autumn"},
    )

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "wrong_json_structure")]


@every_version
@pytest.mark.parametrize(
    "body",
    [
        {"data": None},
        {"data": []},
        {"data": {}},
        {"data": {"type": "npq-application-accept"}},
        {"data": {"attributes": None}},
        {"data": {"attributes": []}},
        {"data": {"attributes": {}}},
        {"data": {"attributes": {"funded_palce": True}}},
        [],
        "text",
        7,
    ],
)
def test_a_misspelled_body_is_noticed(version: str, body: object, api: ApiClient, application: Application) -> None:
    response = api.request("POST", version, f"/npq-applications/{application.public_id}/accept", body=body)

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "wrong_json_structure")]
    assert not Enrolment.objects.exists()


@every_version
@pytest.mark.parametrize("body", [None, b"", b"  ", {}, {"meta": {}}])
def test_the_body_may_be_left_out(version: str, body: object, api: ApiClient, application: Application) -> None:
    response = api.request("POST", version, f"/npq-applications/{application.public_id}/accept", body=body)

    assert response.status_code == 200


@every_version
def test_type_and_other_attributes_are_ignored(version: str, api: ApiClient, capped: Application) -> None:
    body = {"data": {"type": 7, "id": [], "attributes": {"funded_place": True, "foo": "bar", "reason": None}}}

    response = api.request("POST", version, f"/npq-applications/{capped.public_id}/accept", body=body)

    assert response.status_code == 200


@every_version
def test_another_providers_application_is_not_found(
    version: str, rival_api: ApiClient, application: Application
) -> None:
    response = rival_api.post(version, f"/npq-applications/{application.public_id}/accept")

    assert response.status_code == 404
    assert response.json() == {"error": "Resource not found"}


# What else it does


def test_the_schedule_follows_the_uk_date(api: ApiClient, application: Application) -> None:
    ScheduleWindow.objects.all().delete()
    autumn = ScheduleFactory(cohort=application.cohort)
    spring = ScheduleFactory(cohort=application.cohort, identifier="npq-leadership-spring")
    ScheduleWindowFactory(schedule=autumn, last_day=date(2024, 6, 30))
    ScheduleWindowFactory(schedule=spring, first_day=date(2024, 7, 1))

    response = api.post(
        "v3",
        f"/npq-applications/{application.public_id}/accept",
        headers={"X-With-Server-Date": "2024-06-30T23:30:00Z"},
    )

    assert response.json()["data"]["attributes"]["schedule_identifier"] == "npq-leadership-spring"


def test_only_the_same_participants_pending_applications_are_rejected(
    api: ApiClient, application: Application, rival_provider: LeadProvider
) -> None:
    who, trn = application.participant, application.participant.teacher_reference_number
    ApplicationFactory(participant=who, cohort=application.cohort, rejected=True)
    twin = ApplicationFactory(participant=ParticipantFactory(teacher_reference_number=trn), cohort=application.cohort)
    own = ApplicationFactory(participant=who, cohort=application.cohort, lead_provider=application.lead_provider)
    withdrawn = ApplicationFactory(participant=who, cohort=application.cohort, lead_provider=rival_provider)
    EnrolmentFactory(application=withdrawn, training_status="withdrawn")

    assert api.post("v3", f"/npq-applications/{application.public_id}/accept").status_code == 200

    found = dict(Application.objects.values_list("id", "reason_for_rejection"))
    assert found[own.id] == "other_application_in_this_cohort_accepted"
    assert found[twin.id] is None
    assert sorted(filter(None, found.values())) == ["other_application_in_this_cohort_accepted", "rejected_by_provider"]
    withdrawn.refresh_from_db()
    assert withdrawn.status == "accepted"


def test_everything_of_the_person_reappears_to_pollers(
    client_of: Callable[[LeadProvider], ApiClient],
    api: ApiClient,
    application: Application,
    rival_provider: LeadProvider,
) -> None:
    sibling = ApplicationFactory(participant=application.participant, lead_provider=rival_provider)
    other_course = ApplicationFactory(
        participant=application.participant, lead_provider=rival_provider, course=CourseFactory(specialist=True)
    )
    ApplicationFactory(lead_provider=rival_provider)
    since = wall_clock().isoformat()

    api.post("v3", f"/npq-applications/{application.public_id}/accept")

    seen = client_of(rival_provider).get("v3", "/npq-applications", {"filter[updated_since]": since}).json()["data"]
    assert [record["id"] for record in seen] == [str(sibling.public_id), str(other_course.public_id)]
    mine = api.get("v3", "/npq-applications", {"filter[updated_since]": since}).json()["data"]
    assert [record["id"] for record in mine] == [str(application.public_id)]
    assert Participant.objects.get(id=application.participant_id).updated_at.isoformat() > since


def test_a_message_has_what_its_template_fills_in(api: ApiClient, application: Application) -> None:
    ApplicationFactory(participant=application.participant, email="second@example.org")

    api.post("v3", f"/npq-applications/{application.public_id}/accept")

    accepted = Message.objects.get(kind=MessageKind.APPLICATION_ACCEPTED)
    assert accepted.to == application.email
    assert accepted.personalisation == {
        "full_name": application.participant.full_name,
        "course_name": application.course.name,
        "lead_provider": "Ambition Institute",
        "application_id": str(application.public_id),
    }
    rejected = Message.objects.get(kind=MessageKind.APPLICATION_REJECTED_AUTOMATICALLY)
    assert rejected.to == "second@example.org"
    assert rejected.personalisation["accepted_lead_provider"] == "Ambition Institute"


@every_version
def test_nothing_is_kept_when_the_last_write_fails(
    version: str, api: ApiClient, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    sibling = ApplicationFactory(participant=application.participant)

    def fail(_: object) -> None:
        raise RuntimeError("the last write")

    monkeypatch.setattr(ParticipantQuerySet, "touch_all", fail)

    assert api.post(version, f"/npq-applications/{application.public_id}/accept").status_code == 500
    assert set(Application.objects.values_list("status", flat=True)) == {"pending"}
    assert not Enrolment.objects.exists()
    assert not Message.objects.exists()
    sibling.refresh_from_db()
    assert sibling.status == "pending"
