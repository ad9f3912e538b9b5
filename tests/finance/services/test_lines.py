"""Where a declaration's line goes, and what a void makes of it."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from finance.choices import LineState
from finance.errors import NoContractTerms, NoOpenStatement, PaymentRecordsDisagree
from finance.models import LineItem, Statement
from finance.queries.calculation import figures_of
from finance.queries.statements import next_open_statement
from finance.services.lines import claw_back, place_on_statement, take_off_statement
from tests.factories import ContractTermsFactory, DeclarationFactory, StatementFactory
from tests.finance.books import Books

DAY = date(2024, 12, 26)


@pytest.fixture
def declaration(db: Any) -> Any:
    """A declaration whose provider has terms for its course."""
    made = DeclarationFactory()
    ContractTermsFactory(lead_provider=made.lead_provider, cohort=made.cohort, course=made.course)
    return made


def statement_of(declaration: Any, **facts: Any) -> Statement:
    return StatementFactory(lead_provider=declaration.lead_provider, cohort=declaration.cohort, **facts)


class TestNextOpenStatement:
    def test_the_earliest_deadline_that_has_not_passed(self, declaration: Any) -> None:
        statement_of(declaration, year=2025, month=4)
        expected = statement_of(declaration, year=2025, month=1)
        statement_of(declaration, year=2024, month=12)

        assert next_open_statement(declaration.lead_provider_id, declaration.cohort_id, DAY) == expected

    def test_the_deadline_day_is_inside_and_the_day_after_is_not(self, declaration: Any) -> None:
        statement = statement_of(declaration, deadline_date=DAY)
        at = (declaration.lead_provider_id, declaration.cohort_id)

        assert next_open_statement(*at, DAY) == statement
        assert next_open_statement(*at, date(2024, 12, 27)) is None

    @pytest.mark.parametrize("facts", [{"output_fee": False}, {"payable": True}, {"paid": True}])
    def test_service_fee_months_and_closed_ones_take_nothing(self, declaration: Any, facts: dict[str, Any]) -> None:
        statement_of(declaration, **facts)

        assert next_open_statement(declaration.lead_provider_id, declaration.cohort_id, DAY) is None

    def test_other_providers_and_cohorts_do_not_count(self, declaration: Any) -> None:
        StatementFactory(cohort=declaration.cohort)
        StatementFactory(lead_provider=declaration.lead_provider, cohort__start_year=2022)

        assert next_open_statement(declaration.lead_provider_id, declaration.cohort_id, DAY) is None


class TestPlacing:
    def test_puts_an_eligible_line_on_the_next_statement(self, declaration: Any) -> None:
        statement = statement_of(declaration)

        line = place_on_statement(declaration, day=DAY, state=LineState.ELIGIBLE)

        line.refresh_from_db()
        assert (line.statement, line.declaration, line.state) == (statement, declaration, "eligible")
        assert (line.course, line.declaration_type) == (declaration.course, "started")
        assert (line.terms, line.output_payment, line.targeted_delivery_funding) == (None, None, None)

    def test_refuses_when_no_statement_is_left(self, declaration: Any) -> None:
        statement_of(declaration, year=2024, month=12)

        with pytest.raises(NoOpenStatement, match="contract for cohort 2023a has ended"):
            place_on_statement(declaration, day=DAY, state=LineState.ELIGIBLE)
        assert not LineItem.objects.exists()

    def test_refuses_a_course_without_terms_on_that_statement(self, declaration: Any) -> None:
        statement_of(declaration)
        declaration.lead_provider.contractterms_set.update(effective_month=date(2025, 2, 1))

        with pytest.raises(NoContractTerms):
            place_on_statement(declaration, day=DAY, state=LineState.ELIGIBLE)

    def test_an_ineligible_line_needs_no_terms(self, declaration: Any) -> None:
        statement_of(declaration)
        declaration.lead_provider.contractterms_set.all().delete()

        assert place_on_statement(declaration, day=DAY, state=LineState.INELIGIBLE).state == LineState.INELIGIBLE

    def test_no_other_state_can_be_placed(self, declaration: Any) -> None:
        with pytest.raises(ValueError, match="eligible or ineligible"):
            place_on_statement(declaration, day=DAY, state=LineState.PAYABLE)


class TestTakingOff:
    @pytest.mark.parametrize("state", [LineState.ELIGIBLE, LineState.INELIGIBLE])
    def test_voids_the_line_of_an_open_statement(self, declaration: Any, state: LineState) -> None:
        statement_of(declaration)
        place_on_statement(declaration, day=DAY, state=state)

        line = take_off_statement(declaration)

        assert line is not None
        assert LineItem.objects.get() == line
        assert line.state == LineState.VOIDED

    def test_nothing_to_void_without_a_line(self, declaration: Any) -> None:
        assert take_off_statement(declaration) is None

    def test_a_payable_line_may_go_and_its_worth_goes_to_the_persons_other_line(self, db: Any) -> None:
        books = Books()
        books.terms("npq-headship")
        january = books.statement(2025, 1)
        first = books.enrol("npq-headship", training_status="withdrawn", targeted_delivery_funding_eligibility=True)
        counted = books.declare(january, "npq-headship", enrolment=first)
        second = books.enrol("npq-headship", participant=first.participant)
        surplus = books.declare(january, "npq-headship", enrolment=second)
        books.declare(january, "npq-headship")
        books.mark_payable(january)
        assert (books.line(counted).output_payment, books.line(surplus).output_payment) == (Decimal("185.55"), 0)

        books.void(counted, on=DAY)

        assert (books.line(counted).state, books.line(counted).output_payment) == (LineState.VOIDED, None)
        assert (books.line(surplus).output_payment, books.line(surplus).targeted_delivery_funding) == (
            Decimal("185.55"),
            Decimal(0),
        )
        assert figures_of(january).output_payment == Decimal("371.10")

    def test_an_ineligible_line_of_a_paid_statement_stays_as_it_is(self, db: Any) -> None:
        books = Books()
        books.terms("npq-headship")
        january = books.statement(2025, 1)
        duplicate = books.declare(january, "npq-headship", state=LineState.INELIGIBLE)
        books.pay(january)

        assert take_off_statement(duplicate) is None
        assert books.line(duplicate).state == LineState.INELIGIBLE


class TestClawingBack:
    def test_takes_back_exactly_what_was_paid_on_the_next_statement(self, db: Any) -> None:
        books = Books()
        terms = books.terms("npq-headship")
        january, april = books.statement(2025, 1), books.statement(2025, 4)
        declaration = books.declare(january, "npq-headship", targeted_delivery_funding_eligibility=True)
        books.pay(january)
        books.terms("npq-headship", per_participant=Decimal("5000.00"), effective_month=date(2025, 2, 1))

        line = claw_back(declaration, day=DAY)

        assert (line.statement, line.state, line.terms) == (april, LineState.AWAITING_CLAWBACK, terms)
        assert (line.output_payment, line.targeted_delivery_funding) == (Decimal("-185.55"), Decimal(-100))
        assert line.paid_line == declaration.lines.get(state=LineState.PAID)

    def test_refuses_when_no_statement_is_left(self, db: Any) -> None:
        books = Books()
        books.terms("npq-headship")
        january = books.statement(2025, 1)
        declaration = books.declare(january, "npq-headship")
        books.pay(january)

        with pytest.raises(NoOpenStatement):
            claw_back(declaration, day=DAY)

    def test_there_must_be_something_paid(self, declaration: Any) -> None:
        statement_of(declaration)
        place_on_statement(declaration, day=DAY, state=LineState.ELIGIBLE)

        with pytest.raises(PaymentRecordsDisagree, match="eligible in January 2025"):
            claw_back(declaration, day=DAY)
