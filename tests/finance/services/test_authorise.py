"""Payable to paid: authorising freezes."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from declarations.choices import DeclarationState
from declarations.models import Declaration
from finance.choices import LineState, StatementState
from finance.errors import LinesDisagree, StatementNotPayable, TotalHasChanged
from finance.models import LineItem
from finance.queries.calculation import figures_of, payment_document
from finance.services.authorise import authorise_statement
from npq.core.audit import rehearsal
from npq.core.models import Change
from tests.factories import AdjustmentFactory
from tests.finance.books import BY, Books
from tests.finance.services.test_mark_payable import TRANSACTION_CONTROL

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(db: Any) -> Books:
    made = Books()
    made.terms("npq-headship", monthly_service_fee=Decimal(0))
    return made


def test_pays_lines_and_declarations_and_stores_the_total(books: Books) -> None:
    january = books.statement(2025, 1)
    declaration = books.declare(january, "npq-headship")
    books.mark_payable(january)
    before = Declaration.objects.get().updated_at

    authorised = books.pay(january, Decimal("185.55"))

    assert (authorised.result, authorised.total, authorised.declarations) == ("paid", Decimal("185.55"), 1)
    assert (january.state, january.total, january.authorised_by) == ("paid", Decimal("185.55"), "a test")
    assert january.paid_at is not None
    declaration.refresh_from_db()
    assert (declaration.state, books.line(declaration).state) == (DeclarationState.PAID, LineState.PAID)
    assert declaration.updated_at > before


def test_what_is_taken_back_becomes_clawed_back_and_the_paid_line_stays(books: Books) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    declaration = books.declare(january, "npq-headship")
    books.pay(january)
    books.void(declaration, on=april.deadline_date)

    authorised = books.pay(april)

    declaration.refresh_from_db()
    assert (authorised.total, declaration.state) == (Decimal("-185.55"), DeclarationState.CLAWED_BACK)
    assert list(declaration.lines.order_by("id").values_list("state", "output_payment")) == [
        (LineState.PAID, Decimal("185.55")),
        (LineState.CLAWED_BACK, Decimal("-185.55")),
    ]


def test_the_payment_resource_is_stored_as_it_was(books: Books, django_assert_num_queries: Any) -> None:
    january = books.statement(2025, 1)
    books.declare(january, "npq-headship")
    AdjustmentFactory(statement=january, amount=Decimal("-5.50"))
    books.mark_payable(january)
    expected = {**payment_document(january), "state": "paid", "frozen": True}

    books.pay(january)

    with django_assert_num_queries(0):
        document = payment_document(january)
    assert document == expected
    assert document["total"] == "180.05"


@pytest.mark.parametrize("expected", ["185.54", "185.56", "0.00", "-185.55"])
def test_refuses_another_total_than_the_one_that_was_seen(books: Books, expected: str) -> None:
    january = books.statement(2025, 1)
    books.declare(january, "npq-headship")
    books.mark_payable(january)

    with pytest.raises(TotalHasChanged, match=f"comes to 185.55, not {expected}"):
        books.pay(january, Decimal(expected))
    assert LineItem.objects.get().state == LineState.PAYABLE


def test_refuses_an_open_statement(books: Books, now: datetime) -> None:
    january = books.statement(2025, 1)

    with pytest.raises(StatementNotPayable, match="is open"):
        authorise_statement(statement_id=january.id, expect_total=Decimal(0), by=BY, now=now)


def test_a_paid_one_stays_as_it_is(books: Books) -> None:
    january = books.statement(2025, 1)
    books.declare(january, "npq-headship")
    books.pay(january)
    before = Change.objects.count()

    again = books.pay(january, Decimal("1.00"))

    assert (again.result, again.total) == ("already paid", Decimal("185.55"))
    assert Change.objects.count() == before


@pytest.mark.parametrize("output_fee", [True, False])
def test_empty_and_service_fee_statements_can_be_authorised(books: Books, output_fee: bool) -> None:
    books.terms("npq-leading-teaching", monthly_service_fee=Decimal("1500.25"))
    january = books.statement(2025, 1, output_fee=output_fee)

    assert books.pay(january).total == Decimal("1500.25")
    assert january.state == StatementState.PAID


def test_a_negative_total_can_be_authorised(books: Books) -> None:
    january = books.statement(2025, 1)
    AdjustmentFactory(statement=january, amount=Decimal("-120.00"))
    books.mark_payable(january)

    assert books.pay(january, Decimal("-120.00")).total == Decimal("-120.00")


def test_a_line_that_disagrees_with_its_declaration_stops_it(books: Books) -> None:
    january = books.statement(2025, 1)
    books.declare(january, "npq-headship")
    books.mark_payable(january)
    Declaration.objects.update(state=DeclarationState.VOIDED)

    with pytest.raises(LinesDisagree):
        books.pay(january)
    january.refresh_from_db()
    assert january.state == StatementState.PAYABLE


def test_a_rehearsal_keeps_nothing(books: Books) -> None:
    january = books.statement(2025, 1)
    books.declare(january, "npq-headship")
    books.mark_payable(january)

    with rehearsal():
        assert books.pay(january).result == "paid"
    january.refresh_from_db()
    assert (january.state, LineItem.objects.get().state) == ("payable", "payable")


def test_after_that_no_change_of_facts_moves_a_figure(books: Books) -> None:
    january = books.statement(2025, 1)
    declaration = books.declare(january, "npq-headship", targeted_delivery_funding_eligibility=True)
    books.pay(january)
    before = figures_of(january)

    application = declaration.enrolment.application
    application.targeted_delivery_funding_eligibility = application.eligible_for_funding = False
    application.save()
    books.terms("npq-headship", per_participant=Decimal("9999.00"), effective_month=january.first_day.replace(month=2))

    assert figures_of(january) == before


@pytest.mark.parametrize("number", [2, 20])
def test_six_sql_statements_whatever_the_size(books: Books, number: int, now: datetime) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    paid = books.declare_many(number, january, "npq-headship")
    books.pay(january)
    for declaration in paid:
        books.void(declaration, on=april.deadline_date)
    books.declare_many(number, april, "npq-headship")
    books.mark_payable(april)

    with CaptureQueriesContext(connection) as queries:
        authorise_statement(statement_id=april.id, expect_total=Decimal(0), by=BY, now=now)

    sent = [query["sql"] for query in queries if not query["sql"].startswith(TRANSACTION_CONTROL)]
    assert len(sent) == 6
