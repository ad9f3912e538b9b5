"""Open to payable: the nightly step."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from declarations.choices import DeclarationState
from declarations.models import Declaration
from finance.choices import LineState, StatementState
from finance.errors import LinesDisagree, StatementNotDue, StatementWithoutTerms
from finance.models import LineItem
from finance.queries.calculation import figures_of
from finance.services import mark_payable
from finance.services.mark_payable import mark_statement_payable, mark_statements_payable
from npq.core.audit import Actor
from npq.core.models import Change
from tests.finance.books import BY, Books

pytestmark = pytest.mark.django_db
TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


@pytest.fixture
def books(db: Any) -> Books:
    made = Books()
    made.terms("npq-headship")
    return made


def test_lines_store_what_they_are_worth_and_declarations_move_along(books: Books, now: datetime) -> None:
    january = books.statement(2025, 1)
    plain = books.declare(january, "npq-headship")
    funded = books.declare(january, "npq-headship", targeted_delivery_funding_eligibility=True)

    marked = books.mark_payable(january)

    assert (marked.result, marked.declarations, january.state) == ("payable", 2, StatementState.PAYABLE)
    assert january.payable_at is not None
    assert books.line(plain).output_payment == Decimal("185.55")
    assert books.line(plain).targeted_delivery_funding == Decimal(0)
    assert books.line(funded).targeted_delivery_funding == Decimal(100)
    assert books.line(funded).terms == books.lead_provider.contractterms_set.get()
    assert set(Declaration.objects.values_list("state", flat=True)) == {DeclarationState.PAYABLE}


def test_the_declarations_are_marked_as_changed(books: Books) -> None:
    january = books.statement(2025, 1)
    declaration = books.declare(january, "npq-headship")
    before = Declaration.objects.get().updated_at

    books.mark_payable(january)

    declaration.refresh_from_db()
    assert declaration.updated_at > before


def test_everything_is_in_the_audit_trail(books: Books) -> None:
    january = books.statement(2025, 1)
    declaration = books.declare(january, "npq-headship")

    books.mark_payable(january)

    changes = Change.objects.filter(action="mark_statement_payable")
    assert sorted(changes.values_list("table", flat=True)) == [
        "declarations_declaration",
        "finance_lineitem",
        "finance_statement",
    ]
    assert changes.get(table="declarations_declaration").record_public_id == declaration.public_id
    assert changes.get(table="finance_lineitem").after["state"] == "payable"


def test_no_figure_changes_when_it_becomes_payable(books: Books) -> None:
    books.terms("npq-leading-teaching", per_participant=Decimal("1000.01"), number_of_payment_periods=7)
    january = books.statement(2025, 1)
    books.declare_many(3, january, "npq-leading-teaching", targeted_delivery_funding_eligibility=True)
    books.declare(january, "npq-headship")
    before = figures_of(january)

    books.mark_payable(january)

    assert figures_of(january) == before


def test_a_second_line_of_one_person_and_type_is_worth_nothing(books: Books) -> None:
    january = books.statement(2025, 1)
    first = books.enrol("npq-headship", training_status="withdrawn")
    second = books.enrol("npq-headship", participant=first.participant, targeted_delivery_funding_eligibility=True)
    unfunded = books.declare(january, "npq-headship", enrolment=first)
    funded = books.declare(january, "npq-headship", enrolment=second)
    retained = books.declare(january, "npq-headship", "retained-1", enrolment=second)

    books.mark_payable(january)

    assert books.line(unfunded).output_payment == Decimal(0)
    assert (books.line(funded).output_payment, books.line(funded).targeted_delivery_funding) == (
        Decimal("185.55"),
        Decimal(100),
    )
    assert books.line(retained).output_payment == Decimal("185.55")


def test_voided_ineligible_and_awaiting_lines_stay_as_they_are(books: Books) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    paid = books.declare(january, "npq-headship")
    books.pay(january)
    books.void(paid, on=april.deadline_date)
    books.void(books.declare(april, "npq-headship"), on=april.deadline_date)
    books.declare(april, "npq-headship", state=LineState.INELIGIBLE)

    books.mark_payable(april)

    states = april.lines.values_list("state", flat=True)
    assert sorted(states) == [LineState.AWAITING_CLAWBACK, LineState.INELIGIBLE, LineState.VOIDED]


def test_the_deadline_day_itself_is_too_early(books: Books, now: datetime) -> None:
    january = books.statement(2025, 1)

    with pytest.raises(StatementNotDue, match="until 2024-12-26"):
        mark_statement_payable(statement_id=january.id, as_of=january.deadline_date, by=BY, now=now)


def test_a_payable_or_paid_statement_is_left_alone(books: Books) -> None:
    january = books.statement(2025, 1)
    books.declare(january, "npq-headship")
    books.pay(january)
    before = Change.objects.count()

    assert books.mark_payable(january).result == "unchanged"
    assert january.state == StatementState.PAID
    assert Change.objects.count() == before


def test_without_terms_for_a_course_nothing_moves_and_the_courses_are_named(books: Books) -> None:
    january = books.statement(2025, 1)
    books.declare(january, "npq-headship")
    books.terms("npq-leading-literacy")
    books.declare(january, "npq-leading-literacy")
    books.lead_provider.contractterms_set.filter(course__identifier="npq-leading-literacy").delete()

    with pytest.raises(StatementWithoutTerms, match="npq-leading-literacy"):
        books.mark_payable(january)
    assert set(LineItem.objects.values_list("state", flat=True)) == {LineState.ELIGIBLE}


def test_a_line_that_disagrees_with_its_declaration_stops_the_statement(books: Books) -> None:
    january = books.statement(2025, 1)
    books.declare(january, "npq-headship")
    Declaration.objects.update(state=DeclarationState.SUBMITTED)

    with pytest.raises(LinesDisagree, match="1 lines"):
        books.mark_payable(january)
    assert LineItem.objects.get().state == LineState.ELIGIBLE


@pytest.mark.parametrize("number", [2, 20])
def test_four_sql_statements_whatever_the_size(books: Books, number: int, now: datetime) -> None:
    january = books.statement(2025, 1)
    books.declare_many(number, january, "npq-headship")

    with CaptureQueriesContext(
        connection,
    ) as queries:
        mark_statement_payable(statement_id=january.id, as_of=date(2025, 1, 1), by=BY, now=now)

    sent = [query["sql"] for query in queries if not query["sql"].startswith(TRANSACTION_CONTROL)]
    assert len(sent) == 4


class TestTheNightlyRun:
    def test_takes_everything_that_is_due_not_only_yesterdays(self, books: Books, now: datetime) -> None:
        old = books.statement(2024, 10)
        service_fee_only = books.statement(2024, 11, output_fee=False)
        yesterday = books.statement(2024, 12, deadline_date=date(2024, 12, 10))
        today = books.statement(2025, 1, deadline_date=date(2024, 12, 11))
        books.declare(today, "npq-headship")

        marked = list(mark_statements_payable(as_of=date(2024, 12, 11), by=BY, now=now))

        assert [each.statement for each in marked] == [old, service_fee_only, yesterday]
        assert {each.result for each in marked} == {"payable"}
        today.refresh_from_db()
        assert today.state == StatementState.OPEN

    def test_one_that_fails_does_not_stop_the_others(
        self, books: Books, now: datetime, caplog: pytest.LogCaptureFixture
    ) -> None:
        failing, next_one = books.statement(2024, 11), books.statement(2024, 12)
        books.declare(failing, "npq-headship")
        books.declare(next_one, "npq-headship")
        books.lead_provider.contractterms_set.update(effective_month=date(2024, 12, 1))

        marked = list(mark_statements_payable(as_of=date(2025, 1, 1), by=BY, now=now))

        assert [(each.statement, each.result) for each in marked] == [(failing, "failed"), (next_one, "payable")]
        assert isinstance(marked[0].problem, StatementWithoutTerms)
        assert str(failing.public_id) in caplog.text

    def test_a_database_error_in_one_does_not_stop_the_others_either(
        self, books: Books, now: datetime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        first, second = books.statement(2024, 11), books.statement(2024, 12)
        worth = mark_payable.terms_of_month

        def fail_for_the_first(lead_provider_id: int, cohort_id: int, month: date) -> Any:
            if month == first.first_day:
                raise IntegrityError("the disk is full")
            return worth(lead_provider_id, cohort_id, month)

        monkeypatch.setattr(mark_payable, "terms_of_month", fail_for_the_first)

        marked = list(mark_statements_payable(as_of=date(2025, 1, 1), by=BY, now=now))

        assert [each.result for each in marked] == ["failed", "payable"]
        second.refresh_from_db()
        assert second.state == StatementState.PAYABLE

    def test_running_it_again_changes_nothing(self, books: Books, now: datetime) -> None:
        books.declare(books.statement(2025, 1), "npq-headship")
        later = now + timedelta(days=100)
        list(mark_statements_payable(as_of=later.date(), by=BY, now=later))
        before = list(Change.objects.values_list("id"))

        assert list(mark_statements_payable(as_of=later.date(), by=BY, now=later)) == []
        assert list(Change.objects.values_list("id")) == before

    def test_says_who_did_it(self, books: Books, now: datetime) -> None:
        books.statement(2024, 11)

        list(mark_statements_payable(as_of=date(2025, 1, 1), by=Actor.command("R. Ahmed", reason="nightly"), now=now))

        change = Change.objects.get(action="mark_statement_payable")
        assert (change.actor_name, change.reason) == ("R. Ahmed", "nightly")
