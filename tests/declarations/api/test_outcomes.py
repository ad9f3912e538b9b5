"""Outcomes: list, submit, correct (api.md §2.4, §5.3, §7.2), on both spellings of the path and in each version."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from declarations.models import Declaration, Outcome
from npq.core.models import Change, LeadProvider, Message
from participants.models import Enrolment
from tests.conftest import ApiClient, errors_of
from tests.declarations.conftest import CLOCK, NOW, declared, every_version, trainee
from tests.factories import (
    CourseFactory,
    DeclarationFactory,
    OutcomeFactory,
    ParticipantFactory,
    ParticipantIdChangeFactory,
)

pytestmark = pytest.mark.django_db

every_spelling = pytest.mark.parametrize("people", ["participants", "participant"])
PASS = {"course_identifier": "npq-headship", "state": "passed", "completion_date": "2024-11-05"}
COMPLETED_ON = date(2024, 11, 1)


@pytest.fixture
def completed(api: ApiClient, enrolment: Enrolment) -> Declaration:
    """Declared as completed on 1 November with a pass; the participant has been told."""
    declared(api, enrolment, "completed")
    Message.objects.all().delete()
    return Declaration.objects.get()


def submit(api: ApiClient, version: str, enrolment: Enrolment, people: str = "participants", **more: Any) -> Any:
    path = f"/{people}/npq/{enrolment.participant.public_id}/outcomes"
    return api.post(version, path, {**PASS, **more}, headers=CLOCK)


def log() -> list[tuple[str, date]]:
    return list(Outcome.objects.order_by("id").values_list("state", "completion_date"))


# Submitting ------------------------------------------------------------------------------------------------------


@every_version
@every_spelling
def test_an_outcome_is_appended_and_told(
    people: str, version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    response = submit(api, version, enrolment, people, state="failed")

    assert response.status_code == 200
    outcome = Outcome.objects.order_by("-id")[0]
    stamp = outcome.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert response.json()["data"] == {
        "id": str(outcome.public_id),
        "type": "participant-outcome",
        "attributes": {
            "state": "failed",
            "completion_date": "2024-11-05T00:00:00+00:00",
            "course_identifier": "npq-headship",
            "participant_id": str(enrolment.participant.public_id),
            "created_at": stamp,
            **({"updated_at": stamp} if version == "v3" else {}),
        },
    }
    assert log() == [("passed", COMPLETED_ON), ("failed", date(2024, 11, 5))]
    message = Message.objects.get()
    assert (message.kind, message.to) == ("outcome_failed", enrolment.application.email)


@every_version
def test_the_declaration_shows_it_and_moves(
    version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    submit(api, version, enrolment, state="failed")

    shown = api.get(version, f"/participant-declarations/{completed.public_id}").json()["data"]["attributes"]
    assert shown["has_passed"] is False
    assert Declaration.objects.get().updated_at > completed.updated_at


@every_version
@pytest.mark.parametrize("written", ["2024-11-05T00:00:00+00:00", "2024-11-05T23:30:00-05:00", " 2024-11-05 "])
def test_the_date_may_stand_in_a_timestamp(
    written: str, version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    assert submit(api, version, enrolment, completion_date=written).status_code == 200
    assert log()[-1] == ("passed", date(2024, 11, 5))


@every_version
@pytest.mark.parametrize("state", ["submitted", "eligible", "payable", "paid", "ineligible"])
def test_any_completed_declaration_that_stands_will_do(
    state: str, version: str, api: ApiClient, enrolment: Enrolment
) -> None:
    reason = "duplicate_declaration" if state == "ineligible" else None
    DeclarationFactory(enrolment=enrolment, completed=True, state=state, ineligible_reason=reason)

    assert submit(api, version, enrolment).status_code == 200


@every_version
def test_the_newest_completed_declaration_is_meant(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    older = DeclarationFactory(
        enrolment=enrolment, completed=True, state="ineligible", ineligible_reason="duplicate_declaration"
    )
    newer = DeclarationFactory(enrolment=enrolment, completed=True)

    submit(api, version, enrolment)

    assert [older.outcomes.count(), newer.outcomes.count()] == [0, 1]


# The rows --------------------------------------------------------------------------------------------------------


@every_version
@every_spelling
@pytest.mark.parametrize("identifier", ["123XXX", "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90"])
def test_an_unknown_participant_is_404(identifier: str, people: str, version: str, api: ApiClient) -> None:
    path = f"/{people}/npq/{identifier}/outcomes"

    assert api.post(version, path, PASS, headers=CLOCK).status_code == 404
    assert api.get(version, path).status_code == 404


@every_version
def test_another_providers_participant_is_404(version: str, rival_api: ApiClient, enrolment: Enrolment) -> None:
    assert submit(rival_api, version, enrolment).status_code == 404


@every_version
@every_spelling
def test_a_retired_id_is_410(people: str, version: str, api: ApiClient, enrolment: Enrolment) -> None:
    change = ParticipantIdChangeFactory(participant=enrolment.participant)
    path = f"/{people}/npq/{change.from_participant_id}/outcomes"

    for response in (api.post(version, path, PASS, headers=CLOCK), api.get(version, path)):
        assert response.status_code == 410
        (error,) = response.json()["errors"]
        assert error["participant_id_changes"][0]["to_participant_id"] == str(enrolment.participant.public_id)


@every_version
@pytest.mark.parametrize("blank", [None, "", 5], ids=str)
def test_the_course_is_given(
    blank: Any, version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    assert errors_of(submit(api, version, enrolment, course_identifier=blank)) == [
        ("course_identifier", "outcome_course_not_recognised"),
        ("course_identifier", "outcome_course_missing"),
    ]


@every_version
@pytest.mark.parametrize("course", ["npq-unheard-of", "npq-early-headship-coaching-offer"])
def test_the_course_ends_in_an_outcome(
    course: str, version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    CourseFactory(ehco=True)

    response = submit(api, version, enrolment, course_identifier=course)

    assert errors_of(response) == [("course_identifier", "outcome_course_not_recognised")]
    assert "npq-headship" in response.json()["errors"][0]["detail"]


@every_version
def test_the_state_is_given(version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration) -> None:
    assert errors_of(submit(api, version, enrolment, state=None)) == [
        ("state", "outcome_state_not_recognised"),
        ("state", "outcome_state_missing"),
    ]


@every_version
@pytest.mark.parametrize("state", ["voided", "Passed", "pass"])
def test_the_state_is_a_pass_or_a_fail(
    state: str, version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    assert errors_of(submit(api, version, enrolment, state=state)) == [("state", "outcome_state_not_recognised")]
    assert len(log()) == 1


@every_version
def test_the_date_is_given(version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration) -> None:
    assert errors_of(submit(api, version, enrolment, completion_date="")) == [
        ("completion_date", "completion_date_missing"),
        ("completion_date", "completion_date_unreadable"),
    ]


@every_version
@pytest.mark.parametrize("given", ["31-05-2021", "2021-13-01", "2023-02-29", "5 May 2021", "120241-11-05"])
def test_the_date_exists(
    given: str, version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    assert errors_of(submit(api, version, enrolment, completion_date=given)) == [
        ("completion_date", "completion_date_unreadable")
    ]


@every_version
@pytest.mark.parametrize(("given", "status"), [("2024-11-20", 200), ("2024-11-21", 422)])
def test_the_date_is_not_in_the_future(
    given: str, status: int, version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    response = submit(api, version, enrolment, completion_date=given)

    assert response.status_code == status
    if status == 422:
        assert errors_of(response) == [("completion_date", "completion_date_in_future")]


@every_version
def test_today_is_today_in_the_uk(version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration) -> None:
    path = f"/participants/npq/{enrolment.participant.public_id}/outcomes"
    body = {**PASS, "completion_date": "2025-07-02"}

    late = api.post(version, path, body, headers={"X-With-Server-Date": "2025-07-01T23:30:00Z"})

    assert late.status_code == 200


@every_version
@pytest.mark.parametrize("state", ["voided", "awaiting-clawback", "clawed-back"])
def test_a_completed_declaration_must_stand(state: str, version: str, api: ApiClient, enrolment: Enrolment) -> None:
    DeclarationFactory(enrolment=enrolment, completed=True, state=state)
    DeclarationFactory(enrolment=enrolment)

    assert errors_of(submit(api, version, enrolment)) == [("base", "no_completed_declaration")]


@every_version
def test_another_courses_completion_does_not_count(
    version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    CourseFactory(specialist=True)

    assert errors_of(submit(api, version, enrolment, course_identifier="npq-leading-teaching")) == [
        ("base", "no_completed_declaration")
    ]


@every_version
def test_the_newest_acceptance_counts(
    version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    Enrolment.objects.update(training_status="withdrawn")
    newer = trainee(enrolment.lead_provider, participant=enrolment.participant)
    Enrolment.objects.filter(id=newer.id).update(accepted_at=NOW - timedelta(days=1))

    assert errors_of(submit(api, version, enrolment)) == [("base", "no_completed_declaration")]


@every_version
def test_several_errors_come_together(
    version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    response = submit(api, version, enrolment, course_identifier="x", state="x", completion_date="x")

    assert [title for title, _ in errors_of(response)] == ["course_identifier", "state", "completion_date"]


@every_version
@pytest.mark.parametrize("body", [b"", b'{"data": {"attributes": {}}}'])
def test_the_body_is_read_before_the_path(body: bytes, version: str, api: ApiClient) -> None:
    assert api.request("POST", version, "/participants/npq/123XXX/outcomes", body=body).status_code == 400


# Again (api.md §7.2) ---------------------------------------------------------------------------------------------


@every_version
@pytest.mark.parametrize("state", ["passed", "failed"])
def test_the_newest_outcome_again_changes_nothing(
    state: str, version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    first = submit(api, version, enrolment, state=state)
    before = (log(), Message.objects.count(), Declaration.objects.get().updated_at, Change.objects.count())

    again = submit(api, version, enrolment, state=state)

    assert again.json() == first.json()
    assert (log(), Message.objects.count(), Declaration.objects.get().updated_at, Change.objects.count()) == before


@every_version
@pytest.mark.parametrize("state", ["passed", "failed"])
def test_a_corrected_date_is_a_new_outcome(
    state: str, version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    first = submit(api, version, enrolment, state=state)

    second = submit(api, version, enrolment, state=state, completion_date="2024-11-06")

    assert second.json()["data"]["id"] != first.json()["data"]["id"]
    assert log()[-2:] == [(state, date(2024, 11, 5)), (state, date(2024, 11, 6))]


@every_version
def test_an_older_outcome_again_is_a_new_one(
    version: str, api: ApiClient, enrolment: Enrolment, completed: Declaration
) -> None:
    for state in ("passed", "failed", "passed"):
        submit(api, version, enrolment, state=state)

    assert [state for state, _ in log()] == ["passed", "passed", "failed", "passed"]


@every_version
def test_after_a_retraction_it_is_a_new_one(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    declaration = DeclarationFactory(enrolment=enrolment, completed=True)
    for state in ("passed", "voided"):
        OutcomeFactory(declaration=declaration, state=state, completion_date=date(2024, 11, 5))

    submit(api, version, enrolment)

    assert [state for state, _ in log()] == ["passed", "voided", "passed"]


# Lists -----------------------------------------------------------------------------------------------------------


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["data"]]


def outcome_of(provider: LeadProvider, hours: int = 0, **facts: Any) -> Outcome:
    """An outcome on a provider's declaration, created some hours after NOW."""
    declaration = DeclarationFactory(completed=True, enrolment__application__lead_provider=provider)
    return OutcomeFactory(declaration=declaration, created_at=NOW + timedelta(hours=hours), **facts)


