"""An adjustment's own page: from here it is changed and removed, until its statement is paid."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from finance.admin.statement_page import title_of
from finance.choices import StatementState
from finance.models import Adjustment
from npq.backoffice.filters import by_words
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, address_of, link
from npq.backoffice.timeline import Event, events_about_record
from npq.core.money import in_pounds


@admin.register(Adjustment)
class AdjustmentAdmin(InspectAdmin):
    """The list and the pages of adjustments."""

    list_display = ("description", "amount", "lead_provider", "statement_name", "created_at", "public_id")
    list_filter = (by_words("state", "statement", StatementState.choices, "statement__state"),)
    list_select_related = ("statement__lead_provider",)
    ordering = ("-id",)

    @admin.display(description="lead provider")
    def lead_provider(self, adjustment: Adjustment) -> str:
        """Whose statement it is on."""
        return adjustment.statement.lead_provider.name

    @admin.display(description="statement")
    def statement_name(self, adjustment: Adjustment) -> str:
        """The month of the statement."""
        return adjustment.statement.name

    def records(self) -> QuerySet[Any]:
        return Adjustment.objects.select_related("statement__lead_provider", "statement__cohort")

    def page_of(self, record: Any) -> Page:
        statement = record.statement
        return Page(
            title="Adjustment",
            tag="",
            lead="The provider reads the description."
            if statement.state != StatementState.PAID
            else "Paid and frozen.",
            sections=[
                Facts(
                    "Adjustment",
                    [
                        ("ID", record.public_id),
                        ("Description", record.description),
                        ("Amount", record.amount),
                        ("Statement", link(statement, f"{statement.lead_provider.name}, {statement.name}")),
                        ("Cohort", str(statement.cohort)),
                        ("Status of the statement", statement.get_state_display()),
                        ("Added", record.created_at),
                        ("Last updated", record.updated_at),
                    ],
                )
            ],
        )

    def about(self, record: Any) -> str:
        return f"{record.description}, {in_pounds(record.amount)}: {title_of(record.statement)}"

    def events_of(self, record: Any) -> list[Event]:
        return events_about_record("finance_adjustment", record.id)

    def back_of(self, record: Any) -> str:
        # Removed, it has no page; and who changes one looks at its statement next.
        return address_of(record.statement, record.statement.public_id)
