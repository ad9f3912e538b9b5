"""Giving an application to the person it belongs to (backoffice.md §2.1; decisions.md §2)."""

from datetime import timedelta
from typing import Any

import pytest

from applications.errors import CourseHeldBy
from applications.models import Application
from applications.services import change_funding_eligibility, reassign_application, undo_acceptance
from declarations.choices import DeclarationState
from declarations.services import void_declaration
from npq.core.audit import Actor
from npq.core.errors import ReasonMissing, RefusedTogether
from npq.core.models import LeadProvider, Message
from npq.core.rehearsal import what_would_change
from participants.errors import BothPaidFor, PersonRetired
from participants.models import Enrolment, Participant
from participants.services import StaffTraining, merge_participants, withdraw_participant
from tests.applications.services.casework import DECLARED, STAFF, changing_nothing, claim, newest_action, refused
from tests.conftest import ApiClient
from tests.declarations.conftest import NOW, trainee
from tests.factories import ApplicationFactory, CourseFactory, ParticipantFactory, ScheduleFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]


def give(application: Application, to: Participant) -> Any:
    return reassign_application(application_id=application.id, participant_id=to.id, by=STAFF, now=NOW)


@pytest.fixture
def other() -> Participant:
    return ParticipantFactory(full_name="Nadia Clarke")


def test_application_enrolments_and_declarations_move(enrolment: Enrolment, other: Participant) -> None:
    application, source = enrolment.application, enrolment.participant
    undo_acceptance(application_id=application.id, by=STAFF, now=NOW)
    current = Enrolment.objects.create(
        application=application,
        participant=source,
        lead_provider=enrolment.lead_provider,
        course=enrolment.course,
        course_family=enrolment.course_family,
        cohort=enrolment.cohort,
        schedule=enrolment.schedule,
        accepted_at=NOW - timedelta(days=40),
    )
    current.status_changes.create(status="active", recorded_by="a test")
    Application.objects.filter(id=application.id).update(
        status="accepted", enrolment=current, decided_at=current.accepted_at
    )
    declaration = claim(current)
    before = (source.updated_at, other.updated_at, declaration.updated_at)

    effects = what_would_change(lambda: give(application, other))
    assert give(application, other).changed

    application.refresh_from_db()
    assert application.participant == other
    assert set(application.enrolments.values_list("participant", flat=True)) == {other.id}
    for row, earlier in zip((source, other, declaration), before, strict=True):
        row.refresh_from_db()
        assert row.updated_at > earlier
    assert ("declaration", declaration.public_id) in effects.touched
    assert newest_action() == ("reassign_application", "Sam Reyes", "NPQ-101: asked for by the provider")
    assert not Message.objects.exists()


def test_the_provider_finds_the_training_under_the_other_id(
    enrolment: Enrolment, other: Participant, api: ApiClient
) -> None:
    declaration = claim(enrolment)
    give(enrolment.application, other)

    seen = api.get("v3", f"/participant-declarations/{declaration.public_id}").json()["data"]["attributes"]
    assert seen["participant_id"] == str(other.public_id)
    assert api.get("v3", f"/participants/npq/{other.public_id}").status_code == 200
    assert api.get("v3", f"/participants/npq/{enrolment.participant.public_id}").status_code == 404


@pytest.mark.parametrize("rejected", [False, True])
def test_an_application_that_is_not_accepted_moves_too(other: Participant, rejected: bool) -> None:
    application = ApplicationFactory(rejected=rejected)

    give(application, other)

    application.refresh_from_db()
    assert application.participant == other


def test_the_person_who_has_it_changes_nothing(enrolment: Enrolment) -> None:
    with changing_nothing():
        assert not give(enrolment.application, enrolment.participant).changed


def test_an_unknown_person_is_an_error_and_changes_nothing(enrolment: Enrolment, other: Participant) -> None:
    other_id = other.id
    other.delete()

    with changing_nothing(), pytest.raises(Participant.DoesNotExist):
        reassign_application(application_id=enrolment.application_id, participant_id=other_id, by=STAFF, now=NOW)


def test_a_retired_id_is_refused_and_the_new_one_named(enrolment: Enrolment, other: Participant) -> None:
    survivor = ParticipantFactory(without_trn=True)
    merge_participants(retired_id=other.id, survivor_id=survivor.id, by=STAFF)

    with refused(PersonRetired, saying=f"Use {survivor.public_id} instead"):
        give(enrolment.application, other)


# Every rule about a person -------------------------------------------------------------------------


def test_somebody_on_the_course_already_is_refused(
    enrolment: Enrolment, other: Participant, rival_provider: LeadProvider
) -> None:
    there = trainee(rival_provider, participant=other)

    with refused(CourseHeldBy, saying=f"application {there.application.public_id}"):
        give(enrolment.application, other)


def test_somebody_whose_twin_is_on_the_course_is_refused(
    enrolment: Enrolment, other: Participant, rival_provider: LeadProvider
) -> None:
    twin = ParticipantFactory(teacher_reference_number=other.teacher_reference_number)
    trainee(rival_provider, participant=twin)

    with refused(CourseHeldBy, saying=f"Participant {twin.public_id} is enrolled"):
        give(enrolment.application, other)


