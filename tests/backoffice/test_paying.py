"""Why a declaration is paid, or is not."""

import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from declarations.choices import DeclarationState
from npq.backoffice.pages import address_of
from npq.core.audit import Actor, acting_as
from npq.core.models import LeadProvider
from participants.models import Enrolment
from tests.backoffice.conftest import ROLE_NAMES
from tests.backoffice.test_pages import MOST_QUERIES
from tests.factories import ContractTermsFactory, DeclarationFactory, LineItemFactory, StatementFactory
from tests.finance.books import Books


def address(declaration: object) -> str:
    """The page."""
    return f"/admin/payments/{declaration.public_id}/"  # type: ignore[attr-defined]


def test_what_is_paid_is_shown_with_its_statement(as_role: Callable[[str], Client]) -> None:
    declaration = DeclarationFactory(state=DeclarationState.ELIGIBLE)
    facts = {"lead_provider": declaration.lead_provider, "cohort": declaration.cohort}
    ContractTermsFactory(course=declaration.course, **facts)
    line = LineItemFactory(declaration=declaration, statement=StatementFactory(**facts))
    client = as_role("viewer")

    page = client.get(address(declaration)).content.decode()

    assert address_of(line.statement, line.statement.public_id) in page
    assert "£" in page
    assert "Nothing: it is paid, or will be." in page
    assert address(declaration) in client.get(address_of(declaration, declaration.public_id)).content.decode()


def test_what_stands_in_the_way_is_said_as_to_the_provider(as_role: Callable[[str], Client]) -> None:
    declaration = DeclarationFactory(enrolment__application__eligible_for_funding=False)
    client = as_role("viewer")

    with CaptureQueriesContext(connection) as caught:
        page = client.get(address(declaration)).content.decode()

    assert "is not eligible for DfE funding" in page
    assert "no_terms" in page
    assert "no_open_statement" in page
    assert len(caught) <= MOST_QUERIES, [each["sql"][:90] for each in caught]


def test_what_was_taken_back_costs_no_more_than_any_page(
    as_role: Callable[[str], Client], provider: LeadProvider
) -> None:
    books = Books(provider)
    books.terms("npq-headship", per_participant=Decimal("1237.00"))
    january, february = books.statement(2025, 1), books.statement(2025, 2)
    declaration = books.declare(january, "npq-headship")
    books.pay(january)
    books.void(declaration, on=february.deadline_date)
    with acting_as(Actor.system("a test"), "withdraw"):
        Enrolment.objects.filter(id=declaration.enrolment_id).update(training_status="withdrawn")
    client = as_role("viewer")

    with CaptureQueriesContext(connection) as caught:
        page = client.get(address(declaration)).content.decode()
    case = client.get(address_of(declaration, declaration.public_id)).content.decode()

    assert all(address_of(each, each.public_id) in page for each in (january, february))
    assert len(caught) <= MOST_QUERIES, [each["sql"][:90] for each in caught]
    assert "January 2025</a>: Paid, £185.55<" in case
    assert "February 2025</a>: Awaiting clawback, -£185.55, payment date 25 February 2025<" in case


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_it_opens_for_those_who_see_declarations(as_role: Callable[[str], Client], role: str) -> None:
    sees = role in {"viewer", "caseworker", "finance", "finance approver"}

    assert as_role(role).get(address(DeclarationFactory())).status_code == (200 if sees else 403)


def test_an_unknown_declaration_is_not_found(as_role: Callable[[str], Client]) -> None:
    assert as_role("viewer").get(f"/admin/payments/{uuid.uuid4()}/").status_code == 404
