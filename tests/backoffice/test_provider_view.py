"""As the provider sees it: what the page shows is what the API answers, character for character of its content."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from applications.services import change_lead_provider
from declarations.choices import DeclarationState
from npq.backoffice.pages import address_of
from npq.core.audit import Actor
from npq.core.models import LeadProvider
from tests.conftest import NOW
from tests.factories import (
    AdjustmentFactory,
    ApplicationFactory,
    ContractTermsFactory,
    DeclarationFactory,
    DeliveryPartnershipFactory,
    LineItemFactory,
    OutcomeFactory,
    StatementFactory,
)

BY = Actor.staff("Sam Reyes", identifier="7", reason="Agreed by both")


def shown(client: Client, record: Any, heading: str) -> Any:
    """The JSON under a heading of a record's page."""
    page = client.get(address_of(record, record.public_id)).content.decode()
    found = re.search(rf"<summary>{re.escape(heading)}</summary><pre[^>]*>(.*?)</pre>", page, re.DOTALL)
    assert found, heading
    return json.loads(html.unescape(found[1]))


@pytest.fixture
def declared(provider: LeadProvider) -> Any:
    """A completed declaration with everything that a provider may be shown."""
    application = ApplicationFactory(lead_provider=provider, accepted=True)
    partner = DeliveryPartnershipFactory(lead_provider=provider, cohort=application.cohort).delivery_partner
    declaration = DeclarationFactory(
        enrolment=application.enrolment, completed=True, state=DeclarationState.ELIGIBLE, delivery_partner=partner
    )
    OutcomeFactory(declaration=declaration)
    return declaration


@pytest.mark.parametrize("version", ["v1", "v3"])
@pytest.mark.parametrize("transferred", [False, True])
def test_it_is_what_the_api_answers(
    as_role: Callable[[str], Client],
    client_of: Callable[[LeadProvider], Any],
    declared: Any,
    rival_provider: LeadProvider,
    version: str,
    transferred: bool,
) -> None:
    application, holder = declared.enrolment.application, declared.lead_provider
    if transferred:
        holder = rival_provider
        ContractTermsFactory(lead_provider=holder, cohort=application.cohort, course=application.course)
        change_lead_provider(application_id=application.id, lead_provider=holder, by=BY, now=NOW)
    staff, api = as_role("viewer"), client_of(holder)

    answers = {
        "application": api.get(version, f"/npq-applications/{application.public_id}"),
        "declaration": client_of(declared.lead_provider).get(
            version, f"/participant-declarations/{declared.public_id}"
        ),
        "participant": api.get(version, f"/participants/npq/{application.participant.public_id}"),
    }

    assert {answer.status_code for answer in answers.values()} == {200}
    assert shown(staff, application, f"API {version}, to {holder.name}") == answers["application"].json()
    assert shown(staff, declared, f"API {version}, to {declared.lead_provider.name}") == answers["declaration"].json()
    assert shown(staff, application.participant, f"API {version}, to {holder.name}") == answers["participant"].json()


def test_a_person_nobody_has_accepted_is_shown_to_nobody(as_role: Callable[[str], Client]) -> None:
    person = ApplicationFactory().participant

    page = as_role("viewer").get(address_of(person, person.public_id)).content.decode()

    assert "<summary>API" not in page


def test_a_statement_and_its_payment_are_what_the_api_answers(
    as_role: Callable[[str], Client], client_of: Callable[[LeadProvider], Any], declared: Any
) -> None:
    statement = StatementFactory(lead_provider=declared.lead_provider, cohort=declared.cohort)
    ContractTermsFactory(lead_provider=declared.lead_provider, cohort=declared.cohort, course=declared.course)
    LineItemFactory(declaration=declared, statement=statement)
    AdjustmentFactory(statement=statement)
    finance, api = as_role("finance"), client_of(declared.lead_provider)
    who = declared.lead_provider.name

    pages = {
        f"API v3, to {who}": f"/statements/{statement.public_id}",
        f"API v3, its payment, to {who}": f"/statements/{statement.public_id}/payment",
    }

    for heading, path in pages.items():
        assert shown(finance, statement, heading) == api.get("v3", path).json()
