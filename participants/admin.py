"""What staff see of a person (backoffice.md §2.2). No date of birth: nobody needs it here."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet

from applications.models import Application
from applications.queries import effective_eligibility
from declarations.choices import LIVE_STATES, DeclarationType
from declarations.models import Declaration
from npq.backoffice.cases import status_and_why
from npq.backoffice.filters import by_presence, by_truth
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, Table, link, shown
from npq.backoffice.parts import (
    declarations_table,
    detailed,
    messages_table,
    notes_table,
    status_steps,
    training_history,
    training_of,
    undone_acceptances,
)
from npq.backoffice.provider_view import as_providers_see
from npq.backoffice.timeline import Event, events_about_person
from npq.core.clock import uk_date
from participants.api.outputs import PARTICIPANT
from participants.models import Participant, TrainingStatusChange
from participants.queries.people import Viewpoint, notes_about

# People are seldom with more providers; the page stays readable.
MOST_PROVIDERS = 5


@admin.register(Participant)
class ParticipantAdmin(InspectAdmin):
    """The list and the page of people."""

    tasks = ("bulk", "duplicates")
    list_display = ("full_name", "teacher_reference_number", "teacher_reference_number_verified", "created_at")
    list_filter = (
        by_truth("trn_verified", "TRN verified", "teacher_reference_number_verified"),
        by_presence("trn", "has a TRN", "teacher_reference_number"),
        by_presence("merged", "merged into another", "merged_into"),
    )
    search_help_text = "An ID, TRN, email, name or URN"
    ordering = ("-id",)
    named_in_requests = True

    def records(self) -> QuerySet[Any]:
        return Participant.objects.select_related("merged_into")

    def events_of(self, record: Any) -> list[Event]:
        return events_about_person(record.id)

    def about(self, record: Any) -> str:
        return str(record.full_name)

    def page_of(self, record: Any) -> Page:
        applications = list(
            Application.objects.filter(participant=record)
            .select_related("course", "cohort", "lead_provider", "enrolment__schedule")
            .annotate(
                eligible=effective_eligibility(),
                history=status_steps(TrainingStatusChange.objects.filter(enrolment__application=OuterRef("pk"))),
                undone=undone_acceptances(),
            )
            .order_by("created_at", "id")
        )
        declarations = detailed(Declaration.objects.filter(enrolment__participant=record))
        providers = {each.lead_provider.name: each.lead_provider_id for each in applications if each.enrolment_id}
        return Page(
            title=record.full_name,
            tag="Merged" if record.merged_into else "",
            lead="This ID is retired; everything is with the participant it was merged into."
            if record.merged_into
            else "",
            sections=[
                _person(record),
                _applications(applications, declarations),
                declarations_table(declarations),
                messages_table(participant_public_id=record.public_id),
                notes_table(notes_about(record.id)),
                as_providers_see(
                    PARTICIPANT,
                    Participant.objects.filter(id=record.id),
                    {name: Viewpoint(provider) for name, provider in list(providers.items())[:MOST_PROVIDERS]},
                    empty=_seen_by_nobody(record),
                ),
            ],
        )


def _person(record: Any) -> Facts:
    return Facts(
        "Participant",
        [
            ("Participant ID", record.public_id),
            ("Name", record.full_name),
            ("Previous names", ", ".join(record.previous_names)),
            ("TRN", record.teacher_reference_number),
            ("TRN verified", record.teacher_reference_number_verified),
            ("Merged into", link(record.merged_into) if record.merged_into else None),
            ("Added", record.created_at),
            ("Last updated", record.updated_at),
        ],
    )


def _seen_by_nobody(record: Participant) -> str:
    """Why no provider is answered anything about a person."""
    if record.merged_into:
        return "No provider sees this ID any more: those who could are told the ID that stands for it now."
    return "No provider sees this person among its participants: no acceptance of an application of theirs stands."


def _furthest(application: Any, declarations: list[Any]) -> str:
    """The furthest live declaration of an application, with its state and day."""
    order = list(DeclarationType)
    standing = [
        each for each in declarations if each.enrolment.application_id == application.id and each.state in LIVE_STATES
    ]
    if not standing:
        return "none"
    furthest = max(standing, key=lambda each: (order.index(each.declaration_type), each.id))
    declared = shown(uk_date(furthest.declaration_date))
    return f"{furthest.get_declaration_type_display()}, {furthest.get_state_display().lower()}, {declared}"


def _applications(applications: list[Any], declarations: list[Any]) -> Table:
    return Table(
        "Applications",
        [
            "Application",
            "Cohort",
            "Lead provider",
            "Status",
            "Training",
            "Training history",
            "Furthest declaration",
            "Email",
            "Eligible",
            "Funded place",
            "Received",
        ],
        [
            [
                link(each, f"{each.course.name} ({each.public_id})"),
                str(each.cohort),
                each.lead_provider.name,
                status_and_why(each),
                f"{training_of(each.enrolment, each.history)}, {each.enrolment.schedule}" if each.enrolment else None,
                training_history(each.history, each.undone),
                _furthest(each, declarations),
                f"{each.email} ({'validated' if each.email_validated else 'not validated'})" if each.email else None,
                each.eligible,
                each.funded_place,
                each.created_at,
            ]
            for each in applications
        ],
    )
