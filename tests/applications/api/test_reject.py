"""POST /npq-applications/{id}/reject: every row of the reject table (api.md §5.3), in each version."""

import pytest

from applications.models import Application
from npq.core.choices import MessageKind
from npq.core.clock import wall_clock
from npq.core.models import Change, LeadProvider, Message
from participants.models import Enrolment
from tests.conftest import ApiClient, errors_of
from tests.factories import ApplicationFactory, DeclarationFactory

pytestmark = pytest.mark.django_db
every_version = pytest.mark.parametrize("version", ["v1", "v2", "v3"])


@pytest.fixture
def application(provider: LeadProvider) -> Application:
    return ApplicationFactory(lead_provider=provider)


@every_version
def test_rejecting(version: str, api: ApiClient, application: Application) -> None:
    response = api.post(version, f"/npq-applications/{application.public_id}/reject")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    record = response.json()["data"]
    assert record["id"] == str(application.public_id)
    assert record["attributes"]["status"] == "rejected"
    assert record["attributes"]["reason_for_rejection"] == "rejected_by_provider"


@every_version
@pytest.mark.parametrize("body", [{"data": {"attributes": {"reason": 7}}}, {"data": None}, [], 7, b"not { json"])
def test_a_body_is_ignored(version: str, body: object, api: ApiClient, application: Application) -> None:
    response = api.request("POST", version, f"/npq-applications/{application.public_id}/reject", body=body)

    assert response.status_code == 200


@every_version
def test_rejecting_twice_is_refused(version: str, api: ApiClient, application: Application) -> None:
    api.post(version, f"/npq-applications/{application.public_id}/reject")

    response = api.post(version, f"/npq-applications/{application.public_id}/reject")

    assert response.status_code == 422
    assert errors_of(response) == [("application", "application_already_rejected")]
    assert Message.objects.count() == 1


@every_version
def test_a_reason_already_given_stays(version: str, api: ApiClient, provider: LeadProvider) -> None:
    rejected = ApplicationFactory(
        lead_provider=provider, rejected=True, reason_for_rejection="other_application_in_this_cohort_accepted"
    )

    api.post(version, f"/npq-applications/{rejected.public_id}/reject")

    rejected.refresh_from_db()
    assert rejected.reason_for_rejection == "other_application_in_this_cohort_accepted"


@every_version
@pytest.mark.parametrize("facts", [{}, {"accepted__training_status": "withdrawn"}])
def test_an_acceptance_stands(version: str, facts: dict[str, str], api: ApiClient, provider: LeadProvider) -> None:
    accepted = ApplicationFactory(lead_provider=provider, accepted=True, **facts)

    response = api.post(version, f"/npq-applications/{accepted.public_id}/reject")

    assert response.status_code == 422
    assert errors_of(response) == [("application", "accepted_application_cannot_be_rejected")]
    accepted.refresh_from_db()
    assert accepted.status == "accepted"
    assert Enrolment.objects.filter(undone_at=None).count() == 1


@every_version
def test_an_acceptance_with_declarations_stands(version: str, api: ApiClient, provider: LeadProvider) -> None:
    accepted = ApplicationFactory(lead_provider=provider, accepted=True)
    DeclarationFactory(enrolment=accepted.enrolment)

    response = api.post(version, f"/npq-applications/{accepted.public_id}/reject")

    assert errors_of(response) == [("application", "accepted_application_cannot_be_rejected")]


@every_version
def test_the_persons_other_applications_stay_as_they_are(
    version: str, api: ApiClient, application: Application
) -> None:
    ApplicationFactory(participant=application.participant)

    api.post(version, f"/npq-applications/{application.public_id}/reject")

    assert sorted(Application.objects.values_list("status", flat=True)) == ["pending", "rejected"]


@every_version
def test_the_participant_is_told(version: str, api: ApiClient, application: Application) -> None:
    api.post(version, f"/npq-applications/{application.public_id}/reject")

    message = Message.objects.get()
    assert (message.kind, message.to) == (MessageKind.APPLICATION_REJECTED, application.email)
    assert message.application_public_id == application.public_id
    assert message.participant_public_id == application.participant.public_id


@every_version
def test_pollers_see_it(version: str, api: ApiClient, application: Application) -> None:
    ApplicationFactory(lead_provider=application.lead_provider)
    since = wall_clock().isoformat()

    api.post(version, f"/npq-applications/{application.public_id}/reject")

    seen = api.get(version, "/npq-applications", {"filter[updated_since]": since}).json()["data"]
    assert [record["id"] for record in seen] == [str(application.public_id)]


@every_version
def test_another_providers_application_is_not_found(
    version: str, rival_api: ApiClient, application: Application
) -> None:
    response = rival_api.post(version, f"/npq-applications/{application.public_id}/reject")

    assert response.status_code == 404
    application.refresh_from_db()
    assert application.status == "pending"


def test_the_trail_names_the_token(api: ApiClient, application: Application, provider: LeadProvider) -> None:
    api.post("v3", f"/npq-applications/{application.public_id}/reject")

    change = Change.objects.get(table="applications_application", record_id=application.id, operation="update")
    assert (change.action, change.actor_kind, change.lead_provider_id) == ("reject_application", "token", provider.id)
    assert change.after["reason_for_rejection"] == "rejected_by_provider"


def test_nothing_is_kept_when_the_last_write_fails(
    api: ApiClient, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("participants.models.ParticipantQuerySet.touch_all", lambda _: 1 / 0)

    assert api.post("v3", f"/npq-applications/{application.public_id}/reject").status_code == 500
    application.refresh_from_db()
    assert application.status == "pending"
    assert not Message.objects.exists()
