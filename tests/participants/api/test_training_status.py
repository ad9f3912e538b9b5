"""PUT withdraw, defer and resume: every row of their table (api.md §5.3, decisions.md §1.7), in each version."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from applications.models import Application
from declarations.choices import LIVE_STATES, DeclarationState, DeclarationType
from declarations.models import Declaration
from npq.core.choices import MessageKind
from npq.core.models import Change, LeadProvider, Message
from participants.choices import DeferralReason, TrainingStatus, WithdrawalReason
from participants.models import Enrolment, Participant, ParticipantIdChange, TrainingStatusChange
from tests.conftest import ApiClient, envelope, errors_of
from tests.factories import (
    ApplicationFactory,
    ContractTermsFactory,
    CourseFactory,
    DeclarationFactory,
    EnrolmentFactory,
    ParticipantFactory,
    ParticipantIdChangeFactory,
    ScheduleFactory,
)
from tests.participants.api.conftest import Actions

pytestmark = pytest.mark.django_db
every_version = pytest.mark.parametrize("version", ["v1", "v2", "v3"])
every_action = pytest.mark.parametrize("action", ["withdraw", "defer", "resume", "change-schedule"])
with_reason = pytest.mark.parametrize("action", ["withdraw", "defer"])
BEFORE = datetime(2024, 11, 1, tzinfo=UTC)

STATUS_AFTER = {
    "withdraw": TrainingStatus.WITHDRAWN,
    "defer": TrainingStatus.DEFERRED,
    "resume": TrainingStatus.ACTIVE,
}


def status_of(enrolment: Enrolment) -> str:
    return Enrolment.objects.get(id=enrolment.id).training_status


def be(enrolment: Enrolment, status: str) -> None:
    Enrolment.objects.filter(id=enrolment.id).update(training_status=status)


def shown_status(response: Any, version: str) -> str | None:
    assert response.status_code == 200, response.content
    attributes = response.json()["data"]["attributes"]
    return None if version == "v1" else attributes["npq_enrolments"][0]["training_status"]


# What succeeds


@every_version
@pytest.mark.parametrize(
    ("action", "before", "reason", "message"),
    [
        ("withdraw", TrainingStatus.ACTIVE, "quality-of-programme-other", MessageKind.TRAINING_WITHDRAWN),
        ("withdraw", TrainingStatus.DEFERRED, "other", MessageKind.TRAINING_WITHDRAWN),
        ("defer", TrainingStatus.ACTIVE, "parental-leave", MessageKind.TRAINING_DEFERRED),
        ("resume", TrainingStatus.DEFERRED, None, MessageKind.TRAINING_RESUMED),
        ("resume", TrainingStatus.WITHDRAWN, None, MessageKind.TRAINING_RESUMED),
    ],
)
def test_the_status_changes_with_its_history_and_a_message(
    version: str, action: str, before: str, reason: str | None, message: MessageKind, act: Actions, started: Enrolment
) -> None:
    be(started, before)
    rows = TrainingStatusChange.objects.count()

    response = act(version, action, **({"reason": reason} if reason else {}))

    assert shown_status(response, version) in (None, STATUS_AFTER[action])
    assert status_of(started) == STATUS_AFTER[action]
    assert TrainingStatusChange.objects.count() == rows + 1
    newest = TrainingStatusChange.objects.latest("id")
    assert (newest.enrolment, newest.status, newest.reason) == (started, STATUS_AFTER[action], reason)
    assert newest.lead_provider == started.lead_provider
    assert newest.recorded_by == "Ambition Institute"
    assert list(Message.objects.values_list("kind", "to", "application_public_id")) == [
        (message, started.application.email, started.application.public_id)
    ]


@every_version
@with_reason
def test_the_date_is_the_requests(version: str, action: str, act: Actions, api: ApiClient, started: Enrolment) -> None:
    path = f"/participants/npq/{started.participant.public_id}/{action}"
    body = envelope({"course_identifier": "npq-headship", "reason": "other"})

    api.request("PUT", version, path, body=body, headers={"X-With-Server-Date": "2025-02-14T09:30:00Z"})

    (shown,) = api.get("v3", "/participants/npq").json()["data"][0]["attributes"]["npq_enrolments"]
    block = {"withdraw": "withdrawal", "defer": "deferral"}[action]
    assert shown[block] == {"reason": "other", "date": "2025-02-14T09:30:00Z"}


@every_version
@every_action
def test_everything_that_shows_it_moves(version: str, action: str, act: Actions, started: Enrolment) -> None:
    """decisions.md §1.12: the person and all their applications, other providers' too."""
    elsewhere = ApplicationFactory(participant=started.participant, course=CourseFactory(specialist=True))
    stranger = ApplicationFactory()
    be(started, TrainingStatus.DEFERRED if action == "resume" else TrainingStatus.ACTIVE)
    prepare_other_schedule(started)
    Participant.objects.update(updated_at=BEFORE)
    Application.objects.update(updated_at=BEFORE)

    assert act(version, action, reason="other", schedule_identifier="npq-leadership-spring").status_code == 200

    assert Participant.objects.get(id=started.participant_id).updated_at > BEFORE
    assert Application.objects.get(id=started.application_id).updated_at > BEFORE
    assert Application.objects.get(id=elsewhere.id).updated_at > BEFORE
    assert Participant.objects.get(id=stranger.participant_id).updated_at == BEFORE


