"""Moving a participant to another schedule, in the same cohort or in another."""

import re
from collections.abc import Iterable

from applications.errors import ScheduleNotForCourse
from declarations.models import Declaration
from finance.queries.terms import has_terms
from npq.core.audit import Actor, acting_as
from npq.core.clock import start_of_uk_day, uk_date
from npq.core.errors import Refused
from participants.choices import TrainingStatus
from participants.errors import (
    AlreadyWithdrawn,
    CohortHasDeclarations,
    CohortNotReadable,
    NoContractForCohort,
    ScheduleInvalidatesDeclarations,
    ScheduleMissing,
    ScheduleNotFound,
    ScheduleUnchanged,
)
from participants.models import Enrolment, Participant, Schedule
from participants.queries import schedules_for
from participants.queries.cohorts import funding_refusals
from participants.services.training import LockedTraining, Training, lock

_COHORT = re.compile(r"(?P<year>\d{4})(?P<suffix>[a-z]?)", re.ASCII)


def change_schedule(
    *, training: Training, schedule_identifier: str | None, cohort: str | None = None, by: Actor
) -> None:
    """Puts a participant on another schedule; the cohort follows it (api.md §3.1, §5.3; decisions.md §1.17).

    `cohort` is a start year, a year with its suffix, or None for the enrolment's own cohort. A bare year means
    the enrolment's own cohort when it is of that year, else the year's latest suffix that has the schedule. Moving
    into a capped cohort gives a funded place to whoever is eligible, into an unfunded one takes it.
    Refuses with the errors of `participants.errors` and with applications' ScheduleNotForCourse.
    """
    with acting_as(by, "change_schedule"):
        locked = lock(training)
        schedule = _check(locked, schedule_identifier, cohort)
        enrolment = locked.agreed()
        assert schedule is not None
        if schedule.cohort_id != enrolment.cohort_id:
            enrolment.application.move_to_cohort(schedule.cohort)
        enrolment.cohort = schedule.cohort
        enrolment.schedule = schedule
        enrolment.save(update_fields=["cohort", "schedule"])
        Participant.objects.filter(id=enrolment.participant_id).touch_all()


def _check(locked: LockedTraining, identifier: str | None, cohort: str | None) -> Schedule | None:
    enrolment, refusals = locked.enrolment, locked.refusals
    if enrolment is None:
        if not identifier:
            refusals.append(ScheduleMissing(schedules="the schedules of the course"))
        return None
    schedule = _find(enrolment, identifier, cohort, refusals)
    course = enrolment.course
    if schedule and not refusals and not has_terms(enrolment.lead_provider_id, schedule.cohort_id, course.id):
        refusals.append(NoContractForCohort(course=course, cohort=schedule.cohort))
    if enrolment.training_status == TrainingStatus.WITHDRAWN:
        refusals.append(AlreadyWithdrawn(course=course))
    if schedule is None:
        return None
    declarations = list(Declaration.objects.live().filter(enrolment=enrolment).order_by("declaration_date", "id"))
    refusals.extend(_invalidated(declarations, schedule))
    if schedule.id == enrolment.schedule_id:
        refusals.append(ScheduleUnchanged(schedule=schedule, cohort=schedule.cohort))
    if not refusals and schedule.course_group != course.group:
        refusals.append(ScheduleNotForCourse(course=course, schedules=_names(schedules_for(course, schedule.cohort))))
    if schedule.cohort_id != enrolment.cohort_id:
        if declarations and not refusals:
            refusals.append(CohortHasDeclarations())
        refusals.extend(funding_refusals(enrolment.cohort, schedule.cohort))
    return schedule


def _find(enrolment: Enrolment, identifier: str | None, cohort: str | None, refusals: list[Refused]) -> Schedule | None:
    """The schedule that is meant, or None and the reason why there is none."""
    match = _COHORT.fullmatch(cohort.lower()) if cohort else None
    if cohort and match is None:
        refusals.append(CohortNotReadable())
        return None
    wanted = match[0] if match else enrolment.cohort.identifier
    bare_year = match is not None and not match["suffix"]
    if bare_year and int(wanted) == enrolment.cohort.start_year:
        wanted, bare_year = enrolment.cohort.identifier, False
    of_year = Schedule.objects.filter(cohort__start_year=wanted[:4]).select_related("cohort")
    candidates = of_year if bare_year else of_year.filter(cohort__suffix=wanted[4:])
    schedule = candidates.filter(identifier=identifier).order_by("-cohort__suffix").first() if identifier else None
    if schedule is None:
        fitting = candidates.filter(course_group=enrolment.course.group).order_by("starts_on", "id")
        names = _names(fitting.values_list("identifier", flat=True))
        refusals.append(
            ScheduleNotFound(cohort=wanted, schedules=names) if identifier else ScheduleMissing(schedules=names)
        )
    return schedule


def _names(identifiers: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(identifiers)) or "another cohort's schedules"


def _invalidated(declarations: Iterable[Declaration], schedule: Schedule) -> list[Refused]:
    begins = start_of_uk_day(schedule.starts_on)
    return [
        ScheduleInvalidatesDeclarations(
            declaration_type=declaration.declaration_type,
            day=uk_date(declaration.declaration_date),
            schedule=schedule,
            first_day=schedule.starts_on,
            types=", ".join(schedule.allowed_declaration_types),
        )
        for declaration in declarations
        if declaration.declaration_type not in schedule.allowed_declaration_types
        or declaration.declaration_date < begins
    ]
