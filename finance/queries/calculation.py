"""What a statement comes to: the calculation of finance.md §2 with the policy of decisions.md §3.

One calculation feeds page, print, API, CSV and commands. It takes three queries whatever the size of the
statement: its terms, one GROUP BY over its lines, its adjustments.

Who counts: within an open statement and course a person counts once for each declaration type, however many lines
there are, and a line is worth what the terms say today. From payable on a line is worth what was stored, and the
lines that were worth something are counted: no later change to people or applications is seen. What is taken back
is always what was paid, never what the terms say now (decisions.md §3.3).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from django.db.models import Case, CharField, Count, F, Q, Sum, Value, When

from declarations.choices import DeclarationType
from finance.choices import BILLABLE_LINES, REFUNDABLE_LINES, LineKind, LineState, StatementState
from finance.models import Adjustment, ContractTerms, LineItem, Statement
from finance.queries.figures import AdjustmentFigure, CourseFigures, StatementFigures, TypeFigures
from finance.queries.terms import terms_of_month
from finance.queries.worth import LineWorth, counts_for_funding, line_worth
from npq.core.money import shown

ALL_TYPES = 4
Row = dict[str, Any]
RowsOfCourse = dict[tuple[str, str], Row]


def figures_of(statement: Statement) -> StatementFigures:
    """Calculates a statement, in three queries.

    A paid statement is calculated from what was stored when it froze, so the answer is what was paid.
    """
    lines = _grouped_lines(statement)
    terms = terms_of_month(statement.lead_provider_id, statement.cohort_id, statement.first_day)
    settled = _terms_of_old_lines(statement, _valued(lines) - set(terms))
    courses = [_course(statement, each, lines.get(each.course_id, {}), charged=True) for each in terms.values()]
    courses += [_course(statement, each, lines[each.course_id], charged=False) for each in settled.values()]
    return StatementFigures(
        courses=tuple(sorted(courses, key=lambda each: each.course.identifier)),
        adjustments=tuple(
            AdjustmentFigure(*values)
            for values in Adjustment.objects.filter(statement=statement)
            .order_by("id")
            .values_list("description", "amount", "id", "public_id")
        ),
        without_terms={
            row["course__identifier"]: row["lines"]
            for course_id in set(lines) - set(terms) - set(settled)
            for (_, kind), row in lines[course_id].items()
            if kind != LineKind.NONE
        },
        received=_received(lines),
    )


def _received(lines: Mapping[int, RowsOfCourse]) -> Counter[str]:
    received: Counter[str] = Counter()
    for rows in lines.values():
        for (declaration_type, kind), row in rows.items():
            if kind == LineKind.PAYMENT:
                received[declaration_type] += row["lines"]
    return received


def _valued(lines: Mapping[int, RowsOfCourse]) -> set[int]:
    """The courses with lines that hold what they are worth."""
    return {course_id for course_id, rows in lines.items() if any(row["valued"] for row in rows.values())}


def _terms_of_old_lines(statement: Statement, course_ids: set[int]) -> dict[int, ContractTerms]:
    """Terms that begin later than the statement's month but that lines on it were paid by; hardly ever any."""
    if not course_ids:
        return {}
    used = LineItem.objects.filter(statement=statement, course_id__in=course_ids).values("terms_id")
    found = ContractTerms.objects.filter(id__in=used).select_related("course", "cohort").order_by("effective_month")
    return {terms.course_id: terms for terms in found}


def _grouped_lines(statement: Statement) -> dict[int, RowsOfCourse]:
    """One GROUP BY over the statement's lines: by course, then by declaration type and kind of line."""
    person = F("declaration__enrolment__participant_id")
    people = Count(person, distinct=True)
    if statement.state == StatementState.OPEN:
        paid, funded = people, Count(person, distinct=True, filter=counts_for_funding())
    else:
        paid = Count("id", filter=Q(output_payment__gt=0))
        funded = Count("id", filter=Q(targeted_delivery_funding__gt=0))
    rows = (
        LineItem.objects.filter(statement=statement)
        .values("course_id", "course__identifier", "declaration_type", kind=_kind_of_line())
        .annotate(
            lines=Count("id"),
            valued=Count("terms"),
            people=people,
            paid=paid,
            funded=funded,
            refunded=Count("id", filter=Q(output_payment__lt=0)),
            funding_refunded=Count("id", filter=Q(targeted_delivery_funding__lt=0)),
            voided=Count("id", filter=Q(state=LineState.VOIDED)),
            output_payment=Sum("output_payment"),
            targeted_delivery_funding=Sum("targeted_delivery_funding"),
        )
    )
    grouped: dict[int, RowsOfCourse] = defaultdict(dict)
    for row in rows:
        grouped[row["course_id"]][row["declaration_type"], row["kind"]] = dict(row)
    return dict(grouped)


