"""Merging: what moves, what is refused, and what providers see afterwards (decisions.md §1.11, §8)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from applications.choices import FundingEligibilityStatusCode
from applications.models import Application
from declarations.choices import BILLABLE_STATES, DeclarationState
from declarations.models import Declaration
from npq.core.audit import Actor, rehearsal
from npq.core.errors import Refused
from npq.core.models import Change, LeadProvider
from participants.choices import TrainingStatus
from participants.errors import (
    BothOnCourse,
    BothPaidFor,
    DifferentVerifiedTrns,
    MergeIntoItself,
    MergeIsCircular,
    PersonRetired,
)
from participants.models import Enrolment, Participant, ParticipantIdChange
from participants.queries import INVARIANTS
from participants.services import merge_participants
from tests.conftest import ApiClient
from tests.factories import (
    ApplicationFactory,
    CourseFactory,
    DeclarationFactory,
    EnrolmentFactory,
    LeadProviderFactory,
    ParticipantFactory,
)

pytestmark = pytest.mark.django_db
BEFORE = datetime(2024, 11, 1, tzinfo=UTC)

Merge = Callable[[Participant, Participant], Any]


@pytest.fixture
def merge(actor: Actor) -> Merge:
    def run(retired: Participant, survivor: Participant) -> Any:
        return merge_participants(retired_id=retired.id, survivor_id=survivor.id, by=actor)

    return run


@pytest.fixture
def old() -> Participant:
    return ParticipantFactory(without_trn=True, full_name="Priya Nair", date_of_birth=None)


@pytest.fixture
def new() -> Participant:
    return ParticipantFactory(full_name="Priya Okafor")


def enrol(person: Participant, **facts: Any) -> Enrolment:
    return EnrolmentFactory(application__participant=person, **facts)


def refused(merge: Merge, old: Participant, new: Participant) -> Refused:
    with pytest.raises(Refused) as refusal:
        merge(old, new)
    assert not ParticipantIdChange.objects.filter(from_participant_id=old.public_id).exists()
    assert not any(list(invariant.breaches()) for invariant in INVARIANTS)
    return refusal.value


# What moves


def test_everything_moves_and_shows_it(merge: Merge, old: Participant, new: Participant) -> None:
    moving = enrol(old)
    undone = enrol(old, application__course=CourseFactory(ehco=True), undone_at=BEFORE)
    declaration = DeclarationFactory(enrolment=moving)
    pending = ApplicationFactory(participant=old)
    staying = enrol(new, application__course=CourseFactory(specialist=True))
    stranger = ApplicationFactory()
    for model in (Participant, Application, Enrolment, Declaration):
        model.objects.update(updated_at=BEFORE)

    moved = merge(old, new)

    assert (moved.applications, moved.enrolments, moved.declarations, moved.retired_ids) == (3, 2, 1, 0)
    assert not Application.objects.filter(participant=old).exists()
    assert not Enrolment.objects.filter(participant=old).exists()
    assert set(Enrolment.objects.filter(participant=new)) == {moving, undone, staying}
    touched = [
        *Application.objects.filter(id__in=[moving.application_id, pending.id, staying.application_id]),
        Participant.objects.get(id=new.id),
        Declaration.objects.get(id=declaration.id),
    ]
    assert all(row.updated_at > BEFORE for row in touched)
    assert Application.objects.get(id=stranger.id).updated_at == BEFORE
    assert not any(list(invariant.breaches()) for invariant in INVARIANTS)


def test_the_retired_id_leads_to_the_survivor(
    merge: Merge, old: Participant, new: Participant, api: ApiClient, rival_api: ApiClient, provider: LeadProvider
) -> None:
    enrol(old, application__lead_provider=provider)

    merge(old, new)

    old.refresh_from_db()
    assert old.merged_into == new
    answer = api.get("v3", f"/participants/npq/{old.public_id}")
    assert answer.status_code == 410
    assert str(new.public_id) in answer.json()["errors"][0]["detail"]
    shown = api.get("v3", f"/participants/npq/{new.public_id}").json()["data"]["attributes"]
    assert [each["from_participant_id"] for each in shown["participant_id_changes"]] == [str(old.public_id)]
    assert shown["previous_names"] == ["Priya Nair"]
    assert rival_api.get("v3", f"/participants/npq/{old.public_id}").status_code == 404


def test_chains_are_flattened(merge: Merge, old: Participant, new: Participant) -> None:
    last = ParticipantFactory(without_trn=True)

    merge(old, new)
    moved = merge(new, last)

    assert moved.retired_ids == 1
    assert set(ParticipantIdChange.objects.values_list("from_participant_id", "to_participant_id", "participant")) == {
        (old.public_id, last.public_id, last.id),
        (new.public_id, last.public_id, last.id),
    }
    assert set(Participant.objects.filter(merged_into=last)) == {old, new}
    assert not any(list(invariant.breaches()) for invariant in INVARIANTS)


@pytest.mark.parametrize(
    ("retired", "survivor", "expected"),
    [
        (("9000001", True), (None, False), ("9000001", True)),
        (("9000001", True), ("9000002", False), ("9000001", True)),
        (("9000001", False), (None, False), ("9000001", False)),
        (("9000001", False), ("9000002", False), ("9000002", False)),
        (("9000001", False), ("9000002", True), ("9000002", True)),
        ((None, False), ("9000002", False), ("9000002", False)),
        (("9000002", True), ("9000002", True), ("9000002", True)),
    ],
)
def test_a_verified_trn_survives(
    retired: tuple[str | None, bool], survivor: tuple[str | None, bool], expected: tuple[str, bool], merge: Merge
) -> None:
    people = [
        ParticipantFactory(teacher_reference_number=trn, teacher_reference_number_verified=verified)
        for trn, verified in (retired, survivor)
    ]

    merge(*people)

    kept = Participant.objects.get(id=people[1].id)
    assert (kept.teacher_reference_number, kept.teacher_reference_number_verified) == expected
    assert not Participant.objects.get(id=people[0].id).teacher_reference_number_verified


def test_names_and_date_of_birth_are_kept(merge: Merge) -> None:
    old = ParticipantFactory(
        without_trn=True,
        full_name="Priya Nair",
        previous_names=["P. Nair", "Priya Okafor"],
        date_of_birth=date(1990, 1, 2),
    )
    new = ParticipantFactory(full_name="Priya Okafor", previous_names=["P. Nair"], date_of_birth=None)

    merge(old, new)

    new.refresh_from_db()
    assert new.previous_names == ["P. Nair", "Priya Nair"]
    assert new.date_of_birth == date(1990, 1, 2)


def test_the_same_pair_again_changes_nothing(merge: Merge, old: Participant, new: Participant) -> None:
    merge(old, new)
    changes = Change.objects.count()
    updated = Participant.objects.get(id=new.id).updated_at

    assert merge(old, new) is None

    assert Change.objects.count() == changes
    assert Participant.objects.get(id=new.id).updated_at == updated


def test_a_rehearsal_keeps_nothing(merge: Merge, old: Participant, new: Participant) -> None:
    enrol(old)
    with rehearsal():
        assert merge(old, new).enrolments == 1

    assert Enrolment.objects.filter(participant=old).count() == 1
    assert not ParticipantIdChange.objects.exists()


def test_the_trail_names_the_merge(merge: Merge, old: Participant, new: Participant) -> None:
    enrol(old)
    before = Change.objects.latest("id").id

    merge(old, new)

    written = Change.objects.filter(id__gt=before)
    assert set(written.values_list("action", flat=True)) == {"merge_participants"}
    assert {"participants_participant", "participants_enrolment", "applications_application"} <= set(
        written.values_list("table", flat=True)
    )


# What is refused


def test_nobody_is_merged_into_themselves(merge: Merge, new: Participant) -> None:
    assert isinstance(refused(merge, new, new), MergeIntoItself)


def test_a_circle_is_refused(merge: Merge, old: Participant, new: Participant) -> None:
    merge(old, new)

    assert isinstance(refused(merge, new, old), MergeIsCircular)


def test_a_retired_id_is_merged_no_more(merge: Merge, old: Participant, new: Participant) -> None:
    merge(old, new)
    other = ParticipantFactory(without_trn=True)

    with pytest.raises(PersonRetired, match=str(new.public_id)):
        merge(old, other)
    with pytest.raises(PersonRetired, match=str(new.public_id)):
        merge(other, old)


def test_an_unknown_participant_is_not_found(actor: Actor, new: Participant) -> None:
    with pytest.raises(Participant.DoesNotExist):
        merge_participants(retired_id=10**9, survivor_id=new.id, by=actor)


def test_two_verified_trns_are_two_people(merge: Merge, new: Participant) -> None:
    other = ParticipantFactory()

    refusal = refused(merge, other, new)

    assert isinstance(refusal, DifferentVerifiedTrns)
    for trn in (other.teacher_reference_number, new.teacher_reference_number):
        assert trn in refusal.sentence


@pytest.mark.parametrize("status", [TrainingStatus.ACTIVE, TrainingStatus.DEFERRED])
@pytest.mark.parametrize("twin", [False, True])
def test_live_enrolments_of_both_on_one_course_are_named(
    status: str, twin: bool, merge: Merge, old: Participant, new: Participant
) -> None:
    mine = enrol(old, application__course=CourseFactory(aso=True), training_status=status)
    theirs = enrol(new, application__course=CourseFactory(**{"ehco" if twin else "aso": True}))

    refusal = refused(merge, old, new)

    assert isinstance(refusal, BothOnCourse)
    for enrolment in (mine, theirs):
        assert str(enrolment.application.public_id) in refusal.sentence
        assert str(enrolment.participant.public_id) in refusal.sentence
        assert enrolment.lead_provider.name in refusal.sentence


@pytest.mark.parametrize("facts", [{"training_status": TrainingStatus.WITHDRAWN}, {"undone_at": BEFORE}])
def test_a_withdrawn_or_undone_enrolment_is_no_conflict(
    facts: dict[str, Any], merge: Merge, old: Participant, new: Participant
) -> None:
    enrol(old, **facts)
    enrol(new)

    assert merge(old, new).enrolments == 1


def test_everybody_with_the_verified_trn_counts(merge: Merge, old: Participant, new: Participant) -> None:
    """The survivor takes the retired one's verified TRN, and with it whom it is shared with."""
    third = ParticipantFactory()
    retired = ParticipantFactory(teacher_reference_number=third.teacher_reference_number)
    enrol(third)
    enrol(old)

    refusal = refused(merge, retired, old)

    assert isinstance(refusal, BothOnCourse)
    assert str(third.public_id) in refusal.sentence


