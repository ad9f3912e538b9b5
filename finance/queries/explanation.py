"""Why a declaration is paid, or everything that stands in the way and what would change it (decisions.md §3.9).

`REASONS` is the one list of reasons. Each has a stable code, and a sentence that ends with what to do; a
declaration that is not paid always has at least one.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from applications.choices import FundingEligibilityStatusCode
from applications.models import Application
from applications.queries import effective_eligibility, previously_funded
from declarations.choices import BILLABLE_STATES, DeclarationState
from declarations.models import Declaration
from finance.choices import BILLABLE_LINES, REFUNDABLE_LINES
from finance.models import LineItem, Statement
from finance.queries.for_providers import line_amounts
from finance.queries.statements import next_open_statement
from finance.queries.terms import has_terms
from npq.core.choices import CohortFunding
from npq.core.clock import uk_date
from npq.core.money import in_pounds
from participants.choices import TrainingStatus
from participants.models import Enrolment, TrainingStatusChange
from participants.queries import same_person


@dataclass(frozen=True)
class Reason:
    """A reason that applies: its code, and the sentence that a provider reads."""

    code: str
    detail: str


@dataclass(frozen=True)
class Explanation:
    """What is paid for a declaration, on which statement, and what stands in the way when nothing is.

    `amount` is the output payment and `targeted_delivery_funding` what is added to it: exact pounds, None when
    nothing is paid (or what was paid is taken back). `payable` is true exactly when there are no reasons.
    """

    amount: Decimal | None
    targeted_delivery_funding: Decimal | None
    statement_id: uuid.UUID | None
    clawback_statement_id: uuid.UUID | None
    reasons: list[Reason]

    @property
    def payable(self) -> bool:
        """Whether it is, or will be, paid."""
        return not self.reasons


@dataclass
class Situation:
    """A declaration and what is looked up about it when a reason asks; `day` is today's UK date."""

    declaration: Declaration
    day: date

    @property
    def state(self) -> str:
        """The declaration's state."""
        return self.declaration.state

    @cached_property
    def application(self) -> Application:
        """The application declared for, its cohort loaded; read only when it did not come with the declaration."""
        enrolment = self.declaration.enrolment
        if Enrolment.application.is_cached(enrolment):
            return enrolment.application
        return Application.objects.select_related("cohort").get(id=self.declaration.enrolment.application_id)

    @cached_property
    def funding(self) -> Mapping[str, bool]:
        """Whether the application is `eligible` for funding, all considered, and whether it was `funded_before`."""
        found = Application.objects.filter(id=self.declaration.enrolment.application_id)
        eligible, funded_before = found.values_list(effective_eligibility(), previously_funded()).get()
        return {"eligible": eligible, "funded_before": funded_before}

    @cached_property
    def lines(self) -> dict[str, LineItem]:
        """The line that pays and the line that takes back, by kind; voided and ineligible ones are left out."""
        lines = self.declaration.lines.filter(state__in=[*BILLABLE_LINES, *REFUNDABLE_LINES])
        return {line.kind: line for line in lines.select_related("statement")}

    @property
    def standing_line(self) -> LineItem | None:
        """The line that pays, unless it is taken back."""
        return None if "clawback" in self.lines else self.lines.get("payment")

    @cached_property
    def amounts(self) -> tuple[Decimal | None, Decimal | None]:
        """What the standing line is worth: output payment and targeted delivery funding."""
        line = self.standing_line
        if line is None:
            return None, None
        worth = line_amounts(line.statement)
        found = LineItem.objects.filter(id=line.id).annotate(
            pays=worth.output_payment, funds=worth.targeted_delivery_funding
        )
        return found.values_list("pays", "funds").get()

    @cached_property
    def next_statement(self) -> Statement | None:
        """The statement that a declaration made today would land on."""
        return next_open_statement(self.declaration.lead_provider_id, self.declaration.cohort_id, self.day)

    @cached_property
    def has_terms(self) -> bool:
        """Whether the course has terms on the declaration's statement, or on the one it would land on today."""
        statement = self.standing_line.statement if self.standing_line else self.next_statement
        declaration = self.declaration
        month = statement.first_day if statement else None
        return has_terms(declaration.lead_provider_id, declaration.cohort_id, declaration.course_id, month)

    @cached_property
    def withdrawn_at(self) -> datetime | None:
        """When the participant withdrew, if the enrolment is withdrawn."""
        if self.declaration.enrolment.training_status != TrainingStatus.WITHDRAWN:
            return None
        changes = TrainingStatusChange.objects.filter(
            enrolment=self.declaration.enrolment_id, status=TrainingStatus.WITHDRAWN
        )
        return changes.order_by("-id").values_list("changed_at", flat=True).first()

    @cached_property
    def replacement(self) -> Declaration | None:
        """The live declaration that holds the slot now."""
        same = Declaration.objects.live().filter(
            enrolment=self.declaration.enrolment_id, declaration_type=self.declaration.declaration_type
        )
        return same.exclude(id=self.declaration.id).first()


