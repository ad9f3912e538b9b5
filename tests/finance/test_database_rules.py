"""What the database refuses by itself, shown with plain SQL that goes past every service (decisions.md §2, §3)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from finance.choices import LineState
from finance.models import Adjustment, LineItem, Statement
from tests.factories import AdjustmentFactory, PaymentRequestFactory
from tests.finance.books import Books

pytestmark = pytest.mark.django_db

COPY_LINE = """
INSERT INTO finance_lineitem (public_id, statement_id, declaration_id, lead_provider_id, cohort_id, course_id,
                              declaration_type, state, terms_id, output_payment, targeted_delivery_funding,
                              paid_line_id)
SELECT gen_random_uuid(), {statement}, declaration_id, lead_provider_id, cohort_id, course_id,
       declaration_type, '{state}', terms_id, {output_payment}, -targeted_delivery_funding, {paid_line}
FROM finance_lineitem WHERE id = {line}
"""


def execute(sql: str) -> int:
    """Runs SQL, all that is deferred included; returns the number of rows."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.rowcount
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return rows


def refused(sql: str, by: str) -> None:
    """Asserts that SQL is refused by a constraint or trigger of that name."""
    with pytest.raises(IntegrityError) as problem:
        execute(sql)
    assert problem.value.__cause__.diag.constraint_name == by


@pytest.fixture
def books(db: Any) -> Books:
    made = Books()
    made.terms("npq-headship")
    return made


@pytest.fixture
def january(books: Books) -> Statement:
    """Open, with a line of every kind that an open statement can have."""
    earlier, made = books.statement(2024, 10), books.statement(2025, 1)
    paid = books.declare(earlier, "npq-headship")
    AdjustmentFactory(statement=earlier)
    books.pay(earlier)
    books.void(paid, on=made.deadline_date)
    books.declare(made, "npq-headship")
    books.declare(made, "npq-headship", state=LineState.INELIGIBLE)
    books.void(books.declare(made, "npq-headship"), on=made.deadline_date)
    AdjustmentFactory(statement=made)
    return made


@pytest.fixture
def paid(january: Statement) -> Statement:
    """The statement before January: paid."""
    return Statement.objects.get(state="paid")


class TestLinesFitTheirStatement:
    @pytest.mark.parametrize("state", ["payable", "paid"])
    def test_no_line_is_added_to_a_closed_statement(self, books: Books, january: Statement, state: str) -> None:
        template = january.lines.get(state="ineligible").id
        getattr(books, "mark_payable" if state == "payable" else "pay")(january)

        for line_state in ("eligible", "ineligible", "voided"):
            refused(
                COPY_LINE.format(
                    statement=january.id, state=line_state, output_payment="NULL", paid_line="NULL", line=template
                ),
                "line_fits_statement",
            )

    def test_an_open_statement_takes_lines(self, january: Statement) -> None:
        template = january.lines.get(state="ineligible").id

        assert execute(
            COPY_LINE.format(
                statement=january.id, state="eligible", output_payment="NULL", paid_line="NULL", line=template
            )
        )

    @pytest.mark.parametrize("state", ["payable", "paid", "clawed-back"])
    def test_no_line_is_settled_on_an_open_statement(self, january: Statement, state: str) -> None:
        refused(
            f"""UPDATE finance_lineitem SET state = '{state}', output_payment = 1, targeted_delivery_funding = 0,
                terms_id = (SELECT min(id) FROM finance_contractterms)
                WHERE statement_id = {january.id} AND state IN ('eligible', 'awaiting-clawback')
                  AND (paid_line_id IS NOT NULL) = ('{state}' = 'clawed-back')""",
            "line_fits_statement",
        )

    def test_no_eligible_line_is_left_behind_on_a_payable_statement(self, january: Statement) -> None:
        refused(
            f"UPDATE finance_statement SET state = 'payable', payable_at = now() WHERE id = {january.id}",
            "line_left_behind",
        )

    def test_no_payable_line_is_left_behind_on_a_paid_statement(self, books: Books, january: Statement) -> None:
        books.mark_payable(january)

        refused(
            f"""UPDATE finance_statement SET state = 'paid', paid_at = now(), total = 0, payment = '{{}}'
                WHERE id = {january.id}""",
            "line_left_behind",
        )

    def test_a_line_moves_to_an_open_statement_only(self, books: Books, january: Statement) -> None:
        line = january.lines.get(state="eligible").id
        april, july = books.statement(2025, 4), books.statement(2025, 7)
        assert execute(f"UPDATE finance_lineitem SET statement_id = {april.id} WHERE id = {line}") == 1
        books.mark_payable(july)

        refused(f"UPDATE finance_lineitem SET statement_id = {july.id} WHERE id = {line}", "line_fits_statement")

    def test_not_even_a_voided_line_moves_to_a_closed_one(self, january: Statement, paid: Statement) -> None:
        line = january.lines.get(state="voided").id

        refused(f"UPDATE finance_lineitem SET statement_id = {paid.id} WHERE id = {line}", "line_frozen")

    def test_lines_are_never_deleted(self, january: Statement) -> None:
        with pytest.raises(IntegrityError, match="append-only"):
            execute(f"DELETE FROM finance_lineitem WHERE statement_id = {january.id}")


