"""Asking for a payment, withdrawing the request and authorising it: two people, one total, once."""

from datetime import date
from decimal import Decimal

import pytest

from finance.choices import StatementState
from finance.errors import (
    AuthorisedAlready,
    PaymentNotRequested,
    RequestedTotalHasChanged,
    SecondPersonNeeded,
    StatementNotPayable,
    TotalTooLarge,
)
from finance.models import PaymentRequest, Statement
from finance.queries.calculation import figures_of, payment_document
from finance.queries.comparison import differences
from finance.services.adjust import add_adjustment
from finance.services.authorise import authorise_statement
from finance.services.two_people import approve_payment, request_payment, withdraw_payment_request
from npq.core.audit import Actor
from npq.core.models import Change
from tests.finance.books import Books, at

pytestmark = pytest.mark.django_db

HEADSHIP = "npq-headship"
SAM = Actor.staff("Sam Reyes", identifier="1")
KIM = Actor.staff("Kim Osei", identifier="2")
LEE = Actor.staff("Lee Marsh", identifier="3")
NOW = at(date(2025, 1, 20))


@pytest.fixture
def books(provider) -> Books:
    books = Books(provider)
    books.terms(HEADSHIP)
    return books


@pytest.fixture
def january(books: Books) -> Statement:
    january = books.statement(2025, 1)
    books.declare(january, HEADSHIP)
    books.mark_payable(january)
    return january


def test_a_request_keeps_the_figures_it_was_made_for(january: Statement) -> None:
    request = request_payment(statement_id=january.id, by=SAM)

    assert request.total == Decimal("804.05")
    assert request.payment == payment_document(january)


def test_another_authorises_what_was_asked_for(january: Statement) -> None:
    request_payment(statement_id=january.id, by=SAM)

    authorised = approve_payment(statement_id=january.id, by=KIM, now=NOW)

    january.refresh_from_db()
    assert (authorised.result, january.state, january.authorised_by) == ("paid", StatementState.PAID, "Kim Osei")


def test_whoever_asked_does_not_authorise(january: Statement) -> None:
    request_payment(statement_id=january.id, by=SAM)

    with pytest.raises(SecondPersonNeeded):
        approve_payment(statement_id=january.id, by=SAM, now=NOW)


def test_a_second_approver_is_told_who_was_first(january: Statement) -> None:
    request_payment(statement_id=january.id, by=SAM)
    approve_payment(statement_id=january.id, by=KIM, now=NOW)

    with pytest.raises(AuthorisedAlready, match="Kim Osei"):
        approve_payment(statement_id=january.id, by=LEE, now=NOW)


def test_a_withdrawn_request_is_not_paid_by_and_stays_in_the_trail(january: Statement) -> None:
    request_payment(statement_id=january.id, by=SAM)

    withdraw_payment_request(statement_id=january.id, by=LEE)

    with pytest.raises(PaymentNotRequested):
        approve_payment(statement_id=january.id, by=KIM, now=NOW)
    trail = Change.objects.filter(table="finance_paymentrequest").order_by("id")
    assert [(each.action, each.actor_name) for each in trail] == [
        ("request_payment", "Sam Reyes"),
        ("withdraw_payment_request", "Lee Marsh"),
    ]
    assert not PaymentRequest.objects.exists()


def test_there_must_be_a_request_to_withdraw(january: Statement) -> None:
    with pytest.raises(PaymentNotRequested):
        withdraw_payment_request(statement_id=january.id, by=SAM)


def test_a_request_that_was_paid_by_cannot_be_withdrawn(january: Statement) -> None:
    request_payment(statement_id=january.id, by=SAM)
    approve_payment(statement_id=january.id, by=KIM, now=NOW)

    with pytest.raises(StatementNotPayable):
        withdraw_payment_request(statement_id=january.id, by=SAM)


def test_what_has_moved_since_is_said_in_words(books: Books, january: Statement) -> None:
    first = books.declare(books.statement(2025, 4), HEADSHIP).enrolment
    request = request_payment(statement_id=january.id, by=SAM)
    add_adjustment(statement_id=january.id, amount=Decimal("-50.00"), description="Agreed in May", by=SAM)
    books.void(january.lines.exclude(declaration__enrolment=first).get().declaration, on=january.deadline_date)

    with pytest.raises(RequestedTotalHasChanged, match=r"comes to £568\.50 now, but £804\.05 was asked for.*ask again"):
        approve_payment(statement_id=january.id, by=KIM, now=NOW)
    assert request.payment is not None
    assert differences(request.payment, payment_document(january)) == [
        "Output payment: £185.55 → £0.00",
        "Adjustments: £0.00 → -£50.00",
        "Total: £804.05 → £568.50",
        "npq-headship, Started: 1 → 0 paid",
        "Adjustment added: Agreed in May, -£50.00",
    ]
    assert differences(payment_document(january), request.payment)[-1] == ("Adjustment removed: Agreed in May, -£50.00")
    assert differences(request.payment, request.payment) == []


@pytest.fixture
def absurd(provider) -> Statement:
    """A payable statement whose terms are as large as terms can be."""
    books = Books(provider)
    books.terms(HEADSHIP, per_participant=Decimal("9999999999.99"), recruitment_target=2_147_483_647)
    statement = books.statement(2025, 1)
    books.mark_payable(statement)
    return statement


def test_more_than_a_payment_can_be_is_not_asked_for(absurd: Statement) -> None:
    with pytest.raises(TotalTooLarge) as refusal:
        request_payment(statement_id=absurd.id, by=SAM)

    assert "up to £999,999,999,999.99" in refusal.value.sentence
    assert not PaymentRequest.objects.exists()


def test_nor_is_it_paid(absurd: Statement) -> None:
    with pytest.raises(TotalTooLarge):
        authorise_statement(statement_id=absurd.id, expect_total=figures_of(absurd).shown_total, by=KIM, now=NOW)

    absurd.refresh_from_db()
    assert absurd.state == StatementState.PAYABLE
