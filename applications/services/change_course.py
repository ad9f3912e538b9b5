"""Changing the course of an application."""

from collections.abc import Iterable
from datetime import datetime

from applications.models import Application
from applications.services.corrections import (
    held_course,
    named_schedule,
    one_on_course,
    promote_in_family,
    schedule_to_be_named,
    standing_in_the_way,
    without_contract,
)
from npq.core.audit import Actor, correcting
from npq.core.clock import uk_date
from npq.core.effects import Corrected
from npq.core.errors import Refused, refuse_if_any
from npq.core.models import Course
from participants.choices import TrainingStatus
from participants.models import Enrolment, Participant, Schedule
from participants.queries import default_schedule, lock_application, lock_current_enrolment


def change_course(
    *, application_id: int, course: Course, by: Actor, now: datetime, schedule_identifier: str | None = None
) -> Corrected:
    """Puts an application, and its enrolment when it is accepted, on another course (backoffice.md §2.1).

    An enrolment whose schedule is for another group of courses gets `schedule_identifier`, or else the default of
    the day it was accepted (decisions.md §1.9). The course it has already changes nothing.

    Refuses with DeclarationsStand; an accepted application also with ProviderWithoutContract, CourseHeldBy when
    the person holds another enrolment in the new course's family, and ScheduleToBeNamed.
    """
    with correcting(by, "change_course"):
        application, people = lock_application(application_id, held_by=None)
        if application.course_id == course.id:
            return Corrected(changed=False)
        families = [application.course.family, course.family]
        enrolment = lock_current_enrolment(application)
        if enrolment is not None:
            schedule = _check(application, enrolment, course, people, schedule_identifier)
            enrolment.course, enrolment.course_family, enrolment.schedule = course, course.family, schedule
            with one_on_course(people, course, application):
                enrolment.save(update_fields=["course", "course_family", "schedule"])
        application.course = course
        application.save(update_fields=["course"])
        notes = [note for each in families for note in promote_in_family(application.participant_id, each, now)]
        Participant.objects.filter(id=application.participant_id).touch_all()
        return Corrected(notes=tuple(dict.fromkeys(notes)))


def _check(
    application: Application,
    enrolment: Enrolment,
    course: Course,
    people: Iterable[int],
    schedule_identifier: str | None,
) -> Schedule:
    refusals = standing_in_the_way(application, "The course cannot change")
    refusals += without_contract(enrolment.lead_provider, course, enrolment.cohort)
    if enrolment.training_status != TrainingStatus.WITHDRAWN:
        refusals += held_course(people, course, application)
    schedule = enrolment.schedule
    try:
        schedule = _schedule(enrolment, course, schedule_identifier)
    except Refused as refusal:
        refusals.append(refusal)
    refuse_if_any(refusals)
    return schedule


def _schedule(enrolment: Enrolment, course: Course, identifier: str | None) -> Schedule:
    if identifier:
        return named_schedule(identifier, course, enrolment.cohort)
    if enrolment.schedule.course_group == course.group:
        return enrolment.schedule
    day = uk_date(enrolment.accepted_at)
    default = default_schedule(course, enrolment.cohort, day)
    if default is None:
        why = f"No schedule for {course} in cohort {enrolment.cohort} is the default for {day}, the day of acceptance."
        raise schedule_to_be_named(why, course, enrolment.cohort)
    return default
