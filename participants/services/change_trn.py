"""Giving a person the TRN that staff have verified, and taking back a TRN or its verification."""

from dataclasses import dataclass, field

from declarations.models import Declaration
from npq.core.audit import Actor, acting_as
from npq.core.errors import TooMuchContention
from participants.errors import (
    NoTrnToRemove,
    NoTrnToVerify,
    PersonRetired,
    TrnHolderOnCourse,
    TrnMalformed,
    TrnNotReal,
    TrnNotVerified,
)
from participants.models import Participant
from participants.queries import lock_people
from participants.queries.identity import enrolments_in_conflict, ineligible_duplicates, paid_twice

NOBODYS_TRN = "0000000"
MOST_ATTEMPTS = 5


@dataclass(frozen=True)
class TrnChange:
    """What a TRN change did, and what it leaves to staff.

    `holders` are the others with this verified TRN: they count as the same person from now on. `paid_twice` are
    pairs of declarations that one person is now paid for twice. `still_ineligible` were ineligible as duplicates
    of somebody who is another person now; they stay so until they are voided and declared again.
    """

    before: str | None
    after: str | None
    changed: bool
    holders: list[Participant] = field(default_factory=list)
    paid_twice: list[tuple[Declaration, Declaration]] = field(default_factory=list)
    still_ineligible: list[Declaration] = field(default_factory=list)


def readable_trn(text: str) -> str:
    """A TRN as typed by staff, without its spaces. Raises TrnMalformed and TrnNotReal (domain.md §3.15)."""
    trn = "".join(text.split())
    if len(trn) != 7 or not (trn.isascii() and trn.isdigit()):
        raise TrnMalformed(trn=text)
    if trn == NOBODYS_TRN:
        raise TrnNotReal
    return trn


def change_trn(*, participant_id: int, teacher_reference_number: str, by: Actor) -> TrnChange:
    """Sets a person's TRN and marks it as verified (domain.md §3.15; decisions.md §2, §6).

    Refuses with TrnMalformed, TrnNotReal, PersonRetired, and with TrnHolderOnCourse when somebody else with that
    verified TRN holds an enrolment in a course family this person holds one in. Raises Participant.DoesNotExist
    for an unknown id. No declaration changes its state.
    """
    trn = readable_trn(teacher_reference_number)
    with acting_as(by, "change_trn"):
        people = lock_people([participant_id], trns=[trn])
        return _verify(_current(people, participant_id), trn, people)


def verify_trn(*, participant_id: int, by: Actor) -> TrnChange:
    """Marks the TRN a person has as verified by hand (domain.md §3.15).

    Refuses as change_trn does, and with NoTrnToVerify. Raises Participant.DoesNotExist for an unknown id.
    """
    for _ in range(MOST_ATTEMPTS):
        trn = Participant.objects.values_list("teacher_reference_number", flat=True).get(id=participant_id)
        with acting_as(by, "verify_trn"):
            people = lock_people([participant_id], trns=[trn] if trn else [])
            participant = _current(people, participant_id)
            if participant.teacher_reference_number is None:
                raise NoTrnToVerify
            if participant.teacher_reference_number == trn:
                return _verify(participant, readable_trn(trn), people)
    raise TooMuchContention


def unverify_trn(*, participant_id: int, by: Actor) -> TrnChange:
    """Takes back that a person's TRN was verified; the number stays (backoffice.md §2.2).

    Whoever shares it does not count as the same person any more. Refuses with PersonRetired and TrnNotVerified.
    """
    with acting_as(by, "unverify_trn"):
        participant = _current(lock_people([participant_id]), participant_id)
        if not participant.teacher_reference_number_verified:
            raise TrnNotVerified
        return _write(participant, participant.teacher_reference_number, verified=False)


def remove_trn(*, participant_id: int, by: Actor) -> TrnChange:
    """Takes a TRN that is not theirs away from a person. Refuses with PersonRetired and NoTrnToRemove."""
    with acting_as(by, "remove_trn"):
        participant = _current(lock_people([participant_id]), participant_id)
        if participant.teacher_reference_number is None:
            raise NoTrnToRemove
        return _write(participant, None, verified=False)


def _current(people: dict[int, Participant], participant_id: int) -> Participant:
    """The person, among those locked, unless the id is unknown or retired."""
    participant = people.get(participant_id)
    if participant is None:
        raise Participant.DoesNotExist
    if participant.merged_into is not None:
        raise PersonRetired(retired=participant, survivor=participant.merged_into)
    return participant


def _verify(participant: Participant, trn: str, people: dict[int, Participant]) -> TrnChange:
    before = participant.teacher_reference_number
    if participant.verified_trn == trn:
        return TrnChange(before, trn, changed=False)
    holders = [each for each in people.values() if each.id != participant.id and each.verified_trn == trn]
    _check(participant, holders, trn)
    return _write(participant, trn, verified=True, holders=holders)


def _write(
    participant: Participant, trn: str | None, *, verified: bool, holders: list[Participant] | None = None
) -> TrnChange:
    before = participant.teacher_reference_number
    participant.teacher_reference_number = trn
    participant.teacher_reference_number_verified = verified
    participant.save(update_fields=["teacher_reference_number", "teacher_reference_number_verified"])
    Participant.objects.filter(id=participant.id).touch_all()
    return TrnChange(
        before,
        trn,
        changed=True,
        holders=holders or [],
        paid_twice=paid_twice([participant.id], [holder.id for holder in holders or []]),
        still_ineligible=[each for each in ineligible_duplicates(participant.id) if not _one_person(each)],
    )


def _check(participant: Participant, holders: list[Participant], trn: str) -> None:
    pair = enrolments_in_conflict([participant.id], [holder.id for holder in holders])
    if pair is None:
        return
    ours, theirs = pair
    raise TrnHolderOnCourse(
        holder=theirs.participant,
        trn=trn,
        course=theirs.course,
        holder_provider=theirs.lead_provider,
        holder_application=theirs.application,
        participant=participant,
        provider=ours.lead_provider,
        application=ours.application,
    )


def _one_person(duplicate: Declaration) -> bool:
    assert duplicate.superseded_by is not None
    ours, theirs = duplicate.enrolment.participant, duplicate.superseded_by.enrolment.participant
    return ours.id == theirs.id or (ours.verified_trn is not None and ours.verified_trn == theirs.verified_trn)
