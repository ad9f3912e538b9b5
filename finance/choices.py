"""The words of money: statements, lines and the terms of each course group."""

from datetime import date
from typing import NamedTuple

from django.db.models import TextChoices

from npq.core.choices import CourseGroup


class StatementState(TextChoices):
    """Open takes declarations; payable is closed to them; paid is frozen."""

    OPEN = "open", "Open"
    PAYABLE = "payable", "Payable"
    PAID = "paid", "Paid"


MOVES = {
    StatementState.OPEN: {StatementState.PAYABLE},
    StatementState.PAYABLE: {StatementState.PAID},
    StatementState.PAID: set(),
}


class StatementKind(TextChoices):
    """Which months: those with output payments, those with service fees only, or both."""

    OUTPUT = "output", "Output statements"
    SERVICE_FEE = "service_fee", "Service fee only"
    ALL = "all", "All"


class LineState(TextChoices):
    """A declaration's line on a statement. A paid line stays paid: what is taken back is a second line."""

    ELIGIBLE = "eligible", "Eligible"
    PAYABLE = "payable", "Payable"
    PAID = "paid", "Paid"
    VOIDED = "voided", "Voided"
    INELIGIBLE = "ineligible", "Ineligible"
    AWAITING_CLAWBACK = "awaiting-clawback", "Awaiting clawback"
    CLAWED_BACK = "clawed-back", "Clawed back"


BILLABLE_LINES = (LineState.ELIGIBLE, LineState.PAYABLE, LineState.PAID)
REFUNDABLE_LINES = (LineState.AWAITING_CLAWBACK, LineState.CLAWED_BACK)
UNPAID_LINES = (LineState.VOIDED, LineState.INELIGIBLE)


class LineKind(TextChoices):
    """What a line does to the statement (decisions.md §3.9)."""

    PAYMENT = "payment", "Payment"
    CLAWBACK = "clawback", "Clawback"
    NONE = "none", "No money"


class ExportKind(TextChoices):
    """What can be taken out as a file."""

    ASSURANCE = "assurance", "Assurance report: a statement's declarations, with personal data"
    PAYMENT = "payment", "Payment: a statement's figures"
    CONTRACTS = "contracts", "Contract terms"


class GroupTerms(NamedTuple):
    """What a course group fixes for every contract (finance.md §1.2)."""

    number_of_payment_periods: int
    service_fee_percentage: int
    output_payment_percentage: int


GROUP_TERMS = {
    CourseGroup.LEADERSHIP: GroupTerms(4, 40, 60),
    CourseGroup.SPECIALIST: GroupTerms(3, 40, 60),
    CourseGroup.SUPPORT: GroupTerms(4, 0, 100),
    CourseGroup.EHCO: GroupTerms(4, 0, 100),
}

# Targeted delivery funding: paid for starts, cohorts from 2022, statement months up to October 2025, and never
# for ASO and EHCO (finance.md §2.3).
TARGETED_DELIVERY_FUNDING_FIRST_COHORT = 2022
TARGETED_DELIVERY_FUNDING_LAST_MONTH = date(2025, 10, 1)
GROUPS_WITHOUT_TARGETED_DELIVERY_FUNDING = (CourseGroup.SUPPORT, CourseGroup.EHCO)
