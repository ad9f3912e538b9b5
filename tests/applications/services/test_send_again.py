"""A message that failed for good: sent again to the present address, or dealt with; the decision is kept."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command

from applications.services import change_email, send_message_again
from npq.core.audit import Actor
from npq.core.choices import MessageState, MessageStep
from npq.core.errors import MessageNotFailed, ReasonMissing
from npq.core.failed_messages import failed_messages, mark_as_dealt_with
from npq.core.models import Change, Message, MessageDecision
from tests.factories import ApplicationFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)

SAM = Actor.staff("Sam Reyes", identifier="1", reason="The school rang")
VALUES = {"full_name": "Priya", "course_name": "Headship", "lead_provider": "Ambition", "application_id": "1"}
ACTS: list[Callable[..., Any]] = [send_message_again, mark_as_dealt_with]


def failed(**facts: Any) -> Message:
    """A message that the mail server refused, of an application whose address is still that one."""
    application = ApplicationFactory(email="wrong@example.org")
    return MessageFactory(
        application_public_id=application.public_id,
        participant_public_id=application.participant.public_id,
        to="wrong@example.org",
        personalisation=VALUES,
        **{"state": MessageState.FAILED, "attempts": 7, "last_error": "Nobody reads there", **facts},
    )


def put_right(message: Message) -> None:
    """A caseworker corrects the address of its application."""
    application = ApplicationFactory._meta.model.objects.get(public_id=message.application_public_id)
    change_email(application_id=application.id, email="right@example.org", by=SAM)


def test_it_goes_to_the_address_that_was_put_right_and_the_old_one_stays_on_record() -> None:
    message = failed()
    put_right(message)

    send_message_again(message_id=message.id, by=SAM)

    message.refresh_from_db()
    decision = MessageDecision.objects.get()
    assert (message.state, message.to, message.last_error) == (MessageState.PENDING, "right@example.org", "")
    assert (decision.step, decision.failed_at) == (MessageStep.SENT_AGAIN, "wrong@example.org")
    assert (decision.error, decision.decided_by, decision.reason) == ("Nobody reads there", "Sam Reyes", SAM.reason)
    assert Change.objects.latest("id").action == "send_message_again"


def test_without_an_application_it_goes_where_it_went() -> None:
    message = MessageFactory(state=MessageState.FAILED, to="there@example.org")

    send_message_again(message_id=message.id, by=SAM)

    message.refresh_from_db()
    assert (message.state, message.to) == (MessageState.PENDING, "there@example.org")


def test_one_dealt_with_waits_for_nobody_and_is_never_sent() -> None:
    message = failed()

    mark_as_dealt_with(message_id=message.id, by=SAM)
    call_command("send_messages", "--retry-failed")

    message.refresh_from_db()
    assert message.state == MessageState.DEALT_WITH
    assert not failed_messages().exists()
    assert MessageDecision.objects.get().step == MessageStep.DEALT_WITH


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", [each for each in MessageState.values if each != MessageState.FAILED])
def test_only_a_failed_message_is_decided_about(act: Callable[..., Any], state: str) -> None:
    message = failed(state=MessageState.PENDING)
    when = message.created_at if state == MessageState.SENT else None
    Message.objects.filter(id=message.id).update(state=state, sent_at=when)

    with pytest.raises(MessageNotFailed) as refusal:
        act(message_id=message.id, by=SAM)

    assert MessageState(state).label.lower() in refusal.value.sentence
    assert Message.objects.get(id=message.id).state == state
    assert not MessageDecision.objects.exists()


@pytest.mark.parametrize("act", ACTS)
def test_a_decision_has_a_reason(act: Callable[..., Any]) -> None:
    message = failed()

    with pytest.raises(ReasonMissing):
        act(message_id=message.id, by=Actor.staff("Sam Reyes", identifier="1"))

    assert Message.objects.get(id=message.id).state == MessageState.FAILED


def test_the_command_sends_to_the_present_address_too() -> None:
    message = failed()
    put_right(message)

    call_command("send_messages", "--retry-failed", "--actor", "Sam", "--reason", "Mail server mended")

    message.refresh_from_db()
    assert message.to == "right@example.org"
    assert MessageDecision.objects.get().reason == "Mail server mended"
