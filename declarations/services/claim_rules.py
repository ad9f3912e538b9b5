"""The rules of submitting a declaration, in the order in which they are checked (api.md §5.3).

A rule yields its refusals. Rules marked ALONE speak only when no rule before them has refused, so that one cause
gives one error.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from applications.models import Application
from declarations.choices import DeclarationType
from declarations.errors import (
    DatedAfterWithdrawal,
    DeclarationDateBeforeSchedule,
    DeclarationDateInFuture,
    DeclarationDateMissing,
    DeclarationDateUnreadable,
    DeclarationTypeMissing,
    DeclarationTypeNotOnSchedule,
    DeclarationTypeNotRecognised,
    HasPassedMissing,
    NotAcceptedOnDeclaredCourse,
    ParticipantIdMissing,
    ParticipantIdReplaced,
    ParticipantNotRecognised,
    SlotHeld,
)
from declarations.queries.claims import Facts
from declarations.queries.given import UNREADABLE, Claim
from declarations.services.partner_rules import PartnerSituation, partner_refusals
from finance.errors import NoContractTerms, NoOpenStatement
from npq.core.clock import start_of_uk_day
from npq.core.errors import Refused
from npq.core.models import Course
from participants.choices import TrainingStatus
from participants.models import Enrolment, ParticipantIdChange


@dataclass(frozen=True)
class Situation:
    """A claim and all that is known about it; `enrolment` and `facts` are locked, and there together or not at all.

    `known`: the participant is one of the provider's. `retired`: the id was replaced, and the provider may know.
    """

    claim: Claim
    now: datetime
    known: bool
    retired: ParticipantIdChange | None = None
    enrolment: Enrolment | None = None
    facts: Facts | None = None
    partners: PartnerSituation | None = None

    @property
    def date(self) -> datetime | None:
        """The date that is declared, if it can be read."""
        return self.claim.declaration_date if isinstance(self.claim.declaration_date, datetime) else None

    @property
    def course(self) -> Course | None:
        """The course the participant is on, or else the one that is named."""
        if self.enrolment is not None:
            return self.enrolment.course
        return Course.objects.filter(identifier=self.claim.course_identifier or "").first()


def is_fundable(application: Application, facts: Facts) -> bool:
    """Whether DfE pays for what is declared on an application: eligible, all considered, and no unfunded place."""
    return facts.eligible_for_funding and application.funded_place is not False


Rule = Callable[[Situation], Iterator[Refused]]


def _participant_is_named(it: Situation) -> Iterator[Refused]:
    if it.claim.participant_id is None:
        yield ParticipantIdMissing()


def _participant_id_is_current(it: Situation) -> Iterator[Refused]:
    if it.retired is not None:
        yield ParticipantIdReplaced(
            from_participant_id=it.retired.from_participant_id, to_participant_id=it.retired.to_participant_id
        )


def _participant_is_known(it: Situation) -> Iterator[Refused]:
    if not it.known:
        yield ParticipantNotRecognised()


def _participant_had_not_withdrawn(it: Situation) -> Iterator[Refused]:
    if it.enrolment is None or it.facts is None or it.enrolment.training_status != TrainingStatus.WITHDRAWN:
        return
    withdrawn_at = it.facts.withdrawn_at
    if withdrawn_at is not None and it.date is not None and it.date >= withdrawn_at:
        yield DatedAfterWithdrawal(withdrawn_at=withdrawn_at)


def _participant_is_on_the_course(it: Situation) -> Iterator[Refused]:
    if it.enrolment is None:
        yield NotAcceptedOnDeclaredCourse()


def _date_is_readable(it: Situation) -> Iterator[Refused]:
    if it.claim.declaration_date is UNREADABLE:
        yield DeclarationDateUnreadable()


def _schedule_has_begun(it: Situation) -> Iterator[Refused]:
    if it.enrolment is None or it.date is None:
        return
    schedule = it.enrolment.schedule
    if it.date < start_of_uk_day(schedule.starts_on):
        yield DeclarationDateBeforeSchedule(first_day=schedule.starts_on, schedule=schedule)


def _date_is_given(it: Situation) -> Iterator[Refused]:
    if it.claim.declaration_date is None:
        yield DeclarationDateMissing()


def _type_is_known(it: Situation) -> Iterator[Refused]:
    if it.claim.declaration_type is None:
        yield DeclarationTypeMissing()
    if it.claim.declaration_type not in DeclarationType.values:
        yield DeclarationTypeNotRecognised(types=", ".join(DeclarationType.values))


def _type_is_on_the_schedule(it: Situation) -> Iterator[Refused]:
    assert it.enrolment is not None
    schedule = it.enrolment.schedule
    if it.claim.declaration_type not in schedule.allowed_declaration_types:
        yield DeclarationTypeNotOnSchedule(schedule=schedule, types=", ".join(schedule.allowed_declaration_types))


def _provider_has_a_contract(it: Situation) -> Iterator[Refused]:
    assert it.enrolment is not None
    assert it.facts is not None
    if not it.facts.has_terms:
        yield NoContractTerms(course=it.enrolment.course, cohort=it.enrolment.cohort)


def _a_statement_takes_it(it: Situation) -> Iterator[Refused]:
    assert it.enrolment is not None
    assert it.facts is not None
    if is_fundable(it.enrolment.application, it.facts) and not it.facts.statement_open:
        yield NoOpenStatement(cohort=it.enrolment.cohort)


def _result_is_given(it: Situation) -> Iterator[Refused]:
    if it.claim.declaration_type != DeclarationType.COMPLETED or it.claim.has_passed is not None:
        return
    course = it.course
    if course is not None and course.has_outcome:
        yield HasPassedMissing(course=course)


def _slot_is_free(it: Situation) -> Iterator[Refused]:
    assert it.facts is not None
    if it.facts.slot_held:
        yield SlotHeld(declaration_type=it.claim.declaration_type)


def _partners_fit(it: Situation) -> Iterator[Refused]:
    if it.partners is not None:
        yield from partner_refusals(it.partners)


def _date_has_passed(it: Situation) -> Iterator[Refused]:
    if it.date is not None and it.date > it.now:
        yield DeclarationDateInFuture()


# Whether a rule speaks only when none before it has refused.
ALONE, ALWAYS = True, False

# The schedule of an enrolment is never missing (api.md's row 11): the database sees to it.
RULES: tuple[tuple[Rule, bool], ...] = (
    (_participant_is_named, ALWAYS),
    (_participant_id_is_current, ALWAYS),
    (_participant_is_known, ALONE),
    (_participant_had_not_withdrawn, ALONE),
    (_participant_is_on_the_course, ALONE),
    (_date_is_readable, ALWAYS),
    (_schedule_has_begun, ALWAYS),
    (_date_is_given, ALWAYS),
    (_type_is_known, ALWAYS),
    (_type_is_on_the_schedule, ALONE),
    (_provider_has_a_contract, ALONE),
    (_a_statement_takes_it, ALONE),
    (_result_is_given, ALWAYS),
    (_slot_is_free, ALONE),
    (_partners_fit, ALWAYS),
    (_date_has_passed, ALWAYS),
)


def refusals_of(situation: Situation, rules: Iterable[tuple[Rule, bool]] = RULES) -> list[Refused]:
    """Everything that stands in the way of a claim, in the order of the rules."""
    found: list[Refused] = []
    for rule, alone in rules:
        if not (alone and found):
            found.extend(rule(situation))
    return found
