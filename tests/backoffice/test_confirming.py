"""Confirming a correction: exactly what was shown, and once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client

from applications.models import PlannedTransfer
from declarations.services import void_declaration
from finance.models import Adjustment, PaymentRequest, Statement
from npq.backoffice import corrections
from npq.backoffice.catalogue import CORRECTIONS, money
from npq.backoffice.corrections import Correction
from npq.backoffice.models import Confirmation
from npq.backoffice.pages import address_of
from npq.core.audit import Actor
from npq.core.clock import now, today
from npq.core.models import Change
from participants.models import Note
from tests.backoffice.money_cases import CHECKED
from tests.backoffice.test_corrections import HAPPY, REASON, ROLE_OF, accepted, confirming
from tests.factories import (
    AdjustmentFactory,
    ApplicationFactory,
    ContractTermsFactory,
    DeclarationFactory,
    LeadProviderFactory,
    StatementFactory,
)
from tests.races.racing import race

SAME_TWICE = {"add_note", "add_participant_note"}
# Where a second press leads whose first has removed the record.
GONE = {"remove_adjustment": "/admin/finance/adjustment/"}
# What is put right about applications that have been decided, or for which something is planned.
NOT_OF_PENDING = {
    "undo_acceptance",
    "undo_rejection",
    "change_schedule",
    "cancel_transfer",
    "change_training_status",
    "change_funded_place",
    "submit_declaration",
}


@pytest.mark.parametrize("name", HAPPY)
def test_a_double_click_does_it_once(as_role: Callable[[str], Client], name: str) -> None:
    client = as_role(ROLE_OF[name])
    record, answers, _, _ = HAPPY[name]()
    address, data = f"{address_of(record, record.public_id)}{name}/", {"reason": REASON, **answers}
    pressed = {**data, **confirming(client.post(address, data))}

    first = client.post(address, pressed)
    changes = Change.objects.count()
    second = client.post(address, pressed, follow=True)

    assert first.status_code == 302
    assert second.redirect_chain == [(GONE.get(name, first["Location"]), 302)]
    assert "You have confirmed this already, and it was done once." in second.content.decode()
    assert Change.objects.count() == changes


@pytest.mark.parametrize("name", [each for each in HAPPY if each not in SAME_TWICE])
def test_what_somebody_else_did_meanwhile_is_not_done_again(as_role: Callable[[str], Client], name: str) -> None:
    client = as_role(ROLE_OF[name])
    record, answers, _, _ = HAPPY[name]()
    address, data = f"{address_of(record, record.public_id)}{name}/", {"reason": REASON, **answers}
    here, elsewhere = ({**data, **confirming(client.post(address, data))} for _ in range(2))
    assert client.post(address, elsewhere).status_code == 302
    changes = Change.objects.count()

    answer = client.post(address, here)

    assert answer.status_code == (404 if name in GONE else 200)
    page = answer.content.decode()
    assert (
        name in GONE
        or "have changed since you looked" in page
        or "This is not possible" in page
        or "There is a problem" in page
    )
    assert Change.objects.count() == changes


def test_what_is_confirmed_is_what_was_shown(as_role: Callable[[str], Client]) -> None:
    client, record = as_role("caseworker"), ApplicationFactory()
    address = f"{address_of(record, record.public_id)}change_funding_choice/"
    data = {"reason": REASON, "funding_choice": "trust"}
    pressed = confirming(client.post(address, data))
    type(record).objects.filter(pk=record.pk).update(funding_choice="school")

    answer = client.post(address, {**data, **pressed})

    record.refresh_from_db()
    assert "have changed since you looked" in answer.content.decode()
    assert record.funding_choice == "school"
    assert client.post(address, {**data, **confirming(answer)}).status_code == 302


def test_what_changes_between_the_last_look_and_the_lock_is_not_confirmed(
    as_role: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, record = as_role("caseworker"), ApplicationFactory()
    address = f"{address_of(record, record.public_id)}change_funding_choice/"
    data = {"reason": REASON, "funding_choice": "trust"}
    pressed = confirming(client.post(address, data))
    real = corrections.recorded

    @contextmanager
    def somebody_else_first(then: Any, **options: Any) -> Iterator[Any]:
        type(record).objects.filter(pk=record.pk).update(funding_choice="school")
        with real(then, **options) as effects:
            yield effects

    monkeypatch.setattr(corrections, "recorded", somebody_else_first)
    answer = client.post(address, {**data, **pressed})

    record.refresh_from_db()
    assert "have changed since you looked" in answer.content.decode()
    assert record.funding_choice == "school"
    assert not Confirmation.objects.exists()
    assert "<td>School</td><td>Trust</td>" in answer.content.decode()


def test_what_somebody_else_does_at_the_last_moment_is_not_offered_again(
    as_role: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, record = as_role("finance"), DeclarationFactory()
    address = f"{address_of(record, record.public_id)}void_declaration/"
    pressed = confirming(client.post(address, {"reason": REASON}))
    real = corrections.recorded

    @contextmanager
    def somebody_else_first(then: Any, **options: Any) -> Iterator[Any]:
        colleague = Actor.staff("A colleague", identifier="0", reason="Asked for")
        void_declaration(declaration_id=record.id, held_by=None, by=colleague, now=now())
        with real(then, **options) as effects:
            yield effects

    monkeypatch.setattr(corrections, "recorded", somebody_else_first)
    page = client.post(address, {"reason": REASON, **pressed}).content.decode()

    assert "This declaration has been voided already." in page
    assert "What will change" not in page
    assert "Confirm:" not in page


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Statement.DoesNotExist(), "is not there any more. Nothing was written."),
        (IntegrityError("lines disagree"), "records would contradict each other. Nothing was written."),
    ],
    ids=["gone", "contradictory"],
)
@pytest.mark.parametrize("when", ["looking", "confirming"])
def test_what_no_rule_foresaw_is_said_in_words_and_logged(
    as_role: Callable[[str], Client],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    words: str,
    when: str,
) -> None:
    client, adjustment = as_role("finance"), AdjustmentFactory()
    address, data = f"{address_of(adjustment, adjustment.public_id)}remove_adjustment/", {"reason": REASON}
    if when == "confirming":
        data |= confirming(client.post(address, data))

    def lost(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(*((money, "remove_adjustment") if when == "looking" else (corrections, "recorded")), lost)
    page = client.post(address, data)

    assert page.status_code == 200
    assert words in page.content.decode()
    assert Adjustment.objects.exists()
    assert "a correction could not be made" in caplog.text


def test_a_new_record_is_made_as_it_was_shown(as_role: Callable[[str], Client]) -> None:
    client, record = as_role("caseworker"), accepted()
    shown, another = LeadProviderFactory(code="shown"), LeadProviderFactory(code="another")
    for each in (shown, another):
        ContractTermsFactory(lead_provider=each, cohort=record.cohort, course=record.course)
    address = f"{address_of(record, record.public_id)}change_lead_provider/"
    day = f"{today() + timedelta(days=30):%Y-%m-%d}"
    data = {"reason": REASON, "lead_provider": shown.public_id, "due_on": day}
    pressed = confirming(client.post(address, data))

    answer = client.post(address, {**data, "lead_provider": another.public_id, **pressed})

    assert "have changed since you looked" in answer.content.decode()
    assert not PlannedTransfer.objects.exists()
    assert client.post(address, {**data, **pressed}).status_code == 302
    assert PlannedTransfer.objects.get().lead_provider == shown


def test_payment_is_asked_for_the_total_that_was_shown(as_role: Callable[[str], Client]) -> None:
    client, statement = as_role("finance"), StatementFactory(payable=True)
    address = f"{address_of(statement, statement.public_id)}request_payment/"
    data = {"reason": REASON, **CHECKED}
    pressed = confirming(client.post(address, data))
    AdjustmentFactory(statement=statement, amount=Decimal("12.34"))

    answer = client.post(address, {**data, **pressed})

    assert "have changed since you looked" in answer.content.decode()
    assert not PaymentRequest.objects.exists()
    assert client.post(address, {**data, **confirming(answer)}).status_code == 302
    assert PaymentRequest.objects.get().total == Decimal("12.34")


@pytest.mark.parametrize(
    "correction", [each for each in CORRECTIONS if each.name in NOT_OF_PENDING], ids=lambda it: it.name
)
def test_what_cannot_be_done_whatever_is_answered_is_refused_however_it_is_posted(
    as_role: Callable[[str], Client], correction: Correction
) -> None:
    client, (_, answers, _, _) = as_role(correction.role), HAPPY[correction.name]()
    pending = ApplicationFactory()
    address = f"{address_of(pending, pending.public_id)}{correction.name}/"
    changes = Change.objects.count()

    pages = [
        client.post(address, data).content.decode()
        for data in ({}, {"reason": REASON}, {"reason": REASON, **answers}, {"reason": REASON, "confirm": "yes"})
    ]

    for page in pages:
        assert "This is not possible" in page
        assert 'class="correction"' not in page
    assert Change.objects.count() == changes


@pytest.mark.parametrize("left_out", ["seen", "confirmation"])
def test_a_confirmation_made_up_by_hand_does_nothing(as_role: Callable[[str], Client], left_out: str) -> None:
    client, record = as_role("caseworker"), ApplicationFactory()
    address = f"{address_of(record, record.public_id)}add_note/"
    data = {"reason": REASON, "text": "Called"}
    pressed = {**data, **confirming(client.post(address, data)), left_out: "no-such-thing"}

    assert client.post(address, pressed).status_code == 200
    assert not Note.objects.exists()


def both_at_once(client: Client, application: Any, name: str = "add_note") -> list[int]:
    """A correction's page confirmed twice at the same time; the statuses of both answers."""
    address = f"{address_of(application, application.public_id)}{name}/"
    data = {"reason": REASON, "text": "Called"}
    pressed = {**data, **confirming(client.post(address, data))}

    def press() -> int:
        browser = Client()
        browser.cookies = client.cookies
        return browser.post(address, pressed).status_code

    return [end.value for end in race(press, press)]


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_time_do_it_once(as_role: Callable[[str], Client]) -> None:
    assert both_at_once(as_role("caseworker"), ApplicationFactory()) == [302, 302]
    assert Note.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_press_that_waited_for_another_is_told_that_it_was_done(as_role: Callable[[str], Client]) -> None:
    assert both_at_once(as_role("caseworker"), accepted(), "undo_acceptance") == [302, 302]


@pytest.mark.django_db(transaction=True)
def test_without_the_confirmation_it_would_be_done_twice(
    as_role: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "confirmed_before", lambda _: False)
    monkeypatch.setattr(Confirmation.objects, "create", lambda **_: None)

    assert both_at_once(as_role("caseworker"), ApplicationFactory()) == [302, 302]
    assert Note.objects.count() == 2


@pytest.mark.django_db
def test_a_confirmation_is_kept_once() -> None:
    kept = Confirmation.objects.create(public_id="2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11")

    with pytest.raises(IntegrityError):
        Confirmation.objects.create(public_id=kept.public_id)
