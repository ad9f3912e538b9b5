"""Receiving applications: what is stored, what a repeat means, what happens to the person (decisions.md §5, §8)."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from applications.errors import ApplicationContradicted, VerifiedTrnContradicted
from applications.models import Application
from applications.services import receive_application, receive_applications
from applications.services.receive import Receipt
from npq.core.audit import Actor, rehearsal
from npq.core.bulk import insert_rows
from npq.core.clock import wall_clock
from npq.core.errors import Refused
from npq.core.models import Change, LeadProvider, Message
from participants.models import Participant
from tests.applications.submissions import smallest
from tests.conftest import NOW
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    CourseFactory,
    ParticipantFactory,
    ParticipantIdChangeFactory,
)

pytestmark = pytest.mark.django_db

Receive = Callable[..., Receipt]


@pytest.fixture(autouse=True)
def reference_data(provider: LeadProvider) -> None:
    CourseFactory()
    CohortFactory()
    CohortFactory(start_year=2025, suffix="b", funding="capped")
    CohortFactory(unfunded=True)


@pytest.fixture
def receive(actor: Actor) -> Receive:
    """Receives one application made of the smallest one and the given fields."""

    def receive(**fields: Any) -> Receipt:
        return receive_application(content=smallest(**fields), by=actor, now=NOW)

    return receive


# What is stored


def test_the_smallest_application(receive: Receive) -> None:
    sent = smallest()

    receipt = receive(**sent)

    assert receipt == Receipt(uuid.UUID(sent["id"]), uuid.UUID(sent["participant_id"]), "pending", created=True)
    application = Application.objects.get()
    assert application.status == "pending"
    assert application.enrolment is None
    assert (application.email, application.email_validated) == ("priya@example.org", False)
    assert application.course.identifier == "npq-headship"
    assert application.cohort.identifier == "2023a"
    assert application.lead_provider.code == "ambition"
    assert application.funded_place is None
    assert application.targeted_delivery_funding_eligibility is False
    person = application.participant
    assert person.full_name == "Priya Okafor"
    assert (person.teacher_reference_number, person.teacher_reference_number_verified) == (None, False)
    assert person.previous_names == []


def test_every_field(receive: Receive) -> None:
    sent: dict[str, Any] = {
        "email_validated": True,
        "funding_choice": "trust",
        "headteacher_status": "yes_when_course_starts",
        "school_urn": "140233",
        "school_ukprn": "10041122",
        "private_childcare_provider_urn": "EY944860",
        "works_in_school": False,
        "employer_name": "Northbeck Council",
        "employment_role": "Adviser",
        "employment_type": "local_authority_virtual_school",
        "itt_provider": "Northbeck Teacher Training",
        "lead_mentor": True,
        "teacher_catchment": "another",
        "teacher_catchment_country": "France",
        "teacher_catchment_iso_country_code": "FRA",
        "targeted_delivery_funding_eligibility": True,
        "works_as_senco": "no_i_do_not_plan_to_be_a_SENCO",
        "senco_start_date": "2025-09-01",
        "funding_eligibility_status_code": "not_in_england",
        "created_at": "2024-07-06T10:47:24.5+01:00",
    }

    receive(
        **sent,
        cohort="2025",
        cohort_suffix="b",
        teacher_reference_number="9000001",
        teacher_reference_number_validated=True,
        date_of_birth="1985-04-01",
        previous_names=["Priya Reed", " ", "Priya Okafor"],
    )

    application = Application.objects.get()
    sent["senco_start_date"] = date(2025, 9, 1)
    sent["created_at"] = datetime(2024, 7, 6, 9, 47, 24, 500000, tzinfo=UTC)
    assert {name: getattr(application, name) for name in sent} == sent
    assert application.cohort.identifier == "2025b"
    person = application.participant
    assert (person.verified_trn, person.date_of_birth) == ("9000001", date(1985, 4, 1))
    assert person.previous_names == ["Priya Reed"]


def test_an_unfunded_cohort_has_no_funded_place_from_the_start(receive: Receive) -> None:
    receive(cohort=2026)

    assert Application.objects.get().funded_place is False


def test_nobody_is_told_and_the_trail_names_each_row(receive: Receive, actor: Actor) -> None:
    receipt = receive()

    assert not Message.objects.exists()
    changes = Change.objects.filter(action="receive_application")
    assert sorted(changes.values_list("table", "operation", "actor_name")) == [
        ("applications_application", "insert", actor.name),
        ("participants_participant", "insert", actor.name),
    ]
    assert changes.get(table="applications_application").record_public_id == receipt.id


# The same again, and something else


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"cohort": "2023", "cohort_suffix": "A"},
        {"email_validated": False, "employer_name": None, "school_urn": " ", "previous_names": []},
        {"email": " priya@example.org "},
        {"unheard_of": "ignored"},
    ],
)
def test_a_repeat_changes_nothing(receive: Receive, again: dict[str, Any]) -> None:
    sent = smallest()
    receive(**sent)
    before = rows()

    receipt = receive(**{**sent, **again})

    assert (receipt.created, receipt.status) == (False, "pending")
    assert rows() == before


def test_a_repeat_in_capitals_is_a_repeat(receive: Receive) -> None:
    sent = smallest()
    receive(**sent)

    assert (
        receive(**{**sent, "id": sent["id"].upper(), "participant_id": sent["participant_id"].upper()}).created is False
    )


def test_a_repeat_answers_where_the_application_stands_now(receive: Receive) -> None:
    sent = smallest()
    receive(**sent)
    survivor = ParticipantFactory()
    Application.objects.update(
        status="rejected", reason_for_rejection="rejected_by_provider", decided_at=NOW, participant=survivor
    )

    receipt = receive(**sent)

    assert (receipt.status, receipt.participant_id) == ("rejected", survivor.public_id)


@pytest.mark.parametrize(
    ("other", "fields"),
    [
        ({"email": "other@example.org"}, "email"),
        ({"participant_id": "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90"}, "participant_id"),
        ({"full_name": "Priya Reed", "cohort": 2025, "cohort_suffix": "b"}, "full_name, cohort, cohort_suffix"),
        ({"eligible_for_funding": False}, "eligible_for_funding"),
        ({"created_at": "2024-07-06T10:47:24Z"}, "created_at"),
    ],
)
def test_other_content_under_a_known_id_is_refused(receive: Receive, other: dict[str, Any], fields: str) -> None:
    sent = smallest()
    receive(**sent)
    before = rows()

    with pytest.raises(ApplicationContradicted) as refusal:
        receive(**{**sent, **other})

    assert refusal.value.problems[0].title == "id"
    assert f"with other content in {fields}." in refusal.value.sentence
    assert rows() == before


def test_content_stored_before_a_field_existed_counts_it_as_absent(receive: Receive) -> None:
    sent = smallest()
    receive(**sent)
    stored = Application.objects.get().submission
    Application.objects.update(
        submission={name: stored[name] for name in stored if name not in ("email_validated", "senco_start_date")}
    )

    assert receive(**sent).created is False
    with pytest.raises(ApplicationContradicted):
        receive(**sent, email_validated=True)


def test_an_id_that_was_not_received_but_exists_is_refused(receive: Receive) -> None:
    existing = ApplicationFactory()

    with pytest.raises(ApplicationContradicted):
        receive(id=str(existing.public_id))


def rows() -> list[dict[str, Any]]:
    return [*Application.objects.values(), *Participant.objects.order_by("id").values()]


# The person


def test_a_known_person_is_brought_up_to_date(receive: Receive) -> None:
    person = ParticipantFactory(
        full_name="Priya Reed", previous_names=["P. Reed"], without_trn=True, date_of_birth=None
    )

    receive(
        participant_id=str(person.public_id),
        teacher_reference_number="9000001",
        date_of_birth="1985-04-01",
        previous_names=["P. Reed", "Priya Shaw"],
    )

    person.refresh_from_db()
    assert person.full_name == "Priya Okafor"
    assert person.previous_names == ["P. Reed", "Priya Shaw", "Priya Reed"]
    assert (person.teacher_reference_number, person.verified_trn) == ("9000001", None)
    assert person.date_of_birth == date(1985, 4, 1)


def test_a_name_taken_back_is_no_previous_name(receive: Receive) -> None:
    person = ParticipantFactory(full_name="Priya Reed", previous_names=["Priya Okafor"])

    receive(participant_id=str(person.public_id))

    person.refresh_from_db()
    assert (person.full_name, person.previous_names) == ("Priya Okafor", ["Priya Reed"])


def test_what_is_absent_stays(receive: Receive) -> None:
    person = ParticipantFactory(full_name="Priya Okafor", teacher_reference_number="9000001")
    before = Participant.objects.values().get()

    receive(participant_id=str(person.public_id))

    assert Participant.objects.values().get() == before


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        ((None, False), ("9000001", False), ("9000001", False)),
        ((None, False), ("9000001", True), ("9000001", True)),
        (("9000001", False), (None, False), ("9000001", False)),
        (("9000001", False), ("9000002", False), ("9000002", False)),
        (("9000001", False), ("9000001", True), ("9000001", True)),
        (("9000001", False), ("9000002", True), ("9000002", True)),
        (("9000001", True), (None, False), ("9000001", True)),
        (("9000001", True), ("9000001", False), ("9000001", True)),
        (("9000001", True), ("9000002", False), ("9000001", True)),
        (("9000001", True), ("9000001", True), ("9000001", True)),
    ],
)
def test_a_verified_trn_is_never_replaced_by_an_unverified_one(
    receive: Receive, before: tuple[str, bool], sent: tuple[str, bool], after: tuple[str, bool]
) -> None:
    person = ParticipantFactory(teacher_reference_number=before[0], teacher_reference_number_verified=before[1])

    receive(
        participant_id=str(person.public_id),
        teacher_reference_number=sent[0],
        teacher_reference_number_validated=sent[1],
    )

    person.refresh_from_db()
    assert (person.teacher_reference_number, person.teacher_reference_number_verified) == after


def test_another_verified_trn_is_for_staff(receive: Receive) -> None:
    person = ParticipantFactory(teacher_reference_number="9000001")
    before = rows()

    with pytest.raises(VerifiedTrnContradicted) as refusal:
        receive(
            participant_id=str(person.public_id),
            teacher_reference_number="9000002",
            teacher_reference_number_validated=True,
        )

    assert refusal.value.problems[0].title == "teacher_reference_number"
    assert rows() == before


def test_a_verified_trn_of_somebody_else_merges_nobody(receive: Receive) -> None:
    ParticipantFactory(teacher_reference_number="9000001")

    receive(teacher_reference_number="9000001", teacher_reference_number_validated=True)

    assert Participant.objects.filter(teacher_reference_number="9000001", merged_into=None).count() == 2


@pytest.mark.parametrize("told", [True, False])
def test_a_retired_id_stands_for_the_survivor(receive: Receive, told: bool) -> None:
    survivor = ParticipantFactory(full_name="Priya Reed")
    retired = ParticipantFactory(merged_into=survivor)
    if told:
        ParticipantIdChangeFactory(participant=survivor, from_participant_id=retired.public_id)

    receipt = receive(participant_id=str(retired.public_id))

    assert receipt.participant_id == survivor.public_id
    assert Application.objects.get().participant == survivor
    survivor.refresh_from_db()
    assert survivor.full_name == "Priya Okafor"
    retired.refresh_from_db()
    assert retired.full_name != "Priya Okafor"


def test_an_id_that_was_retired_before_our_time_stands_for_the_survivor(receive: Receive) -> None:
    change = ParticipantIdChangeFactory()

    receipt = receive(participant_id=str(change.from_participant_id))

    assert receipt.participant_id == change.participant.public_id
    assert Participant.objects.count() == 1


def test_a_change_of_name_shows_in_the_persons_other_applications(receive: Receive) -> None:
    other = ApplicationFactory(participant__full_name="Priya Reed")
    stranger = ApplicationFactory()
    since = wall_clock()

    receive(participant_id=str(other.participant.public_id))

    for row, moved in ((other, True), (stranger, False), (other.participant, True)):
        row.refresh_from_db()
        assert (row.updated_at > since) is moved


def test_without_a_change_nothing_else_moves(receive: Receive) -> None:
    other = ApplicationFactory(participant__full_name="Priya Okafor")
    since = wall_clock()

    receive(participant_id=str(other.participant.public_id))

    for row in (other, other.participant):
        row.refresh_from_db()
        assert row.updated_at < since


# Many at once


def test_a_bad_one_does_not_touch_the_others(actor: Actor) -> None:
    known = ParticipantFactory(teacher_reference_number="9000001")
    verified = {"teacher_reference_number_validated": True, "participant_id": str(known.public_id)}
    twice = smallest()
    sent = [
        smallest(),
        smallest(email="nonsense"),
        smallest(**verified, teacher_reference_number="9000002"),
        smallest(**verified, teacher_reference_number="9000001"),
        twice,
        twice,
        {**twice, "email": "other@example.org", "participant_id": str(uuid.uuid4())},
    ]

    found = receive_applications(contents=sent, by=actor, now=NOW)

    kinds = [type(each).__name__ if isinstance(each, Refused) else each.created for each in found]
    assert kinds == [True, "EmailMalformed", "VerifiedTrnContradicted", True, True, False, "ApplicationContradicted"]
    assert Application.objects.count() == 3
    assert Participant.objects.count() == 3


def test_several_applications_of_one_new_person(actor: Actor) -> None:
    person = str(uuid.uuid4())
    sent = [
        smallest(participant_id=person, full_name="Priya Reed"),
        smallest(participant_id=person, full_name="Priya Okafor"),
    ]

    receive_applications(contents=sent, by=actor, now=NOW)

    assert Participant.objects.values("full_name", "previous_names").get() == {
        "full_name": "Priya Okafor",
        "previous_names": ["Priya Reed"],
    }
    assert Application.objects.count() == 2


def test_a_rehearsal_keeps_nothing(receive: Receive) -> None:
    with rehearsal():
        receipt = receive()

    assert receipt.created
    assert not Application.objects.exists()
    assert not Participant.objects.exists()


def test_nothing_is_kept_when_the_last_write_fails(receive: Receive, monkeypatch: pytest.MonkeyPatch) -> None:
    def people_only(rows: list[Any], **options: bool) -> None:
        if isinstance(rows[0], Application):
            raise RuntimeError("the last write")
        insert_rows(rows, **options)

    monkeypatch.setattr("applications.services.receive.insert_rows", people_only)

    with pytest.raises(RuntimeError):
        receive()

    assert not Participant.objects.exists()


def test_the_number_of_queries_does_not_depend_on_the_number_of_applications(actor: Actor) -> None:
    def queries(number: int) -> int:
        sent = [smallest() for _ in range(number)]
        with CaptureQueriesContext(connection) as captured:
            receive_applications(contents=sent, by=actor, now=NOW)
        return len(captured)

    assert queries(1) == queries(30)
