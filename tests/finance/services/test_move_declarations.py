"""Moving declarations to another month's statement."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from declarations.choices import DeclarationState
from declarations.models import Declaration
from finance.choices import LineState, StatementState
from finance.errors import MoveFromPaid, MoveToClosed, MoveWithoutTerms, NoStatementInMonth, NothingToMove
from finance.models import LineItem, Statement
from finance.services.move_declarations import Move, Moved, move_declarations
from npq.core.audit import rehearsal
from tests.finance.books import BY, Books

pytestmark = pytest.mark.django_db
DAY = date(2024, 12, 1)


@pytest.fixture
def books(db: Any) -> Books:
    made = Books()
    made.terms("npq-headship", monthly_service_fee=Decimal(0))
    made.terms("npq-leading-teaching", monthly_service_fee=Decimal(0), per_participant=Decimal("756.00"))
    return made


def move(books: Books, source: Statement, target: Statement, **only: Any) -> Moved:
    what = Move(books.lead_provider, books.cohort, source.first_day, target.first_day, **only)
    return move_declarations(move=what, by=BY, day=DAY)


def test_moves_eligible_declarations_and_says_the_effect_in_pounds(books: Books) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    declaration = books.declare(january, "npq-headship")
    books.declare(april, "npq-headship")
    before = Declaration.objects.get(id=declaration.id).updated_at

    moved = move(books, january, april)

    assert books.line(declaration).statement == april
    assert moved.declarations == 1
    assert [(each.before, each.after) for each in moved.effects] == [
        (Decimal("185.55"), Decimal("0.00")),
        (Decimal("185.55"), Decimal("371.10")),
    ]
    declaration.refresh_from_db()
    assert (declaration.state, declaration.updated_at > before) == (DeclarationState.ELIGIBLE, True)


def test_what_was_payable_is_eligible_again_at_the_terms_of_its_new_month(books: Books) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    declaration = books.declare(january, "npq-headship")
    books.mark_payable(january)
    books.terms("npq-headship", per_participant=Decimal("1000.00"), effective_month=date(2025, 4, 1))

    moved = move(books, january, april)

    line = books.line(declaration)
    assert (line.statement, line.state, line.output_payment, line.terms) == (april, LineState.ELIGIBLE, None, None)
    assert Declaration.objects.get().state == DeclarationState.ELIGIBLE
    assert moved.effects[0].difference == Decimal("-185.55")
    assert moved.effects[1].after > moved.effects[1].before


def test_what_is_to_be_taken_back_moves_at_what_was_paid(books: Books) -> None:
    january, april, july = books.statement(2025, 1), books.statement(2025, 4), books.statement(2025, 7)
    declaration = books.declare(january, "npq-headship")
    books.pay(january)
    books.void(declaration, on=april.deadline_date)

    move(books, april, july)

    line = books.line(declaration)
    assert (line.statement, line.state, line.output_payment) == (july, "awaiting-clawback", Decimal("-185.55"))
    assert Declaration.objects.get().state == DeclarationState.AWAITING_CLAWBACK


def test_moves_only_the_course_and_type_asked_for(books: Books) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    started = books.declare(january, "npq-headship")
    retained = books.declare(january, "npq-headship", "retained-1", enrolment=started.enrolment)
    other = books.declare(january, "npq-leading-teaching")

    move(books, january, april, course=started.course, declaration_type="retained-1")

    assert [books.line(each).statement for each in (started, retained, other)] == [january, april, january]


def test_voided_and_ineligible_lines_stay(books: Books) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    books.declare(january, "npq-headship", state=LineState.INELIGIBLE)
    books.void(books.declare(january, "npq-headship"), on=DAY)

    with pytest.raises(NothingToMove):
        move(books, january, april)
    assert january.lines.count() == 2


def test_a_paid_statement_gives_nothing_away(books: Books) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    books.declare(january, "npq-headship")
    books.pay(january)

    with pytest.raises(MoveFromPaid):
        move(books, january, april)


@pytest.mark.parametrize("close", ["payable", "paid", "service fee only", "deadline passed"])
def test_a_statement_that_takes_no_declarations_gets_none(books: Books, close: str) -> None:
    december, january = books.statement(2024, 12), books.statement(2025, 1)
    books.declare(january, "npq-headship")
    if close == "payable":
        books.mark_payable(december)
    elif close == "paid":
        books.pay(december)
    elif close == "service fee only":
        Statement.objects.filter(id=december.id).update(output_fee=False, deadline_date=DAY)

    with pytest.raises(MoveToClosed):
        move(books, january, december)
    assert LineItem.objects.get().statement == january


def test_the_deadline_day_is_inside(books: Books) -> None:
    december, january = books.statement(2024, 12, deadline_date=DAY), books.statement(2025, 1)
    declaration = books.declare(january, "npq-headship")

    move(books, january, december)

    assert books.line(declaration).statement == december


def test_terms_must_hold_for_every_course_in_the_new_month(books: Books) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    books.declare(april, "npq-leading-teaching")
    books.lead_provider.contractterms_set.filter(course__identifier="npq-leading-teaching").update(
        effective_month=date(2025, 2, 1)
    )

    with pytest.raises(MoveWithoutTerms, match="npq-leading-teaching"):
        move(books, april, january)


def test_a_month_without_a_statement_is_named(books: Books) -> None:
    january = books.statement(2025, 1)
    what = Move(books.lead_provider, books.cohort, january.first_day, date(2025, 5, 1))

    with pytest.raises(NoStatementInMonth, match="2025-05"):
        move_declarations(move=what, by=BY, day=DAY)


def test_a_rehearsal_tells_the_same_and_keeps_nothing(books: Books) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    declaration = books.declare(january, "npq-headship")

    with rehearsal():
        rehearsed = move(books, january, april)
    assert books.line(declaration).statement == january
    assert [(each.before, each.after) for each in rehearsed.effects] == [
        (each.before, each.after) for each in move(books, january, april).effects
    ]
    assert january.state == StatementState.OPEN
