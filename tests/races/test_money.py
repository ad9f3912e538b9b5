"""Two writes on one statement at once: nobody is paid for what was voided, nothing changes after it froze.

Each race has a control without locks that shows the damage. Where the database refuses the damage on its own, one
control shows that refusal, and another, without that rule, the damage itself.
"""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from declarations.models import Declaration
from declarations.services.void import void_declaration
from finance.models import LineItem, Statement
from finance.queries import INVARIANTS
from finance.queries.calculation import figures_of
from finance.services import closing
from finance.services.adjust import add_adjustment
from finance.services.authorise import authorise_statement
from finance.services.change_contract import change_contract
from finance.services.move_declarations import Move, move_declarations
from finance.services.two_people import approve_payment, request_payment, withdraw_payment_request
from npq.core.audit import Actor
from tests.finance.books import BY, Books, at
from tests.races.racing import intrude_after, kinds, meet_after, race, without_index, without_locks

pytestmark = pytest.mark.django_db(transaction=True)

HEADSHIP = "npq-headship"
WORTH = Decimal("185.55")


@pytest.fixture
def books() -> Books:
    made = Books()
    made.terms(HEADSHIP, monthly_service_fee=Decimal(0))
    return made


@pytest.fixture
def january(books: Books) -> Statement:
    return books.statement(2025, 1)


@pytest.fixture
def april(books: Books) -> Statement:
    return books.statement(2025, 4)


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes all row locks away, also those that the services take in SQL of their own."""
    without_locks(monkeypatch)
    unlocked = closing.LOCK.replace("FOR NO KEY UPDATE OF s", "").replace("FOR NO KEY UPDATE", "")
    monkeypatch.setattr(closing, "LOCK", unlocked)


@contextlib.contextmanager
def without_trigger(name: str, table: str) -> Iterator[None]:
    """Within the block the database lacks one of its rules."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {name}")


def broken() -> list[str]:
    """The codes of the invariants that do not hold."""
    return [invariant.code for invariant in INVARIANTS if list(invariant.breaches())]


def void(declaration: Declaration, statement: Statement) -> Callable[[], None]:
    """Voids it on the last day on which `statement` takes declarations."""
    return lambda: void_declaration(declaration_id=declaration.id, held_by=None, by=BY, now=at(statement.deadline_date))


class TestPayAgainstVoid:
    @pytest.fixture
    def declaration(self, books: Books, january: Statement, april: Statement) -> Declaration:
        """Payable."""
        made = books.declare(january, HEADSHIP)
        books.mark_payable(january)
        return made

    def race(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, declaration: Declaration, january: Statement
    ) -> list[str]:
        """Authorises as soon as the void has read the declaration and found its records in order."""
        intruder = intrude_after(
            monkeypatch, "finance.services.lines._refuse_contradictions", lambda: books.pay(january, WORTH)
        )
        void(declaration, january)()
        return [intruder().kind]

    def test_the_void_comes_first_and_the_total_has_changed(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, declaration: Declaration, january: Statement
    ) -> None:
        assert self.race(monkeypatch, books, declaration, january) == ["TotalHasChanged"]

        january.refresh_from_db()
        assert (january.state, Declaration.objects.get().state, LineItem.objects.get().state) == (
            "payable",
            "voided",
            "voided",
        )
        assert broken() == []

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_a_paid_declaration_is_voided_and_nothing_taken_back(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, declaration: Declaration, january: Statement
    ) -> None:
        assert self.race(monkeypatch, books, declaration, january) == ["done"]

        assert (Declaration.objects.get().state, LineItem.objects.get().state) == ("voided", "paid")
        assert "line_state_fits_declaration" in broken()

    def test_the_payment_comes_first_and_the_void_takes_back(
        self,
        monkeypatch: pytest.MonkeyPatch,
        books: Books,
        declaration: Declaration,
        january: Statement,
        april: Statement,
    ) -> None:
        intruder = intrude_after(monkeypatch, "finance.services.authorise.figures_of", void(declaration, april))

        books.pay(january, WORTH)

        assert intruder().kind == "done"
        assert list(LineItem.objects.order_by("id").values_list("state", "output_payment")) == [
            ("paid", WORTH),
            ("awaiting-clawback", -WORTH),
        ]
        assert broken() == []


