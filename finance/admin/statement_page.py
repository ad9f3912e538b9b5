"""What a statement's page and its prints show: put together once, from one calculation."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from declarations.choices import DeclarationType
from finance.choices import ExportKind, StatementState
from finance.models import Adjustment, PaymentRequest, Statement
from finance.queries.calculation import document_of, figures_of
from finance.queries.comparison import differences
from finance.queries.drift import drift_of
from finance.queries.expected import Expectation, expectation_of
from finance.queries.figures import AdjustmentFigure, StatementFigures
from finance.queries.workings import CourseBlock, Figure, block_of, figures_explained, month_in_words
from npq.backoffice.pages import Facts, Fragment, Section, Table, address_of, link, shown
from npq.backoffice.timeline import Event, events_in, trail_of_statement, who_did
from npq.core import clock
from npq.core.models import Change
from npq.core.money import in_pounds

AUDIENCES = {"provider": "for the lead provider", "dfe": "for DfE"}


def title_of(statement: Statement) -> str:
    """`Teach First, January 2025, cohort 2024a`: a provider has a statement of a month for each cohort."""
    return f"{statement.lead_provider.name}, {statement.name}, cohort {statement.cohort}"


class Told(NamedTuple):
    """Who did something, when and why."""

    who: str
    when: datetime
    why: str


@dataclass(frozen=True)
class AdjustmentRow:
    """An adjustment, who added it and who changed it last."""

    figure: AdjustmentFigure
    added: Told | None
    changed: Told | None

    @property
    def address(self) -> str:
        """Where it can be changed and removed."""
        return address_of(Adjustment, str(self.figure.public_id))


@dataclass
class StatementView:
    """A statement with everything its page shows; each part is read when it is asked for, once."""

    statement: Statement

    @property
    def address(self) -> str:
        """Where its page is."""
        return address_of(self.statement, self.statement.public_id)

    @property
    def lines_address(self) -> str:
        """Where its declarations are listed."""
        return f"{self.address}lines/"

    @property
    def expected_address(self) -> str:
        """Where the declarations that remain are listed."""
        return f"{self.address}expected/"

    @cached_property
    def figures(self) -> StatementFigures:
        """The calculation of `finance.queries.calculation`."""
        return figures_of(self.statement)

    @cached_property
    def expectation(self) -> Expectation:
        """What is expected, received and outstanding today."""
        return expectation_of(self.statement, day=clock.today(), figures=self.figures, named=False)

    @cached_property
    def trail(self) -> list[Change]:
        """The audit trail of the statement, its adjustments, requests and files."""
        return trail_of_statement(self.statement.id)

    @property
    def request(self) -> PaymentRequest | None:
        """The request for its payment that stands."""
        return getattr(self.statement, "payment_request", None)

    # Where it stands -------------------------------------------------------------------------------

    @property
    def provisional(self) -> bool:
        """Whether the figures may still change."""
        return self.statement.state != StatementState.PAID

    @property
    def negative(self) -> bool:
        """Whether more is taken back than paid."""
        return self.figures.total < 0

    @property
    def overdue(self) -> bool:
        """Whether its deadline has passed, so that the next nightly run closes it."""
        return self.statement.deadline_date < clock.today()

    @cached_property
    def moved(self) -> list[str]:
        """What has changed since payment was asked for."""
        if self.request is None or self.request.payment is None or not self.provisional:
            return []
        return differences(self.request.payment, document_of(self.figures, state=self.statement.state))

    @property
    def drift(self) -> str:
        """What the figures of a paid statement no longer agree with; empty when all is well."""
        return "" if self.provisional else drift_of(self.statement, self.figures)

    # Its parts -------------------------------------------------------------------------------------

    @property
    def types(self) -> list[dict[str, Any]]:
        """Expected, received and outstanding by declaration type."""
        return [
            {
                "type": DeclarationType(each.declaration_type).label,
                "expected": each.expected,
                "received": each.received,
                "later": each.received_later,
                "outstanding": each.outstanding,
                "projected": in_pounds(each.projected),
            }
            for each in self.expectation.types
        ]

    @property
    def type_totals(self) -> dict[str, Any]:
        """The sums of `types`."""
        types = self.expectation.types
        return {
            "expected": sum(each.expected for each in types),
            "received": sum(each.received for each in types),
            "later": sum(each.received_later for each in types),
            "outstanding": sum(each.outstanding for each in types),
            "projected": in_pounds(self.expectation.projected),
        }

    @property
    def collects(self) -> str:
        """The declaration types whose milestones fall on it, in words."""
        words = [DeclarationType(each).label.lower() for each in self.expectation.collects]
        return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

    @cached_property
    def payment(self) -> list[Figure]:
        """The figures of the whole statement; the total comes last."""
        return figures_explained(self.figures)

    @property
    def expected_total(self) -> str:
        """What the total would be if all that is outstanding came."""
        return in_pounds(self.figures.total + Fraction(self.expectation.projected))

    @cached_property
    def courses(self) -> list[CourseBlock]:
        """The courses that enter the figures."""
        return [block_of(each) for each in self.figures.ordinary]

    @cached_property
    def standalone(self) -> list[CourseBlock]:
        """The special courses, paid apart."""
        return [block_of(each) for each in self.figures.special]

    @property
    def clawed_back(self) -> int:
        """How many declarations are taken back."""
        return sum(each.refunded for course in self.figures.courses for each in course.types)

    @cached_property
    def adjustments(self) -> list[AdjustmentRow]:
        """The adjustments in the order in which they were added, each with who, when and why."""
        by_record: dict[int, list[Change]] = {}
        for change in self.trail:
            if change.table == "finance_adjustment":
                by_record.setdefault(change.record_id, []).append(change)
        rows = []
        for figure in self.figures.adjustments:
            changes = by_record.get(figure.record_id, [])
            added = next((_told(each) for each in changes if each.operation == "insert"), None)
            changed = next((_told(each) for each in changes if each.operation == "update"), None)
            rows.append(AdjustmentRow(figure, added, changed))
        return rows

    @property
    def exports(self) -> list[tuple[str, int, Told]]:
        """The files that were taken out: kind, rows, who and when; the newest first."""
        return [
            (ExportKind(each.after["kind"]).label, each.after["rows"], _told(each))
            for each in self.trail
            if each.table == "finance_export" and each.operation == "insert" and each.after
        ]

    @property
    def asked(self) -> Told | None:
        """Who asked for the payment that stands or was made, and when."""
        changes = [each for each in self.trail if each.table == "finance_paymentrequest"]
        return _told(changes[0]) if self.request and changes else None

    @property
    def authorised(self) -> Told | None:
        """Who authorised it, when and why."""
        found = (each for each in self.trail if each.table == "finance_statement" and _pays(each))
        return next((_told(each) for each in found), None)

    def events(self) -> list[Event]:
        """The history at the page's foot."""
        statement = self.statement
        names = {
            ("core_leadprovider", statement.lead_provider_id): statement.lead_provider.name,
            ("core_cohort", statement.cohort_id): statement.cohort.identifier,
        }
        return events_in(self.trail, names)


