"""What staff see of the ground floor: messages and reference data."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html_join

from applications.models import Application
from npq.backoffice import columns
from npq.backoffice.filters import by_dates, by_words
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, Section, Table, link
from npq.backoffice.tags import tag
from npq.backoffice.timeline import Event, events_about_message
from npq.core.choices import MessageKind, MessageState
from npq.core.models import Message
from npq.core.wording import CannotBeWritten, letter_for
from participants.models import Participant

MOST_DECISIONS = 50


@admin.register(Message)
class MessageAdmin(InspectAdmin):
    """Messages to participants."""

    list_display = (
        "kind",
        columns.in_words("to", "to"),
        "stands",
        "attempts",
        columns.in_words("created_at", "made"),
        columns.in_words("sent_at", "sent"),
    )
    list_filter = (
        by_words("state", "state", MessageState.choices),
        by_words("kind", "kind", MessageKind.choices),
        by_dates("created_at", "made"),
    )
    search_help_text = "A message ID or a participant ID"
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
                        ("Participant", _link_to(Participant, record.participant_public_id, _name_of(record))),
                        ("Application", _link_to(Application, application) if application else None),
                        ("Made", record.created_at),
                        ("Due", record.due_at),
                        ("Attempts", record.attempts),
                        ("Sent", record.sent_at),
                        ("GOV.UK Notify ID", record.notify_id),
                    ],
                ),
                Facts("What it says", _said(record)),
                *_decisions(record),
            ],
        )

    def events_of(self, record: Any) -> list[Event]:
        return events_about_message(record.id)

    def about(self, record: Any) -> str:
        return f"{record.get_kind_display()}, to {record.to}"


def _link_to(model: Any, public_id: Any, text: str | None = None) -> str:
    return link(model(public_id=public_id), text)


def _name_of(message: Message) -> str | None:
    """The participant as the message names them, with their ID; the ID alone where it names nobody."""
    name = message.personalisation.get("full_name")
    return f"{name} ({message.participant_public_id})" if name else None


def _decisions(message: Message) -> list[Section]:
    """What was done about it each time it had failed, the newest first; nothing where it never was."""
    found = message.decisions.order_by("-id")[:MOST_DECISIONS]
    rows = [
        [each.created_at, each.get_step_display(), each.decided_by, each.reason, each.failed_at, each.error]
        for each in found
    ]
    heads = ["When", "What was done", "By", "Reason", "Address it had failed at", "Why it had failed"]
    return [Table("What was done about it", heads, rows)] if rows else []


def _said(message: Message) -> list[tuple[str, Any]]:
    """The message as the participant reads it, or why it cannot be written."""
    try:
        letter = letter_for(message.kind, message.personalisation)
    except CannotBeWritten as problem:
        return [("Subject", None), ("Text", f"It cannot be written: {problem}.".replace("_", " "))]
    paragraphs = (part.removeprefix("# ").strip() for part in letter.body.split("\n\n"))
    return [("Subject", letter.subject), ("Text", format_html_join("", "<p>{}</p>", ((each,) for each in paragraphs)))]