def prepare_other_schedule(enrolment: Enrolment) -> None:
    ScheduleFactory(cohort=enrolment.cohort, identifier="npq-leadership-spring")
    ContractTermsFactory(lead_provider=enrolment.lead_provider, cohort=enrolment.cohort, course=enrolment.course)


@every_version
@pytest.mark.parametrize(("action", "known"), [("withdraw", WithdrawalReason.values), ("defer", DeferralReason.values)])
def test_every_reason_is_known(version: str, action: str, known: list[str], act: Actions, started: Enrolment) -> None:
    for reason in known:
        be(started, TrainingStatus.ACTIVE)
        assert act(version, action, reason=reason).status_code == 200, reason


@every_version
def test_deferring_needs_no_declaration(version: str, act: Actions, enrolment: Enrolment) -> None:
    assert not Declaration.objects.exists()

    assert act(version, "defer", reason="other").status_code == 200


@every_version
@pytest.mark.parametrize("state", [*LIVE_STATES, DeclarationState.INELIGIBLE])
def test_a_live_or_ineligible_start_is_enough_to_withdraw(
    version: str, state: str, act: Actions, enrolment: Enrolment
) -> None:
    DeclarationFactory(enrolment=enrolment, **({"ineligible": True} if state == "ineligible" else {"state": state}))

    assert act(version, "withdraw", reason="other").status_code == 200


@every_version
def test_declarations_are_left_alone(version: str, act: Actions, started: Enrolment) -> None:
    before = Declaration.objects.values().get()

    act(version, "withdraw", reason="other")

    assert Declaration.objects.values().get() == before


@every_version
def test_the_trail_names_the_token(version: str, act: Actions, started: Enrolment) -> None:
    act(version, "withdraw", reason="other")

    change = Change.objects.get(table="participants_enrolment", operation="update")
    assert (change.action, change.actor_kind) == ("withdraw_participant", "token")
    assert (change.before["training_status"], change.after["training_status"]) == ("active", "withdrawn")


# What is refused


@every_version
@every_action
@pytest.mark.parametrize("course", [None, "", 7, "npq-leading-nobody", "npq_headship"])
def test_a_course_that_is_none(version: str, action: str, course: Any, act: Actions, started: Enrolment) -> None:
    response = act(version, action, course_identifier=course, reason="other", schedule_identifier="npq-x")

    assert response.status_code == 422
    assert errors_of(response) == [("course_identifier", "course_not_recognised")]
    assert "npq-headship" in response.json()["errors"][0]["detail"]


@every_version
@every_action
def test_a_course_the_participant_is_not_on(version: str, action: str, act: Actions, started: Enrolment) -> None:
    """Exactly that course: not even its rebrand twin."""
    CourseFactory(specialist=True)

    response = act(
        version, action, course_identifier="npq-leading-teaching", reason="other", schedule_identifier="npq-x"
    )

    assert response.status_code == 422
    assert errors_of(response) == [("participant_id", "no_accepted_application_on_course")]


@every_version
@every_action
def test_a_rebrand_twin_is_another_course(version: str, action: str, api: ApiClient, provider: LeadProvider) -> None:
    CourseFactory(ehco=True)
    enrolled = EnrolmentFactory(application__lead_provider=provider, application__course=CourseFactory(aso=True))

    response = api.put(
        version,
        f"/participants/npq/{enrolled.participant.public_id}/{action}",
        {
            "course_identifier": "npq-early-headship-coaching-offer",
            "reason": "other",
            "schedule_identifier": "npq-x",
        },
    )

    assert errors_of(response) == [("participant_id", "no_accepted_application_on_course")]


