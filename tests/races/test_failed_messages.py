"""Two people decide about one failed message at once, and a claim that comes back after the message was sent again."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from applications.services import send_message_again
from npq.core import delivery
from npq.core.audit import Actor
from npq.core.choices import MessageState
from npq.core.clock import wall_clock
from npq.core.failed_messages import mark_as_dealt_with
from npq.core.models import Message, MessageDecision
from tests.factories import MessageFactory
from tests.races.racing import kinds, meet_after, race, without_locks

pytestmark = pytest.mark.django_db(transaction=True)

SAM = Actor.staff("Sam Reyes", identifier="1", reason="The school rang")


def both_at_once(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    message = MessageFactory(state=MessageState.FAILED)
    meet_after(monkeypatch, "npq.core.failed_messages._locked")
    again: Callable[[], object] = lambda: send_message_again(message_id=message.id, by=SAM)  # noqa: E731
    return kinds(race(again, lambda: mark_as_dealt_with(message_id=message.id, by=SAM)))


def test_one_of_two_decisions_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = both_at_once(monkeypatch)

    assert ends == ["MessageNotFailed", "done"]
    assert MessageDecision.objects.count() == 1


def test_without_the_lock_both_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch)

    ends = both_at_once(monkeypatch)

    assert ends == ["done", "done"]
    assert MessageDecision.objects.count() == 2


def test_a_worker_that_comes_back_late_settles_nothing_of_a_message_sent_again() -> None:
    """Its second attempt stalled; the message failed, was sent again, and is in its second attempt once more."""
    message = MessageFactory(attempts=1)
    stalled = delivery._claim()
    Message.objects.filter(id=message.id).update(state=MessageState.FAILED)
    send_message_again(message_id=message.id, by=SAM)
    Message.objects.filter(id=message.id).update(due_at=wall_clock() - timedelta(seconds=1))
    running = delivery._claim()
    assert stalled is not None
    assert running is not None
    assert stalled.attempts == running.attempts

    delivery._settle(stalled, state=MessageState.SENT, sent_at=wall_clock(), notify_id="old", last_error="")

    message.refresh_from_db()
    assert (message.state, message.notify_id) == (MessageState.SENDING, "")
