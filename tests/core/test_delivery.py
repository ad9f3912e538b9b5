"""Draining the outbox: through GOV.UK Notify and by e-mail, what is tried again and what is not."""

import smtplib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from npq.core import delivery
from npq.core.choices import MessageKind, MessageState
from npq.core.clock import wall_clock
from npq.core.delivery import MOST_ATTEMPTS, pause_after
from npq.core.models import Message
from npq.core.outbox import queue_message
from tests.commands import CommandRun, run_command
from tests.factories import MessageFactory
from tests.notify_stub import API_KEY, NotifyStub, notify_stub

pytestmark = pytest.mark.django_db

VALUES = {
    "full_name": "Priya Okafor",
    "course_name": "NPQ for headship",
    "lead_provider": "Ambition Institute",
    "application_id": "8a1c6f0e-0000-4000-8000-000000000001",
}


@pytest.fixture
def notify(settings: Any) -> Iterator[NotifyStub]:
    with notify_stub() as stub:
        settings.NOTIFY_API_KEY = API_KEY
        settings.NOTIFY_TEMPLATE_ID = "33333333-3333-4333-8333-333333333333"
        settings.NOTIFY_BASE_URL = stub.url
        yield stub


def queued(to: str = "priya@example.org", **more: Any) -> Message:
    return MessageFactory(to=to, personalisation=VALUES, **more)


def send(*arguments: str) -> CommandRun:
    return run_command("send_messages", "--format", "json", *arguments)


def results(run: CommandRun) -> list[tuple[str, str]]:
    return [(row["to"], row["result"]) for row in run.json["rows"]]


def make_due(message: Message) -> None:
    Message.objects.filter(id=message.id).update(due_at=wall_clock() - timedelta(seconds=1))


def state_of(message: Message) -> tuple[str, int]:
    message.refresh_from_db()
    return message.state, message.attempts


def test_notify_gets_subject_body_and_the_reference(notify: NotifyStub) -> None:
    message = queued()

    run = send()

    message.refresh_from_db()
    (sent,) = notify.sent
    assert (run.code, results(run)) == (0, [("priya@example.org", "sent")])
    assert sent["email_address"] == "priya@example.org"
    assert sent["reference"] == str(message.public_id)
    assert sent["template_id"] == "33333333-3333-4333-8333-333333333333"
    assert sent["personalisation"]["subject"] == "Ambition Institute has accepted your application for NPQ for headship"
    assert sent["personalisation"]["body"].startswith("Dear Priya Okafor\n")
    assert (message.state, message.notify_id, message.attempts) == ("sent", sent["id"], 1)
    assert message.sent_at is not None
    assert notify.look_ups == []


def test_a_second_drain_sends_nothing(notify: NotifyStub) -> None:
    queued()
    send()

    again = send()

    assert (again.code, again.json["rows"], len(notify.sent)) == (0, [], 1)


def test_messages_go_oldest_first_and_not_before_their_time(notify: NotifyStub) -> None:
    queued("second@example.org", due_at=wall_clock() - timedelta(minutes=1))
    queued("later@example.org", due_at=wall_clock() + timedelta(hours=1))
    queued("first@example.org", due_at=wall_clock() - timedelta(minutes=2))

    run = send()

    assert results(run) == [("first@example.org", "sent"), ("second@example.org", "sent")]


def test_what_a_killed_process_had_sent_is_found_and_not_sent_again(notify: NotifyStub) -> None:
    message = queued(state=MessageState.SENDING, attempts=1)
    notify.accept({"email_address": message.to, "reference": str(message.public_id)})

    run = send()

    assert results(run) == [("priya@example.org", "found")]
    assert (notify.times_sent[str(message.public_id)], state_of(message)) == (1, ("sent", 2))
    assert message.notify_id == notify.sent[0]["id"]


def test_what_a_killed_process_had_not_sent_is_sent(notify: NotifyStub) -> None:
    message = queued(state=MessageState.SENDING, attempts=1)

    run = send()

    assert results(run) == [("priya@example.org", "sent")]
    assert notify.look_ups == [str(message.public_id)]


