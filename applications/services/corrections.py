"""What staff's corrections have in common: what they check, and what they do for money that becomes payable."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import IntegrityError, transaction

from applications.errors import CourseHeldBy, DeclarationsStand, ProviderWithoutContract, ScheduleToBeNamed
from applications.models import Application
from applications.queries import standing_declarations
from declarations.models import Declaration
from finance.queries.terms import has_terms
from finance.services.promote import promote_fundable
from npq.core.clock import uk_date
from npq.core.constraints import violated_constraint
from npq.core.errors import Refused, refuse_if_any
from npq.core.models import Cohort, Course, LeadProvider
from participants.models import Enrolment, Schedule
from participants.queries import enrolment_in_the_way, find_schedule, schedules_for

ONE_ON_COURSE = "enrolment_one_per_person_and_course_family"
# Where there is nothing to choose from, a refusal still says what to do.
NO_SCHEDULES = "those that have to be added first"


def standing_in_the_way(application: Application, what: str) -> list[Refused]:
    """The refusal that names the declarations on which the application stands as it is; `what` cannot be done."""
    return declarations_stand(standing_declarations(application), what)


def declarations_stand(declarations: Iterable[Declaration], what: str) -> list[Refused]:
    """The same about declarations that stand, as the caller has read them."""
    standing = [
        f"{each.declaration_type} of {uk_date(each.declaration_date):%-d %B %Y} ({each.state}, {each.public_id})"
        for each in declarations
    ]
    return [DeclarationsStand(what=what, declarations=", ".join(standing))] if standing else []


def without_contract(lead_provider: LeadProvider, course: Course, cohort: Cohort) -> list[Refused]:
    """The refusal when a provider has no contract terms for a course in a cohort."""
    if has_terms(lead_provider.id, cohort.id, course.id):
        return []
    return [ProviderWithoutContract(lead_provider=lead_provider, course=course, cohort=cohort)]


def held_course(people: Iterable[int], course: Course, application: Application) -> list[CourseHeldBy]:
    """The refusal when one of these people holds another enrolment in the course's family (decisions.md §2)."""
    held = enrolment_in_the_way(people, course, besides=application.id)
    if held is None:
        return []
    return [
        CourseHeldBy(
            participant=held.participant,
            course=held.course,
            lead_provider=held.lead_provider,
            application=held.application,
        )
    ]


@contextmanager
def one_on_course(people: Iterable[int], course: Course, application: Application) -> Iterator[None]:
    """Within the block the database's word that a person holds one enrolment on a course is told as CourseHeldBy."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if violated_constraint(error) == ONE_ON_COURSE:
            refuse_if_any(held_course(people, course, application))
        raise


def schedule_to_be_named(why: str, course: Course, cohort: Cohort) -> ScheduleToBeNamed:
    """The refusal that asks for a schedule, naming those there are."""
    return ScheduleToBeNamed(why=why, schedules=", ".join(schedules_for(course, cohort)) or NO_SCHEDULES)


def named_schedule(identifier: str, course: Course, cohort: Cohort) -> Schedule:
    """The schedule of that name for a course in a cohort; refuses with ScheduleToBeNamed when there is none."""
    schedule = find_schedule(cohort, identifier)
    if schedule is None or schedule.course_group != course.group:
        raise schedule_to_be_named(f"{identifier} is no schedule of cohort {cohort} for {course}.", course, cohort)
    return schedule


def promote_in_family(participant_id: int, course_family: str, now: datetime) -> tuple[str, ...]:
    """Pays for whatever a person declared in a course family and DfE funds by now, as a step of a correction.

    Whether an enrolment counts as funded depends on the person's others in the family, so all of them are looked
    at. Returns a sentence for each declaration that should be paid and cannot be.
    """
    enrolments = Enrolment.objects.standing().filter(participant_id=participant_id, course_family=course_family)
    return tuple(
        f"Declaration {declaration.public_id} ({declaration.declaration_type}) stays submitted. "
        f"{refusal.sentence_for_staff}"
        for enrolment in enrolments.order_by("id")
        for declaration, refusal in promote_fundable(enrolment, day=uk_date(now)).still_submitted
    )
