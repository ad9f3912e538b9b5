"""Making one person of two participants."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from applications.models import Application
from declarations.models import Declaration
from npq.core.audit import Actor, acting_as
from npq.core.errors import Refused, refuse_if_any
from participants.errors import (
    BothOnCourse,
    BothPaidFor,
    DifferentVerifiedTrns,
    MergeIntoItself,
    MergeIsCircular,
    PersonRetired,
)
from participants.models import Enrolment, Participant, ParticipantIdChange
from participants.queries import lock_people, same_person
from participants.queries.identity import enrolments_in_conflict, paid_twice


@dataclass(frozen=True)
class Merged:
    """How much a merge moved to the survivor."""

    applications: int
    enrolments: int
    declarations: int
    retired_ids: int


def merge_participants(*, retired_id: int, survivor_id: int, by: Actor) -> Merged | None:
    """Retires a participant id; the survivor takes over whatever was theirs (decisions.md §1.11, §8; domain.md §3.14).

    Applications, enrolments with their declarations, and ids retired before move; a verified TRN and a date of
    birth fill a gap of the survivor's; the other name is kept among the previous ones. Returns what moved, or None
    when these two have been merged already. Refuses with MergeIntoItself, PersonRetired, MergeIsCircular,
    DifferentVerifiedTrns, BothOnCourse and BothPaidFor; raises Participant.DoesNotExist for an unknown id.
    """
    with acting_as(by, "merge_participants"):
        people = lock_people([retired_id, survivor_id])
        if not {retired_id, survivor_id} <= set(people):
            raise Participant.DoesNotExist
        retired, survivor = people[retired_id], people[survivor_id]
        if retired.merged_into_id == survivor.id:
            return None
        _check(retired, survivor)
        moved = _move(retired, survivor)
        _combine(retired, survivor)
        Participant.objects.filter(id=survivor.id).touch_all()
    return moved


def _check(retired: Participant, survivor: Participant) -> None:
    if retired.id == survivor.id:
        raise MergeIntoItself(participant=retired)
    if survivor.merged_into_id == retired.id:
        raise MergeIsCircular(retired=retired, survivor=survivor)
    for person in (retired, survivor):
        if person.merged_into is not None:
            raise PersonRetired(retired=person, survivor=person.merged_into)
    refusals: list[Refused] = []
    if retired.verified_trn and survivor.verified_trn and retired.verified_trn != survivor.verified_trn:
        refusals.append(
            DifferentVerifiedTrns(
                retired=retired,
                survivor=survivor,
                retired_trn=retired.verified_trn,
                survivor_trn=survivor.verified_trn,
            )
        )
    these, those = _sides(retired, survivor)
    pair = enrolments_in_conflict(these, those)
    if pair is not None:
        refusals.append(_both_on_course(*pair))
    refusals.extend(
        BothPaidFor(declaration_type=one.declaration_type, course=one.course, first=one, second=other)
        for one, other in paid_twice(these, those)
    )
    refuse_if_any(refusals)


def _sides(retired: Participant, survivor: Participant) -> tuple[set[int], set[int]]:
    """Who becomes one person: everybody with the verified TRN of either, which the survivor ends up with."""
    these, those = same_person([retired.id]), same_person([survivor.id])
    return ({retired.id}, {survivor.id}) if these & those else (these, those)


def _both_on_course(first: Enrolment, second: Enrolment) -> BothOnCourse:
    return BothOnCourse(
        course=first.course,
        first=first.participant,
        first_provider=first.lead_provider,
        first_application=first.application,
        second=second.participant,
        second_provider=second.lead_provider,
        second_application=second.application,
    )


def _move(retired: Participant, survivor: Participant) -> Merged:
    """Moves the rows, each kind locked in the order of ids."""
    applications = _locked(Application.objects.filter(participant=retired))
    enrolments = _locked(Enrolment.objects.filter(participant=retired))
    declarations = _locked(Declaration.objects.filter(enrolment__in=enrolments))
    Application.objects.filter(id__in=applications).update(participant=survivor)
    Enrolment.objects.filter(id__in=enrolments).update(participant=survivor)
    Declaration.objects.filter(id__in=declarations).touch()
    moved_ids = ParticipantIdChange.objects.filter(participant=retired).update(
        participant=survivor, to_participant_id=survivor.public_id
    )
    Participant.objects.filter(merged_into=retired).update(merged_into=survivor)
    ParticipantIdChange.objects.create(
        participant=survivor, from_participant_id=retired.public_id, to_participant_id=survivor.public_id
    )
    return Merged(len(applications), len(enrolments), len(declarations), moved_ids)


def _locked(rows: QuerySet[Any]) -> list[int]:
    return list(rows.order_by("id").select_for_update(of=("self",), no_key=True).values_list("id", flat=True))


def _combine(retired: Participant, survivor: Participant) -> None:
    if survivor.verified_trn is None and (retired.verified_trn or survivor.teacher_reference_number is None):
        survivor.teacher_reference_number = retired.teacher_reference_number
        survivor.teacher_reference_number_verified = retired.teacher_reference_number_verified
    survivor.date_of_birth = survivor.date_of_birth or retired.date_of_birth
    names = [*survivor.previous_names, *retired.previous_names, retired.full_name]
    survivor.previous_names = [name for name in dict.fromkeys(names) if name != survivor.full_name]
    survivor.save(
        update_fields=[
            "teacher_reference_number",
            "teacher_reference_number_verified",
            "date_of_birth",
            "previous_names",
        ]
    )
    retired.merged_into = survivor
    retired.teacher_reference_number_verified = False
    retired.save(update_fields=["merged_into", "teacher_reference_number_verified"])
