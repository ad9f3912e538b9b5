"""Messages to participants: queued in the transaction of the change they tell of, delivered afterwards.

`npq.core.delivery` delivers them, `npq.core.wording` has their words.
"""

import uuid
from typing import Any

from django.db.models import QuerySet

from npq.core.choices import MessageKind
from npq.core.listening import hear_message
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
    message = Message.objects.create(
        kind=kind,
        to=to,
        participant_public_id=participant_public_id,
        application_public_id=application_public_id,
        personalisation=personalisation,
    )
    hear_message(message)
    return message


def messages(*, to: str | None = None) -> QuerySet[Message]:
    """All messages, oldest first; `to` compares addresses in any case."""
    found = Message.objects.order_by("created_at", "id")
    return found.filter(to__iexact=to) if to is not None else found