def _pays(change: Change) -> bool:
    return (change.after or {}).get("state") == StatementState.PAID


def _told(change: Change) -> Told:
    return Told(who_did(change), change.at, change.reason)


# The sections ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class May:
    """What the reader may do besides looking at figures."""

    see_people: bool = False
    adjust: bool = False
    see_contracts: bool = False


def sections_of(view: StatementView, *, may: May) -> list[Section]:
    """The sections of the page, in the order in which somebody works through a statement."""
    data = {"view": view, "may": may, "printing": False}
    parts: list[Section] = [
        Fragment("Where it stands", "backoffice/statement/stands.html", data),
        Fragment("Payment, net of VAT", "backoffice/statement/payment.html", data, anchor="payment"),
        Fragment("Declarations", "backoffice/statement/declarations.html", data, anchor="declarations"),
        overview(view),
        Fragment("Adjustments", "backoffice/statement/adjustments.html", data, anchor="adjustments"),
        Fragment("Courses", "backoffice/statement/courses.html", {**data, "courses": view.courses}, anchor="courses"),
    ]
    if view.standalone:
        special = {**data, "courses": view.standalone, "apart": view.figures.standalone}
        parts.append(Fragment("Standalone payments", "backoffice/statement/courses.html", special, anchor="standalone"))
    return [
        *parts,
        contracts(view, links=True),
        Fragment("Files and prints", "backoffice/statement/files.html", data, anchor="files"),
    ]


def printed_sections(view: StatementView, audience: str) -> list[Section]:
    """The sections of a print; the provider's says nothing of how DfE runs its payments (backoffice.md §2.4)."""
    data = {"view": view, "may": May(), "printing": True}
    parts: list[Section] = [
        overview(view) if audience == "dfe" else provider_overview(view.statement),
        Fragment("Payment, net of VAT", "backoffice/statement/payment.html", data),
        Fragment("Declarations", "backoffice/statement/declarations.html", data),
        Fragment("Adjustments", "backoffice/statement/adjustments.html", {**data, "internal": audience == "dfe"}),
        Fragment("Courses", "backoffice/statement/courses.html", {**data, "courses": view.courses}),
    ]
    if view.standalone:
        special = {**data, "courses": view.standalone, "apart": view.figures.standalone}
        parts.append(Fragment("Standalone payments", "backoffice/statement/courses.html", special))
    return [*parts, contracts(view, links=False)]


def overview(view: StatementView) -> Facts:
    """The statement itself, as DfE sees it."""
    statement, asked = view.statement, view.asked
    return Facts(
        "Statement",
        [
            ("Statement ID", statement.public_id),
            ("Lead provider", statement.lead_provider.name),
            ("Cohort", f"{statement.cohort} ({statement.cohort.get_funding_display().split(':')[0].lower()})"),
            ("Status", statement.get_state_display()),
            ("Payment run", statement.output_fee),
            ("Declaration deadline", statement.deadline_date),
            ("Payment date", statement.payment_date),
            ("Closed to declarations", statement.payable_at),
            ("Payment asked for by", asked and f"{asked.who}, {shown(asked.when)}"),
            ("Authorised", statement.paid_at),
            ("Authorised by", statement.authorised_by),
        ],
    )


def provider_overview(statement: Statement) -> Facts:
    """The statement itself, as its provider reads it."""
    return Facts(
        "Statement",
        [
            ("Statement ID", statement.public_id),
            ("Lead provider", statement.lead_provider.name),
            ("Cohort", statement.cohort.start_year),
            ("Declaration deadline", statement.deadline_date),
            ("Payment date", statement.payment_date),
        ],
    )


def contracts(view: StatementView, *, links: bool) -> Table:
    """What each course's figures rest on."""
    return Table(
        "Contract information",
        ["Course", "Recruitment target", "Price per participant", "For one declaration", "Terms hold from"],
        [
            [
                link(each.terms, each.course.name) if links else each.course.name,
                each.terms.recruitment_target,
                in_pounds(each.terms.per_participant),
                in_pounds(each.output_payment_per_participant),
                month_in_words(each.terms.effective_month),
            ]
            for each in view.figures.courses
        ],
        "No contract terms hold in this month.",
    )
