"""What a set of contract terms says: the worth of a line and the service fee (finance.md §2.3)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db.models import Case, F, Q, Value, When, Window
from django.db.models.functions import RowNumber

from applications.choices import FundingEligibilityStatusCode
from declarations.choices import DeclarationType
from finance.choices import (
    GROUPS_WITHOUT_TARGETED_DELIVERY_FUNDING,
    TARGETED_DELIVERY_FUNDING_FIRST_COHORT,
    TARGETED_DELIVERY_FUNDING_LAST_MONTH,
)
from finance.models import ContractTerms
from npq.core.money import line_amount


def output_payment_per_participant(terms: ContractTerms) -> Fraction:
    """What one declaration earns: price × output % ÷ number of payment periods, exact."""
    return Fraction(terms.per_participant) * terms.output_payment_percentage / (100 * terms.number_of_payment_periods)


def service_fee(terms: ContractTerms) -> Fraction:
    """What a statement is charged for a course: the fixed fee where there is one (0 means none), else derived.

    Derived: recruitment target × price × service fee % ÷ instalments, on every statement with the terms. That
    instalments may be used up is reported by `check_contracts`, not calculated away (finance.md §2.3).
    """
    if terms.monthly_service_fee is not None:
        return Fraction(terms.monthly_service_fee)
    if terms.service_fee_percentage == 0:
        return Fraction(0)
    charged = Fraction(terms.per_participant) * terms.service_fee_percentage * terms.recruitment_target
    return charged / (100 * terms.service_fee_installments)


def has_targeted_delivery_funding(terms: ContractTerms, month: date) -> bool:
    """Whether starts carry targeted delivery funding on a statement of `month` (its first day)."""
    return (
        month <= TARGETED_DELIVERY_FUNDING_LAST_MONTH
        and terms.cohort.start_year >= TARGETED_DELIVERY_FUNDING_FIRST_COHORT
        and terms.course.group not in GROUPS_WITHOUT_TARGETED_DELIVERY_FUNDING
    )


@dataclass(frozen=True)
class LineWorth:
    """What one line of a course is worth on a statement: pounds with ten decimals, as they are stored."""

    output_payment: Decimal
    targeted_delivery_funding: Decimal


def line_worth(terms: ContractTerms, month: date) -> LineWorth:
    """The worth of a line under these terms; the funding is added for those whom `counts_for_funding` selects."""
    funding = terms.targeted_delivery_funding_per_participant if has_targeted_delivery_funding(terms, month) else 0
    return LineWorth(line_amount(output_payment_per_participant(terms)), line_amount(funding))


def counts_for_funding() -> Q:
    """The lines that carry targeted delivery funding: a start on an application that qualifies for it."""
    return Q(
        declaration_type=DeclarationType.STARTED,
        declaration__enrolment__application__targeted_delivery_funding_eligibility=True,
    ) & (
        Q(declaration__enrolment__application__eligible_for_funding=True)
        | Q(
            declaration__enrolment__application__funding_eligibility_status_code=(
                FundingEligibilityStatusCode.MARKED_FUNDED_BY_POLICY
            )
        )
    )


def funded() -> Case:
    """Whether a line carries targeted delivery funding, as an expression over `LineItem`."""
    return Case(When(counts_for_funding(), then=Value(True)), default=Value(False))


def place_for_person() -> Window:
    """Where a line stands among those of one person, course and declaration type: the first one is paid.

    A person counts once for each type on a course (finance.md §2.2), so lines in a later place are worth nothing.
    One with targeted delivery funding comes before those without. To be used over the lines of one statement that
    are of one kind.
    """
    return Window(
        RowNumber(),
        partition_by=[F("course_id"), F("declaration_type"), F("declaration__enrolment__participant_id")],
        order_by=[funded().desc(), F("id")],
    )
