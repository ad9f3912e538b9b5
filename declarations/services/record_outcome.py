"""Recording an outcome."""

import datetime as dates
from collections.abc import Iterator

from declarations.choices import LIVE_STATES, DeclarationState, DeclarationType, OutcomeState
from declarations.errors import (
    CompletionDateInFuture,
    CompletionDateMissing,
    CompletionDateUnreadable,
    NoCompletedDeclaration,
    OutcomeCourseMissing,
    OutcomeCourseNotRecognised,
    OutcomeStateMissing,
    OutcomeStateNotRecognised,
)
from declarations.models import Declaration
from declarations.queries.given import UNREADABLE, Unreadable
from declarations.queries.locks import lock_newest_enrolment
from declarations.services.telling import tell_outcome
from npq.core.audit import Actor, acting_as
from npq.core.choices import GROUPS_WITH_OUTCOMES
from npq.core.clock import uk_date
from npq.core.errors import Refused, refuse_if_any
from npq.core.models import Course
from participants.models import Enrolment
from participants.queries import lock_person

SUBMITTED_STATES = (OutcomeState.PASSED, OutcomeState.FAILED)
# A completed declaration in one of these may be given an outcome; a voided or clawed-back one may not.
STANDING_STATES = (*LIVE_STATES, DeclarationState.INELIGIBLE)


def record_outcome(
    *,
    participant_id: int,
    lead_provider_id: int,
    course_identifier: str | None,
    state: str | None,
    completion_date: dates.date | Unreadable | None,
    by: Actor,
    now: dates.datetime,
) -> int:
    """Adds an outcome to a participant's completed declaration and returns its internal id (api.md §5.3, §7.2).

    The declaration is the newest completed one on the provider's newest enrolment in the course's family. An
    outcome with the state and the date of its newest one changes nothing and gives the id of that one; anything
    else is appended, a corrected date of a pass included, and the participant is told.

    `participant_id` is the internal id. Refuses with the errors about outcomes of `declarations.errors`; raises
    ParticipantIdChanged when the person was merged meanwhile.
    """
    with acting_as(by, "record_outcome"):
        lock_person(participant_id)
        enrolment = lock_newest_enrolment(
            participant_id=participant_id, lead_provider_id=lead_provider_id, course_identifier=course_identifier
        )
        refusals = [*_course(course_identifier), *_state(state), *_date(completion_date, uk_date(now))]
        declaration = _lock_completed(enrolment)
        if declaration is None and not refusals:
            refusals.append(NoCompletedDeclaration(course=course_identifier))
        refuse_if_any(refusals)
        assert declaration is not None
        assert enrolment is not None
        assert state is not None
        assert isinstance(completion_date, dates.date)
        newest = declaration.newest_outcome()
        if newest is not None and (newest.state, newest.completion_date) == (state, completion_date):
            return newest.id
        outcome = declaration.append_outcome(OutcomeState(state), completion_date)
        Declaration.objects.filter(id=declaration.id).touch()
        tell_outcome(outcome, enrolment.application)
        return outcome.id


def _lock_completed(enrolment: Enrolment | None) -> Declaration | None:
    if enrolment is None:
        return None
    completed = Declaration.objects.filter(
        enrolment=enrolment, declaration_type=DeclarationType.COMPLETED, state__in=STANDING_STATES
    )
    return completed.order_by("-created_at", "-id").select_for_update(no_key=True).first()


def _course(identifier: str | None) -> Iterator[Refused]:
    courses = Course.objects.filter(group__in=GROUPS_WITH_OUTCOMES).order_by("position", "id")
    known = list(courses.values_list("identifier", flat=True))
    if identifier not in known:
        yield OutcomeCourseNotRecognised(courses=", ".join(known))
    if identifier is None:
        yield OutcomeCourseMissing()


def _state(state: str | None) -> Iterator[Refused]:
    if state not in SUBMITTED_STATES:
        yield OutcomeStateNotRecognised()
    if state is None:
        yield OutcomeStateMissing()


def _date(given: dates.date | Unreadable | None, today: dates.date) -> Iterator[Refused]:
    if given is None:
        yield CompletionDateMissing()
    if given is None or given is UNREADABLE:
        yield CompletionDateUnreadable()
    elif isinstance(given, dates.date) and given > today:
        yield CompletionDateInFuture()
