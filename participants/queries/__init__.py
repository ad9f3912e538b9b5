"""Reads about people, enrolments and schedules, and the locks every write takes first."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from applications.models import Application
from npq.core.errors import TooMuchContention
from npq.core.models import Cohort, Course
from participants.choices import TrainingStatus
from participants.models import Enrolment, Participant, ParticipantIdChange, Schedule, ScheduleWindow
from participants.queries.invariants import INVARIANTS
from participants.queries.people import id_changed

__all__ = [
    "INVARIANTS",
    "default_schedule",
    "enrolment_in_the_way",
    "find_schedule",
    "lock_application",
    "lock_current_enrolment",
    "lock_enrolment",
    "lock_people",
    "lock_person",
    "lock_training",
    "same_person",
    "schedules_for",
]

MOST_ATTEMPTS = 20
# The class of the advisory locks on TRNs.
TRN_LOCKS = 7_201_907


def same_person(participant_ids: Iterable[int]) -> set[int]:
    """The participants that are one person for the rules: these, and all that share a verified TRN with them."""
    ids = set(participant_ids)
    return ids | set(_records_of(ids, []).values_list("id", flat=True))


def _records_of(participant_ids: set[int], trns: list[str]) -> QuerySet[Participant, Any]:
    """The ids of these participants, of all that share a verified TRN with them, and of the holders of some TRNs.

    A union, so that each part is found through its own index.
    """
    verified = Participant.objects.filter(teacher_reference_number_verified=True)
    theirs = verified.filter(id__in=participant_ids).values("teacher_reference_number")
    found = [verified.filter(teacher_reference_number__in=theirs).values("id")]
    if trns:
        found.append(verified.filter(teacher_reference_number__in=trns).values("id"))
    return Participant.objects.filter(id__in=participant_ids).values("id").union(*found)


def lock_people(participant_ids: Iterable[int], *, trns: Iterable[str] = ()) -> dict[int, Participant]:
    """Locks participants and everybody with the same verified TRN, in id order; returns them by id.

    `trns` adds everybody with these verified TRNs, for a write that is about to give one of them to somebody; it
    also keeps out whoever gives the same TRN to somebody else at that moment.
    Must run inside a transaction. Every write takes these locks first, so that whatever the rules say of a
    person is decided by one transaction at a time (decisions.md §2).
    """
    wanted = set(participant_ids)
    extra = list(trns)
    if extra:
        _lock_trns(extra)
    for _ in range(MOST_ATTEMPTS):
        savepoint = transaction.savepoint()
        locked = Participant.objects.filter(id__in=_records_of(wanted, extra)).lock()
        people = {person.id: person for person in locked}
        # Found and locked in one statement; whoever got one of the TRNs while it waited is seen only now.
        if set(_records_of(wanted, extra).values_list("id", flat=True)) == set(people):
            transaction.savepoint_commit(savepoint)
            return people
        transaction.savepoint_rollback(savepoint)
    raise TooMuchContention


def _lock_trns(trns: list[str]) -> None:
    """Keeps two transactions from giving one TRN to two people at once, while nobody has it whose row they share.

    Advisory locks on a small range of keys, in order: a large batch must not fill the server's table of locks.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, key) FROM "
            "(SELECT DISTINCT hashtext(trn) & 255 AS key FROM unnest(%s::text[]) AS trn ORDER BY key) AS keys",
            [TRN_LOCKS, trns],
        )


def lock_application(
    application_id: int, *, held_by: int | None, also: Iterable[int] = ()
) -> tuple[Application, dict[int, Participant]]:
    """Locks an application after its person; returns it with its people by id.

    `held_by` is the id of the provider that must hold it, None for staff and commands; `also` are the ids of
    participants to lock besides, whom the application is about to be given to. Raises Application.DoesNotExist when
    another provider holds it by now.
    """
    besides = list(also)
    for _ in range(MOST_ATTEMPTS):
        participant_id = Application.objects.values_list("participant_id", flat=True).get(id=application_id)
        savepoint = transaction.savepoint()
        people = lock_people([participant_id, *besides])
        application = _locked_application(application_id)
        if application.participant_id == participant_id:
            transaction.savepoint_commit(savepoint)
            if held_by is not None and application.lead_provider_id != held_by:
                raise Application.DoesNotExist
            return application, people
        transaction.savepoint_rollback(savepoint)
    raise TooMuchContention


