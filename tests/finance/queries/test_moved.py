"""Which statements a rehearsal looks at: those that change, and those that come to something else."""

from decimal import Decimal
from typing import Any

import pytest

from applications.models import Application
from finance.models import Adjustment, LineItem
from npq.core.audit import Actor, acting_as
from npq.core.effects import Pounds
from npq.core.rehearsal import what_would_change
from tests.factories import AdjustmentFactory, ContractTermsFactory, LineItemFactory, StatementFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def line() -> LineItem:
    """An eligible start on an open statement of January 2025, worth £185.55 without and £285.55 with the funding."""
    made = LineItemFactory()
    declaration = made.declaration
    ContractTermsFactory(
        lead_provider=declaration.lead_provider,
        cohort=declaration.cohort,
        course=declaration.course,
        service_fee_percentage=0,
    )
    return made


def pounds_of(write: Any) -> list[Pounds]:
    """The pounds that a write would move."""

    def service() -> None:
        with acting_as(Actor.system("a test"), "do_something"):
            write()

    return what_would_change(service).pounds


def test_what_an_application_carries_makes_its_lines_worth_something_else(line: LineItem) -> None:
    (pounds,) = pounds_of(lambda: Application.objects.update(targeted_delivery_funding_eligibility=True))

    assert pounds.identifier == line.statement.public_id
    assert (pounds.before, pounds.after) == (Decimal("185.55"), Decimal("285.55"))


def test_a_line_that_moves_changes_both_statements(line: LineItem) -> None:
    other = StatementFactory(lead_provider=line.lead_provider, cohort=line.cohort, month=2)

    pounds = pounds_of(lambda: LineItem.objects.update(statement=other))

    assert [(each.identifier, each.difference) for each in pounds] == [
        (line.statement.public_id, Decimal("-185.55")),
        (other.public_id, Decimal("185.55")),
    ]


def test_an_adjustment_changes_its_statement(line: LineItem) -> None:
    (pounds,) = pounds_of(lambda: AdjustmentFactory(statement=line.statement, amount=Decimal("-10.00")))

    assert (pounds.before, pounds.after) == (Decimal("185.55"), Decimal("175.55"))


def test_so_does_one_that_goes(line: LineItem) -> None:
    AdjustmentFactory(statement=line.statement, amount=Decimal("-10.00"))

    (pounds,) = pounds_of(lambda: Adjustment.objects.all().delete())

    assert pounds.difference == Decimal("10.00")


def test_a_new_statement_has_nothing_to_be_compared_with(line: LineItem) -> None:
    def write() -> None:
        statement = StatementFactory(lead_provider=line.lead_provider, cohort=line.cohort, month=2)
        AdjustmentFactory(statement=statement)

    assert pounds_of(write) == []