def test_a_claim_that_runs_is_left_alone(notify: NotifyStub) -> None:
    queued(state=MessageState.SENDING, attempts=1, due_at=wall_clock() + timedelta(minutes=1))

    assert send().json["rows"] == []


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refused_address_fails_for_good_and_the_rest_goes_on(notify: NotifyStub, status: int) -> None:
    bad = queued("bad@example.org")
    queued("good@example.org")
    notify.refuse["bad@example.org"] = status

    run = send()
    make_due(bad)
    again = send()

    assert run.code == 1
    assert results(run) == [("bad@example.org", "failed"), ("good@example.org", "sent")]
    assert run.errors == [(str(bad.public_id), "to", "undeliverable")]
    assert state_of(bad) == ("failed", 1)
    assert str(status) in bad.last_error
    assert again.json["rows"] == []


@pytest.mark.parametrize("status", [500, 502, 503])
def test_trouble_with_one_message_postpones_it_and_the_rest_goes_on(notify: NotifyStub, status: int) -> None:
    unlucky = queued("unlucky@example.org")
    queued("good@example.org")
    notify.refuse["unlucky@example.org"] = status
    before = wall_clock()

    run = send()

    assert (run.code, results(run)) == (0, [("unlucky@example.org", "postponed"), ("good@example.org", "sent")])
    assert state_of(unlucky) == ("pending", 1)
    assert timedelta(0) < unlucky.due_at - before - timedelta(minutes=1) < timedelta(minutes=1)

    notify.refuse.clear()
    make_due(unlucky)
    send()

    assert state_of(unlucky) == ("sent", 2)
    assert notify.look_ups == [str(unlucky.public_id)]


def test_after_the_last_attempt_a_message_is_dead_and_can_be_raised_by_hand(notify: NotifyStub) -> None:
    message = queued(attempts=MOST_ATTEMPTS - 1)
    notify.refuse[message.to] = 500
    notify.accept({"email_address": "other@example.org", "reference": "other"})

    last = send()
    dead = state_of(message)
    notify.refuse.clear()
    nothing = send()
    raised = send("--retry-failed")

    assert (last.code, results(last), dead) == (1, [(message.to, "failed")], ("failed", MOST_ATTEMPTS))
    assert nothing.json["rows"] == []
    assert (raised.json["counts"], state_of(message)) == ({"queued again": 1, "sent": 1}, ("sent", 2))


def test_what_went_to_an_old_address_is_not_taken_for_what_is_sent_to_the_new_one(notify: NotifyStub) -> None:
    message = queued("new@example.org", attempts=1)
    notify.accept({"email_address": "old@example.org", "reference": str(message.public_id)})

    run = send()

    assert results(run) == [("new@example.org", "sent")]
    assert [each["email_address"] for each in notify.sent] == ["old@example.org", "new@example.org"]


@pytest.mark.parametrize(("status", "attempts"), [(401, 0), (403, 0), (429, 0)])
def test_when_notify_turns_us_away_nothing_is_lost_or_blamed(notify: NotifyStub, status: int, attempts: int) -> None:
    messages = [queued(), queued("next@example.org")]
    notify.refuse_all = status

    run = send()

    assert run.code == 1
    assert str(status) in run.err
    assert [state_of(message) for message in messages] == [("pending", attempts), ("pending", 0)]


def test_when_notify_cannot_be_reached_the_message_waits_and_is_looked_up_later(
    notify: NotifyStub, settings: Any
) -> None:
    message = queued()
    settings.NOTIFY_BASE_URL = "http://127.0.0.1:9"

    run = send()
    down = state_of(message)
    settings.NOTIFY_BASE_URL = notify.url
    make_due(message)
    send()

    assert (run.code, down) == (1, ("pending", 1))
    assert "cannot be reached" in run.err
    assert (state_of(message), notify.look_ups) == (("sent", 2), [str(message.public_id)])


def test_a_key_that_is_none_is_said_in_one_sentence(notify: NotifyStub, settings: Any) -> None:
    message = queued()
    settings.NOTIFY_API_KEY = "nonsense"

    run = send()

    assert (run.code, state_of(message)) == (1, ("pending", 0))
    assert "NOTIFY_API_KEY is not a key of GOV.UK Notify" in run.err


def test_a_message_without_its_values_fails_for_good(notify: NotifyStub) -> None:
    message = MessageFactory(personalisation={"full_name": "Priya"})

    run = send()

    assert (run.code, state_of(message), notify.sent) == (1, ("failed", 1), [])
    assert message.last_error == "the message lacks course_name, lead_provider, application_id"


