"""Changing a TRN, and its effect on duplicates (domain.md §3.15, decisions.md §2)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from applications.models import Application
from declarations.choices import DeclarationState
from declarations.models import Declaration
from npq.core.audit import Actor
from npq.core.models import Change
from participants.choices import TrainingStatus
from participants.errors import PersonRetired, TrnHolderOnCourse, TrnMalformed, TrnNotReal
from participants.models import Enrolment, Participant
from participants.queries import INVARIANTS
from participants.services import change_trn
from participants.services.change_trn import TrnChange
from tests.factories import ApplicationFactory, CourseFactory, DeclarationFactory, EnrolmentFactory, ParticipantFactory

pytestmark = pytest.mark.django_db
BEFORE = datetime(2024, 11, 1, tzinfo=UTC)
TRN = "9123456"

ChangeTrn = Callable[[Participant, str], TrnChange]


@pytest.fixture
def change(actor: Actor) -> ChangeTrn:
    def run(person: Participant, trn: str) -> TrnChange:
        return change_trn(participant_id=person.id, teacher_reference_number=trn, by=actor)

    return run


def trn_of(person: Participant) -> tuple[str | None, bool]:
    fresh = Participant.objects.get(id=person.id)
    return fresh.teacher_reference_number, fresh.teacher_reference_number_verified


@pytest.mark.parametrize("typed", ["9123456", " 91 23 456 ", "9\t123456"])
@pytest.mark.parametrize("trait", ["without_trn", "unverified", None])
def test_the_trn_is_set_and_verified(typed: str, trait: str | None, change: ChangeTrn) -> None:
    person = ParticipantFactory(**({trait: True} if trait else {}))
    application, stranger = ApplicationFactory(participant=person), ApplicationFactory()
    Participant.objects.update(updated_at=BEFORE)
    Application.objects.update(updated_at=BEFORE)

    changed = change(person, typed)

    assert (changed.changed, changed.before, changed.after) == (True, person.teacher_reference_number, TRN)
    assert trn_of(person) == (TRN, True)
    assert Participant.objects.get(id=person.id).updated_at > BEFORE
    assert Application.objects.get(id=application.id).updated_at > BEFORE
    assert Application.objects.get(id=stranger.id).updated_at == BEFORE
    assert Change.objects.filter(action="change_trn").get().table == "participants_participant"


def test_an_unverified_trn_becomes_verified(change: ChangeTrn) -> None:
    person = ParticipantFactory(teacher_reference_number=TRN, unverified=True)

    assert change(person, TRN).changed
    assert trn_of(person) == (TRN, True)


def test_the_same_again_changes_nothing(change: ChangeTrn) -> None:
    person = ParticipantFactory(teacher_reference_number=TRN)
    changes = Change.objects.count()

    assert not change(person, TRN).changed
    assert Change.objects.count() == changes


@pytest.mark.parametrize(
    "typed", ["", "   ", "912345", "91234567", "912345a", "-912345", "９１２３４５６", "RP99/12345"]
)
def test_a_trn_has_seven_digits(typed: str, change: ChangeTrn) -> None:
    person = ParticipantFactory()

    with pytest.raises(TrnMalformed):
        change(person, typed)

    assert trn_of(person) == (person.teacher_reference_number, True)


def test_noughts_are_no_trn(change: ChangeTrn) -> None:
    with pytest.raises(TrnNotReal):
        change(ParticipantFactory(), "000 0000")


def test_a_retired_participant_keeps_its_trn(change: ChangeTrn) -> None:
    survivor = ParticipantFactory()
    retired = ParticipantFactory(without_trn=True, merged_into=survivor)

    with pytest.raises(PersonRetired, match=str(survivor.public_id)):
        change(retired, TRN)


def test_an_unknown_participant_is_not_found(actor: Actor) -> None:
    with pytest.raises(Participant.DoesNotExist):
        change_trn(participant_id=10**9, teacher_reference_number=TRN, by=actor)


# Somebody else has it


@pytest.fixture
def holder() -> Participant:
    return ParticipantFactory(teacher_reference_number=TRN)


def enrol(person: Participant, **facts: object) -> Enrolment:
    return EnrolmentFactory(application__participant=person, **facts)


def test_the_holders_are_named(change: ChangeTrn, holder: Participant) -> None:
    enrol(holder)
    ParticipantFactory(teacher_reference_number=TRN, unverified=True)

    assert change(ParticipantFactory(), TRN).holders == [holder]


@pytest.mark.parametrize("twin", [False, True])
@pytest.mark.parametrize("status", [TrainingStatus.ACTIVE, TrainingStatus.DEFERRED])
def test_a_holder_on_the_same_course_is_in_the_way(
    twin: bool, status: str, change: ChangeTrn, holder: Participant
) -> None:
    person = ParticipantFactory()
    ours = enrol(person, application__course=CourseFactory(aso=True))
    theirs = enrol(
        holder, application__course=CourseFactory(**{"ehco" if twin else "aso": True}), training_status=status
    )

    with pytest.raises(TrnHolderOnCourse) as refusal:
        change(person, TRN)

    for enrolment in (ours, theirs):
        assert str(enrolment.participant.public_id) in refusal.value.sentence
        assert str(enrolment.application.public_id) in refusal.value.sentence
    assert trn_of(person) == (person.teacher_reference_number, True)


@pytest.mark.parametrize("facts", [{"training_status": TrainingStatus.WITHDRAWN}, {"undone_at": BEFORE}])
@pytest.mark.parametrize("whose", ["theirs", "ours"])
def test_a_withdrawn_or_undone_enrolment_is_not_in_the_way(
    facts: dict[str, object], whose: str, change: ChangeTrn, holder: Participant
) -> None:
    person = ParticipantFactory()
    enrol(person, **(facts if whose == "ours" else {}))
    enrol(holder, **(facts if whose == "theirs" else {}))

    assert change(person, TRN).changed
    assert not any(list(invariant.breaches()) for invariant in INVARIANTS)


def test_an_unverified_holder_is_nobody(change: ChangeTrn) -> None:
    other = ParticipantFactory(teacher_reference_number=TRN, unverified=True)
    enrol(other)
    person = ParticipantFactory()
    enrol(person)

    assert change(person, TRN).changed


# Duplicates


def paid(person: Participant, state: str = DeclarationState.PAID, **facts: object) -> Declaration:
    enrolment = enrol(person, training_status=TrainingStatus.WITHDRAWN)
    return DeclarationFactory(enrolment=enrolment, state=state, **facts)


def test_what_is_paid_twice_now_is_told(change: ChangeTrn, holder: Participant) -> None:
    person = ParticipantFactory()
    ours, theirs = paid(person), paid(holder, DeclarationState.ELIGIBLE)

    assert change(person, TRN).paid_twice == [(ours, theirs)]
    assert set(Declaration.objects.values_list("state", flat=True)) == {"paid", "eligible"}


@pytest.mark.parametrize("moves", ["the one declared second", "the one declared first"])
def test_what_is_no_duplicate_any_more_stays_ineligible_and_is_told(
    moves: str, change: ChangeTrn, holder: Participant
) -> None:
    second = ParticipantFactory(teacher_reference_number=TRN)
    original = paid(holder)
    duplicate = paid(second, ineligible=True, superseded_by=original, state=DeclarationState.INELIGIBLE)

    changed = change(second if moves == "the one declared second" else holder, "9765432")

    assert changed.still_ineligible == [duplicate]
    assert Declaration.objects.get(id=duplicate.id).state == DeclarationState.INELIGIBLE


def test_a_duplicate_that_is_still_one_is_not_told(change: ChangeTrn) -> None:
    person, other = ParticipantFactory(without_trn=True), ParticipantFactory(teacher_reference_number=TRN)
    original = paid(other)
    paid(person, ineligible=True, superseded_by=original, state=DeclarationState.INELIGIBLE)

    assert change(person, TRN).still_ineligible == []


def test_the_oldest_enrolment_in_conflict_is_named(change: ChangeTrn, holder: Participant) -> None:
    person = ParticipantFactory()
    for course in (CourseFactory(), CourseFactory(specialist=True)):
        enrol(person, application__course=course)
        enrol(holder, application__course=course, accepted_at=BEFORE + timedelta(days=1))

    with pytest.raises(TrnHolderOnCourse, match="npq-headship"):
        change(person, TRN)
