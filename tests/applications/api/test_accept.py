"""POST /npq-applications/{id}/accept: every row of the accept table (api.md §5.3), in each version."""

import pytest

from applications.models import Application
from npq.core.choices import MessageKind
from npq.core.models import Change, Message
from participants.models import Enrolment
from tests.conftest import ApiClient, errors_of
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    CourseFactory,
    LeadProviderFactory,
    ParticipantFactory,
    ScheduleFactory,
    ScheduleWindowFactory,
)

pytestmark = pytest.mark.django_db
every_version = pytest.mark.parametrize("version", ["v1", "v2", "v3"])


@pytest.fixture
def application(provider):
    made = ApplicationFactory(lead_provider=provider)
    ScheduleWindowFactory(schedule=ScheduleFactory(cohort=made.cohort))
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
def test_the_trail_names_the_token(version: str, api: ApiClient, application: Application, provider) -> None:
    api.post(version, f"/npq-applications/{application.public_id}/accept")

    change = Change.objects.get(table="applications_application", record_id=application.id, operation="update")
    assert change.action == "accept_application"
    assert change.actor_kind == "token"
    assert change.lead_provider_id == provider.id
    assert change.before["status"] == "pending"
    assert change.after["status"] == "accepted"
