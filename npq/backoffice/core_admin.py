"""What staff see of the ground floor: messages and reference data."""

from typing import Any, ClassVar

from django.contrib import admin

from applications.models import Application
from npq.backoffice.filters import by_dates, by_words
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, link
from npq.backoffice.tags import tag
from npq.backoffice.timeline import Event, events_about_record
from npq.core.choices import CohortFunding, MessageKind, MessageState
from npq.core.models import Cohort, Course, Message
from participants.models import Participant


class ReferenceAdmin(InspectAdmin):
    """Reference data: the page shows every column that is not an id inside."""

    shown_fields: tuple[str, ...] = ()
    ordering: ClassVar[tuple[str, ...]] = ("id",)

    def events_of(self, record: Any) -> list[Event]:
        return events_about_record(self.model._meta.db_table, record.id)

    def page_of(self, record: Any) -> Page:
        facts = [
            (str(self.model._meta.get_field(name).verbose_name).capitalize(), _value(record, name))
            for name in self.shown_fields
        ]
        kind = str(self.model._meta.verbose_name)
        facts = [("ID", record.public_id), *facts, ("Last updated", record.updated_at)]
        return Page(title=str(record), tag="", sections=[Facts(kind.capitalize(), facts)])


def _value(record: Any, name: str) -> Any:
    words = getattr(record, f"get_{name}_display", None)
    return words() if words else getattr(record, name)


@admin.register(Course)
class CourseAdmin(ReferenceAdmin):
    """Courses."""

    list_display = ("identifier", "name", "group", "family", "public_id")
    shown_fields = ("identifier", "name", "short_code", "group", "family", "position")
    ordering = ("position", "id")


@admin.register(Cohort)
class CohortAdmin(ReferenceAdmin):
    """Cohorts."""

    list_display = ("identifier", "funding", "registration_start_date", "public_id")
    list_filter = (by_words("funding", "funding", CohortFunding.choices),)
    shown_fields = ("start_year", "suffix", "funding", "registration_start_date")
    ordering = ("-start_year", "suffix")


@admin.register(Message)
class MessageAdmin(InspectAdmin):
    """Messages to participants."""

    list_display = ("kind", "to", "stands", "attempts", "created_at", "sent_at")
    list_filter = (
        by_words("state", "state", MessageState.choices),
        by_words("kind", "kind", MessageKind.choices),
        by_dates("created_at", "made"),
    )
    search_help_text = "A message ID"
    ordering = ("-id",)

    @admin.display(description="state")
    def stands(self, message: Message) -> str:
        """Its state, as a tag."""
        return tag(message.get_state_display())

    def page_of(self, record: Any) -> Page:
        application = record.application_public_id
        return Page(
            title=record.get_kind_display(),
            tag=record.get_state_display(),
            lead=record.last_error,
            sections=[
                Facts(
                    "Message",
                    [
                        ("ID", record.public_id),
                        ("To", record.to),
                        ("Participant", _link_to(Participant, record.participant_public_id)),
                        ("Application", _link_to(Application, application) if application else None),
                        ("Made", record.created_at),
                        ("Due", record.due_at),
                        ("Attempts", record.attempts),
                        ("Sent", record.sent_at),
                        ("GOV.UK Notify ID", record.notify_id),
                    ],
                ),
                Facts("What it says", sorted(record.personalisation.items())),
            ],
        )


def _link_to(model: Any, public_id: Any) -> str:
    return link(model(public_id=public_id))
