"""A case for each correction of statements, adjustments, contracts and delivery partners (test_corrections.py)."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from finance.choices import StatementState
from finance.queries.terms import terms_of_month
from npq.core.clock import today
from tests.factories import (
    AdjustmentFactory,
    CohortFactory,
    ContractTermsFactory,
    DeliveryPartnerFactory,
    LeadProviderFactory,
    LineItemFactory,
    PaymentRequestFactory,
    StatementFactory,
)

Case = tuple[Any, dict[str, Any], Callable[[Any], Any], Any]
# A day on which every statement of these cases is still to come.
NEXT_YEAR = today().year + 1
CHECKED = {"checked": "on"}


def later_statement(**facts: Any) -> Any:
    """A statement that still takes declarations."""
    return StatementFactory(year=NEXT_YEAR, **facts)


def _changed_contract() -> Case:
    terms = ContractTermsFactory()
    later_statement(lead_provider=terms.lead_provider, cohort=terms.cohort)
    answers = {"from_month": f"{NEXT_YEAR}-01", "per_participant": "1300.00"}
    return terms, answers, _price_from_january, Decimal("1300.00")


def _price_from_january(terms: Any) -> Decimal:
    found = terms_of_month(terms.lead_provider_id, terms.cohort_id, date(NEXT_YEAR, 1, 1))
    return found[terms.course_id].per_participant


def _moved() -> Case:
    line = LineItemFactory(statement__year=NEXT_YEAR)
    terms = {"lead_provider": line.lead_provider, "cohort": line.cohort, "course": line.course}
    ContractTermsFactory(**terms)
    target = later_statement(lead_provider=line.lead_provider, cohort=line.cohort, month=4)
    return line.statement, {"to_month": f"{NEXT_YEAR}-04"}, lambda it: (it.lines.count(), target.lines.count()), (0, 1)


def _listed_partner() -> Case:
    provider, cohort = LeadProviderFactory(), CohortFactory()
    return (
        provider,
        {"partner_name": "Northbeck  Teaching Hub", "cohort": cohort.public_id},
        lambda it: it.deliverypartnership_set.get().delivery_partner.name,
        "Northbeck Teaching Hub",
    )


def _paired_partner() -> Case:
    provider, cohort = LeadProviderFactory(), CohortFactory()
    return (
        DeliveryPartnerFactory(),
        {"lead_provider": provider.public_id, "cohort": cohort.public_id},
        lambda it: it.partnerships.get().lead_provider,
        provider,
    )


MONEY_CASES: dict[str, Callable[[], Case]] = {
    "add_adjustment": lambda: (
        StatementFactory(),
        {"amount": "-10.50", "description": "Agreed in May"},
        lambda it: str(it.adjustments.get().amount),
        "-10.50",
    ),
    "change_adjustment": lambda: (
        AdjustmentFactory(),
        {"amount": "99.99", "description": "Agreed in June"},
        lambda it: (str(it.amount), it.description),
        ("99.99", "Agreed in June"),
    ),
    "remove_adjustment": lambda: (AdjustmentFactory(), {}, lambda it: it, None),
    "request_payment": lambda: (
        StatementFactory(payable=True),
        CHECKED,
        lambda it: it.payment_request.requested_by,
        "Sam Reyes",
    ),
    "withdraw_payment_request": lambda: (
        PaymentRequestFactory().statement,
        {},
        lambda it: hasattr(it, "payment_request"),
        False,
    ),
    "approve_payment": lambda: (
        PaymentRequestFactory(requester="0").statement,
        {},
        lambda it: it.state,
        StatementState.PAID,
    ),
    "set_statement": lambda: (
        StatementFactory(),
        {"deadline_date": "2025-01-02", "payment_date": "2025-01-30", "output_fee": "yes"},
        lambda it: (it.deadline_date, it.payment_date),
        (date(2025, 1, 2), date(2025, 1, 30)),
    ),
    "move_declarations": _moved,
    "change_contract": _changed_contract,
    "add_delivery_partner": _listed_partner,
    "pair_delivery_partner": _paired_partner,
    "rename_delivery_partner": lambda: (
        DeliveryPartnerFactory(),
        {"partner_name": "Southbeck Teaching Hub"},
        lambda it: it.name,
        "Southbeck Teaching Hub",
    ),
}

MONEY_REFUSED: dict[str, tuple[Callable[[], Any], dict[str, str]]] = {
    "request_payment": (StatementFactory, CHECKED),
    "withdraw_payment_request": (lambda: StatementFactory(payable=True), {}),
    "approve_payment": (lambda: StatementFactory(payable=True), {}),
    "add_adjustment": (lambda: StatementFactory(paid=True), {"amount": "1", "description": "Late"}),
    "change_adjustment": (lambda: _frozen_adjustment(), {"amount": "1", "description": "Late"}),
    "remove_adjustment": (lambda: _frozen_adjustment(), {}),
    "set_statement": (
        StatementFactory,
        {"deadline_date": "2025-02-02", "payment_date": "2025-01-30", "output_fee": "yes"},
    ),
    "move_declarations": (lambda: _nothing_to_move(), {"to_month": f"{NEXT_YEAR}-04"}),
    "change_contract": (lambda: _closed_contract(), {"from_month": f"{NEXT_YEAR}-01", "per_participant": "1300"}),
    "rename_delivery_partner": (lambda: _partner_beside("Eastbeck"), {"partner_name": "EASTBECK"}),
}


def _frozen_adjustment() -> Any:
    adjustment = AdjustmentFactory(statement=StatementFactory(payable=True))
    statement = adjustment.statement
    facts = {"state": "paid", "paid_at": statement.payable_at, "total": Decimal("-125.40"), "payment": {}}
    type(statement).objects.filter(pk=statement.pk).update(**facts)
    return adjustment


def _nothing_to_move() -> Any:
    statement = later_statement()
    later_statement(lead_provider=statement.lead_provider, cohort=statement.cohort, month=4)
    return statement


def _closed_contract() -> Any:
    terms = ContractTermsFactory()
    later_statement(lead_provider=terms.lead_provider, cohort=terms.cohort, payable=True)
    return terms


def _partner_beside(name: str) -> Any:
    DeliveryPartnerFactory(name=name)
    return DeliveryPartnerFactory()