@every_version
@every_spelling
def test_all_outcomes_oldest_first(people: str, version: str, api: ApiClient, provider: LeadProvider) -> None:
    late, early, middle = (outcome_of(provider, hours) for hours in (3, 1, 2))

    assert ids(api.get(version, f"/{people}/npq/outcomes")) == [str(one.public_id) for one in (early, middle, late)]


@every_version
@every_spelling
def test_outcomes_of_one_participant(people: str, version: str, api: ApiClient, provider: LeadProvider) -> None:
    mine, _ = outcome_of(provider), outcome_of(provider)
    again = OutcomeFactory(declaration=mine.declaration, state="voided")
    participant = mine.declaration.enrolment.participant

    data = api.get(version, f"/{people}/npq/{participant.public_id}/outcomes").json()["data"]

    assert {row["id"] for row in data} == {str(mine.public_id), str(again.public_id)}
    assert {row["attributes"]["participant_id"] for row in data} == {str(participant.public_id)}


@every_version
def test_a_participant_without_outcomes_has_an_empty_list(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    path = f"/participants/npq/{enrolment.participant.public_id}/outcomes"

    assert api.get(version, path).json() == {"data": []}


@every_version
def test_another_providers_outcomes_are_not_listed(version: str, api: ApiClient, rival_provider: LeadProvider) -> None:
    outcome_of(rival_provider)

    assert ids(api.get(version, "/participants/npq/outcomes")) == []


@every_version
def test_created_since_is_inclusive(version: str, api: ApiClient, provider: LeadProvider) -> None:
    _, at, after = (outcome_of(provider, hours) for hours in (-1, 0, 1))

    found = ids(api.get(version, "/participants/npq/outcomes", {"filter[created_since]": "2024-11-20T12:00:00Z"}))

    assert found == [str(at.public_id), str(after.public_id)]
    assert api.get(version, "/participants/npq/outcomes", {"filter[created_since]": "2024"}).status_code == 400


@every_version
def test_outcomes_are_paged(version: str, api: ApiClient, provider: LeadProvider) -> None:
    made = [outcome_of(provider) for _ in range(3)]

    pages = [
        ids(api.get(version, "/participants/npq/outcomes", {"page[page]": str(page), "page[per_page]": "2"}))
        for page in (1, 2, 3)
    ]

    assert [len(page) for page in pages] == [2, 1, 0]
    assert sorted(identifier for page in pages for identifier in page) == sorted(str(one.public_id) for one in made)


@every_version
def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    version: str, api: ApiClient, provider: LeadProvider
) -> None:
    api.get(version, "/participants/npq/outcomes")  # the token's first use is recorded
    counts = []
    for number in (2, 18):
        for _ in range(number):
            outcome_of(provider)
        with CaptureQueriesContext(connection) as captured:
            api.get(version, "/participants/npq/outcomes")
        counts.append(len(captured))

    assert counts[0] == counts[1]


