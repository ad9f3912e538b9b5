"""Sending a message again that failed for good."""

from applications.models import Application
from npq.core.audit import Actor
from npq.core.effects import Corrected
from npq.core.failed_messages import queue_again
from npq.core.models import Message


def send_message_again(*, message_id: int, by: Actor) -> Corrected:
    """Puts a failed message back in the queue, to the address its application has by now. Takes its internal id.

    Refuses with MessageNotFailed and ReasonMissing; raises Message.DoesNotExist.
    """
    message = Message.objects.get(id=message_id)
    return queue_again(message_id=message_id, to=present_address(message), by=by)


def present_address(message: Message) -> str:
    """Where a message would go now: where its application's messages go; without one, where it went."""
    if message.application_public_id is None:
        return message.to
    application = Application.objects.filter(public_id=message.application_public_id).only("email").first()
    return application.email if application and application.email else message.to
