"""What staff see of messages that failed for good, and of what was decided about them."""

from collections.abc import Callable

from django.test import Client

from npq.backoffice.pages import address_of
from npq.core.audit import Actor
from npq.core.choices import MessageState
from npq.core.failed_messages import mark_as_dealt_with
from tests.factories import ApplicationFactory, MessageFactory

SAM = Actor.staff("Sam Reyes", identifier="1", reason="The school rang")


def test_what_was_decided_stays_and_the_first_page_forgets_the_message(as_role: Callable[[str], Client]) -> None:
    application = ApplicationFactory()
    message = MessageFactory(
        application_public_id=application.public_id,
        participant_public_id=application.participant.public_id,
        to="wrong@example.org",
        state=MessageState.FAILED,
    )
    client = as_role("caseworker")
    before = client.get("/admin/").content.decode()

    mark_as_dealt_with(message_id=message.id, by=SAM)
    first, page, person = (
        client.get(address).content.decode()
        for address in (
            "/admin/",
            address_of(message, message.public_id),
            address_of(application.participant, application.participant.public_id),
        )
    )

    assert "wrong@example.org" in before
    assert "wrong@example.org" not in first
    for words in ("Failed for good (dealt with)", "What was done about it", "The school rang", "wrong@example.org"):
        assert words in page
    for history in (page, person):
        assert "Mark message as dealt with" in history
    assert "Nothing has been recorded" not in page
