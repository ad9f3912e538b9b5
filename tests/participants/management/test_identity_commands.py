"""merge_participants and change_trn on the command line (decisions.md §6, §8)."""

from typing import Any

import pytest

from declarations.choices import DeclarationState
from npq.core.models import Change
from participants.choices import TrainingStatus
from participants.models import Enrolment, Participant, ParticipantIdChange
from tests.commands import CommandRun, run_command
from tests.factories import CourseFactory, DeclarationFactory, EnrolmentFactory, ParticipantFactory

pytestmark = pytest.mark.django_db
WHO = ("--actor", "Ruth Iyer", "--reason", "NPQ-77: registered twice")


@pytest.fixture
def old() -> Participant:
    person = ParticipantFactory(without_trn=True, full_name="Priya Nair")
    DeclarationFactory(enrolment=EnrolmentFactory(application__participant=person))
    return person


@pytest.fixture
def new() -> Participant:
    person = ParticipantFactory(full_name="Priya Okafor")
    EnrolmentFactory(application__participant=person, application__course=CourseFactory(specialist=True))
    return person


def merge(old: Participant, new: Participant, *more: str) -> CommandRun:
    return run_command("merge_participants", "--from", old.public_id, "--to", new.public_id, "--format", "json", *more)


def results(run: CommandRun) -> list[tuple[str, str]]:
    return [(row["result"], row["id"]) for row in run.json["rows"]]


def test_without_apply_both_are_shown_side_by_side_and_nothing_moves(old: Participant, new: Participant) -> None:
    run = merge(old, new)

    assert run.code == 0
    moving, staying = old.applications.get(), new.applications.get()
    assert results(run) == [
        ("retired", str(old.public_id)),
        ("moves", str(moving.public_id)),
        ("kept", str(new.public_id)),
        ("stays", str(staying.public_id)),
    ]
    assert run.json["rows"][1]["declarations"] == 1
    assert run.json["rows"][1]["lead_provider"] == moving.lead_provider.code
    assert run.json["rows"][2]["trn"] == new.teacher_reference_number
    assert run.json["applied"] is False
    assert Enrolment.objects.filter(participant=old).exists()
    assert not ParticipantIdChange.objects.exists()


def test_apply_merges_and_records_who_and_why(old: Participant, new: Participant) -> None:
    run = merge(old, new, "--apply", *WHO)

    assert run.code == 0
    assert not Enrolment.objects.filter(participant=old).exists()
    change = Change.objects.filter(table="participants_enrolment", action="merge_participants").get()
    assert (change.actor_name, change.reason) == ("Ruth Iyer", "NPQ-77: registered twice")


def test_twice_is_unchanged(old: Participant, new: Participant) -> None:
    merge(old, new, "--apply", *WHO)

    run = merge(old, new, "--apply", *WHO)

    assert run.code == 0
    assert results(run) == [("unchanged", str(old.public_id))]


@pytest.mark.parametrize("apply", [(), ("--apply", *WHO)])
def test_a_conflict_is_named_and_nothing_moves(apply: tuple[str, ...], old: Participant, new: Participant) -> None:
    EnrolmentFactory(application__participant=new)

    run = merge(old, new, *apply)

    assert run.code == 1
    assert run.errors == [(str(old.public_id), "enrolment", "both_on_course")]
    assert ("would move", str(old.applications.get().public_id)) in results(run)
    assert Enrolment.objects.filter(participant=old).exists()


def test_who_and_why_are_required(old: Participant, new: Participant) -> None:
    assert merge(old, new, "--apply").code == 2
    assert run_command("change_trn", new.public_id, "9123456", "--apply").code == 2


@pytest.mark.parametrize("identifier", ["garbage", "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90"])
def test_an_unknown_participant_is_bad_input(identifier: str, new: Participant) -> None:
    assert run_command("merge_participants", "--from", identifier, "--to", new.public_id).code == 2
    assert run_command("merge_participants", "--from", new.public_id, "--to", identifier).code == 2
    assert run_command("change_trn", identifier, "9123456").code == 2


def change_trn(person: Participant, trn: str, *more: Any) -> CommandRun:
    return run_command("change_trn", person.public_id, trn, "--format", "json", *more)


def test_change_trn_says_what_it_would_do(new: Participant) -> None:
    run = change_trn(new, "912 3456")

    assert run.code == 0
    (row,) = run.json["rows"]
    assert (row["result"], row["before"], row["after"]) == ("changed", new.teacher_reference_number, "9123456")
    assert Participant.objects.get(id=new.id).teacher_reference_number == new.teacher_reference_number


def test_change_trn_applies_once(new: Participant) -> None:
    assert results(change_trn(new, "9123456", "--apply", *WHO)) == [("changed", str(new.public_id))]
    assert results(change_trn(new, "9123456", "--apply", *WHO)) == [("unchanged", str(new.public_id))]
    assert Participant.objects.get(id=new.id).teacher_reference_number == "9123456"


@pytest.mark.parametrize(("trn", "code"), [("12", "trn_malformed"), ("0000000", "trn_not_real")])
def test_change_trn_refuses(trn: str, code: str, new: Participant) -> None:
    run = change_trn(new, trn)

    assert run.code == 1
    assert run.errors == [(str(new.public_id), "teacher_reference_number", code)]


def test_change_trn_lists_what_it_leaves_doubtful(new: Participant) -> None:
    holder = ParticipantFactory(teacher_reference_number="9123456")
    twin = ParticipantFactory(teacher_reference_number=new.teacher_reference_number)
    ours, theirs, original = (
        DeclarationFactory(
            enrolment=EnrolmentFactory(application__participant=person, training_status=TrainingStatus.WITHDRAWN),
            state=DeclarationState.PAID,
        )
        for person in (new, holder, twin)
    )
    duplicate = DeclarationFactory(
        enrolment=new.enrolments.get(course__identifier="npq-leading-teaching"), ineligible=True, superseded_by=original
    )

    run = change_trn(new, "9123456")

    assert results(run) == [
        ("changed", str(new.public_id)),
        ("paid_twice", str(ours.public_id)),
        ("still_ineligible", str(duplicate.public_id)),
    ]
    assert run.json["rows"][0]["same_person"] == str(holder.public_id)
    assert str(theirs.public_id) in run.json["rows"][1]["note"]
    assert str(original.public_id) in run.json["rows"][2]["note"]