def lock_enrolment(enrolment_id: int) -> tuple[Enrolment, dict[int, Participant]]:
    """Locks an enrolment after its person and its application; returns it, its application loaded, and its people."""
    application_id = Enrolment.objects.values_list("application_id", flat=True).get(id=enrolment_id)
    application, people = lock_application(application_id, held_by=None)
    return _locked_enrolment(enrolment_id, application), people


def lock_current_enrolment(application: Application) -> Enrolment | None:
    """Locks the enrolment of an application the caller has locked; None when it is not accepted."""
    if application.enrolment_id is None:
        return None
    return _locked_enrolment(application.enrolment_id, application)


def lock_person(participant_id: int) -> dict[int, Participant]:
    """Locks a participant and everybody with the same verified TRN; raises ParticipantIdChanged if merged meanwhile."""
    people = lock_people([participant_id])
    if people[participant_id].merged_into_id is not None:
        raise id_changed(ParticipantIdChange.objects.get(from_participant_id=people[participant_id].public_id))
    return people


def lock_training(
    *, participant_id: int, lead_provider_id: int, course: Course | None, newest: bool = False
) -> tuple[Enrolment | None, dict[int, Participant]]:
    """Locks a person and then their enrolment on exactly this course with a provider, if there is one.

    Of several it is the one that is not withdrawn, or else the newest by acceptance; with `newest` it is the
    newest in any case (decisions.md §1.7). Raises ParticipantIdChanged when the person was merged meanwhile.
    """
    people = lock_person(participant_id)
    order = ["-accepted_at", "-id"] if newest else ["withdrawn", "-accepted_at", "-id"]
    found = (
        Enrolment.objects.standing()
        .filter(participant_id=participant_id, lead_provider_id=lead_provider_id, course=course)
        .annotate(withdrawn=Q(training_status=TrainingStatus.WITHDRAWN))
        .order_by(*order)
        .values_list("id", "application_id")
        .first()
    )
    if found is None:
        return None, people
    enrolment_id, application_id = found
    return _locked_enrolment(enrolment_id, _locked_application(application_id)), people


def _locked_application(application_id: int) -> Application:
    return (
        Application.objects.select_for_update(of=("self",), no_key=True)
        .select_related("participant", "course", "cohort", "lead_provider")
        .get(id=application_id)
    )


def _locked_enrolment(enrolment_id: int, application: Application) -> Enrolment:
    enrolment = (
        Enrolment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("course", "cohort", "lead_provider", "schedule")
        .get(id=enrolment_id)
    )
    enrolment.application = application
    enrolment.participant = application.participant
    return enrolment


def enrolment_in_the_way(people: Iterable[int], course: Course, *, besides: int | None = None) -> Enrolment | None:
    """An enrolment of these people in the course's family that is neither undone nor withdrawn, if any.

    `besides` is the id of an application whose own enrolment does not count.
    """
    enrolments = Enrolment.objects.holding_the_course().filter(
        participant_id__in=list(people), course_family=course.family
    )
    if besides is not None:
        enrolments = enrolments.exclude(application_id=besides)
    return enrolments.order_by("id").first()


def schedules_for(course: Course, cohort: Cohort) -> list[str]:
    """The identifiers of the schedules a course may take in a cohort."""
    found = Schedule.objects.filter(cohort=cohort, course_group=course.group).order_by("starts_on", "id")
    return list(found.values_list("identifier", flat=True))


def default_schedule(course: Course, cohort: Cohort, day: date) -> Schedule | None:
    """The schedule an acceptance on a UK date gets when none is asked for, or None (decisions.md §1.9)."""
    windows = ScheduleWindow.objects.filter(cohort=cohort, course_group=course.group).select_related("schedule")
    fitting = [window for window in windows if window.covers(day)]
    fitting.sort(key=lambda window: (window.every_year, window.id))
    return fitting[0].schedule if fitting else None


def find_schedule(cohort: Cohort, identifier: str) -> Schedule | None:
    """The schedule of that name in a cohort, or None."""
    return Schedule.objects.filter(cohort=cohort, identifier=identifier).first()
