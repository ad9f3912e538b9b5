"""How the figures of a statement come about, in words: the formula with its numbers, for whoever asks.

The formulas are those of `finance.queries.worth`; here they are only written out. Numbers are shown rounded, the
results are the exact ones rounded once (decisions.md §3.1). A rate that something is multiplied by is shown exactly,
so that the sum can be done again by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from declarations.choices import DeclarationType
from finance.queries.figures import CourseFigures, StatementFigures, TypeFigures
from npq.core.money import in_exact_pounds, in_pounds, shown, sum_in_pounds


class Line(NamedTuple):
    """A line of a course's block: how many, at what rate (a text where there is no one rate), and the pounds."""

    title: str
    number: int
    rate: str
    total: Fraction


@dataclass(frozen=True)
class CourseBlock:
    """A course on a statement as people read it: its lines, and how each rate and fee is worked out."""

    figures: CourseFigures
    lines: Sequence[Line]
    workings: Sequence[str]

    @property
    def name(self) -> str:
        """The course's name and identifier."""
        return f"{self.figures.course.name} ({self.figures.course.identifier})"

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many declarations of each type are paid, of all, and how many bring no money."""
        return [
            *((DeclarationType(each.declaration_type).label, each.count) for each in self.figures.types),
            ("All declarations paid", self.figures.count),
            ("Not eligible for payment", self.figures.not_eligible),
        ]


@dataclass(frozen=True)
class Figure:
    """A figure of the whole statement and how it is worked out, a line for each part."""

    title: str
    amount: Fraction
    workings: Sequence[str] = field(default_factory=list)


def month_in_words(first_day: date | None) -> str:
    """The month from which terms hold: `March 2025`, or the first statement."""
    return f"{first_day:%B %Y}" if first_day else "the first statement"


def rate_of(course: CourseFigures) -> str:
    """What one declaration earns: `£1,850.75 × 60% ÷ 4 = £277.6125, shown as £277.61`."""
    terms = course.terms
    exact, pence = (words(course.output_payment_per_participant) for words in (in_exact_pounds, in_pounds))
    return (
        f"{in_pounds(terms.per_participant)} × {terms.output_payment_percentage}% ÷ "
        f"{terms.number_of_payment_periods} = {exact}{'' if exact == pence else f', shown as {pence}'}"
    )


def service_fee_of(course: CourseFigures) -> str:
    """The service fee of a month: `30 × £1,237.00 × 40% ÷ 24 = £618.50`, or why it is what it is."""
    terms = course.terms
    if not course.charged:
        return "none, as the terms begin after this month, and only older declarations are settled"
    if terms.monthly_service_fee is not None:
        return f"fixed by the contract at {in_pounds(terms.monthly_service_fee)} a month"
    if terms.service_fee_percentage == 0:
        return "none, as courses of this group have none"
    return (
        f"{terms.recruitment_target} × {in_pounds(terms.per_participant)} × {terms.service_fee_percentage}% ÷ "
        f"{terms.service_fee_installments} = {in_pounds(course.service_fee)}"
    )


def block_of(course: CourseFigures) -> CourseBlock:
    """A course's lines and workings; lines that come to nothing are left out, but for the output payments."""
    rate = in_pounds(course.output_payment_per_participant)
    lines = [Line(f"Output payment, {_words(each)}", each.count, rate, each.output_payment) for each in course.types]
    workings = [f"Output payment for one declaration: {rate_of(course)}"]
    for each in course.types:
        if each.funded:
            funding = in_pounds(each.targeted_delivery_funding / each.funded)
            lines.append(Line("Targeted delivery funding", each.funded, funding, each.targeted_delivery_funding))
            workings.append(
                f"Targeted delivery funding: {each.funded} × {funding} = {in_pounds(each.targeted_delivery_funding)}"
            )
    for each in course.types:
        if each.refunded:
            lines.append(
                Line(f"Clawback, {_words(each)}", each.refunded, "as it was paid", each.refunded_output_payment)
            )
        if each.funding_refunded:
            taken = each.refunded_targeted_delivery_funding
            lines.append(Line("Clawback, targeted delivery funding", each.funding_refunded, "as it was paid", taken))
    if any(each.refunded for each in course.types):
        workings.append("Clawbacks take back exactly what was paid for each declaration.")
    if course.service_fee:
        # Divided by the target for display; the fee itself is never a multiple of a rounded rate.
        lines.append(
            Line(
                "Service fee",
                course.terms.recruitment_target,
                in_pounds(course.service_fee_per_participant),
                course.service_fee,
            )
        )
    workings.append(f"Service fee: {service_fee_of(course)}")
    return CourseBlock(course, lines, workings)


def figures_explained(figures: StatementFigures) -> list[Figure]:
    """The figures of the whole statement, each with how it is worked out; the total comes last."""
    ordinary = figures.ordinary
    parts = [
        Figure("Output payment", figures.output_payment, [_output_payment(each) for each in ordinary if each.count]),
        Figure(
            "Targeted delivery funding",
            figures.targeted_delivery_funding,
            [
                f"{each.course.name}: {sum(kind.funded for kind in each.types)} starts, "
                f"{in_pounds(each.targeted_delivery_funding)}"
                for each in ordinary
                if each.targeted_delivery_funding
            ],
        ),
        Figure(
            "Clawbacks",
            figures.clawback,
            [
                f"{each.course.name}: {sum(kind.refunded for kind in each.types)} taken back, exactly as paid, "
                f"{in_pounds(each.clawback)}"
                for each in ordinary
                if each.clawback
            ],
        ),
        Figure(
            "Adjustments",
            figures.adjustment,
            [f"{each.description}: {in_pounds(each.amount)}" for each in figures.adjustments],
        ),
        Figure(
            "Service fee",
            figures.service_fee,
            [f"{each.course.name}: {service_fee_of(each)}" for each in ordinary if each.service_fee],
        ),
    ]
    return [*parts, Figure("Total", figures.total, _total(figures, parts))]


def _total(figures: StatementFigures, parts: Sequence[Figure]) -> list[str]:
    """The sum written out; where rounding shows in it, that is said too."""
    workings = [f"{sum_in_pounds(each.amount for each in parts)} = {in_pounds(figures.total)}"]
    rounded = sum(shown(each.amount) for each in parts)
    if rounded != figures.shown_total:
        workings.append(f"The parts as shown come to {in_pounds(rounded)}, because each of them is rounded.")
    return workings


def _output_payment(course: CourseFigures) -> str:
    rate = in_exact_pounds(course.output_payment_per_participant)
    return f"{course.course.name}: {course.count} × {rate} = {in_pounds(course.output_payment)}"


def _words(each: TypeFigures) -> str:
    return DeclarationType(each.declaration_type).label.lower()
