"""What a person does about a message that failed for good: it goes back in the queue, or is marked as dealt with.

The decision keeps the address it had failed at and why, so that the message itself may go on with another one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import QuerySet

from npq.core.audit import Actor, correcting
from npq.core.choices import MessageState, MessageStep
from npq.core.clock import wall_clock
from npq.core.effects import Corrected
from npq.core.errors import MessageNotFailed
from npq.core.listening import hear_message
from npq.core.models import Message, MessageDecision

# Sent again it is looked up first, as after an attempt in doubt: the last one may have succeeded after all.
ATTEMPTS_OF_ONE_IN_DOUBT = 1


def failed_messages() -> QuerySet[Message]:
    """Messages that failed for good and wait for a person."""
    return Message.objects.filter(state=MessageState.FAILED)


def why_not_failed(message: Message) -> str:
    """Why nothing is to be decided about a message; empty when it has failed."""
    return "" if message.state == MessageState.FAILED else _not_failed(message).sentence


def queue_again(*, message_id: int, to: str, by: Actor) -> Corrected:
    """Puts a failed message back in the queue, to the address `to`. Takes its internal id.

    Refuses with MessageNotFailed and ReasonMissing; raises Message.DoesNotExist.
    """
    with _deciding(message_id, MessageStep.SENT_AGAIN, by, "send_message_again") as message:
        message.to = to
        message.state = MessageState.PENDING
        message.attempts = ATTEMPTS_OF_ONE_IN_DOUBT
        message.due_at = wall_clock()
        message.last_error = ""
        message.save(update_fields=["to", "state", "attempts", "due_at", "last_error"])
        hear_message(message)
    return Corrected()


def mark_as_dealt_with(*, message_id: int, by: Actor) -> Corrected:
    """Notes that a failed message needs nothing more; it is never sent. Takes its internal id.

    Refuses with MessageNotFailed and ReasonMissing; raises Message.DoesNotExist.
    """
    with _deciding(message_id, MessageStep.DEALT_WITH, by, "mark_message_as_dealt_with") as message:
        message.state = MessageState.DEALT_WITH
        message.save(update_fields=["state"])
    return Corrected()


@contextmanager
def _deciding(message_id: int, step: MessageStep, by: Actor, action: str) -> Iterator[Message]:
    with correcting(by, action):
        message = _locked(message_id)
        if message.state != MessageState.FAILED:
            raise _not_failed(message)
        MessageDecision.objects.create(
            message=message,
            step=step,
            failed_at=message.to,
            error=message.last_error,
            decided_by=by.name,
            reason=by.reason,
        )
        yield message


def _locked(message_id: int) -> Message:
    return Message.objects.select_for_update().get(id=message_id)


def _not_failed(message: Message) -> MessageNotFailed:
    return MessageNotFailed(stands=message.get_state_display().lower())
