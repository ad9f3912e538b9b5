"""What staff see of a declaration (backoffice.md §2.3)."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet

from declarations.api.outputs import DECLARATION
from declarations.models import Declaration
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, link
from npq.backoffice.parts import declarations_table, messages_table, state_of
from npq.backoffice.provider_view import as_provider_sees
from npq.backoffice.timeline import Event, events_about_person


@admin.register(Declaration)
class DeclarationAdmin(InspectAdmin):
    """The list and the page of declarations."""

    list_display = (
        "public_id",
        "name",
        "declaration_type",
        "declaration_date",
        "state",
        "course",
        "cohort",
        "lead_provider",
        "created_at",
    )
    list_filter = (
        "declaration_type",
        "state",
        "ineligible_reason",
        "cohort",
        "lead_provider",
        "course",
        ("superseded_by", admin.EmptyFieldListFilter),
    )
    list_select_related = ("enrolment__participant", "course", "cohort", "lead_provider")
    ordering = ("-id",)

    @admin.display(description="name")
    def name(self, declaration: Declaration) -> str:
        """The participant's name."""
        return declaration.enrolment.participant.full_name

    def records(self) -> QuerySet[Any]:
        return Declaration.objects.select_related(
            "enrolment__participant",
            "enrolment__application",
            "course",
            "cohort",
            "lead_provider",
            "delivery_partner",
            "secondary_delivery_partner",
            "superseded_by",
        )

    def events_of(self, record: Any) -> list[Event]:
        return events_about_person(record.enrolment.participant_id)

    def page_of(self, record: Any) -> Page:
        person = record.enrolment.participant
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
                        ("Course", str(record.course)),
                        ("Cohort", str(record.cohort)),
                        ("Lead provider", record.lead_provider.name),
                        ("Declared for", record.declaration_date),
                        ("Received", record.created_at),
                        ("Passed, as posted", record.has_passed),
                        ("Delivery partner", str(record.delivery_partner or "")),
                        ("Secondary delivery partner", str(record.secondary_delivery_partner or "")),
                        ("Superseded by", link(record.superseded_by) if record.superseded_by else None),
                    ],
                ),
                declarations_table(Declaration.objects.filter(id=record.id)),
                messages_table(
                    participant_public_id=person.public_id,
                    application_public_id=record.enrolment.application.public_id,
                ),
                as_provider_sees(DECLARATION, Declaration.objects.filter(id=record.id)),
            ],
        )