class TestMarkPayableAgainstDeclare:
    def race(self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement) -> tuple[list[str], str]:
        """Closes the statement as soon as the declaration has chosen it."""
        intruder = intrude_after(
            monkeypatch, "finance.services.lines.lock_next_statement", lambda: books.mark_payable(january)
        )
        (declared,) = race(lambda: books.declare(january, HEADSHIP))
        return [declared.kind], intruder().kind

    def test_the_declaration_comes_first_and_becomes_payable_too(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement
    ) -> None:
        assert self.race(monkeypatch, books, january) == (["done"], "done")

        january.refresh_from_db()
        assert (january.state, LineItem.objects.get().state) == ("payable", "payable")
        assert broken() == []

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_only_the_database_refuses_the_late_line(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement
    ) -> None:
        assert self.race(monkeypatch, books, january) == (["IntegrityError"], "done")

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_and_that_rule_a_late_line_stays_eligible(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement
    ) -> None:
        with without_trigger("finance_lineitem_added", "finance_lineitem"):
            assert self.race(monkeypatch, books, january) == (["done"], "done")

        january.refresh_from_db()
        assert (january.state, LineItem.objects.get().state) == ("payable", "eligible")
        assert "line_state_fits_statement" in broken()

    def test_the_closing_comes_first_and_the_declaration_goes_to_the_next_statement(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement, april: Statement
    ) -> None:
        intruder = intrude_after(
            monkeypatch,
            "finance.services.mark_payable.lock_with_declarations",
            lambda: books.submit(books.enrol(HEADSHIP), on=january.deadline_date),
        )

        books.mark_payable(january)

        assert intruder().kind == "done"
        assert LineItem.objects.get().statement == april
        assert broken() == []


class TestTwoApprovers:
    """Two people approve one request at once; or one approves what another withdraws."""

    @pytest.fixture
    def asked(self, books: Books, january: Statement) -> Statement:
        books.mark_payable(january)
        request_payment(statement_id=january.id, by=Actor.staff("Sam Reyes", identifier="1"))
        return january

    def approve(self, january: Statement, identifier: str) -> Callable[[], Any]:
        by = Actor.staff(f"Approver {identifier}", identifier=identifier)
        return lambda: approve_payment(statement_id=january.id, by=by, now=at(january.payment_date))

    def race(self, monkeypatch: pytest.MonkeyPatch, asked: Statement) -> list[str]:
        meet_after(monkeypatch, "finance.services.authorise.figures_of")
        return kinds(race(self.approve(asked, "2"), self.approve(asked, "3")))

    def test_one_authorises_and_the_other_is_told_so(self, monkeypatch: pytest.MonkeyPatch, asked: Statement) -> None:
        assert self.race(monkeypatch, asked) == ["AuthorisedAlready", "done"]

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_only_the_database_refuses_the_second(
        self, monkeypatch: pytest.MonkeyPatch, asked: Statement
    ) -> None:
        assert self.race(monkeypatch, asked) == ["IntegrityError", "done"]

    def withdraw(self, monkeypatch: pytest.MonkeyPatch, asked: Statement) -> str:
        """Somebody withdraws the request right after the approver has read it."""
        intruder = intrude_after(
            monkeypatch,
            "finance.services.two_people._requested",
            lambda: withdraw_payment_request(statement_id=asked.id, by=BY),
        )
        self.approve(asked, "2")()
        return intruder().kind

    def test_what_is_being_paid_is_not_withdrawn(self, monkeypatch: pytest.MonkeyPatch, asked: Statement) -> None:
        assert self.withdraw(monkeypatch, asked) == "StatementNotPayable"

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_a_withdrawn_request_is_paid(self, monkeypatch: pytest.MonkeyPatch, asked: Statement) -> None:
        assert self.withdraw(monkeypatch, asked) == "done"


class TestAuthoriseTwice:
    def race(self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement) -> list[Any]:
        """Two people authorise a statement at once."""
        books.mark_payable(january)
        meet_after(monkeypatch, "finance.services.authorise.figures_of")

        def authorise(name: str) -> Callable[[], Any]:
            by = Actor.system(name)
            return lambda: authorise_statement(
                statement_id=january.id, expect_total=Decimal(0), by=by, now=at(january.payment_date)
            )

        return race(authorise("R. Ahmed"), authorise("J. Baker"))

    def test_one_pays_and_the_other_finds_it_paid(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement
    ) -> None:
        ends = self.race(monkeypatch, books, january)

        assert sorted(end.value.result for end in ends) == ["already paid", "paid"]
        assert broken() == []

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_only_the_database_refuses_the_second(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement
    ) -> None:
        assert kinds(self.race(monkeypatch, books, january)) == ["IntegrityError", "done"]


class TestAdjustAgainstAuthorise:
    def race(self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement) -> tuple[str, Statement]:
        """Adjusts as soon as the total has been calculated that is authorised."""
        books.declare(january, HEADSHIP)
        books.mark_payable(january)
        intruder = intrude_after(
            monkeypatch,
            "finance.services.authorise.figures_of",
            lambda: add_adjustment(statement_id=january.id, amount=Decimal(10), description="Late", by=BY),
        )
        books.pay(january, WORTH)
        return intruder().kind, january

    def test_the_adjustment_comes_too_late(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement
    ) -> None:
        kind, paid = self.race(monkeypatch, books, january)

        assert (kind, paid.total, figures_of(paid).shown_total) == ("StatementPaid", WORTH, WORTH)
        assert broken() == []

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_a_paid_statement_has_an_adjustment_that_was_never_paid(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement
    ) -> None:
        kind, paid = self.race(monkeypatch, books, january)

        assert (kind, paid.total, figures_of(paid).shown_total) == ("done", WORTH, WORTH + 10)
        assert broken() == ["frozen_payment_is_sum_of_lines"]


