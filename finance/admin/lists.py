"""The people on a statement: its declarations, and those that remain. Bounded, a page at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from applications.models import Application
from declarations.choices import DeclarationType
from finance.choices import BILLABLE_LINES, REFUNDABLE_LINES, LineState
from finance.models import LineItem, Statement
from finance.queries.expected import Expectation, expectation_of
from finance.queries.for_providers import line_amounts
from npq.backoffice.inspecting import MOST_LISTED, BoundedPaginator
from npq.backoffice.pages import Table, link
from npq.core import clock
from npq.core.money import in_pounds

PER_PAGE = 100
MOST_MISSING = 200

SHOWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "all": ("All declarations", ()),
    "paid": ("Paid for", tuple(BILLABLE_LINES)),
    "taken-back": ("Taken back", tuple(REFUNDABLE_LINES)),
    "voided": ("Voided or taken back", (LineState.VOIDED, *REFUNDABLE_LINES)),
    "ineligible": ("Not eligible", (LineState.INELIGIBLE,)),
}


def lines_shown(statement: Statement, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the page of a statement's declarations shows: one page of those that were asked for, the newest first."""
    show = asked.get("show", "all")
    title, states = SHOWS.get(show, SHOWS["all"])
    worth = line_amounts(statement)
    found = LineItem.objects.filter(statement=statement)
    if states:
        found = found.filter(state__in=states)
    paginator = BoundedPaginator(found.order_by("-id"), PER_PAGE)
    page = paginator.get_page(asked.get("page"))
    wanted = [line.id for line in page]
    rows = (
        LineItem.objects.filter(id__in=wanted)
        .annotate(pays=worth.output_payment, funds=worth.targeted_delivery_funding)
        .select_related("declaration__enrolment__participant", "course", "paid_line__statement")
        .defer("paid_line__statement__payment")
        .order_by("-id")
    )
    return {
        "show": show if show in SHOWS else "all",
        "shows": [(name, each[0]) for name, each in SHOWS.items()],
        "page": page,
        "most": MOST_LISTED if paginator.count >= MOST_LISTED else 0,
        "table": Table(
            title,
            [
                "Declaration",
                "Participant",
                "Course",
                "Type",
                "State",
                "Output payment",
                "Targeted delivery funding",
                "Was paid in",
            ],
            [
                [
                    link(each.declaration),
                    link(each.declaration.enrolment.participant, each.declaration.enrolment.participant.full_name),
                    each.course.name,
                    each.get_declaration_type_display(),
                    each.get_state_display(),
                    "no terms" if each.pays is None else in_pounds(each.pays),
                    "no terms" if each.funds is None else in_pounds(each.funds),
                    link(each.paid_line.statement, each.paid_line.statement.name) if each.paid_line else "",
                ]
                for each in rows
            ],
            "No declarations.",
        ),
    }


@dataclass
class MissingList:
    """The declarations that remain on a statement, of all types or of one."""

    statement: Statement
    asked: Mapping[str, str]

    @cached_property
    def expectation(self) -> Expectation:
        """What remains today."""
        return expectation_of(self.statement, day=clock.today())

    @property
    def chosen(self) -> str:
        """The declaration type that was asked for; empty for all."""
        wanted = self.asked.get("type", "")
        return wanted if wanted in DeclarationType.values else ""

    @property
    def types(self) -> list[tuple[str, str, int]]:
        """The types to choose from, with how many remain of each."""
        return [
            (each.declaration_type, DeclarationType(each.declaration_type).label, each.outstanding)
            for each in self.expectation.types
        ]

    @cached_property
    def found(self) -> list[Any]:
        """Those of the chosen type."""
        return [each for each in self.expectation.missing if self.chosen in ("", each.declaration_type)]

    @property
    def not_shown(self) -> int:
        """How many are left out of the table."""
        return max(len(self.found) - MOST_MISSING, 0)

    @property
    def table(self) -> Table:
        """The first of them."""
        return Table(
            "Declarations that remain",
            ["Participant", "Application", "Course", "Schedule", "Type", "Due", "Worth"],
            [
                [
                    each.full_name,
                    _application_link(each),
                    each.course_identifier,
                    each.schedule_identifier,
                    DeclarationType(each.declaration_type).label,
                    each.due,
                    "no terms" if each.projected is None else in_pounds(each.projected),
                ]
                for each in self.found[:MOST_MISSING]
            ],
            "Nothing remains.",
        )


def _application_link(missing: Any) -> str:
    return link(Application(public_id=missing.application_id))
