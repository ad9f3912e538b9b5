"""Paying for what was declared before DfE funded the place."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from applications.choices import FundingEligibilityStatusCode
from applications.models import Application
from applications.queries import effective_eligibility
from declarations.choices import BILLABLE_STATES, DeclarationState
from declarations.models import Declaration
from finance.choices import LineState
from finance.errors import NoContractTerms, NoOpenStatement, PaidForAnotherEnrolment
from finance.services.lines import place_on_statement
from npq.core.errors import Refused
from participants.models import Enrolment
from participants.queries import same_person


@dataclass(frozen=True)
class Promoted:
    """The declarations that became eligible, and those that stay submitted with the reason why."""

    eligible: list[Declaration]
    still_submitted: list[tuple[Declaration, Refused]]


def promote_fundable(enrolment: Enrolment, *, day: date) -> Promoted:
    """Makes an enrolment's submitted declarations eligible once DfE funds it, and puts them on a statement.

    A step of the correction that grants the funding: runs inside its transaction, after the change is written, with
    person, application and enrolment locked. `day` is today's UK date. While the enrolment is not funded nothing
    happens. A declaration that no statement or no terms would pay, or that the person is paid for on another
    enrolment in the course family, stays submitted and is named (finance.md §7.27).
    """
    promoted = Promoted([], [])
    application = Application.objects.filter(
        Q(funded_place__isnull=True) | Q(funded_place=True), effective_eligibility(), id=enrolment.application_id
    ).first()
    if application is None or enrolment.undone_at is not None:
        return promoted
    people = same_person([enrolment.participant_id])
    submitted = Declaration.objects.filter(enrolment=enrolment, state=DeclarationState.SUBMITTED).order_by("id")
    for declaration in submitted.select_related("course", "cohort").select_for_update(of=("self",), no_key=True):
        try:
            _refuse_if_paid_elsewhere(declaration, enrolment, application, people)
            place_on_statement(declaration, day=day, state=LineState.ELIGIBLE)
        except (NoOpenStatement, NoContractTerms, PaidForAnotherEnrolment) as refusal:
            promoted.still_submitted.append((declaration, refusal))
        else:
            declaration.state = DeclarationState.ELIGIBLE
            declaration.save(update_fields=["state"])
            promoted.eligible.append(declaration)
    return promoted


def _refuse_if_paid_elsewhere(
    declaration: Declaration, enrolment: Enrolment, application: Application, people: Iterable[int]
) -> None:
    if application.funding_eligibility_status_code == FundingEligibilityStatusCode.MARKED_FUNDED_BY_POLICY:
        return
    others = Declaration.objects.filter(
        enrolment__participant__in=list(people),
        enrolment__course_family=enrolment.course_family,
        declaration_type=declaration.declaration_type,
        state__in=BILLABLE_STATES,
    ).exclude(enrolment=enrolment)
    other = others.first()
    if other is not None:
        raise PaidForAnotherEnrolment(declaration_type=declaration.declaration_type, other=other.public_id)