# Each yields the facts of its sentence when it applies.
Facts = dict[str, Any]
When = Callable[[Situation], Iterator[Facts]]


@dataclass(frozen=True)
class KnownReason:
    """A row of the list: the code, what it means, the sentence, and when it applies."""

    code: str
    meaning: str
    detail: str
    applies: When


def _clawed_back(it: Situation) -> Iterator[Facts]:
    line = it.lines.get("clawback")
    if line is None:
        return
    taken = (line.output_payment or 0) + (line.targeted_delivery_funding or 0)
    verb = "is" if it.state == DeclarationState.AWAITING_CLAWBACK else "was"
    yield {"amount": in_pounds(-taken), "verb": verb, "statement": line.statement.name}


def _voided(it: Situation) -> Iterator[Facts]:
    if it.state == DeclarationState.VOIDED:
        if it.replacement:
            yield {"next": f"Declaration {it.replacement.public_id} has taken its place"}
        else:
            yield {"next": "Declare again if it was voided by mistake"}


def _duplicate(it: Situation) -> Iterator[Facts]:
    if it.state == DeclarationState.INELIGIBLE:
        yield {"type": it.declaration.declaration_type}


def _not_accepted(it: Situation) -> Iterator[Facts]:
    if it.declaration.enrolment.undone_at is not None:
        yield {}


def _previously_funded(it: Situation) -> Iterator[Facts]:
    if not it.funding["eligible"] and it.funding["funded_before"]:
        yield {"again": _again(it)}


def _not_funded(it: Situation) -> Iterator[Facts]:
    if not it.funding["eligible"] and not it.application.eligible_for_funding:
        code = it.application.get_funding_eligibility_status_code_display()
        yield {"why": f" ({code.lower()})" if code else "", "again": _again(it)}


def _again(it: Situation) -> str:
    """What follows a correction: a submitted declaration is paid by itself, one that has ended is not."""
    if it.state != DeclarationState.SUBMITTED:
        return ", then declare again"
    if it.application.funded_place is False:
        return "; then see to the funded place"
    return "; this declaration then becomes eligible by itself"


def _no_funded_place(it: Situation) -> Iterator[Facts]:
    if it.application.funded_place is not False:
        return
    if it.application.cohort.funding == CohortFunding.UNFUNDED:
        yield {"next": f"Cohort {it.application.cohort} has no funded places, so nothing will change that"}
    else:
        void = "Void this declaration, set" if it.state == DeclarationState.SUBMITTED else "Set"
        yield {"next": f"{void} the application's funded_place to true (change-funded-place), then declare again"}


def _paid_for_another_enrolment(it: Situation) -> Iterator[Facts]:
    declaration, application = it.declaration, it.application
    by_policy = FundingEligibilityStatusCode.MARKED_FUNDED_BY_POLICY
    if it.state == DeclarationState.INELIGIBLE or application.funding_eligibility_status_code == by_policy:
        return
    others = Declaration.objects.filter(
        enrolment__participant__in=same_person([declaration.enrolment.participant_id]),
        enrolment__course_family=declaration.enrolment.course_family,
        declaration_type=declaration.declaration_type,
        state__in=BILLABLE_STATES,
    )
    if others.exclude(enrolment=declaration.enrolment_id).exists():
        yield {"type": declaration.declaration_type}


def _after_withdrawal(it: Situation) -> Iterator[Facts]:
    withdrawn_at = it.withdrawn_at
    if withdrawn_at is not None and it.declaration.declaration_date >= withdrawn_at:
        yield {"day": uk_date(withdrawn_at)}


def _no_terms(it: Situation) -> Iterator[Facts]:
    if not it.has_terms:
        yield {"course": it.declaration.course, "cohort": it.declaration.cohort}


def _no_open_statement(it: Situation) -> Iterator[Facts]:
    if it.standing_line is None and it.next_statement is None:
        yield {"cohort": it.declaration.cohort}


