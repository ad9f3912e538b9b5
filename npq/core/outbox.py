"""Messages to participants: queued in the transaction of the change they tell of, sent afterwards."""

import uuid
from typing import Any

from npq.core.choices import MessageKind
from npq.core.models import Message


def queue_message(
    kind: MessageKind,
    *,
    to: str,
    participant_public_id: uuid.UUID,
    application_public_id: uuid.UUID | None,
    personalisation: dict[str, Any],
) -> Message | None:
    """Adds a message to the outbox; with no address there is nothing to send and None is returned.

    `personalisation` holds the values the template fills in, all of them text.
    """
    if not to:
        return None
    return Message.objects.create(
        kind=kind,
        to=to,
        participant_public_id=participant_public_id,
        application_public_id=application_public_id,
        personalisation=personalisation,
    )
