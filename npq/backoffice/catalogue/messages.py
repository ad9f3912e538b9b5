"""What caseworkers do about messages that failed for good."""

from typing import Any

from applications.services import send_message_again
from npq.backoffice.corrections import Answers, Correction
from npq.core.audit import Actor
from npq.core.failed_messages import mark_as_dealt_with, why_not_failed
from npq.core.models import Message

MESSAGE = "core.message"


def _send_again(record: Message, answers: Answers, by: Actor) -> Any:
    return send_message_again(message_id=record.id, by=by)


def _dealt_with(record: Message, answers: Answers, by: Actor) -> Any:
    return mark_as_dealt_with(message_id=record.id, by=by)


MESSAGES: tuple[Correction, ...] = (
    Correction(
        "send_message_again",
        "Send again",
        MESSAGE,
        "caseworker",
        _send_again,
        "It goes out within minutes, to the email address that the application has now. If that is still wrong, change "
        "it on the application first.",
        not_possible=why_not_failed,
        done=lambda *_: "it is waiting to be sent.",
    ),
    Correction(
        "mark_message_as_dealt_with",
        "Mark as dealt with",
        MESSAGE,
        "caseworker",
        _dealt_with,
        "For a message that need not be sent any more, for example because you told the person what it says. It leaves "
        "the first page, and is never sent.",
        not_possible=why_not_failed,
        done=lambda *_: "it is marked as dealt with.",
    ),
)