@every_version
@every_action
def test_another_providers_enrolment_is_not_meant(
    version: str, action: str, act: Actions, started: Enrolment, rival_provider: LeadProvider
) -> None:
    rivals = EnrolmentFactory(
        application__participant=started.participant,
        application__lead_provider=rival_provider,
        application__course=CourseFactory(specialist=True),
    )

    response = act(
        version, action, course_identifier="npq-leading-teaching", reason="other", schedule_identifier="npq-x"
    )

    assert errors_of(response) == [("participant_id", "no_accepted_application_on_course")]
    assert status_of(rivals) == TrainingStatus.ACTIVE


@every_version
@with_reason
@pytest.mark.parametrize(
    "reason", [None, "", 5, "because", "Other", "quality-of-programme-structure-not-suitable", "left-the-profession"]
)
def test_a_reason_that_is_none(version: str, action: str, reason: Any, act: Actions, started: Enrolment) -> None:
    response = act(version, action, reason=reason)

    assert response.status_code == 422
    assert errors_of(response) == [("reason", "reason_not_recognised")]
    assert status_of(started) == TrainingStatus.ACTIVE


@every_version
@with_reason
def test_a_reason_that_is_missing(version: str, action: str, act: Actions, started: Enrolment) -> None:
    assert errors_of(act(version, action)) == [("reason", "reason_not_recognised")]


@every_version
def test_the_other_verbs_reasons_are_not_known(version: str, act: Actions, started: Enrolment) -> None:
    assert errors_of(act(version, "defer", reason="started-in-error")) == [("reason", "reason_not_recognised")]
    assert errors_of(act(version, "withdraw", reason="career-break")) == [("reason", "reason_not_recognised")]


@every_version
@pytest.mark.parametrize(
    ("action", "status", "code"),
    [
        ("withdraw", TrainingStatus.WITHDRAWN, "already_withdrawn"),
        ("defer", TrainingStatus.DEFERRED, "already_deferred"),
        ("defer", TrainingStatus.WITHDRAWN, "already_withdrawn"),
        ("resume", TrainingStatus.ACTIVE, "already_active"),
    ],
)
def test_a_status_that_forbids_it(
    version: str, action: str, status: str, code: str, act: Actions, started: Enrolment
) -> None:
    be(started, status)
    rows = TrainingStatusChange.objects.count()

    response = act(version, action, reason="other")

    assert response.status_code == 422
    assert errors_of(response) == [("participant_id", code)]
    assert TrainingStatusChange.objects.count() == rows
    assert not Message.objects.exists()


@every_version
@pytest.mark.parametrize("action", ["withdraw", "defer"])
def test_twice_is_refused(version: str, action: str, act: Actions, started: Enrolment) -> None:
    assert act(version, action, reason="other").status_code == 200
    assert act(version, action, reason="other").status_code == 422
    assert Message.objects.count() == 1


@every_version
@pytest.mark.parametrize(
    "state", [DeclarationState.VOIDED, DeclarationState.AWAITING_CLAWBACK, DeclarationState.CLAWED_BACK]
)
def test_a_start_that_does_not_stand_is_not_enough_to_withdraw(
    version: str, state: str, act: Actions, enrolment: Enrolment
) -> None:
    DeclarationFactory(enrolment=enrolment, state=state)

    response = act(version, "withdraw", reason="other")

    assert errors_of(response) == [("participant_id", "no_started_declaration")]


@every_version
def test_another_declaration_is_not_enough_to_withdraw(version: str, act: Actions, enrolment: Enrolment) -> None:
    DeclarationFactory(enrolment=enrolment, declaration_type=DeclarationType.RETAINED_1)

    assert errors_of(act(version, "withdraw", reason="other")) == [("participant_id", "no_started_declaration")]


@every_version
def test_another_enrolments_start_is_not_enough_to_withdraw(version: str, act: Actions, enrolment: Enrolment) -> None:
    other = EnrolmentFactory(
        application__participant=enrolment.participant, application__course=CourseFactory(specialist=True)
    )
    DeclarationFactory(enrolment=other)

    assert errors_of(act(version, "withdraw", reason="other")) == [("participant_id", "no_started_declaration")]


@every_version
def test_the_start_is_asked_for_last(version: str, act: Actions, enrolment: Enrolment) -> None:
    assert errors_of(act(version, "withdraw", reason="because")) == [("reason", "reason_not_recognised")]


@every_version
def test_several_refusals_come_together(version: str, act: Actions, started: Enrolment) -> None:
    be(started, TrainingStatus.WITHDRAWN)

    assert errors_of(act(version, "withdraw", reason="because")) == [
        ("reason", "reason_not_recognised"),
        ("participant_id", "already_withdrawn"),
    ]
    assert errors_of(act(version, "defer", course_identifier="npq-nothing", reason="because")) == [
        ("course_identifier", "course_not_recognised"),
        ("reason", "reason_not_recognised"),
    ]