class TestWhatWasPaidIsFrozen:
    @pytest.mark.parametrize(
        "change",
        [
            "output_payment = output_payment + 1",
            "targeted_delivery_funding = 1",
            "state = 'voided'",
            "state = 'payable'",
            "terms_id = NULL, state = 'ineligible', output_payment = NULL",
            "declaration_type = 'completed'",
            "paid_line_id = NULL, state = 'ineligible'",
        ],
    )
    def test_a_line(self, paid: Statement, change: str) -> None:
        with pytest.raises(IntegrityError):
            execute(f"UPDATE finance_lineitem SET {change} WHERE statement_id = {paid.id}")

    def test_a_paid_line_does_not_move_away(self, paid: Statement, january: Statement) -> None:
        refused(
            f"""UPDATE finance_lineitem SET statement_id = {january.id}, state = 'eligible'
                WHERE statement_id = {paid.id}""",
            "line_takes_back_what_was_paid"
            if LineItem.objects.filter(paid_line__statement=paid) is None
            else "line_frozen",
        )

    def test_a_line_may_be_marked_as_changed(self, paid: Statement) -> None:
        assert execute(f"UPDATE finance_lineitem SET updated_at = now() WHERE statement_id = {paid.id}") == 1

    @pytest.mark.parametrize("state", ["ineligible", "voided"])
    def test_an_unpaid_line_of_a_paid_statement(self, books: Books, january: Statement, state: str) -> None:
        line = january.lines.get(state=state).id
        books.pay(january)

        other = "voided" if state == "ineligible" else "ineligible"
        refused(f"UPDATE finance_lineitem SET state = '{other}' WHERE id = {line}", "line_frozen")

    @pytest.mark.parametrize(
        "change",
        [
            "total = total + 1",
            "payment = '{}'",
            "authorised_by = 'somebody else'",
            "state = 'payable', paid_at = NULL, total = NULL, payment = NULL",
            "payment_date = payment_date + 1",
            "output_fee = false",
            "month = 9",
        ],
    )
    def test_the_statement(self, paid: Statement, change: str) -> None:
        refused(f"UPDATE finance_statement SET {change} WHERE id = {paid.id}", "statement_frozen")

    def test_the_statement_may_be_marked_as_changed(self, paid: Statement) -> None:
        assert execute(f"UPDATE finance_statement SET updated_at = now() WHERE id = {paid.id}") == 1

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE finance_adjustment SET amount = 1 WHERE statement_id = {paid}",
            "UPDATE finance_adjustment SET statement_id = {open} WHERE statement_id = {paid}",
            "UPDATE finance_adjustment SET statement_id = {paid} WHERE statement_id = {open}",
            "DELETE FROM finance_adjustment WHERE statement_id = {paid}",
            """INSERT INTO finance_adjustment (public_id, statement_id, description, amount)
               VALUES (gen_random_uuid(), {paid}, 'Late', 1)""",
        ],
    )
    def test_its_adjustments(self, paid: Statement, january: Statement, sql: str) -> None:
        refused(sql.format(paid=paid.id, open=january.id), "adjustment_frozen")

    def test_adjustments_of_others_come_change_and_go(self, books: Books, january: Statement) -> None:
        books.mark_payable(january)

        assert execute(f"UPDATE finance_adjustment SET amount = 1 WHERE statement_id = {january.id}") == 1
        assert execute(f"DELETE FROM finance_adjustment WHERE statement_id = {january.id}") == 1
        assert Adjustment.objects.filter(statement=january).count() == 0


