"""Delivering the outbox (decisions.md §4.1, §8).

One message: claim it for a while and commit; if an earlier attempt may have succeeded, ask the courier for the
message's reference; else send; note how it ended. Any number of processes may drain at once, and one that is killed
leaves a claim that runs out and is then looked up: nothing is lost and, with GOV.UK Notify, nothing is sent twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import transaction
from django.db.models import QuerySet

from npq.core.choices import MessageState
from npq.core.clock import wall_clock
from npq.core.couriers import Courier, CourierDown, NotNow, Undeliverable
from npq.core.models import Message
from npq.core.wording import CannotBeWritten, letter_for

# Longer than one delivery with all its timeouts can take.
LEASE = timedelta(minutes=5)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
# With these pauses about two days: an outage of the courier over a weekend kills no message.
MOST_ATTEMPTS = 18

Result = Literal["sent", "found", "postponed", "failed"]


@dataclass(frozen=True)
class Delivery:
    """How one attempt ended; `found` means that an earlier one had succeeded. `detail` says why it did not work."""

    message: Message
    result: Result
    detail: str = ""


def due_messages(instant: datetime) -> QuerySet[Message]:
    """Messages to be delivered at an instant: waiting ones whose time has come, and claims that have run out."""
    return Message.objects.filter(state__in=[MessageState.PENDING, MessageState.SENDING], due_at__lte=instant).order_by(
        "due_at", "id"
    )


def deliver_due(courier: Courier) -> Iterator[Delivery]:
    """Delivers message after message until none is due, and yields how each attempt ended.

    Raises CourierDown when no message can be delivered now; those left stay in the queue.
    """
    while message := _claim():
        yield _deliver(message, courier)


def _claim() -> Message | None:
    with transaction.atomic(durable=True):
        instant = wall_clock()
        message = _next_due(instant)
        if message is None:
            return None
        message.state = MessageState.SENDING
        message.attempts += 1
        message.due_at = instant + LEASE
        message.save(update_fields=["state", "attempts", "due_at"])
        return message


def _next_due(instant: datetime) -> Message | None:
    return due_messages(instant).select_for_update(skip_locked=True).first()


def _deliver(message: Message, courier: Courier) -> Delivery:
    reference = str(message.public_id)
    try:
        letter = letter_for(message.kind, message.personalisation)
        found = courier.find(reference, to=message.to) if message.attempts > 1 else None
        notify_id = found if found is not None else courier.send(to=message.to, letter=letter, reference=reference)
    except (Undeliverable, CannotBeWritten) as problem:
        _settle(message, state=MessageState.FAILED, last_error=str(problem))
        return Delivery(message, "failed", str(problem))
    except NotNow as problem:
        return _postpone(message, str(problem))
    except CourierDown as problem:
        _give_back(message, problem)
        raise
    _settle(message, state=MessageState.SENT, sent_at=wall_clock(), notify_id=notify_id, last_error="")
    return Delivery(message, "sent" if found is None else "found")


def _postpone(message: Message, detail: str) -> Delivery:
    if message.attempts >= MOST_ATTEMPTS:
        _settle(message, state=MessageState.FAILED, last_error=detail)
        return Delivery(message, "failed", detail)
    due_at = wall_clock() + pause_after(message.attempts)
    _settle(message, state=MessageState.PENDING, last_error=detail, due_at=due_at)
    return Delivery(message, "postponed", detail)


def _give_back(message: Message, problem: CourierDown) -> None:
    """The courier's trouble is not the message's: it waits, and never fails for good by it."""
    attempts = message.attempts - 1 if problem.certain else 1
    due_at = wall_clock() + FIRST_PAUSE
    _settle(message, state=MessageState.PENDING, last_error=str(problem), attempts=attempts, due_at=due_at)


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: one minute, two, four, … at most six hours."""
    return min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE)


def _settle(message: Message, **values: Any) -> None:
    """Notes how an attempt ended, unless the claim ran out and another process has taken the message over."""
    # Attempts are counted anew when a message is sent again; the end of its lease tells a claim from every other.
    claim = {"state": MessageState.SENDING, "attempts": message.attempts, "due_at": message.due_at}
    Message.objects.filter(id=message.id, **claim).update(**values, updated_at=wall_clock())