class TestTwoClawbacks:
    @pytest.fixture
    def declaration(self, books: Books, january: Statement, april: Statement) -> Declaration:
        """Paid."""
        made = books.declare(january, HEADSHIP)
        books.pay(january)
        return made

    def race(self, monkeypatch: pytest.MonkeyPatch, declaration: Declaration, april: Statement) -> list[str]:
        meet_after(monkeypatch, "declarations.services.void._check")
        return kinds(race(void(declaration, april), void(declaration, april)))

    def test_one_takes_back_and_the_other_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, declaration: Declaration, april: Statement
    ) -> None:
        assert self.race(monkeypatch, declaration, april) == ["AlreadyClawedBack", "done"]

        assert april.lines.count() == 1
        assert broken() == []

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_only_the_database_refuses_the_second(
        self, monkeypatch: pytest.MonkeyPatch, declaration: Declaration, april: Statement
    ) -> None:
        assert self.race(monkeypatch, declaration, april) == ["IntegrityError", "done"]

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_and_those_rules_it_is_taken_back_twice(
        self, monkeypatch: pytest.MonkeyPatch, declaration: Declaration, april: Statement
    ) -> None:
        with (
            without_index("line_one_refundable_per_declaration"),
            without_index("finance_lineitem_paid_line_id_key"),
        ):
            assert self.race(monkeypatch, declaration, april) == ["done", "done"]
            assert figures_of(april).shown_total == -2 * WORTH
            assert "one_line_of_a_kind_per_declaration" in broken()


class TestTermsAgainstMarkPayable:
    def race(self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement) -> str:
        """Changes the price as soon as the closing has read the terms."""
        books.declare(january, HEADSHIP)
        terms = books.lead_provider.contractterms_set.get()
        books.lead_provider.contractterms_set.update(effective_month=january.first_day)
        intruder = intrude_after(
            monkeypatch,
            "finance.services.mark_payable.terms_of_month",
            lambda: change_contract(
                lead_provider=books.lead_provider,
                cohort=books.cohort,
                course=terms.course,
                from_month=january.first_day,
                values={"per_participant": Decimal("2000.00")},
                by=BY,
            ),
        )
        books.mark_payable(january)
        return intruder().kind

    def stored_and_by_terms(self) -> tuple[Decimal | None, Decimal]:
        line = LineItem.objects.select_related("terms").get()
        assert line.terms is not None
        return line.output_payment, line.terms.per_participant * 60 / 400

    def test_the_price_comes_too_late(self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement) -> None:
        assert self.race(monkeypatch, books, january) == "ClosedStatementRestsOnTerms"

        assert self.stored_and_by_terms() == (WORTH, WORTH)

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_a_line_is_worth_what_its_terms_do_not_say(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement
    ) -> None:
        assert self.race(monkeypatch, books, january) == "done"

        assert self.stored_and_by_terms() == (WORTH, Decimal("300.00"))


class TestMoveAgainstMarkPayable:
    def race(self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement, april: Statement) -> list[str]:
        """Closes the statement as soon as the move has seen it open."""
        books.declare(april, HEADSHIP)
        move = Move(books.lead_provider, books.cohort, april.first_day, january.first_day)
        intruder = intrude_after(
            monkeypatch,
            "finance.services.move_declarations._check_statements",
            lambda: books.mark_payable(january),
        )
        (moved,) = race(lambda: move_declarations(move=move, by=BY, day=january.deadline_date - timedelta(days=9)))
        return [moved.kind, intruder().kind]

    def test_the_move_comes_first_and_what_was_moved_becomes_payable_too(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement, april: Statement
    ) -> None:
        assert self.race(monkeypatch, books, january, april) == ["done", "done"]

        line = LineItem.objects.get()
        assert (line.statement, line.state) == (january, "payable")
        assert broken() == []

    @pytest.mark.usefixtures("no_locks")
    def test_without_locks_only_the_database_refuses_the_move(
        self, monkeypatch: pytest.MonkeyPatch, books: Books, january: Statement, april: Statement
    ) -> None:
        assert self.race(monkeypatch, books, january, april) == ["IntegrityError", "done"]


def test_everything_at_once_ends_without_a_deadlock(books: Books, january: Statement, april: Statement) -> None:
    """Voids, declarations, the nightly run and a move of one statement's lines, sixteen declarations in all."""
    declarations = books.declare_many(12, january, HEADSHIP)
    enrolments = [books.enrol(HEADSHIP) for _ in range(4)]
    move = Move(books.lead_provider, books.cohort, january.first_day, april.first_day)
    racers: list[Callable[[], Any]] = [
        lambda: books.mark_payable(Statement.objects.get(id=january.id)),
        lambda: move_declarations(move=move, by=BY, day=january.deadline_date),
        *(void(declaration, january) for declaration in reversed(declarations[:5])),
        *(lambda enrolment=each: books.submit(enrolment, on=january.deadline_date) for each in enrolments),
    ]

    ends = race(*racers)

    assert {end.kind for end in ends} <= {"done", "NothingToMove"}
    assert broken() == []
