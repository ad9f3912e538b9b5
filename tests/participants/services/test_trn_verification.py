"""Marking a TRN as verified, taking that back, and taking a TRN away (domain.md §3.15; backoffice.md §2.2)."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from applications.models import Application
from declarations.models import Declaration
from npq.core.audit import Actor
from npq.core.models import Change
from participants.errors import (
    NoTrnToRemove,
    NoTrnToVerify,
    PersonRetired,
    TrnHolderOnCourse,
    TrnNotReal,
    TrnNotVerified,
)
from participants.models import Participant
from participants.queries import same_person
from participants.services import remove_trn, unverify_trn, verify_trn
from tests.factories import ApplicationFactory, DeclarationFactory, EnrolmentFactory, ParticipantFactory

pytestmark = pytest.mark.django_db
TRN = "9123456"
SERVICES = (verify_trn, unverify_trn, remove_trn)
BEFORE = datetime(2024, 11, 1, tzinfo=UTC)


def trn_of(person: Participant) -> tuple[str | None, bool]:
    fresh = Participant.objects.get(id=person.id)
    return fresh.teacher_reference_number, fresh.teacher_reference_number_verified


def unverified(trn: str = TRN) -> Participant:
    person: Participant = ParticipantFactory(teacher_reference_number=trn, teacher_reference_number_verified=False)
    return person


def test_the_trn_that_is_there_is_verified_and_the_change_shows(actor: Actor) -> None:
    person = unverified()
    application = ApplicationFactory(participant=person)
    Participant.objects.update(updated_at=BEFORE)
    Application.objects.update(updated_at=BEFORE)

    verified = verify_trn(participant_id=person.id, by=actor)

    assert (verified.changed, verified.before, verified.after) == (True, TRN, TRN)
    assert trn_of(person) == (TRN, True)
    assert Participant.objects.get(id=person.id).updated_at > BEFORE
    assert Application.objects.get(id=application.id).updated_at > BEFORE
    assert Change.objects.get(action="verify_trn").before == {"teacher_reference_number_verified": False}


def test_verified_again_nothing_changes(actor: Actor) -> None:
    person = ParticipantFactory(teacher_reference_number=TRN)

    assert not verify_trn(participant_id=person.id, by=actor).changed
    assert not Change.objects.filter(action="verify_trn").exists()


def test_whoever_has_it_too_is_named_and_counts_as_the_same_person(actor: Actor) -> None:
    holder, person = ParticipantFactory(teacher_reference_number=TRN), unverified()

    verified = verify_trn(participant_id=person.id, by=actor)

    assert verified.holders == [holder]
    assert same_person([person.id]) == {holder.id, person.id}


def test_a_holder_on_the_same_course_is_in_the_way(actor: Actor) -> None:
    holder, person = ParticipantFactory(teacher_reference_number=TRN), unverified()
    for each in (holder, person):
        EnrolmentFactory(application__participant=each)

    with pytest.raises(TrnHolderOnCourse, match=str(holder)):
        verify_trn(participant_id=person.id, by=actor)
    assert trn_of(person) == (TRN, False)


def test_no_trn_and_nobodys_trn_are_not_verified(actor: Actor) -> None:
    with pytest.raises(NoTrnToVerify):
        verify_trn(participant_id=ParticipantFactory(without_trn=True).id, by=actor)
    with pytest.raises(TrnNotReal):
        verify_trn(participant_id=unverified("0000000").id, by=actor)


def test_the_verification_is_taken_back_and_the_number_stays(actor: Actor) -> None:
    other, person = ParticipantFactory(teacher_reference_number=TRN), ParticipantFactory(teacher_reference_number=TRN)

    unverify_trn(participant_id=person.id, by=actor)

    assert trn_of(person) == (TRN, False)
    assert trn_of(other) == (TRN, True)
    assert same_person([person.id]) == {person.id}


def test_what_was_a_duplicate_of_somebody_who_is_another_now_is_told(actor: Actor) -> None:
    other, person = ParticipantFactory(teacher_reference_number=TRN), ParticipantFactory(teacher_reference_number=TRN)
    first = DeclarationFactory(enrolment__application__participant=other, enrolment__training_status="withdrawn")
    duplicate = DeclarationFactory(enrolment__application__participant=person, ineligible=True, superseded_by=first)

    assert unverify_trn(participant_id=person.id, by=actor).still_ineligible == [duplicate]
    assert Declaration.objects.get(id=duplicate.id).state == "ineligible"


@pytest.mark.parametrize("verified", [True, False])
def test_a_trn_is_taken_away_verified_or_not(verified: bool, actor: Actor) -> None:
    person = ParticipantFactory(teacher_reference_number=TRN, teacher_reference_number_verified=verified)

    removed = remove_trn(participant_id=person.id, by=actor)

    assert (removed.before, removed.after) == (TRN, None)
    assert trn_of(person) == (None, False)


def test_what_is_not_there_is_not_taken_away(actor: Actor) -> None:
    with pytest.raises(TrnNotVerified):
        unverify_trn(participant_id=unverified().id, by=actor)
    with pytest.raises(NoTrnToRemove):
        remove_trn(participant_id=ParticipantFactory(without_trn=True).id, by=actor)


@pytest.mark.parametrize("service", SERVICES, ids=lambda it: it.__name__)
def test_a_retired_or_unknown_participant_is_refused(service: Callable[..., object], actor: Actor) -> None:
    retired = ParticipantFactory(merged_into=ParticipantFactory(), teacher_reference_number_verified=False)

    with pytest.raises(PersonRetired):
        service(participant_id=retired.id, by=actor)
    with pytest.raises(Participant.DoesNotExist):
        service(participant_id=0, by=actor)