class TestAPayableStatement:
    @pytest.fixture
    def payable(self, books: Books, january: Statement) -> Statement:
        books.mark_payable(january)
        return january

    @pytest.mark.parametrize(
        "change",
        [
            "deadline_date = deadline_date - 1",
            "payment_date = payment_date + 1",
            "output_fee = false",
            "month = 9",
            "payable_at = now()",
            "state = 'open', payable_at = NULL",
        ],
    )
    def test_keeps_its_dates_and_does_not_open_again(self, payable: Statement, change: str) -> None:
        refused(f"UPDATE finance_statement SET {change} WHERE id = {payable.id}", "statement_frozen")

    def test_is_not_deleted(self, books: Books) -> None:
        empty = books.statement(2025, 5)
        books.mark_payable(empty)

        refused(f"DELETE FROM finance_statement WHERE id = {empty.id}", "statement_frozen")

    def test_an_open_statement_is_not_paid_directly(self, books: Books) -> None:
        empty = books.statement(2025, 5)

        refused(
            f"""UPDATE finance_statement SET state = 'paid', payable_at = now(), paid_at = now(), total = 0,
                payment = '{{}}' WHERE id = {empty.id}""",
            "statement_frozen",
        )

    def test_an_open_one_without_lines_may_be_deleted(self, books: Books) -> None:
        empty = books.statement(2025, 5)

        assert execute(f"DELETE FROM finance_statement WHERE id = {empty.id}") == 1


class TestWhatIsTakenBack:
    @pytest.mark.parametrize(
        "change",
        [
            "output_payment = output_payment - 0.0000000001",
            "targeted_delivery_funding = -1",
            "terms_id = (SELECT max(id) FROM finance_contractterms)",
            "declaration_id = (SELECT max(id) FROM declarations_declaration)",
        ],
    )
    def test_is_exactly_what_was_paid(self, books: Books, january: Statement, change: str) -> None:
        books.terms("npq-leading-teaching", effective_month=date(2025, 9, 1))

        refused(
            f"UPDATE finance_lineitem SET {change} WHERE state = 'awaiting-clawback'",
            "line_takes_back_what_was_paid",
        )

    def test_is_checked_when_it_is_written(self, books: Books, january: Statement) -> None:
        declaration = books.declare(january, "npq-headship")
        books.pay(january)
        april, line = books.statement(2025, 4), books.line(declaration)
        facts = {"statement": april.id, "state": "awaiting-clawback", "paid_line": line.id, "line": line.id}

        refused(COPY_LINE.format(output_payment=1, **facts), "line_takes_back_what_was_paid")
        assert execute(COPY_LINE.format(output_payment="-output_payment", **facts)) == 1

    def test_must_have_been_paid(self, books: Books, january: Statement) -> None:
        declaration = books.declare(january, "npq-headship")
        books.mark_payable(january)
        april, line = books.statement(2025, 4), books.line(declaration)

        refused(
            COPY_LINE.format(
                statement=april.id,
                state="awaiting-clawback",
                output_payment="-output_payment",
                paid_line=line.id,
                line=line.id,
            ),
            "line_takes_back_what_was_paid",
        )

    def test_happens_once(self, january: Statement) -> None:
        line = LineItem.objects.get(state="paid").id

        with pytest.raises(IntegrityError):
            execute(
                COPY_LINE.format(
                    statement=january.id,
                    state="awaiting-clawback",
                    output_payment="-output_payment",
                    paid_line=line,
                    line=line,
                )
            )


