"""Changing the cohort of an application."""

from datetime import datetime

from applications.models import Application
from applications.services.corrections import (
    named_schedule,
    promote_in_family,
    standing_in_the_way,
    without_contract,
)
from npq.core.audit import Actor, correcting
from npq.core.effects import Corrected
from npq.core.errors import Refused, refuse_if_any
from npq.core.models import Cohort
from participants.models import Enrolment, Participant, Schedule
from participants.queries import lock_application, lock_current_enrolment
from participants.queries.cohorts import funding_refusals


def change_cohort(
    *, application_id: int, cohort: Cohort, by: Actor, now: datetime, schedule_identifier: str | None = None
) -> Corrected:
    """Moves an application, and its enrolment when it is accepted, to another cohort (domain.md §3.5).

    Places move between cohorts of one kind of funding, and otherwise as change-schedule lets them, with the funded
    place that follows. An enrolment takes the schedule of the same name there, or `schedule_identifier`. The cohort
    it has already changes nothing.

    Refuses with CohortWithoutCap, CohortFunded and DeclarationsStand; an accepted application also with
    ProviderWithoutContract and ScheduleToBeNamed.
    """
    with correcting(by, "change_cohort"):
        application, _people = lock_application(application_id, held_by=None)
        if application.cohort_id == cohort.id:
            return Corrected(changed=False)
        enrolment = lock_current_enrolment(application)
        refusals = funding_refusals(application.cohort, cohort)
        if enrolment is None:
            refuse_if_any(refusals)
        else:
            enrolment.schedule = _check(application, enrolment, cohort, schedule_identifier, refusals)
            enrolment.cohort = cohort
            enrolment.save(update_fields=["cohort", "schedule"])
        application.move_to_cohort(cohort)
        notes = promote_in_family(application.participant_id, application.course.family, now)
        Participant.objects.filter(id=application.participant_id).touch_all()
        return Corrected(notes=notes)


def _check(
    application: Application,
    enrolment: Enrolment,
    cohort: Cohort,
    schedule_identifier: str | None,
    refusals: list[Refused],
) -> Schedule:
    refusals += standing_in_the_way(application, "The cohort cannot change")
    refusals += without_contract(enrolment.lead_provider, application.course, cohort)
    schedule = enrolment.schedule
    try:
        schedule = named_schedule(schedule_identifier or enrolment.schedule.identifier, application.course, cohort)
    except Refused as refusal:
        refusals.append(refusal)
    refuse_if_any(refusals)
    return schedule
