"""PUT /npq-applications/{id}/change-funded-place: every row of its table (api.md §5.3), in each version."""

from collections.abc import Callable

import pytest

from applications.models import Application
from declarations.choices import LIVE_STATES, DeclarationState, IneligibleReason
from npq.core.clock import wall_clock
from npq.core.models import Change, LeadProvider, Message
from participants.models import Participant
from tests.conftest import ApiClient, errors_of
from tests.factories import ApplicationFactory, CohortFactory, CourseFactory, DeclarationFactory

pytestmark = pytest.mark.django_db
every_version = pytest.mark.parametrize("version", ["v1", "v2", "v3"])

Make = Callable[..., Application]


@pytest.fixture
def capped(provider: LeadProvider) -> Make:
    """Makes an accepted application in a capped cohort."""

    def make(**facts: object) -> Application:
        facts = {"funded_place": True, "accepted": True, "cohort": CohortFactory(capped=True), **facts}
        return ApplicationFactory(lead_provider=provider, **facts)

    return make


@every_version
@pytest.mark.parametrize("before", [True, False])
def test_it_changes_both_ways(version: str, before: bool, api: ApiClient, capped: Make) -> None:
    application = capped(funded_place=before)

    response = api.put(
        version, f"/npq-applications/{application.public_id}/change-funded-place", {"funded_place": not before}
    )

    assert response.status_code == 200
    assert response.json()["data"]["attributes"]["funded_place"] is not before
    application.refresh_from_db()
    assert application.funded_place is not before


@every_version
@pytest.mark.parametrize("value", [True, False])
def test_the_same_value_again_changes_nothing(version: str, value: bool, api: ApiClient, capped: Make) -> None:
    application = capped(funded_place=value)
    DeclarationFactory(enrolment=application.enrolment)
    before = Application.objects.get().updated_at

    response = api.put(
        version, f"/npq-applications/{application.public_id}/change-funded-place", {"funded_place": value}
    )

    assert response.status_code == 200
    assert Application.objects.get().updated_at == before


@every_version
@pytest.mark.parametrize("value", [None, "true", "false", "null", "", 0, 1, [], {}, "x" * 1_000_000])
def test_it_must_be_a_boolean(version: str, value: object, api: ApiClient, capped: Make) -> None:
    application = capped()

    response = api.put(
        version, f"/npq-applications/{application.public_id}/change-funded-place", {"funded_place": value}
    )

    assert response.status_code == 422
    assert errors_of(response) == [("funded_place", "funded_place_not_boolean")]


@every_version
@pytest.mark.parametrize("body", [None, b"", {}, {"funded_place": False}])
def test_without_data_it_is_missing(version: str, body: object, api: ApiClient, capped: Make) -> None:
    path = f"/npq-applications/{capped().public_id}/change-funded-place"

    response = api.request("PUT", version, path, body=body)

    assert response.status_code == 422
    assert errors_of(response) == [("funded_place", "funded_place_not_boolean")]


@every_version
@pytest.mark.parametrize(
    "body",
    [
        {"data": None},
        {"data": {}},
        {"data": {"type": "npq-application-change-funded-place"}},
        {"data": {"attributes": {}}},
        {"data": {"attributes": {"funded_palce": False}}},
        {"data": {"attributes": [False]}},
        [],
        "text",
    ],
)
def test_data_without_the_attribute_is_noticed(version: str, body: object, api: ApiClient, capped: Make) -> None:
    path = f"/npq-applications/{capped().public_id}/change-funded-place"

    response = api.request("PUT", version, path, body=body)

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "wrong_json_structure")]


@every_version
def test_any_type_will_do(version: str, api: ApiClient, capped: Make) -> None:
    body = {"data": {"type": "npq-application-change-funded-status", "attributes": {"funded_place": False}}}

    response = api.request("PUT", version, f"/npq-applications/{capped().public_id}/change-funded-place", body=body)

    assert response.status_code == 200


@every_version
@pytest.mark.parametrize("facts", [{}, {"rejected": True}])
@pytest.mark.parametrize("value", [True, False])
def test_it_must_be_accepted(
    version: str, facts: dict[str, bool], value: bool, api: ApiClient, provider: LeadProvider
) -> None:
    application = ApplicationFactory(lead_provider=provider, cohort=CohortFactory(capped=True), **facts)

    response = api.put(
        version, f"/npq-applications/{application.public_id}/change-funded-place", {"funded_place": value}
    )

    assert response.status_code == 422
    assert errors_of(response) == [("application", "application_not_accepted")]


