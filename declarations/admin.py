"""What staff see of a declaration (backoffice.md §2.3)."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery

from applications.models import Application
from applications.queries import effective_eligibility, ineligible_for_funding_reason
from declarations.api.outputs import DECLARATION
from declarations.choices import DeclarationState, DeclarationType, IneligibleReason
from declarations.models import Declaration
from finance.models import LineItem
from npq.backoffice import columns
from npq.backoffice.cases import why_ineligible
from npq.backoffice.filters import (
    by_cohort,
    by_course,
    by_dates,
    by_lead_provider,
    by_month,
    by_words,
)
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, link, shown
from npq.backoffice.parts import (
    declarations_table,
    detailed,
    messages_table,
    same_slot_table,
    state_of,
    states_table,
    training_now,
)
from npq.backoffice.paying import payment_link
from npq.backoffice.provider_view import as_provider_sees, provider_views
from npq.backoffice.tags import tag
from npq.backoffice.timeline import Event, events_about_person
from npq.core.clock import uk_date


def _on_a_statement_of(year: int, month: int) -> Q:
    lines = LineItem.objects.filter(statement__year=year, statement__month=month)
    return Q(pk__in=lines.values("declaration_id"))


@admin.register(Declaration)
class DeclarationAdmin(InspectAdmin):
    """The list and the page of declarations."""

    list_display = (
        "name",
        "declaration_type",
        "declared_for",
        "stands",
        columns.course,
        "cohort",
        "lead_provider",
        "received",
    )
    list_filter = (
        by_lead_provider(),
        by_cohort(),
        by_course(),
        by_words("type", "type", DeclarationType.choices, "declaration_type"),
        by_words("state", "state", DeclarationState.choices),
        by_month("statement_month", "statement month", _on_a_statement_of),
        by_words("ineligible_reason", "why ineligible", IneligibleReason.choices),
        by_dates("declaration_date", "declared"),
    )
    list_select_related = ("enrolment__participant", "course", "cohort", "lead_provider")
    search_help_text = "An ID, TRN, email or name"
    ordering = ("-id",)
    named_in_requests = True

    @admin.display(description="participant")
    def name(self, declaration: Declaration) -> str:
        """The participant's name."""
        return declaration.enrolment.participant.full_name

    @admin.display(description="declared for")
    def declared_for(self, declaration: Declaration) -> str:
        """The UK date it is for."""
        return str(shown(uk_date(declaration.declaration_date)))

    @admin.display(description="received")
    def received(self, declaration: Declaration) -> str:
        """The UK date it came in."""
        return str(shown(uk_date(declaration.created_at)))

    @admin.display(description="state")
    def stands(self, declaration: Declaration) -> str:
        """Its state, as a tag."""
        return tag(declaration.get_state_display())

    def records(self) -> QuerySet[Any]:
        applied = Application.objects.filter(pk=OuterRef("enrolment__application_id"))
        return Declaration.objects.select_related(
            "enrolment__participant",
            "enrolment__application",
            "enrolment__schedule",
            "course",
            "cohort",
            "lead_provider",
            "delivery_partner",
            "secondary_delivery_partner",
            "superseded_by",
        ).annotate(
            **provider_views(DECLARATION),
            funded_all_considered=Subquery(applied.values(its=effective_eligibility())),
            why_ineligible=Subquery(applied.values(its=ineligible_for_funding_reason())),
        )

    def events_of(self, record: Any) -> list[Event]:
        return events_about_person(record.enrolment.participant_id)

    def about(self, record: Any) -> str:
        kind, day = record.get_declaration_type_display(), shown(uk_date(record.declaration_date))
        name = record.enrolment.participant.full_name
        return f"{name}: {kind.lower()} declaration for {day}, {record.course.name}, by {record.lead_provider.name}"

    def page_of(self, record: Any) -> Page:
        person = record.enrolment.participant
        its_own = detailed(Declaration.objects.filter(id=record.id))
        return Page(
            title=f"{record.get_declaration_type_display()} declaration of {person.full_name}",
            tag=state_of(record),
            sections=[
                Facts(
                    "Declaration",
                    [
                        ("Declaration ID", record.public_id),
                        ("Participant", link(person, f"{person.full_name} ({person.public_id})")),
                        ("Application", link(record.enrolment.application)),
                        ("Course", link(record.course, f"{record.course.name} ({record.course})")),
                        ("Cohort", link(record.cohort, str(record.cohort))),
                        ("Lead provider", link(record.lead_provider, record.lead_provider.name)),
                        ("Declared for", record.declaration_date),
                        ("Received", record.created_at),
                        ("Last updated", record.updated_at),
                        ("Payment", payment_link(record)),
                        ("Schedule", link(record.enrolment.schedule, str(record.enrolment.schedule))),
                        ("Training status", training_now(record.enrolment)),
                        ("Eligible for funding, all considered", record.funded_all_considered),
                        ("Why not eligible", why_ineligible(record)),
                        ("Funded place", record.enrolment.application.funded_place),
                        ("Passed, as posted", record.has_passed),
                        ("Delivery partner", str(record.delivery_partner or "")),
                        ("Secondary delivery partner", str(record.secondary_delivery_partner or "")),
                        ("Superseded by", link(record.superseded_by) if record.superseded_by else None),
                    ],
                ),
                declarations_table(its_own),
                *(states_table(each) for each in its_own),
                same_slot_table(record),
                messages_table(
                    participant_public_id=person.public_id,
                    application_public_id=record.enrolment.application.public_id,
                ),
                as_provider_sees(DECLARATION, record),
            ],
        )