@every_version
def test_the_new_provider_reads_what_it_submits_on_a_transferred_declaration(
    version: str,
    rival_api: ApiClient,
    api: ApiClient,
    enrolment: Enrolment,
    completed: Declaration,
    rival_provider: LeadProvider,
) -> None:
    Enrolment.objects.update(lead_provider=rival_provider, transferred_at=NOW)
    enrolment.application.lead_provider = rival_provider
    enrolment.application.save()

    response = submit(rival_api, version, enrolment, state="failed")

    assert response.status_code == 200
    listed = ids(rival_api.get(version, "/participants/npq/outcomes"))
    assert listed[-1] == response.json()["data"]["id"]
    assert len(listed) == 2
    assert submit(api, version, enrolment).status_code == 404


@every_version
def test_the_merged_participant_is_shown(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    OutcomeFactory(declaration=DeclarationFactory(enrolment=enrolment, completed=True))
    survivor = ParticipantFactory()
    Enrolment.objects.update(participant=survivor)
    enrolment.application.participant = survivor
    enrolment.application.save()

    (row,) = api.get(version, "/participants/npq/outcomes").json()["data"]

    assert row["attributes"]["participant_id"] == str(survivor.public_id)


def test_the_log_is_never_edited(db: Any) -> None:
    outcome = OutcomeFactory()

    with pytest.raises(Exception, match="append-only"):
        Outcome.objects.filter(id=outcome.id).update(completion_date=datetime(2024, 1, 1).date())
