"""Accepting an application."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError

from applications.choices import ApplicationStatus, ReasonForRejection
from applications.errors import (
    AlreadyAccepted,
    AlreadyRejected,
    AnotherApplicationAccepted,
    FundedPlaceMustBeFalse,
    FundedPlaceRequired,
    NoDefaultSchedule,
    NotEligibleForFundedPlace,
    ScheduleNotForCourse,
    ScheduleNotInCohort,
)
from applications.models import Application
from npq.core.audit import Actor, acting_as
from npq.core.choices import CohortFunding, MessageKind
from npq.core.clock import uk_date
from npq.core.constraints import violated_constraint
from npq.core.errors import Refused, refuse_if_any
from participants.choices import TrainingStatus
from participants.models import Enrolment, Participant, Schedule, TrainingStatusChange
from participants.queries import (
    default_schedule,
    enrolment_in_the_way,
    find_schedule,
    lock_application,
    schedules_for,
)

# What the database says when two acceptances of one person meet after all.
ONE_ENROLMENT = ("enrolment_one_per_person_and_course_family", "enrolment_one_standing_per_application")


def accept_application(
    *,
    application_id: int,
    held_by: int | None,
    by: Actor,
    now: datetime,
    funded_place: object = None,
    schedule_identifier: object = None,
) -> None:
    """Accepts a pending application and enrols the person (api.md §3.1, §5.3; decisions.md §1.4).

    `funded_place` and `schedule_identifier` are what the caller sent, of any type. The first counts in capped and
    unfunded cohorts only; when the second is None or blank, the default schedule of the UK date of `now` is taken.
    The participant's other pending applications for exactly this course and cohort are rejected. Refuses with the
    errors of `applications.errors`; raises Application.DoesNotExist when the provider `held_by` no longer holds it.
    """
    try:
        with acting_as(by, "accept_application"):
            application, people = lock_application(application_id, held_by=held_by)
            schedule = _check(application, people, now, funded_place, schedule_identifier)
            _enrol(application, schedule, now, by)
            application.status = ApplicationStatus.ACCEPTED
            application.decided_at = now
            application.funded_place = None if application.cohort.funding == CohortFunding.FULL else bool(funded_place)
            application.save(update_fields=["status", "decided_at", "enrolment", "funded_place"])
            _reject_siblings(application, now)
            application.tell_participant(MessageKind.APPLICATION_ACCEPTED)
            Participant.objects.filter(id=application.participant_id).touch_all()
    except IntegrityError as error:
        if violated_constraint(error) in ONE_ENROLMENT:
            raise AnotherApplicationAccepted from error
        raise


def _check(
    application: Application,
    people: Iterable[int],
    now: datetime,
    funded_place: object,
    schedule_identifier: object,
) -> Schedule:
    if application.status == ApplicationStatus.ACCEPTED:
        raise AlreadyAccepted
    if application.status == ApplicationStatus.REJECTED:
        raise AlreadyRejected
    refusals: list[Refused] = []
    cohort = application.cohort
    if cohort.capped and not isinstance(funded_place, bool):
        refusals.append(FundedPlaceRequired(cohort=cohort))
    if cohort.funding == CohortFunding.UNFUNDED and funded_place is not False:
        refusals.append(FundedPlaceMustBeFalse(cohort=cohort))
    if enrolment_in_the_way(people, application.course):
        refusals.append(AnotherApplicationAccepted())
    if cohort.capped and funded_place is True and not application.entitled_to_funding and not refusals:
        refusals.append(NotEligibleForFundedPlace())
    schedule = _schedule(application, now, schedule_identifier, refusals)
    refuse_if_any(refusals)
    assert schedule is not None
    return schedule


def _schedule(
    application: Application, now: datetime, schedule_identifier: object, refusals: list[Refused]
) -> Schedule | None:
    course, cohort = application.course, application.cohort
    if schedule_identifier is None or (isinstance(schedule_identifier, str) and not schedule_identifier.strip()):
        schedule = default_schedule(course, cohort, uk_date(now))
        if schedule is None:
            day = uk_date(now)
            names = _names(application)
            refusals.append(NoDefaultSchedule(course=course, cohort=cohort, day=day, schedules=names))
        return schedule
    named = schedule_identifier.strip() if isinstance(schedule_identifier, str) else ""
    schedule = find_schedule(cohort, named)
    if schedule is None:
        refusals.append(ScheduleNotInCohort(cohort=cohort, schedules=_names(application)))
    elif schedule.course_group != course.group and not refusals:
        refusals.append(ScheduleNotForCourse(course=course, schedules=_names(application)))
    return schedule


def _names(application: Application) -> str:
    return ", ".join(schedules_for(application.course, application.cohort)) or "the schedules that DfE will add"


def _enrol(application: Application, schedule: Schedule, now: datetime, by: Actor) -> None:
    enrolment = Enrolment.objects.create(
        application=application,
        participant=application.participant,
        lead_provider=application.lead_provider,
        course=application.course,
        course_family=application.course.family,
        cohort=application.cohort,
        schedule=schedule,
        accepted_at=now,
    )
    TrainingStatusChange.objects.create(
        enrolment=enrolment,
        status=TrainingStatus.ACTIVE,
        lead_provider=application.lead_provider,
        recorded_by=by.name,
        changed_at=now,
    )
    application.enrolment = enrolment


def _reject_siblings(accepted: Application, now: datetime) -> None:
    siblings = (
        Application.objects.pending()
        .filter(participant=accepted.participant, course=accepted.course, cohort=accepted.cohort)
        .exclude(id=accepted.id)
        .select_related("participant", "course", "lead_provider")
        .order_by("id")
    )
    for sibling in siblings:
        sibling.reject(ReasonForRejection.OTHER_APPLICATION_ACCEPTED, now)
        sibling.tell_participant(
            MessageKind.APPLICATION_REJECTED_AUTOMATICALLY, accepted_lead_provider=accepted.lead_provider.name
        )
