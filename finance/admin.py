"""What staff see of a statement (backoffice.md §2.4)."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from finance.choices import StatementState
from finance.models import LineItem, Statement
from finance.queries.calculation import figures_of
from finance.queries.figures import StatementFigures
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, Table, link
from npq.backoffice.timeline import Event, events_about_record
from npq.core.money import shown

MOST_LINES = 200
LEADS = {
    StatementState.OPEN: "Provisional: it is calculated from the declarations there are by now.",
    StatementState.PAYABLE: "Closed: no declarations are added. It waits to be authorised.",
    StatementState.PAID: "Frozen: the figures are those that were paid.",
}


@admin.register(Statement)
class StatementAdmin(InspectAdmin):
    """The list and the page of statements."""

    list_display = (
        "public_id",
        "lead_provider",
        "cohort",
        "month_name",
        "state",
        "output_fee",
        "deadline_date",
        "payment_date",
    )
    list_filter = (
        "state",
        "output_fee",
        "lead_provider",
        "cohort",
        "year",
        "month",
    )
    list_select_related = ("lead_provider", "cohort")
    ordering = ("-payment_date", "-id")

    @admin.display(description="statement", ordering="payment_date")
    def month_name(self, statement: Statement) -> str:
        """The month in words."""
        return statement.name

    def records(self) -> QuerySet[Any]:
        return Statement.objects.select_related("lead_provider", "cohort", "payment_request")

    def events_of(self, record: Any) -> list[Event]:
        return events_about_record("finance_statement", record.id)

    def page_of(self, record: Any) -> Page:
        figures = figures_of(record)
        return Page(
            title=f"{record.name} statement of {record.lead_provider.name}",
            tag=record.get_state_display(),
            lead=LEADS[StatementState(record.state)],
            sections=[
                _overview(record),
                _payment(figures),
                _courses(figures),
                _adjustments(figures),
                _lines(record),
            ],
        )


def _overview(record: Any) -> Facts:
    return Facts(
        "Statement",
        [
            ("Statement ID", record.public_id),
            ("Lead provider", record.lead_provider.name),
            ("Cohort", str(record.cohort)),
            ("Output statement", record.output_fee),
            ("Declaration deadline", record.deadline_date),
            ("Payment date", record.payment_date),
            ("Payable since", record.payable_at),
            ("Payment asked for", str(getattr(record, "payment_request", ""))),
            ("Paid", record.paid_at),
            ("Authorised by", record.authorised_by),
        ],
    )


def _payment(figures: StatementFigures) -> Facts:
    return Facts(
        "Payment, net of VAT",
        [
            ("Output payment", shown(figures.output_payment)),
            ("Targeted delivery funding", shown(figures.targeted_delivery_funding)),
            ("Service fee", shown(figures.service_fee)),
            ("Clawbacks", shown(figures.clawback)),
            ("Adjustments", shown(figures.adjustment)),
            ("Total", figures.shown_total),
            ("Special courses, paid apart", shown(figures.standalone)),
            ("Voided declarations", figures.voided),
            ("Courses without contract", ", ".join(figures.without_terms)),
        ],
    )


def _courses(figures: StatementFigures) -> Table:
    return Table(
        "Courses",
        ["Course", "Type", "Paid", "Output payment", "Taken back", "Clawback", "Targeted delivery funding"],
        [
            [
                str(course.course),
                each.declaration_type,
                each.count,
                shown(each.output_payment),
                each.refunded,
                shown(each.refunded_output_payment),
                shown(each.targeted_delivery_funding + each.refunded_targeted_delivery_funding),
            ]
            for course in figures.courses
            for each in course.types
        ],
        "No declarations.",
    )


def _adjustments(figures: StatementFigures) -> Table:
    rows = [[each.description, each.amount] for each in figures.adjustments]
    return Table("Adjustments", ["Description, as the provider reads it", "Amount"], rows)


def _lines(record: Statement) -> Table:
    found = (
        LineItem.objects.filter(statement=record)
        .select_related("declaration__enrolment__participant", "course")
        .order_by("-id")[:MOST_LINES]
    )
    return Table(
        f"Lines, the newest {MOST_LINES}",
        ["Declaration", "Participant", "Course", "Type", "State", "Output payment", "Targeted delivery funding"],
        [
            [
                link(each.declaration),
                each.declaration.enrolment.participant.full_name,
                str(each.course),
                each.get_declaration_type_display(),
                each.get_state_display(),
                each.output_payment,
                each.targeted_delivery_funding,
            ]
            for each in found
        ],
    )