def withdrawn_and_paid(person: Participant, state: str, days: int = 0, **facts: Any) -> Declaration:
    enrolment = enrol(
        person,
        training_status=TrainingStatus.WITHDRAWN,
        application__lead_provider=LeadProviderFactory(),
        accepted_at=BEFORE + timedelta(days=days),
        **facts,
    )
    return DeclarationFactory(enrolment=enrolment, state=state)


@pytest.mark.parametrize("state", BILLABLE_STATES)
def test_one_person_is_not_paid_for_twice(state: str, merge: Merge, old: Participant, new: Participant) -> None:
    declarations = [withdrawn_and_paid(old, state), withdrawn_and_paid(new, DeclarationState.PAID)]

    refusal = refused(merge, old, new)

    assert isinstance(refusal, BothPaidFor)
    for declaration in declarations:
        assert str(declaration.public_id) in refusal.sentence


@pytest.mark.parametrize(
    "state",
    [
        DeclarationState.SUBMITTED,
        DeclarationState.VOIDED,
        DeclarationState.AWAITING_CLAWBACK,
        DeclarationState.CLAWED_BACK,
    ],
)
def test_what_is_not_paid_is_not_paid_twice(state: str, merge: Merge, old: Participant, new: Participant) -> None:
    withdrawn_and_paid(old, state)
    withdrawn_and_paid(new, DeclarationState.PAID)

    assert merge(old, new) is not None


def test_policy_may_pay_for_one_person_twice(merge: Merge, old: Participant, new: Participant) -> None:
    override = FundingEligibilityStatusCode.MARKED_FUNDED_BY_POLICY
    withdrawn_and_paid(old, DeclarationState.PAID, application__funding_eligibility_status_code=override)
    withdrawn_and_paid(new, DeclarationState.PAID)

    assert merge(old, new) is not None


def test_two_ids_with_one_verified_trn_are_merged(merge: Merge, new: Participant) -> None:
    twin = ParticipantFactory(teacher_reference_number=new.teacher_reference_number)
    for person, course in ((twin, CourseFactory()), (new, CourseFactory(specialist=True))):
        DeclarationFactory(enrolment=enrol(person, application__course=course), state=DeclarationState.ELIGIBLE)

    assert merge(twin, new).enrolments == 1


def test_two_ids_with_one_verified_trn_on_one_course_are_not(merge: Merge, new: Participant) -> None:
    twin = ParticipantFactory(teacher_reference_number=new.teacher_reference_number)
    enrol(twin)
    enrol(new)

    with pytest.raises(BothOnCourse):
        merge(twin, new)