def test_a_renamed_course_is_the_same_course(provider: LeadProvider, other: Participant) -> None:
    enrolment = trainee(provider, course=CourseFactory(aso=True))
    ScheduleFactory(cohort=enrolment.cohort, course_group="ehco")
    trainee(provider, participant=other, course=CourseFactory(ehco=True))

    with refused(CourseHeldBy):
        give(enrolment.application, other)


def test_withdrawn_training_stands_in_nobodys_way(
    enrolment: Enrolment, other: Participant, rival_provider: LeadProvider
) -> None:
    there = trainee(rival_provider, participant=other)
    withdraw_participant(training=StaffTraining(there.id), reason="other", by=STAFF, now=NOW)

    assert give(enrolment.application, other).changed


def test_nor_does_it_hinder_that_the_training_given_is_withdrawn(
    enrolment: Enrolment, other: Participant, rival_provider: LeadProvider
) -> None:
    trainee(rival_provider, participant=other)
    withdraw_participant(training=StaffTraining(enrolment.id), reason="other", by=STAFF, now=NOW)

    assert give(enrolment.application, other).changed


@pytest.fixture
def paid_there(other: Participant, rival_provider: LeadProvider) -> Enrolment:
    """The other person was paid for once, and has withdrawn."""
    there = trainee(rival_provider, participant=other)
    claim(there)
    withdraw_participant(training=StaffTraining(there.id), reason="other", by=STAFF, now=NOW)
    return there


def test_nobody_is_paid_twice_for_one_type(enrolment: Enrolment, other: Participant, paid_there: Enrolment) -> None:
    ours, theirs = claim(enrolment), paid_there.declarations.get()

    with refused(BothPaidFor, saying=f"{ours.public_id} and {theirs.public_id}"):
        give(enrolment.application, other)


def test_except_by_policy(enrolment: Enrolment, other: Participant, paid_there: Enrolment) -> None:
    claim(enrolment)
    change_funding_eligibility(application_id=enrolment.application_id, eligible=True, by=STAFF, now=NOW)

    assert give(enrolment.application, other).changed


def test_another_type_is_no_second_payment(enrolment: Enrolment, other: Participant, paid_there: Enrolment) -> None:
    claim(enrolment, "retained-1")

    assert give(enrolment.application, other).changed


def test_between_two_records_of_one_person_it_moves_with_what_was_paid(enrolment: Enrolment) -> None:
    claim(enrolment)
    twin = ParticipantFactory(teacher_reference_number=enrolment.participant.teacher_reference_number)

    assert give(enrolment.application, twin).changed


def test_several_reasons_are_given_together(
    enrolment: Enrolment, other: Participant, rival_provider: LeadProvider
) -> None:
    claim(enrolment)
    claim(trainee(rival_provider, participant=other))

    with changing_nothing(), pytest.raises(RefusedTogether) as refusal:
        give(enrolment.application, other)

    assert [problem.code for problem in refusal.value.problems] == ["course_held_by_enrolment", "both_paid_for"]


def test_what_the_database_refuses_is_the_same_refusal(
    enrolment: Enrolment, other: Participant, rival_provider: LeadProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainee(rival_provider, participant=other)
    monkeypatch.setitem(reassign_application.__globals__, "_refusals", lambda *_: [])

    with refused(CourseHeldBy):
        give(enrolment.application, other)


# Money and what is left to staff -------------------------------------------------------------------


def test_what_waited_because_its_person_was_funded_before_is_paid(
    enrolment: Enrolment, other: Participant, later: Enrolment
) -> None:
    declaration = claim(later)
    assert declaration.state == DeclarationState.SUBMITTED, "previously funded"

    give(later.application, other)

    declaration.refresh_from_db()
    assert declaration.state == DeclarationState.ELIGIBLE


def test_what_the_person_left_behind_declared_is_paid_too(
    enrolment: Enrolment, other: Participant, later: Enrolment
) -> None:
    declaration = claim(later)

    give(enrolment.application, other)

    declaration.refresh_from_db()
    assert declaration.state == DeclarationState.ELIGIBLE


def test_duplicates_of_a_person_who_is_another_one_now_are_named(
    enrolment: Enrolment, other: Participant, rival_provider: LeadProvider
) -> None:
    trn = enrolment.participant.teacher_reference_number
    twin = trainee(rival_provider, participant=ParticipantFactory(teacher_reference_number=trn))
    first = claim(twin, on=DECLARED - timedelta(days=1))
    withdraw_participant(training=StaffTraining(twin.id), reason="other", by=STAFF, now=NOW)
    duplicate = claim(enrolment)
    assert duplicate.superseded_by == first

    given = give(enrolment.application, other)

    (note,) = given.notes
    assert note.startswith(f"Declaration {duplicate.public_id} (started) stays ineligible as a duplicate.")
    void_declaration(declaration_id=duplicate.id, held_by=None, by=STAFF, now=NOW)
    assert claim(enrolment).state == DeclarationState.ELIGIBLE


def test_it_needs_a_reason(enrolment: Enrolment, other: Participant) -> None:
    with refused(ReasonMissing):
        reassign_application(
            application_id=enrolment.application_id, participant_id=other.id, by=Actor.command("Sam"), now=NOW
        )


def test_when_the_last_write_fails_nothing_is_kept(
    enrolment: Enrolment, other: Participant, last_write_fails: None
) -> None:
    claim(enrolment)

    with changing_nothing(), pytest.raises(RuntimeError):
        give(enrolment.application, other)
