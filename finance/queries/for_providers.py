"""What a provider can read of its money: its own statements and the lines on them (decisions.md §3.9)."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Case, Count, DecimalField, F, QuerySet, Value, When
from django.db.models.expressions import BaseExpression, Combinable

from finance.choices import BILLABLE_LINES, REFUNDABLE_LINES, StatementKind, StatementState
from finance.models import LineItem, Statement
from finance.queries.terms import terms_of_month
from finance.queries.worth import counts_for_funding, line_worth, place_for_person
from npq.core.models import Cohort

AMOUNT = DecimalField(max_digits=20, decimal_places=10)
NO_MONEY = Decimal(0)
FUNDING = "targeted_delivery_funding"


def statements_for_api(
    *,
    lead_provider_id: int,
    kind: str = StatementKind.OUTPUT,
    cohorts: Iterable[int] | None = None,
    updated_since: datetime | None = None,
) -> QuerySet[Statement]:
    """A provider's statements by payment date; `cohorts` are start years and mean every suffix (api.md §2.5).

    `kind` is output (the published list), service_fee (months without an output payment) or all.
    """
    found = Statement.objects.filter(lead_provider_id=lead_provider_id).order_by("payment_date", "id")
    if kind != StatementKind.ALL:
        found = found.filter(output_fee=kind == StatementKind.OUTPUT)
    if cohorts is not None:
        found = found.filter(cohort__in=list(Cohort.objects.filter(start_year__in=list(cohorts))))
    if updated_since is not None:
        found = found.filter(updated_at__gte=updated_since)
    return found


def statement_for_payment(*, lead_provider_id: int, public_id: uuid.UUID) -> Statement:
    """One of a provider's statements, of either kind, with its frozen payment. Raises Statement.DoesNotExist."""
    return Statement.objects.select_related("cohort").get(lead_provider_id=lead_provider_id, public_id=public_id)


def lines_for_api(statement: Statement) -> QuerySet[LineItem]:
    """The lines of a statement, in the order in which they came."""
    return LineItem.objects.filter(statement=statement).order_by("id")


@dataclass(frozen=True)
class LineAmounts:
    """What each line of one statement is worth, as expressions over `LineItem`; what is taken back is negative.

    A line that neither pays nor takes back is worth 0; null means that the course has no terms.
    """

    output_payment: BaseExpression | Combinable
    targeted_delivery_funding: BaseExpression | Combinable


def line_amounts(statement: Statement) -> LineAmounts:
    """The amounts of a statement's lines: those stored, or on an open statement what its terms say today."""
    if statement.state != StatementState.OPEN:
        return LineAmounts(_amount("output_payment", F("output_payment")), _amount(FUNDING, F(FUNDING)))
    terms = terms_of_month(statement.lead_provider_id, statement.cohort_id, statement.first_day)
    worth = {course_id: line_worth(each, statement.first_day) for course_id, each in terms.items()}
    doubled = doubled_lines(statement)
    output_payments = {course_id: each.output_payment for course_id, each in worth.items()}
    funding = {course_id: each.targeted_delivery_funding for course_id, each in worth.items()}
    funded = Case(When(counts_for_funding(), then=_of_course(funding)), default=_value(NO_MONEY))
    return LineAmounts(
        _amount("output_payment", _of_course(output_payments), doubled), _amount(FUNDING, funded, doubled)
    )


def doubled_lines(statement: Statement) -> list[int]:
    """The ids of an open statement's lines that repeat a person's line for the same course and type.

    A person counts once for each (finance.md §2.2).
    """
    person = F("declaration__enrolment__participant_id")
    lines = LineItem.objects.filter(statement=statement, state__in=BILLABLE_LINES)
    groups = lines.values("course_id", "declaration_type", person=person).annotate(lines=Count("id"))
    repeated = list(groups.filter(lines__gt=1).values_list("person", flat=True).order_by())
    if not repeated:
        return []
    placed = lines.filter(declaration__enrolment__participant__in=repeated).annotate(place=place_for_person())
    return list(placed.filter(place__gt=1).values_list("id", flat=True))


def _amount(column: str, payment: BaseExpression | Combinable, doubled: Iterable[int] = ()) -> Case:
    """`payment` where a line pays, what is stored where it takes back, 0 where it does neither or is doubled."""
    return Case(
        When(id__in=list(doubled), then=_value(NO_MONEY)),
        When(state__in=BILLABLE_LINES, then=payment),
        When(state__in=REFUNDABLE_LINES, then=F(column)),
        default=_value(NO_MONEY),
        output_field=AMOUNT,
    )


def _of_course(amounts: Mapping[int, Decimal]) -> Case:
    return Case(
        *(When(course_id=course_id, then=_value(amount)) for course_id, amount in amounts.items()),
        default=Value(None),
        output_field=AMOUNT,
    )


def _value(amount: Decimal) -> Value:
    return Value(amount, output_field=AMOUNT)