def test_a_claim_taken_over_is_not_overwritten(notify: NotifyStub) -> None:
    message = queued()
    claimed = delivery._claim()
    assert claimed is not None
    Message.objects.filter(id=message.id).update(attempts=2)

    delivery._settle(claimed, state=MessageState.FAILED)

    assert state_of(message) == ("sending", 2)


def test_the_pauses_grow_and_end() -> None:
    minutes = [pause_after(attempts).total_seconds() / 60 for attempts in range(1, MOST_ATTEMPTS)]

    assert minutes == [1, 2, 4, 8, 16, 32, 64, 128, 256, *[360] * 8]


def test_without_a_key_messages_go_by_e_mail(settings: Any) -> None:
    settings.DEFAULT_FROM_EMAIL = "NPQ service <npq@service.example.org>"
    message = queued()

    run = send()

    (sent,) = mail.outbox
    assert (run.code, state_of(message)) == (0, ("sent", 1))
    assert (sent.to, sent.subject) == (
        ["priya@example.org"],
        "Ambition Institute has accepted your application for NPQ for headship",
    )
    assert sent.extra_headers["Message-ID"] == f"<{message.public_id}@service.example.org>"


def test_the_console_gets_the_letter_and_json_stays_json(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    queued()
    queued("second@example.org")

    run = send()

    assert [row["result"] for row in run.json["rows"]] == ["sent", "sent"]
    assert "Dear Priya Okafor" in run.err


def test_without_json_the_console_is_standard_output(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    queued()

    assert "Dear Priya Okafor" in run_command("send_messages").out


@pytest.mark.parametrize(
    ("problem", "code", "state"),
    [
        (smtplib.SMTPRecipientsRefused({"a": (550, b"no such user")}), 1, ("failed", 1)),
        (smtplib.SMTPRecipientsRefused({"a": (450, b"busy")}), 0, ("pending", 1)),
        (smtplib.SMTPDataError(554, b"spam"), 1, ("failed", 1)),
        (smtplib.SMTPDataError(451, b"greylisted"), 0, ("pending", 1)),
        (smtplib.SMTPServerDisconnected("gone"), 1, ("pending", 1)),
        (smtplib.SMTPAuthenticationError(535, b"wrong password"), 1, ("pending", 1)),
        (ConnectionRefusedError(111, "refused"), 1, ("pending", 1)),
    ],
)
def test_what_a_mail_server_may_answer(
    monkeypatch: pytest.MonkeyPatch, problem: Exception, code: int, state: tuple[str, int]
) -> None:
    def refuse(*_: Any) -> int:
        raise problem

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    message = queued()

    run = send()

    assert (run.code, state_of(message)) == (code, state)
    assert message.last_error


def test_an_address_with_a_line_break_fails_for_good() -> None:
    message = queued("priya@example.org\nBcc: everybody@example.org")

    run = send()

    assert (run.code, state_of(message)) == (1, ("failed", 1))
    assert mail.outbox == []


def test_without_an_address_there_is_nothing_to_send() -> None:
    assert (
        queue_message(
            MessageKind.OUTCOME_PASSED,
            to="",
            participant_public_id=MessageFactory.build().participant_public_id,
            application_public_id=None,
            personalisation=VALUES,
        )
        is None
    )
    assert not Message.objects.exists()


def test_the_list_of_messages(django_assert_num_queries: Any) -> None:
    queued("First@example.org")
    queued("other@example.org")
    dead = queued("first@example.org", state=MessageState.FAILED, attempts=3, last_error="refused")

    with django_assert_num_queries(1):
        run = run_command("list_messages", "--to", "first@EXAMPLE.org", "--format", "json")

    assert run.code == 0
    assert [(row["to"], row["kind"], row["state"], row["values"]) for row in run.json["rows"]] == [
        ("First@example.org", "application_accepted", "pending", VALUES),
        ("first@example.org", "application_accepted", "failed", VALUES),
    ]
    assert run.json["rows"][1]["last_error"] == "refused"
    assert run.json["rows"][1]["id"] == str(dead.public_id)
    assert all(row["created_at"] for row in run.json["rows"])


def test_all_messages_are_listed_without_an_address() -> None:
    queued("a@example.org")
    queued("b@example.org")

    run = run_command("list_messages")

    assert "a@example.org" in run.out
    assert "b@example.org" in run.out
