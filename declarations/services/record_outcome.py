"""Recording an outcome."""

import datetime as dates
from collections.abc import Iterator

from applications.models import Application
from declarations.choices import LIVE_STATES, DeclarationState, DeclarationType, OutcomeState
from declarations.errors import (
    CompletionDateInFuture,
    CompletionDateMissing,
    CompletionDateUnreadable,
    NoCompletedDeclaration,
    OutcomeCourseMissing,
    OutcomeCourseNotRecognised,
    OutcomeNotForDeclaration,
    OutcomeStateMissing,
    OutcomeStateNotRecognised,
)
from declarations.models import Declaration
from declarations.queries.given import UNREADABLE, Unreadable
from declarations.queries.locks import lock_declaration, lock_newest_enrolment
from declarations.services.telling import tell_outcome
from npq.core.audit import Actor, acting_as, correcting
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
        return _append(declaration, OutcomeState(state), completion_date, enrolment.application)


def correct_outcome(
    *, declaration_id: int, state: str | None, completion_date: dates.date | None, by: Actor, now: dates.datetime
) -> int:
    """Adds an outcome to one completed declaration on staff's word; returns its internal id (backoffice.md §2.1).

    What was recorded before stays in the history, and the participant is told, as when the provider records it.
    Refuses with OutcomeNotForDeclaration and with the errors about states and dates.
    """
    with correcting(by, "correct_outcome"):
        declaration = lock_declaration(declaration_id)
        refuse_if_any([*_declaration(declaration), *_state(state), *_date(completion_date, uk_date(now))])
        assert state is not None
        assert completion_date is not None
        return _append(declaration, OutcomeState(state), completion_date, declaration.enrolment.application)


def _append(declaration: Declaration, state: OutcomeState, completion_date: dates.date, about: Application) -> int:
    newest = declaration.newest_outcome()
    if newest is not None and (newest.state, newest.completion_date) == (state, completion_date):
        return newest.id
    outcome = declaration.append_outcome(state, completion_date)
    Declaration.objects.filter(id=declaration.id).touch()
    tell_outcome(outcome, about)
    return outcome.id


def _declaration(declaration: Declaration) -> Iterator[Refused]:
    if declaration.declaration_type != DeclarationType.COMPLETED:
        yield OutcomeNotForDeclaration(why="It is no completed declaration")
    elif not declaration.course.has_outcome:
        yield OutcomeNotForDeclaration(why=f"{declaration.course} does not end in an outcome")
    elif declaration.state not in STANDING_STATES:
        yield OutcomeNotForDeclaration(why="It was voided, or is taken back")


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
