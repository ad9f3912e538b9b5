"""The figures of a statement: exact fractions of a pound until they are shown (`npq.core.money.shown`).

A figure's parts may differ from it by pence once each of them is rounded (decisions.md §3.1).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from uuid import UUID

from finance.models import ContractTerms
from finance.queries.worth import output_payment_per_participant, service_fee
from npq.core.models import Course
from npq.core.money import shown

NOTHING = Fraction(0)


def sum_of(amounts: Iterable[Fraction]) -> Fraction:
    """An exact sum."""
    return sum(amounts, NOTHING)


@dataclass(frozen=True)
class TypeFigures:
    """One declaration type of a course: people paid for and taken back, and the pounds (taken back: negative)."""

    declaration_type: str
    count: int = 0
    refunded: int = 0
    output_payment: Fraction = NOTHING
    refunded_output_payment: Fraction = NOTHING
    funded: int = 0
    funding_refunded: int = 0
    targeted_delivery_funding: Fraction = NOTHING
    refunded_targeted_delivery_funding: Fraction = NOTHING

    @property
    def clawback(self) -> Fraction:
        """All that is taken back for the type, targeted delivery funding included; zero or negative."""
        return self.refunded_output_payment + self.refunded_targeted_delivery_funding


@dataclass(frozen=True)
class CourseFigures:
    """A course on a statement. `charged` is false where its terms begin later and only old lines are settled."""

    terms: ContractTerms
    types: tuple[TypeFigures, ...]
    not_eligible: int = 0
    voided: int = 0
    charged: bool = True

    @property
    def course(self) -> Course:
        """The course."""
        return self.terms.course

    @property
    def special(self) -> bool:
        """Whether it is paid on its own and enters no figure of the statement."""
        return self.terms.special_course

    @property
    def output_payment_per_participant(self) -> Fraction:
        """What one declaration earns."""
        return output_payment_per_participant(self.terms)

    @property
    def service_fee(self) -> Fraction:
        """The course's service fee this month."""
        return service_fee(self.terms) if self.charged else NOTHING

    @property
    def service_fee_per_participant(self) -> Fraction:
        """The service fee divided by the recruitment target, for display."""
        return self.service_fee / self.terms.recruitment_target

    @property
    def count(self) -> int:
        """Declarations paid, of all types."""
        return sum(each.count for each in self.types)

    @property
    def output_payment(self) -> Fraction:
        """The output payments of all types."""
        return sum_of(each.output_payment for each in self.types)

    @property
    def targeted_delivery_funding(self) -> Fraction:
        """Targeted delivery funding for starts."""
        return sum_of(each.targeted_delivery_funding for each in self.types)

    @property
    def clawback(self) -> Fraction:
        """All that is taken back; zero or negative."""
        return sum_of(each.clawback for each in self.types)

    @property
    def total(self) -> Fraction:
        """The course's total, net of VAT."""
        return self.service_fee + self.output_payment + self.clawback + self.targeted_delivery_funding


@dataclass(frozen=True)
class AdjustmentFigure:
    """A signed amount that staff added, with the reason the provider reads."""

    description: str
    amount: Decimal
    record_id: int = 0
    public_id: UUID | None = None


@dataclass(frozen=True)
class StatementFigures:
    """A whole statement. Sums leave special courses out; `standalone` is what those come to.

    `without_terms` names the courses with lines that nothing is known to be paid for, and how many lines: such a
    statement cannot become payable until there are terms (finance.md §7.4). `received` counts the lines that pay by
    declaration type, of all courses and whether or not they are worth anything.
    """

    courses: tuple[CourseFigures, ...]
    adjustments: tuple[AdjustmentFigure, ...] = ()
    without_terms: dict[str, int] = field(default_factory=dict)
    received: Mapping[str, int] = field(default_factory=dict)

    @property
    def ordinary(self) -> list[CourseFigures]:
        """The courses that enter the statement's figures."""
        return [each for each in self.courses if not each.special]

    @property
    def special(self) -> list[CourseFigures]:
        """The courses that are paid apart."""
        return [each for each in self.courses if each.special]

    @cached_property
    def output_payment(self) -> Fraction:
        """Output payments for all declarations."""
        return sum_of(each.output_payment for each in self.ordinary)

    @cached_property
    def service_fee(self) -> Fraction:
        """Service fees of all courses."""
        return sum_of(each.service_fee for each in self.ordinary)

    @cached_property
    def targeted_delivery_funding(self) -> Fraction:
        """Targeted delivery funding of all courses."""
        return sum_of(each.targeted_delivery_funding for each in self.ordinary)

    @cached_property
    def clawback(self) -> Fraction:
        """All that is taken back, targeted delivery funding included; zero or negative."""
        return sum_of(each.clawback for each in self.ordinary)

    @cached_property
    def adjustment(self) -> Fraction:
        """The sum of the adjustments."""
        return sum_of(Fraction(each.amount) for each in self.adjustments)

    @cached_property
    def total(self) -> Fraction:
        """What is paid, net of VAT; may be negative."""
        return self.service_fee + self.output_payment + self.clawback + self.targeted_delivery_funding + self.adjustment

    @cached_property
    def standalone(self) -> Fraction:
        """What the special courses come to, outside the total."""
        return sum_of(each.total for each in self.special)

    @property
    def shown_total(self) -> Decimal:
        """The total in pounds and pence: what is authorised."""
        return shown(self.total)

    def count_of(self, *types: str) -> int:
        """How many declarations of some types are paid, special courses left out."""
        return sum(each.count for course in self.ordinary for each in course.types if each.declaration_type in types)

    @property
    def voided(self) -> int:
        """How many lines were voided, on all courses."""
        return sum(each.voided for each in self.courses)