# Which enrolment is meant


def accept_again(enrolment: Enrolment, days: int = 30, **facts: Any) -> Enrolment:
    facts.setdefault("application__participant", enrolment.participant)
    facts.setdefault("application__course", enrolment.course)
    return EnrolmentFactory(
        application__lead_provider=facts.pop("lead_provider", enrolment.lead_provider),
        accepted_at=enrolment.accepted_at + timedelta(days=days),
        **facts,
    )


@every_version
@pytest.mark.parametrize("days", [30, -30])
@with_reason
def test_the_enrolment_that_is_not_withdrawn_is_meant(
    version: str, days: int, action: str, act: Actions, started: Enrolment
) -> None:
    be(started, TrainingStatus.WITHDRAWN)
    current = accept_again(started, days)
    DeclarationFactory(enrolment=current)

    assert act(version, action, reason="other").status_code == 200

    assert status_of(current) == STATUS_AFTER[action]
    assert status_of(started) == TrainingStatus.WITHDRAWN


@every_version
def test_resume_means_the_newest(version: str, act: Actions, started: Enrolment) -> None:
    be(started, TrainingStatus.WITHDRAWN)
    newer = accept_again(started, training_status=TrainingStatus.WITHDRAWN)

    assert act(version, "resume").status_code == 200

    assert status_of(newer) == TrainingStatus.ACTIVE
    assert status_of(started) == TrainingStatus.WITHDRAWN


@every_version
def test_resume_means_the_newest_even_while_an_older_one_is_deferred(
    version: str, act: Actions, started: Enrolment
) -> None:
    newest = accept_again(started, training_status=TrainingStatus.WITHDRAWN)
    be(started, TrainingStatus.DEFERRED)

    response = act(version, "resume")

    assert errors_of(response) == [("participant_id", "course_held_elsewhere")]
    assert (status_of(started), status_of(newest)) == (TrainingStatus.DEFERRED, TrainingStatus.WITHDRAWN)


@every_version
@pytest.mark.parametrize("whose", ["the rival's", "the rebrand twin's", "another participant's with that TRN"])
@pytest.mark.parametrize("held", [TrainingStatus.ACTIVE, TrainingStatus.DEFERRED])
def test_resume_is_refused_while_the_person_holds_the_course_elsewhere(
    version: str, whose: str, held: str, api: ApiClient, provider: LeadProvider, rival_provider: LeadProvider
) -> None:
    aso, ehco = CourseFactory(aso=True), CourseFactory(ehco=True)
    withdrawn = EnrolmentFactory(
        application__lead_provider=provider, application__course=aso, training_status=TrainingStatus.WITHDRAWN
    )
    facts: dict[str, Any] = {"training_status": held}
    if whose == "the rival's":
        facts["lead_provider"] = rival_provider
    elif whose == "the rebrand twin's":
        facts["application__course"] = ehco
    else:
        trn = withdrawn.participant.teacher_reference_number
        facts["application__participant"] = ParticipantFactory(teacher_reference_number=trn)
    accept_again(withdrawn, **facts)

    response = api.put(
        version,
        f"/participants/npq/{withdrawn.participant.public_id}/resume",
        {"course_identifier": aso.identifier},
    )

    assert response.status_code == 422
    assert errors_of(response) == [("participant_id", "course_held_elsewhere")]
    assert status_of(withdrawn) == TrainingStatus.WITHDRAWN


@every_version
@pytest.mark.parametrize("facts", [{"training_status": TrainingStatus.WITHDRAWN}, {"undone_at": BEFORE}])
def test_a_withdrawn_or_undone_enrolment_elsewhere_is_not_in_the_way(
    version: str, facts: dict[str, Any], act: Actions, started: Enrolment, rival_provider: LeadProvider
) -> None:
    be(started, TrainingStatus.WITHDRAWN)
    accept_again(started, lead_provider=rival_provider, **facts)

    assert act(version, "resume").status_code == 200


# The door


@every_action
@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"data": None},
        {"data": {}},
        {"data": {"type": "participant-defer"}},
        {"data": {"attributes": {}}},
        {"data": {"attributes": ["course_identifier"]}},
        {"data": {"attributes": {"course": "npq-headship"}}},
        [],
    ],
)
def test_a_wrong_structure_is_400(action: str, body: Any, api: ApiClient, enrolment: Enrolment) -> None:
    path = f"/participants/npq/{enrolment.participant.public_id}/{action}"

    response = api.request("PUT", "v3", path, body=body)

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "wrong_json_structure")]


