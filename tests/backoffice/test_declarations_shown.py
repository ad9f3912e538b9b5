"""Declarations on the pages of people and applications and on their own: when, in which state, for how much."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from declarations.choices import DeclarationState, DeclarationType
from finance.choices import LineState
from finance.queries.explanation import explain_payment
from npq.backoffice.pages import address_of, shown
from npq.core.audit import Actor, acting_as
from npq.core.clock import today
from tests.factories import (
    ApplicationFactory,
    ContractTermsFactory,
    DeclarationFactory,
    LineItemFactory,
    StatementFactory,
)


@pytest.fixture
def page_of(as_role: Callable[[str], Client]) -> Callable[[Any], str]:
    """The text of a record's page, without its mark-up."""
    client = as_role("viewer")

    def look(record: Any) -> str:
        page = client.get(address_of(record, record.public_id)).content.decode()
        return " ".join(re.sub(r"<[^>]+>", " ", page).split())

    return look


def on_an_open_statement(**application: Any) -> Any:
    """A line of a declaration on an open statement, with contract terms."""
    enrolment = ApplicationFactory(accepted=True, **application).enrolment
    declaration = DeclarationFactory(enrolment=enrolment, state=DeclarationState.ELIGIBLE)
    ContractTermsFactory(lead_provider=enrolment.lead_provider, cohort=enrolment.cohort, course=enrolment.course)
    return LineItemFactory(declaration=declaration)


@pytest.mark.parametrize("qualifies", [False, True])
def test_a_line_on_an_open_statement_is_shown_with_what_it_is_worth_today(
    page_of: Callable[[Any], str], qualifies: bool
) -> None:
    line = on_an_open_statement(targeted_delivery_funding_eligibility=qualifies, eligible_for_funding=True)
    told = explain_payment(line.declaration, day=today())
    amount = shown((told.amount or 0) + (told.targeted_delivery_funding or 0))

    page = page_of(line.declaration.enrolment.application)

    assert bool(told.targeted_delivery_funding) is qualifies
    payment_date = shown(line.statement.payment_date)
    assert f"Eligible, {amount} as things stand, payment date {payment_date}" in page


def test_terms_of_a_later_month_are_not_those_of_the_statement(page_of: Callable[[Any], str]) -> None:
    line = on_an_open_statement()
    known = {"lead_provider": line.lead_provider, "cohort": line.cohort, "course": line.course}
    ContractTermsFactory(**known, effective_month=date(2030, 1, 1), per_participant=Decimal(9_000))
    told = explain_payment(line.declaration, day=today())

    assert f"Eligible, {shown(told.amount)} as things stand" in page_of(line.declaration)


def test_a_line_that_repeats_another_of_the_person_is_worth_nothing(page_of: Callable[[Any], str]) -> None:
    line = on_an_open_statement()
    again = ApplicationFactory(
        accepted=True,
        accepted__training_status="withdrawn",
        participant=line.declaration.enrolment.participant,
        lead_provider=line.lead_provider,
        cohort=line.cohort,
        course=line.course,
    )
    second = DeclarationFactory(enrolment=again.enrolment, state=DeclarationState.ELIGIBLE)
    LineItemFactory(declaration=second, statement=line.statement)

    assert explain_payment(second, day=today()).amount == 0
    assert "Eligible, nothing: the person is counted once, by an earlier declaration" in page_of(second)


def test_a_line_that_pays_nothing_says_so(page_of: Callable[[Any], str]) -> None:
    declaration = DeclarationFactory(ineligible=True)
    LineItemFactory(declaration=declaration, state=LineState.INELIGIBLE)
    without_terms = LineItemFactory()

    assert "Ineligible, nothing is paid" in page_of(declaration)
    assert "Eligible, no contract terms, payment date" not in page_of(without_terms.declaration)
    assert "Eligible, no contract terms" in page_of(without_terms.declaration)


def test_each_state_is_dated_and_each_declaration_names_its_course(page_of: Callable[[Any], str]) -> None:
    declaration = DeclarationFactory()
    with acting_as(Actor.system("a test"), "void_declaration"):
        type(declaration).objects.filter(pk=declaration.pk).update(state=DeclarationState.VOIDED)
    course, cohort = declaration.course, declaration.cohort

    page = page_of(declaration.enrolment.participant)

    assert page_of(declaration).count("Last updated") == 1
    assert f"Voided Submitted since {shown(today())} Voided since {shown(today())}" in page
    assert f"{course.name} ({course.identifier}), {cohort}" in page


def test_duplicates_lead_to_each_other(page_of: Callable[[Any], str]) -> None:
    first = DeclarationFactory(state=DeclarationState.ELIGIBLE)
    second = DeclarationFactory(ineligible=True, superseded_by=first)
    unlike = DeclarationFactory(declaration_type=DeclarationType.RETAINED_1)

    def duplicates_of(declaration: Any) -> str:
        return page_of(declaration).split("The same declared elsewhere")[1].split("Messages")[0]

    assert str(second.public_id) in duplicates_of(first)
    assert str(first.public_id) in duplicates_of(second)
    assert str(unlike.public_id) not in duplicates_of(first) + duplicates_of(second)


def test_what_is_on_a_paid_statement_is_shown_as_it_was_paid(page_of: Callable[[Any], str]) -> None:
    line = on_an_open_statement()
    terms = line.statement.lead_provider.contractterms_set.get()
    with acting_as(Actor.system("a test"), "pay"):
        worth = {"terms": terms, "output_payment": Decimal("277.615"), "targeted_delivery_funding": Decimal(100)}
        type(line).objects.filter(pk=line.pk).update(**worth)

    page = page_of(line.declaration)

    assert "Eligible, £377.62, payment date" in page
    assert StatementFactory._meta.model.objects.count() == 1