def _kind_of_line() -> Case:
    return Case(
        When(state__in=BILLABLE_LINES, then=Value(LineKind.PAYMENT.value)),
        When(state__in=REFUNDABLE_LINES, then=Value(LineKind.CLAWBACK.value)),
        default=Value(LineKind.NONE.value),
        output_field=CharField(),
    )


def _course(statement: Statement, terms: ContractTerms, rows: RowsOfCourse, *, charged: bool) -> CourseFigures:
    worth = line_worth(terms, statement.first_day) if statement.state == StatementState.OPEN else None
    types = []
    for declaration_type in DeclarationType.values:
        payment = rows.get((declaration_type, LineKind.PAYMENT))
        clawback = rows.get((declaration_type, LineKind.CLAWBACK))
        skipped = declaration_type == DeclarationType.RETAINED_2 and terms.number_of_payment_periods < ALL_TYPES
        if payment or clawback or not skipped:
            types.append(_type(declaration_type, payment, clawback, worth))
    others = [row for (_, kind), row in rows.items() if kind == LineKind.NONE]
    return CourseFigures(
        terms=terms,
        types=tuple(types),
        not_eligible=sum(row["people"] for row in others),
        voided=sum(row["voided"] for row in others),
        charged=charged,
    )


def _type(declaration_type: str, payment: Row | None, clawback: Row | None, worth: LineWorth | None) -> TypeFigures:
    """`worth` is what a line is worth on an open statement; None where every line holds its own amounts."""
    values: dict[str, Any] = {}
    if payment:
        values |= {"count": payment["paid"], "funded": payment["funded"], **_amounts(payment, worth)}
    if clawback:
        values |= {
            "refunded": clawback["refunded"],
            "funding_refunded": clawback["funding_refunded"],
            "refunded_output_payment": Fraction(clawback["output_payment"]),
            "refunded_targeted_delivery_funding": Fraction(clawback["targeted_delivery_funding"]),
        }
    return TypeFigures(declaration_type, **values)


def _amounts(payment: Row, worth: LineWorth | None) -> dict[str, Fraction]:
    if worth is None:
        names = ("output_payment", "targeted_delivery_funding")
        return {name: Fraction(payment[name]) for name in names}
    return {
        "output_payment": payment["paid"] * Fraction(worth.output_payment),
        "targeted_delivery_funding": payment["funded"] * Fraction(worth.targeted_delivery_funding),
    }


# What is shown of it --------------------------------------------------------------------------------------------


def payment_document(statement: Statement, figures: StatementFigures | None = None) -> dict[str, Any]:
    """The attributes of the payment resource (decisions.md §3.9): amounts as text with two decimals.

    For a paid statement this is what was stored when it was authorised, word for word, and takes no query. `figures`
    are its `figures_of`, where they have been calculated already.
    """
    if statement.payment is not None:
        return statement.payment
    return document_of(figures or figures_of(statement), state=statement.state)


def document_of(figures: StatementFigures, *, state: str) -> dict[str, Any]:
    """The payment resource of figures already calculated."""
    return {
        "state": state,
        "frozen": state == StatementState.PAID,
        **_sums(figures, "output_payment", "service_fee", "targeted_delivery_funding", "clawback", "adjustment"),
        **_sums(figures, "total"),
        "courses": [_course_document(each) for each in figures.courses],
        "adjustments": [
            {"description": each.description, "amount": str(shown(each.amount))} for each in figures.adjustments
        ],
    }


def _course_document(course: CourseFigures) -> dict[str, Any]:
    return {
        "course_identifier": course.course.identifier,
        "special_course": course.special,
        "price": str(shown(course.terms.per_participant)),
        **_sums(course, "output_payment_per_participant"),
        "recruitment_target": course.terms.recruitment_target,
        **_sums(course, "output_payment", "service_fee", "targeted_delivery_funding", "clawback", "total"),
        "declarations": [
            {
                "declaration_type": each.declaration_type,
                "count": each.count,
                "refunded": each.refunded,
                **_sums(each, "output_payment", "clawback"),
            }
            for each in course.types
        ],
    }


def _sums(figures: StatementFigures | CourseFigures | TypeFigures, *names: str) -> dict[str, str]:
    return {name: str(shown(getattr(figures, name))) for name in names}