REASONS = (
    KnownReason(
        "clawed_back",
        "What was paid is being taken back, or has been.",
        "It was paid, then voided: {amount} {verb} taken back on the statement of {statement}. "
        "Declare again if it was voided by mistake.",
        _clawed_back,
    ),
    KnownReason(
        "voided",
        "The declaration was voided before it was paid.",
        "This declaration was voided. {next}.",
        _voided,
    ),
    KnownReason(
        "duplicate",
        "Another record of the person, with the same TRN, holds the same declaration.",
        "Another participant with the same TRN already has a {type} declaration for this course, and it is paid "
        "once. If they are one person, ask DfE to merge the records; if the TRN is wrong, ask DfE to correct it, "
        "void this declaration and declare again.",
        _duplicate,
    ),
    KnownReason(
        "paid_for_another_enrolment",
        "The declaration type is paid for on another enrolment of the person on the course.",
        "The participant's {type} on this course is paid for already, on another enrolment, and is paid once. "
        "Contact DfE if it is to be paid again.",
        _paid_for_another_enrolment,
    ),
    KnownReason(
        "not_accepted",
        "The acceptance that the declaration rests on was undone.",
        "The acceptance of the application was undone. Accept the application again, then declare again.",
        _not_accepted,
    ),
    KnownReason(
        "previously_funded",
        "DfE has funded the participant on this course before.",
        "DfE has funded the participant on this course before, and funds it once. If that is a mistake, ask DfE to "
        "correct it{again}.",
        _previously_funded,
    ),
    KnownReason(
        "not_funded",
        "The applicant is not eligible for funding.",
        "The participant is not eligible for DfE funding{why}. If that is wrong, ask DfE to correct the "
        "application{again}.",
        _not_funded,
    ),
    KnownReason(
        "no_funded_place",
        "The application was accepted without a funded place.",
        "The participant has no funded place. {next}.",
        _no_funded_place,
    ),
    KnownReason(
        "after_withdrawal",
        "It is dated on or after the day on which the participant withdrew.",
        "The participant withdrew on {day}; only declarations dated before are paid. If the withdrawal is a mistake, "
        "resume the participant and declare again.",
        _after_withdrawal,
    ),
    KnownReason(
        "no_terms",
        "The provider has no contract terms for the course.",
        "You have no contract terms for {course} in cohort {cohort}. Contact DfE, who can add them.",
        _no_terms,
    ),
    KnownReason(
        "no_open_statement",
        "No statement of the cohort takes declarations any more.",
        "The contract for cohort {cohort} has ended: no open statement is left to pay this on. "
        "Contact DfE if you expect further payments.",
        _no_open_statement,
    ),
)

# What is left when nothing in the list stands in the way (any more): it was declared too early to be paid.
DECLARED_BEFORE_FUNDING = KnownReason(
    "declared_before_funding",
    "When it was declared it could not be paid; nothing stands in the way now.",
    "When this was declared it could not be paid, and now it could. Void it and declare again.",
    lambda it: iter([{}]),
)


def all_reasons() -> tuple[KnownReason, ...]:
    """Every reason there is, for the documentation."""
    return (*REASONS, DECLARED_BEFORE_FUNDING)


def explain_payment(declaration: Declaration, *, day: date) -> Explanation:
    """What is paid for a declaration, or every reason why nothing is; `day` is today's UK date.

    The declaration's enrolment, course and cohort should come loaded.
    """
    it = Situation(declaration, day)
    payment, clawback = it.lines.get("payment"), it.lines.get("clawback")
    amount, funding = it.amounts
    return Explanation(
        amount=amount,
        targeted_delivery_funding=funding,
        statement_id=payment.statement.public_id if payment else None,
        clawback_statement_id=clawback.statement.public_id if clawback else None,
        reasons=_reasons(it) if amount is None else [],
    )


def _reasons(it: Situation) -> list[Reason]:
    found = [Reason(known.code, known.detail.format(**facts)) for known in REASONS for facts in known.applies(it)]
    late = DECLARED_BEFORE_FUNDING
    return found or [Reason(late.code, late.detail)]


def declaration_for_payment(*, lead_provider_id: int, public_id: uuid.UUID) -> Declaration:
    """One of a provider's own declarations. Raises Declaration.DoesNotExist for anybody else's."""
    found = Declaration.objects.select_related("enrolment", "course", "cohort")
    return found.get(lead_provider_id=lead_provider_id, public_id=public_id)
