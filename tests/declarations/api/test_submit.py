"""POST /participant-declarations: every row of the table (api.md §5.3), in each version."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from declarations.models import Declaration, Outcome
from finance.models import ContractTerms, LineItem, Statement
from npq.core.models import Change, Message
from participants.models import Enrolment, TrainingStatusChange
from tests.conftest import ApiClient, errors_of
from tests.declarations.conftest import CLOCK, DECLARED, NOW, attributes, declare, every_version, trainee
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    CourseFactory,
    DeclarationFactory,
    EnrolmentFactory,
    ParticipantFactory,
    ParticipantIdChangeFactory,
    TrainingStatusChangeFactory,
)

pytestmark = pytest.mark.django_db


def withdraw(enrolment: Enrolment, at: datetime, **more: Any) -> None:
    TrainingStatusChangeFactory(enrolment=enrolment, status="withdrawn", reason="other", changed_at=at, **more)
    enrolment.training_status = "withdrawn"
    enrolment.save()


@every_version
def test_a_funded_start_is_eligible_and_lands_on_the_open_statement(
    version: str, api: ApiClient, enrolment: Enrolment
) -> None:
    response = declare(api, version, enrolment)

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    shown = response.json()["data"]["attributes"]
    assert (shown["declaration_type"], shown["declaration_date"], shown["state"]) == ("started", DECLARED, "eligible")
    line = LineItem.objects.get()
    assert (line.state, line.declaration.lead_provider_id) == ("eligible", enrolment.lead_provider_id)
    assert (line.declaration.cohort_id, line.course_id) == (enrolment.cohort_id, enrolment.course_id)


def test_v3_shows_everything(api: ApiClient, enrolment: Enrolment) -> None:
    data = declare(api, "v3", enrolment).json()["data"]

    declaration = Declaration.objects.get()
    assert data == {
        "id": str(declaration.public_id),
        "type": "participant-declaration",
        "attributes": {
            "participant_id": str(enrolment.participant.public_id),
            "declaration_type": "started",
            "course_identifier": "npq-headship",
            "declaration_date": DECLARED,
            "state": "eligible",
            "has_passed": None,
            "updated_at": declaration.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "created_at": declaration.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "statement_id": str(Statement.objects.get().public_id),
            "clawback_statement_id": None,
            "uplift_paid": False,
            "ineligible_for_funding_reason": None,
            "lead_provider_name": "Ambition Institute",
            "delivery_partner_id": None,
            "delivery_partner_name": None,
            "secondary_delivery_partner_id": None,
            "secondary_delivery_partner_name": None,
            "application_id": str(enrolment.application.public_id),
        },
    }


@pytest.mark.parametrize(
    ("version", "more"), [("v1", {"eligible_for_payment": True, "voided": False}), ("v2", {})], ids=["v1", "v2"]
)
def test_older_versions_show_their_own_fields(
    version: str, more: dict[str, Any], api: ApiClient, enrolment: Enrolment
) -> None:
    data = declare(api, version, enrolment).json()["data"]

    declaration = Declaration.objects.get()
    assert data["attributes"] == {
        "participant_id": str(enrolment.participant.public_id),
        "declaration_type": "started",
        "course_identifier": "npq-headship",
        "declaration_date": DECLARED,
        "state": "eligible",
        "has_passed": None,
        "updated_at": declaration.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **more,
    }


@every_version
@pytest.mark.parametrize(
    "facts",
    [
        {"eligible_for_funding": False},
        {"cohort": "capped", "funded_place": False, "teacher_catchment": None},
    ],
    ids=["not eligible", "no funded place"],
)
def test_what_nobody_funds_stays_submitted_on_no_statement(
    version: str, facts: dict[str, Any], api: ApiClient, provider: Any
) -> None:
    if "cohort" in facts:
        facts = {**facts, "cohort": CohortFactory(capped=True)}
    enrolment = trainee(provider, **facts)

    response = declare(api, version, enrolment)

    assert response.json()["data"]["attributes"]["state"] == "submitted"
    assert not LineItem.objects.exists()


@every_version
@pytest.mark.parametrize(("has_passed", "state"), [(True, "passed"), ("false", "failed")])
def test_a_completed_declaration_brings_its_outcome(
    version: str, has_passed: Any, state: str, api: ApiClient, enrolment: Enrolment
) -> None:
    response = declare(api, version, enrolment, "completed", has_passed=has_passed)

    assert response.json()["data"]["attributes"]["has_passed"] is (state == "passed")
    outcome = Outcome.objects.get()
    assert (outcome.state, outcome.completion_date) == (state, date(2024, 11, 1))
    message = Message.objects.get()
    assert (message.kind, message.to) == (f"outcome_{state}", enrolment.application.email)
    assert message.personalisation["completion_date"] == "1 November 2024"


@every_version
@pytest.mark.parametrize("trait", ["aso", "ehco"])
def test_the_coaching_offers_have_no_outcome(version: str, trait: str, api: ApiClient, provider: Any) -> None:
    enrolment = trainee(provider, course=CourseFactory(**{trait: True}))

    response = declare(api, version, enrolment, "completed", has_passed=None)

    assert response.status_code == 200
    assert response.json()["data"]["attributes"]["has_passed"] is None
    assert not Outcome.objects.exists()


@every_version
def test_the_outcome_is_dated_by_the_uk_day(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    declare(api, version, enrolment, "completed", declaration_date="2024-07-01T23:30:00Z")

    assert Outcome.objects.get().completion_date == date(2024, 7, 2)


@every_version
def test_types_come_in_any_order(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    answers = [declare(api, version, enrolment, kind) for kind in ("completed", "retained-2", "started", "retained-1")]

    assert [response.status_code for response in answers] == [200] * 4


@every_version
@pytest.mark.parametrize("status", ["active", "deferred"])
def test_a_deferred_participant_may_be_declared_for(
    version: str, status: str, api: ApiClient, enrolment: Enrolment
) -> None:
    Enrolment.objects.update(training_status=status)

    assert declare(api, version, enrolment).status_code == 200


@every_version
def test_either_name_of_the_coaching_offer_will_do(version: str, api: ApiClient, provider: Any) -> None:
    enrolment = trainee(provider, course=CourseFactory(aso=True))
    CourseFactory(ehco=True)

    response = declare(api, version, enrolment, course_identifier="npq-early-headship-coaching-offer")

    assert response.json()["data"]["attributes"]["course_identifier"] == "npq-additional-support-offer"


@every_version
def test_the_newest_acceptance_is_declared_for(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    withdraw(enrolment, NOW - timedelta(days=30))
    newer = trainee(enrolment.lead_provider, participant=enrolment.participant, eligible_for_funding=True)
    Enrolment.objects.filter(id=newer.id).update(accepted_at=NOW - timedelta(days=10))

    declare(api, version, newer)

    assert Declaration.objects.get().enrolment_id == newer.id


@every_version
def test_an_acceptance_that_was_undone_is_not_declared_for(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    application = ApplicationFactory(lead_provider=enrolment.lead_provider, participant=enrolment.participant)
    EnrolmentFactory(application=application, undone_at=NOW, accepted_at=NOW - timedelta(days=10))

    declare(api, version, enrolment)

    assert Declaration.objects.get().enrolment_id == enrolment.id


# The rows -------------------------------------------------------------------------------------------------------


@every_version
@pytest.mark.parametrize("blank", [None, "", "  ", 7], ids=str)
def test_row_1_a_participant_is_named(version: str, blank: Any, api: ApiClient, enrolment: Enrolment) -> None:
    response = declare(api, version, enrolment, participant_id=blank)

    assert response.status_code == 422
    assert errors_of(response) == [("participant_id", "participant_id_missing")]
    assert not Declaration.objects.exists()


@every_version
def test_rows_1_8_9_10_a_blank_attribute_set(version: str, api: ApiClient) -> None:
    response = api.post(version, "/participant-declarations", {"participant_id": ""}, headers=CLOCK)

    assert errors_of(response) == [
        ("participant_id", "participant_id_missing"),
        ("declaration_date", "declaration_date_missing"),
        ("declaration_type", "declaration_type_missing"),
        ("declaration_type", "declaration_type_not_recognised"),
    ]


@every_version
def test_row_2_a_retired_id_names_the_new_one(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    retired = ParticipantFactory(merged_into=enrolment.participant)
    ParticipantIdChangeFactory(participant=enrolment.participant, from_participant_id=retired.public_id)

    response = declare(api, version, enrolment, participant_id=str(retired.public_id))

    assert errors_of(response) == [("participant_id", "participant_id_replaced")]
    assert str(enrolment.participant.public_id) in response.json()["errors"][0]["detail"]


@every_version
def test_row_2_a_retired_id_is_refused_even_for_a_replay(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    declare(api, version, enrolment)
    old_id = enrolment.participant.public_id
    survivor = ParticipantFactory()
    Enrolment.objects.update(participant=survivor)
    enrolment.application.participant = survivor
    enrolment.application.save()
    enrolment.participant.merged_into = survivor
    enrolment.participant.save()
    ParticipantIdChangeFactory(participant=survivor, from_participant_id=old_id)

    response = declare(api, version, enrolment, participant_id=str(old_id))

    assert errors_of(response) == [("participant_id", "participant_id_replaced")]


@every_version
def test_row_2_a_retired_id_of_strangers_is_not_told(version: str, rival_api: ApiClient, enrolment: Enrolment) -> None:
    retired = ParticipantFactory(merged_into=enrolment.participant)
    ParticipantIdChangeFactory(participant=enrolment.participant, from_participant_id=retired.public_id)

    response = declare(rival_api, version, enrolment, participant_id=str(retired.public_id))

    assert errors_of(response) == [("participant_id", "participant_not_recognised")]


@every_version
@pytest.mark.parametrize("given", ["123XXX", "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90"])
def test_row_3_an_unknown_participant(version: str, given: str, api: ApiClient, enrolment: Enrolment) -> None:
    response = declare(api, version, enrolment, participant_id=given)

    assert response.status_code == 422
    assert errors_of(response) == [("participant_id", "participant_not_recognised")]


@every_version
@pytest.mark.parametrize("whose", ["another provider's", "only pending", "acceptance undone"])
def test_row_3_a_participant_the_provider_has_not_accepted(
    version: str, whose: str, api: ApiClient, rival_api: ApiClient, enrolment: Enrolment
) -> None:
    client = api
    if whose == "another provider's":
        client = rival_api
    elif whose == "only pending":
        enrolment = EnrolmentFactory.build(
            application=ApplicationFactory(lead_provider=enrolment.lead_provider), schedule=enrolment.schedule
        )
    else:
        enrolment.application.status = "pending"
        enrolment.application.enrolment = enrolment.application.decided_at = None
        enrolment.application.save()
        Enrolment.objects.update(undone_at=NOW)

    response = declare(client, version, enrolment)

    assert errors_of(response) == [("participant_id", "participant_not_recognised")]


@every_version
@pytest.mark.parametrize("second", [0, 1])
def test_row_4_dates_from_the_withdrawal_on_are_refused(
    version: str, second: int, api: ApiClient, enrolment: Enrolment
) -> None:
    withdrawn_at = datetime(2024, 11, 1, 9, 30, tzinfo=UTC)
    withdraw(enrolment, withdrawn_at)

    response = declare(api, version, enrolment, declaration_date=(withdrawn_at + timedelta(seconds=second)).isoformat())

    assert errors_of(response) == [("participant_id", "declared_after_withdrawal")]
    assert "2024-11-01T09:30:00Z" in response.json()["errors"][0]["detail"]


@every_version
def test_row_4_a_date_before_the_withdrawal_is_taken(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    withdraw(enrolment, datetime(2024, 11, 1, 9, 30, 1, tzinfo=UTC))

    response = declare(api, version, enrolment)

    assert response.json()["data"]["attributes"]["state"] == "eligible"


@every_version
def test_row_4_whoever_recorded_the_withdrawal(
    version: str, api: ApiClient, enrolment: Enrolment, rival_provider: Any
) -> None:
    withdraw(enrolment, datetime(2024, 10, 30, tzinfo=UTC), lead_provider=rival_provider)

    assert errors_of(declare(api, version, enrolment)) == [("participant_id", "declared_after_withdrawal")]


@every_version
def test_row_4_resuming_lifts_it_for_all_dates(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    withdraw(enrolment, datetime(2024, 10, 30, tzinfo=UTC))
    TrainingStatusChangeFactory(enrolment=enrolment, changed_at=datetime(2024, 11, 15, tzinfo=UTC))
    Enrolment.objects.update(training_status="active")

    assert declare(api, version, enrolment).status_code == 200


@every_version
@pytest.mark.parametrize("course", ["npq-senior-leadership", "npq-unheard-of", "", None])
def test_row_5_a_course_the_participant_is_not_on(
    version: str, course: str | None, api: ApiClient, enrolment: Enrolment
) -> None:
    CourseFactory(identifier="npq-senior-leadership")

    response = declare(api, version, enrolment, course_identifier=course)

    assert errors_of(response) == [("course_identifier", "declared_course_not_recognised")]


@every_version
@pytest.mark.parametrize(
    "given",
    [
        "2024-11-01",
        "2024-11-01 09:30:00Z",
        "2024-13-01T09:30:00Z",
        "2024-11-31T09:30:00Z",
        "2024-11-01T25:30:00Z",
        "yesterday",
    ],
)
def test_row_6_a_date_that_cannot_be_read(version: str, given: str, api: ApiClient, enrolment: Enrolment) -> None:
    response = declare(api, version, enrolment, declaration_date=given)

    assert errors_of(response) == [("declaration_date", "declaration_date_unreadable")]


@every_version
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("2024-11-01T09:30:00", "2024-11-01T09:30:00Z"),
        ("2024-11-01T09:30:00.5Z", "2024-11-01T09:30:00Z"),
        ("2024-11-01t09:30:00z", "2024-11-01T09:30:00Z"),
        ("2024-11-01T09:30:00+01:00", "2024-11-01T08:30:00Z"),
        ("2024-11-01T09:30:00+0100", "2024-11-01T08:30:00Z"),
        ("2024-11-01T09:30:00-01", "2024-11-01T10:30:00Z"),
    ],
)
def test_row_6_every_way_to_write_a_date(
    version: str, given: str, shown: str, api: ApiClient, enrolment: Enrolment
) -> None:
    response = declare(api, version, enrolment, declaration_date=given)

    assert response.json()["data"]["attributes"]["declaration_date"] == shown


@every_version
@pytest.mark.parametrize(
    ("given", "status"),
    [("2023-09-30T22:59:59Z", 422), ("2023-09-30T23:00:00Z", 200), ("2023-10-01T00:00:00+01:00", 200)],
    ids=["the day before, UK time", "midnight in the UK", "midnight, written with the offset"],
)
def test_row_7_the_first_day_of_the_schedule_counts_in_uk_time(
    version: str, given: str, status: int, api: ApiClient, enrolment: Enrolment
) -> None:
    response = declare(api, version, enrolment, declaration_date=given)

    assert response.status_code == status
    if status == 422:
        assert errors_of(response) == [("declaration_date", "declaration_date_before_schedule")]
        assert "2023-10-01" in response.json()["errors"][0]["detail"]


@every_version
@pytest.mark.parametrize("blank", [None, "", 20241101])
def test_row_8_a_date_is_given(version: str, blank: Any, api: ApiClient, enrolment: Enrolment) -> None:
    response = declare(api, version, enrolment, declaration_date=blank)

    assert errors_of(response) == [("declaration_date", "declaration_date_missing")]


@every_version
@pytest.mark.parametrize("blank", [None, ""])
def test_row_9_a_type_is_given(version: str, blank: Any, api: ApiClient, enrolment: Enrolment) -> None:
    response = declare(api, version, enrolment, declaration_type=blank)

    assert errors_of(response) == [
        ("declaration_type", "declaration_type_missing"),
        ("declaration_type", "declaration_type_not_recognised"),
    ]


@every_version
@pytest.mark.parametrize("unknown", ["retained-3", "Started", "retention-1"])
def test_row_10_the_type_is_one_of_four(version: str, unknown: str, api: ApiClient, enrolment: Enrolment) -> None:
    response = declare(api, version, enrolment, declaration_type=unknown)

    assert errors_of(response) == [("declaration_type", "declaration_type_not_recognised")]


def test_row_11_an_enrolment_always_has_a_schedule() -> None:
    assert Enrolment._meta.get_field("schedule").null is False


@every_version
def test_row_12_the_schedule_has_the_type(version: str, api: ApiClient, provider: Any) -> None:
    enrolment = trainee(provider, course=CourseFactory(specialist=True))

    response = declare(api, version, enrolment, "retained-2")

    assert errors_of(response) == [("declaration_type", "declaration_type_not_on_schedule")]
    assert "started, retained-1, completed" in response.json()["errors"][0]["detail"]


@every_version
@pytest.mark.parametrize("eligible", [True, False])
def test_row_13_there_is_a_contract(version: str, eligible: bool, api: ApiClient, provider: Any) -> None:
    enrolment = trainee(provider, eligible_for_funding=eligible)
    ContractTerms.objects.update(course=CourseFactory(specialist=True))

    response = declare(api, version, enrolment)

    assert errors_of(response) == [("cohort", "no_contract_terms")]


@every_version
@pytest.mark.parametrize(
    "change",
    [
        {"deadline_date": date(2024, 11, 19)},
        {"output_fee": False},
        {"state": "payable", "payable_at": NOW},
    ],
    ids=["deadline passed", "service fee only", "payable"],
)
def test_row_14_a_funded_declaration_needs_an_open_statement(
    version: str, change: dict[str, Any], api: ApiClient, enrolment: Enrolment
) -> None:
    Statement.objects.update(**change)

    response = declare(api, version, enrolment)

    assert errors_of(response) == [("cohort", "no_open_statement")]
    assert not Declaration.objects.exists()


@every_version
def test_row_14_speaks_in_its_place(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    """Beside a result that is missing, and before a slot that is held."""
    DeclarationFactory(enrolment=enrolment, declaration_type="completed")
    Statement.objects.update(deadline_date=date(2024, 11, 19))

    response = declare(api, version, enrolment, "completed", has_passed=None)

    assert errors_of(response) == [("cohort", "no_open_statement"), ("has_passed", "has_passed_missing")]


@every_version
def test_row_14_the_deadline_itself_is_inside(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    Statement.objects.update(deadline_date=date(2024, 11, 20))

    assert declare(api, version, enrolment).status_code == 200


@every_version
def test_row_14_an_unfunded_declaration_needs_none(version: str, api: ApiClient, provider: Any) -> None:
    enrolment = trainee(provider, eligible_for_funding=False)
    Statement.objects.all().delete()

    assert declare(api, version, enrolment).json()["data"]["attributes"]["state"] == "submitted"


@every_version
@pytest.mark.parametrize("given", [None, "", "yes", 1, "True"], ids=repr)
def test_row_15_a_completed_declaration_says_whether_they_passed(
    version: str, given: Any, api: ApiClient, enrolment: Enrolment
) -> None:
    response = declare(api, version, enrolment, "completed", has_passed=given)

    assert errors_of(response) == [("has_passed", "has_passed_missing")]
    assert not Outcome.objects.exists()


@every_version
def test_row_15_speaks_beside_others(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    response = declare(api, version, enrolment, "completed", participant_id="", has_passed=None)

    assert errors_of(response) == [
        ("participant_id", "participant_id_missing"),
        ("has_passed", "has_passed_missing"),
    ]


@every_version
@pytest.mark.parametrize("state", ["submitted", "eligible", "payable", "paid"])
def test_row_16_the_slot_is_held(version: str, state: str, api: ApiClient, enrolment: Enrolment) -> None:
    DeclarationFactory(enrolment=enrolment, state=state)

    response = declare(api, version, enrolment)

    assert errors_of(response) == [("base", "declaration_already_exists")]
    assert Declaration.objects.count() == 1


@every_version
def test_row_16_speaks_beside_row_23(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    DeclarationFactory(enrolment=enrolment)

    response = declare(api, version, enrolment, declaration_date="2024-11-21T00:00:00Z")

    assert errors_of(response) == [
        ("base", "declaration_already_exists"),
        ("declaration_date", "declaration_date_in_future"),
    ]


@every_version
@pytest.mark.parametrize(
    ("given", "status"), [("2024-11-20T12:00:00Z", 200), ("2024-11-20T12:00:01Z", 422)], ids=["now", "a second later"]
)
def test_row_23_the_date_is_not_in_the_future(
    version: str, given: str, status: int, api: ApiClient, enrolment: Enrolment
) -> None:
    response = declare(api, version, enrolment, declaration_date=given)

    assert response.status_code == status
    if status == 422:
        assert errors_of(response) == [("declaration_date", "declaration_date_in_future")]


@every_version
def test_one_cause_gives_one_error(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    """A held slot, a closed contract and a withdrawal: the first of them speaks, the rest keeps silent."""
    DeclarationFactory(enrolment=enrolment)
    ContractTerms.objects.all().delete()
    withdraw(enrolment, NOW - timedelta(days=60))

    assert errors_of(declare(api, version, enrolment)) == [("participant_id", "declared_after_withdrawal")]


# Structure ------------------------------------------------------------------------------------------------------


@every_version
@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"data": {}}', b'{"data": {"type": "x", "attributes": {}}}', b'{"data": {"attributes": []}}'],
    ids=bytes.decode,
)
def test_a_body_without_attributes_is_400(version: str, body: bytes, api: ApiClient) -> None:
    response = api.request("POST", version, "/participant-declarations", body=body)

    assert response.status_code == 400
    assert errors_of(response) == [("Bad request", "wrong_json_structure")]


@every_version
def test_unknown_attributes_and_the_type_are_ignored(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    body = {"data": {"type": "anything", "attributes": attributes(enrolment, foo=1, evidence_held="other")}}

    response = api.request("POST", version, "/participant-declarations", body=body, headers=CLOCK)

    assert response.status_code == 200


# Duplicates -----------------------------------------------------------------------------------------------------


def twin_of(enrolment: Enrolment, **facts: Any) -> Enrolment:
    """Another record of the same person, by the verified TRN, accepted elsewhere and withdrawn since."""
    trn = enrolment.participant.teacher_reference_number
    return trainee(enrolment.lead_provider, participant=ParticipantFactory(teacher_reference_number=trn), **facts)


@every_version
def test_a_person_declared_twice_is_ineligible(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    twin = twin_of(enrolment)
    first = DeclarationFactory(enrolment=twin, state="eligible")

    response = declare(api, version, enrolment)

    assert response.status_code == 200
    shown = response.json()["data"]["attributes"]
    assert shown["state"] == "ineligible"
    if version == "v3":
        assert shown["ineligible_for_funding_reason"] == "duplicate_declaration"
        assert shown["statement_id"] is None
    made = Declaration.objects.get(enrolment=enrolment)
    assert (made.superseded_by_id, made.ineligible_reason) == (first.id, "duplicate_declaration")
    assert LineItem.objects.get(declaration=made).state == "ineligible"


@pytest.mark.parametrize("state", ["voided", "awaiting-clawback", "clawed-back", "ineligible"])
def test_only_a_live_declaration_makes_a_duplicate(state: str, api: ApiClient, enrolment: Enrolment) -> None:
    DeclarationFactory(
        enrolment=twin_of(enrolment),
        state=state,
        ineligible_reason="duplicate_declaration" if state == "ineligible" else None,
    )

    assert declare(api, "v3", enrolment).json()["data"]["attributes"]["state"] == "eligible"


@pytest.mark.parametrize("whose", ["mine", "theirs"])
def test_an_unverified_trn_makes_no_duplicate(whose: str, api: ApiClient, enrolment: Enrolment) -> None:
    twin = twin_of(enrolment)
    DeclarationFactory(enrolment=twin)
    person = enrolment.participant if whose == "mine" else twin.participant
    person.teacher_reference_number_verified = False
    person.save()

    assert declare(api, "v3", enrolment).json()["data"]["attributes"]["state"] == "eligible"


def test_another_type_or_course_makes_no_duplicate(api: ApiClient, enrolment: Enrolment) -> None:
    DeclarationFactory(enrolment=twin_of(enrolment), declaration_type="retained-1")
    DeclarationFactory(enrolment=twin_of(enrolment, course=CourseFactory(specialist=True)))

    assert declare(api, "v3", enrolment).json()["data"]["attributes"]["state"] == "eligible"


def test_the_coaching_offers_are_one_course_for_duplicates(api: ApiClient, provider: Any) -> None:
    enrolment = trainee(provider, course=CourseFactory(ehco=True))
    DeclarationFactory(enrolment=twin_of(enrolment, course=CourseFactory(aso=True)))

    assert declare(api, "v3", enrolment).json()["data"]["attributes"]["state"] == "ineligible"


def test_the_oldest_declaration_supersedes(api: ApiClient, enrolment: Enrolment) -> None:
    newer = DeclarationFactory(enrolment=twin_of(enrolment), created_at=NOW - timedelta(days=1))
    older = DeclarationFactory(enrolment=twin_of(enrolment), created_at=NOW - timedelta(days=9))
    assert newer.id < older.id

    declare(api, "v3", enrolment)

    assert Declaration.objects.get(enrolment=enrolment).superseded_by_id == older.id


@pytest.mark.parametrize("eligible", [True, False])
def test_a_duplicate_without_a_statement(eligible: bool, api: ApiClient, provider: Any) -> None:
    """Only what DfE would pay for is refused when no statement is open."""
    enrolment = trainee(provider, eligible_for_funding=eligible)
    DeclarationFactory(enrolment=twin_of(enrolment))
    Statement.objects.update(state="payable", payable_at=NOW)

    response = declare(api, "v3", enrolment)

    if eligible:
        assert errors_of(response) == [("cohort", "no_open_statement")]
    else:
        assert response.json()["data"]["attributes"]["state"] == "ineligible"
        assert not LineItem.objects.exists()


# The trail ------------------------------------------------------------------------------------------------------


@every_version
def test_the_trail_names_the_token(version: str, api: ApiClient, enrolment: Enrolment, provider: Any) -> None:
    declare(api, version, enrolment, "completed")

    changes = Change.objects.filter(action="submit_declaration")
    assert set(changes.values_list("table", "operation")) == {
        ("declarations_declaration", "insert"),
        ("declarations_outcome", "insert"),
        ("finance_lineitem", "insert"),
    }
    assert set(changes.values_list("actor_kind", "lead_provider_id")) == {("token", provider.id)}


def test_history_is_left_alone(api: ApiClient, enrolment: Enrolment) -> None:
    before = list(TrainingStatusChange.objects.values_list("id", flat=True))

    declare(api, "v3", enrolment)

    assert list(TrainingStatusChange.objects.values_list("id", flat=True)) == before
