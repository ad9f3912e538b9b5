"""Where a declaration's line goes, and what a void makes of it."""

from datetime import date
from typing import Any

import pytest

from finance.choices import LineState
from finance.errors import NoContractTerms, NoOpenStatement
from finance.models import LineItem, Statement
from finance.queries.statements import next_open_statement
from finance.services.lines import place_on_statement, take_off_statement
from tests.factories import ContractTermsFactory, DeclarationFactory, StatementFactory

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