class TestTermsOfClosedStatements:
    @pytest.mark.parametrize("close", ["mark_payable", "pay"])
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE finance_contractterms SET per_participant = 1",
            "UPDATE finance_contractterms SET effective_month = '2025-02-01'",
            "UPDATE finance_contractterms SET recruitment_target = 1",
            "DELETE FROM finance_contractterms",
        ],
    )
    def test_neither_change_nor_go(self, books: Books, close: str, sql: str) -> None:
        getattr(books, close)(books.statement(2025, 1))

        refused(sql, "contract_terms_frozen")

    def test_change_while_every_statement_is_open(self, books: Books) -> None:
        books.statement(2025, 1)

        assert execute("UPDATE finance_contractterms SET per_participant = 1") == 1

    def test_none_are_slipped_in_under_a_closed_statement(self, books: Books) -> None:
        books.mark_payable(books.statement(2025, 4))

        for course, month in (
            ("npq-headship", date(2025, 4, 1)),
            ("npq-headship", date(2025, 1, 1)),
            ("npq-leading-teaching", None),
            ("npq-leading-teaching", date(2025, 4, 1)),
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                books.terms(course, effective_month=month)

    def test_later_ones_are_welcome_and_change_freely(self, books: Books) -> None:
        books.pay(books.statement(2025, 4))
        books.statement(2025, 5)
        later = books.terms("npq-headship", effective_month=date(2025, 5, 1), per_participant=Decimal(2000))

        later.per_participant = Decimal(3000)
        later.save()
        later.delete()

    def test_earlier_ones_that_no_closed_statement_rests_on_change_freely(self, books: Books) -> None:
        first = books.lead_provider.contractterms_set.get()
        books.terms("npq-headship", effective_month=date(2025, 4, 1))
        books.mark_payable(books.statement(2025, 4))

        first.per_participant = Decimal(1)
        first.save()
        first.delete()

    def test_another_providers_statements_do_not_matter(self, books: Books) -> None:
        other = Books(cohort=books.cohort)
        other.terms("npq-headship")
        other.pay(other.statement(2025, 1))

        assert execute(
            f"UPDATE finance_contractterms SET per_participant = 1 WHERE lead_provider_id = {books.lead_provider.id}"
        )


class TestAmountsAreNumbers:
    @pytest.mark.parametrize(
        ("table", "column", "constraint"),
        [
            ("finance_contractterms", "per_participant", "contract_terms_amounts_are_numbers"),
            ("finance_contractterms", "monthly_service_fee", "contract_terms_amounts_are_numbers"),
            (
                "finance_contractterms",
                "targeted_delivery_funding_per_participant",
                "contract_terms_amounts_are_numbers",
            ),
            ("finance_lineitem", "output_payment", "line_amounts_are_numbers"),
            ("finance_lineitem", "targeted_delivery_funding", "line_amounts_are_numbers"),
            ("finance_adjustment", "amount", "adjustment_is_a_number"),
            ("finance_paymentrequest", "total", "payment_request_total_is_a_number"),
        ],
    )
    def test_nan_is_none(self, books: Books, table: str, column: str, constraint: str) -> None:
        statement = books.statement(2025, 1)
        books.declare(statement, "npq-headship")
        AdjustmentFactory(statement=statement)
        PaymentRequestFactory(statement=statement)

        refused(f"UPDATE {table} SET {column} = 'NaN'", constraint)