@every_version
@every_action
def test_the_structure_comes_before_the_participant(version: str, action: str, api: ApiClient) -> None:
    response = api.put(version, f"/participants/npq/9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90/{action}", {})

    assert response.status_code == 400


@every_version
@every_action
def test_malformed_json_is_400(version: str, action: str, api: ApiClient, enrolment: Enrolment) -> None:
    path = f"/participants/npq/{enrolment.participant.public_id}/{action}"

    assert api.request("PUT", version, path, body=b'{"data":').status_code == 400


@every_version
@every_action
def test_type_and_unknown_attributes_are_ignored(version: str, action: str, api: ApiClient, started: Enrolment) -> None:
    prepare_other_schedule(started)
    if action == "resume":
        be(started, TrainingStatus.DEFERRED)
    attributes = {
        "course_identifier": "npq-headship",
        "reason": "other",
        "schedule_identifier": "npq-leadership-spring",
        "foo": "bar",
    }
    body = {"data": {"type": "anything", "attributes": attributes}}

    response = api.request("PUT", version, f"/participants/npq/{started.participant.public_id}/{action}", body=body)

    assert response.status_code == 200


@every_version
@every_action
@pytest.mark.parametrize("identifier", ["123XXX", "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90"])
def test_an_unknown_participant_is_404(version: str, action: str, identifier: str, api: ApiClient) -> None:
    response = api.put(version, f"/participants/npq/{identifier}/{action}", {"course_identifier": "npq-headship"})

    assert response.status_code == 404


@every_version
@every_action
def test_a_rivals_participant_is_404(version: str, action: str, rival_api: ApiClient, started: Enrolment) -> None:
    path = f"/participants/npq/{started.participant.public_id}/{action}"

    response = rival_api.put(version, path, {"course_identifier": "npq-headship", "reason": "other"})

    assert response.status_code == 404
    assert response.json() == {"error": "Resource not found"}
    assert status_of(started) == TrainingStatus.ACTIVE


@every_version
@every_action
def test_a_stranger_is_401(version: str, action: str, stranger: ApiClient, started: Enrolment) -> None:
    path = f"/participants/npq/{started.participant.public_id}/{action}"

    assert stranger.put(version, path, {"course_identifier": "npq-headship"}).status_code == 401


@every_version
@every_action
def test_other_verbs_are_405(version: str, action: str, api: ApiClient, started: Enrolment) -> None:
    path = f"/participants/npq/{started.participant.public_id}/{action}"

    for method in ("GET", "POST", "PATCH", "DELETE"):
        response = api.request(method, version, path)
        assert response.status_code == 405
        assert response["Allow"] == "PUT"


# Retired ids (decisions.md §1.11)


@pytest.fixture
def retired(enrolment: Enrolment) -> ParticipantIdChange:
    return ParticipantIdChangeFactory(
        participant=enrolment.participant, created_at=datetime(2024, 12, 1, 0, 10, tzinfo=UTC)
    )


@every_version
@pytest.mark.parametrize("method", ["GET", "withdraw", "defer", "resume", "change-schedule"])
def test_a_retired_id_is_410_and_names_the_new_one(
    version: str, method: str, api: ApiClient, retired: ParticipantIdChange
) -> None:
    path = f"/participants/npq/{retired.from_participant_id}"

    response = (
        api.get(version, path)
        if method == "GET"
        else api.put(version, f"{path}/{method}", {"course_identifier": "npq-headship"})
    )

    assert response.status_code == 410
    (error,) = response.json()["errors"]
    assert (error["title"], error["code"]) == ("Participant ID has been changed", "participant_id_changed")
    assert str(retired.to_participant_id) in error["detail"]
    assert error["participant_id_changes"] == [
        {
            "from_participant_id": str(retired.from_participant_id),
            "to_participant_id": str(retired.to_participant_id),
            "changed_at": "2024-12-01T00:10:00Z",
        }
    ]


@every_version
@pytest.mark.parametrize("method", ["GET", "withdraw"])
def test_a_retired_id_is_404_to_those_who_could_see_neither(
    version: str, method: str, rival_api: ApiClient, retired: ParticipantIdChange
) -> None:
    path = f"/participants/npq/{retired.from_participant_id}"

    response = (
        rival_api.get(version, path)
        if method == "GET"
        else rival_api.put(version, f"{path}/{method}", {"course_identifier": "npq-headship"})
    )

    assert response.status_code == 404


@every_version
def test_structure_comes_before_the_retired_id(version: str, api: ApiClient, retired: ParticipantIdChange) -> None:
    response = api.put(version, f"/participants/npq/{retired.from_participant_id}/withdraw", {})

    assert response.status_code == 400