@every_version
def test_a_funded_place_needs_eligibility(version: str, api: ApiClient, capped: Make) -> None:
    application = capped(funded_place=False, eligible_for_funding=False)

    response = api.put(
        version, f"/npq-applications/{application.public_id}/change-funded-place", {"funded_place": True}
    )

    assert response.status_code == 422
    assert errors_of(response) == [("application", "not_eligible_for_funded_place")]


@every_version
def test_policy_makes_eligible(version: str, api: ApiClient, capped: Make) -> None:
    application = capped(
        funded_place=False,
        eligible_for_funding=False,
        funding_eligibility_status_code="marked_funded_by_policy",
    )

    response = api.put(
        version, f"/npq-applications/{application.public_id}/change-funded-place", {"funded_place": True}
    )

    assert response.status_code == 200


@every_version
@pytest.mark.parametrize("kind", [{}, {"unfunded": True}])
@pytest.mark.parametrize("value", [True, False])
def test_the_cohort_must_be_capped(
    version: str, kind: dict[str, bool], value: bool, api: ApiClient, provider: LeadProvider
) -> None:
    application = ApplicationFactory(lead_provider=provider, cohort=CohortFactory(**kind), accepted=True)
    before = application.funded_place

    response = api.put(
        version, f"/npq-applications/{application.public_id}/change-funded-place", {"funded_place": value}
    )

    assert response.status_code == 422
    assert errors_of(response) == [("application", "cohort_not_capped")]
    application.refresh_from_db()
    assert application.funded_place is before


@every_version
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("state", LIVE_STATES)
def test_live_declarations_freeze_it_both_ways(
    version: str, state: str, before: bool, api: ApiClient, capped: Make
) -> None:
    application = capped(funded_place=before)
    DeclarationFactory(enrolment=application.enrolment, state=state)

    response = api.put(
        version, f"/npq-applications/{application.public_id}/change-funded-place", {"funded_place": not before}
    )

    assert response.status_code == 422
    assert errors_of(response) == [("application", "funded_place_has_declarations")]
    application.refresh_from_db()
    assert application.funded_place is before


@every_version
@pytest.mark.parametrize("state", [state for state in DeclarationState if state not in LIVE_STATES])
def test_other_declarations_leave_it_free(version: str, state: str, api: ApiClient, capped: Make) -> None:
    application = capped()
    reason = IneligibleReason.DUPLICATE if state == DeclarationState.INELIGIBLE else None
    DeclarationFactory(enrolment=application.enrolment, state=state, ineligible_reason=reason)

    response = api.put(
        version, f"/npq-applications/{application.public_id}/change-funded-place", {"funded_place": False}
    )

    assert response.status_code == 200


@every_version
def test_another_providers_application_is_not_found(version: str, rival_api: ApiClient, capped: Make) -> None:
    path = f"/npq-applications/{capped().public_id}/change-funded-place"

    assert rival_api.put(version, path, {"funded_place": False}).status_code == 404


def test_what_depends_on_it_reappears_to_pollers(api: ApiClient, capped: Make) -> None:
    application = capped(accepted__training_status="withdrawn")
    again = ApplicationFactory(participant=application.participant, lead_provider=application.lead_provider)
    ApplicationFactory(
        participant=application.participant,
        lead_provider=application.lead_provider,
        course=CourseFactory(specialist=True),
    )
    assert eligibility(api, again) == (False, "previously-funded")
    since = wall_clock().isoformat()

    api.put("v3", f"/npq-applications/{application.public_id}/change-funded-place", {"funded_place": False})

    assert eligibility(api, again) == (True, None)
    seen = api.get("v3", "/npq-applications", {"filter[updated_since]": since}).json()["data"]
    assert str(again.public_id) in [record["id"] for record in seen]
    assert Participant.objects.get().updated_at.isoformat() > since


def eligibility(api: ApiClient, application: Application) -> tuple[bool, str | None]:
    shown = api.get("v3", f"/npq-applications/{application.public_id}").json()["data"]["attributes"]
    return shown["eligible_for_funding"], shown["ineligible_for_funding_reason"]


def test_nobody_is_told_and_the_trail_names_the_token(api: ApiClient, capped: Make) -> None:
    application = capped()

    api.put("v3", f"/npq-applications/{application.public_id}/change-funded-place", {"funded_place": False})

    assert not Message.objects.exists()
    change = Change.objects.filter(table="applications_application", actor_kind="token").get()
    assert (change.action, change.before, change.after) == (
        "change_funded_place",
        {"funded_place": True},
        {"funded_place": False},
    )
