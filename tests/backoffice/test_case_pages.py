"""The questions caseworkers ask of a page, and that it answers them at one price, however much there is."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from applications.choices import FundingEligibilityStatusCode, ReasonForRejection
from declarations.choices import DeclarationState, DeclarationType
from npq.backoffice.pages import address_of, shown
from npq.core.choices import MessageState
from npq.core.clock import uk_date
from tests.backoffice.test_pages import MOST_QUERIES, looked_at
from tests.factories import (
    ACCEPTED_AT,
    AdjustmentFactory,
    ApiTokenFactory,
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    DeclarationFactory,
    DeliveryPartnershipFactory,
    EnrolmentFactory,
    LeadProviderFactory,
    LineItemFactory,
    MessageFactory,
    NoteFactory,
    OutcomeFactory,
    ParticipantFactory,
    RefusedRequestFactory,
    ScheduleFactory,
    ScheduleWindowFactory,
    StatementFactory,
)


@pytest.fixture
def client(as_role: Callable[[str], Client]) -> Client:
    return as_role("viewer")


def mark_up(client: Client, record: Any) -> str:
    return client.get(address_of(record, record.public_id)).content.decode()


def text_of(client: Client, record: Any) -> str:
    """The page's text, without its mark-up."""
    return " ".join(re.sub(r"<[^>]+>", " ", mark_up(client, record)).split())


def test_a_person_s_page_tells_why_each_application_was_rejected(client: Client) -> None:
    application = ApplicationFactory(rejected=True, reason_for_rejection=ReasonForRejection.OTHER_APPLICATION_ACCEPTED)

    why = ReasonForRejection.OTHER_APPLICATION_ACCEPTED.label
    assert f"Rejected on {shown(uk_date(ACCEPTED_AT))}: {why}" in text_of(client, application.participant)


def test_a_person_s_page_keeps_acceptances_that_were_undone(client: Client) -> None:
    enrolment = EnrolmentFactory(undone_at=ACCEPTED_AT + timedelta(days=3))

    page = text_of(client, enrolment.participant)

    assert f"Acceptance undone {shown(enrolment.undone_at)}" in page
    assert "Pending" in page


def test_a_person_s_page_names_the_furthest_declaration_of_each_application(client: Client) -> None:
    enrolment = ApplicationFactory(accepted=True).enrolment
    DeclarationFactory(enrolment=enrolment, declaration_type=DeclarationType.STARTED, state=DeclarationState.PAID)
    furthest = DeclarationFactory(enrolment=enrolment, declaration_type=DeclarationType.RETAINED_1)
    DeclarationFactory(enrolment=enrolment, completed=True, state=DeclarationState.VOIDED)
    other = ApplicationFactory(participant=enrolment.participant)

    page = mark_up(client, enrolment.participant)

    declared = shown(uk_date(furthest.declaration_date))
    assert f"<td>Retained 1, submitted, {declared}</td>" in page
    rows = re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    assert "<td>none</td>" in next(row for row in rows if str(other.public_id) in row)


def test_why_no_provider_sees_a_person_is_said(client: Client) -> None:
    waiting = ApplicationFactory().participant
    retired = ParticipantFactory(merged_into=waiting)

    assert "No provider sees this person among its participants" in text_of(client, waiting)
    assert "No provider sees this ID any more" in text_of(client, retired)


def test_a_declaration_s_page_tells_why_the_person_is_not_funded_and_where_training_stands(client: Client) -> None:
    application = ApplicationFactory(
        accepted=True,
        accepted__training_status="deferred",
        cohort=CohortFactory(capped=True),
        eligible_for_funding=False,
        funding_eligibility_status_code=FundingEligibilityStatusCode.INELIGIBLE_ESTABLISHMENT_TYPE,
    )

    page = text_of(client, DeclarationFactory(enrolment=application.enrolment))

    schedule = application.enrolment.schedule
    assert f"Schedule {schedule} Training status Deferred Eligible for funding, all considered No" in page
    assert "Why not eligible –" not in page
    assert "Funded place No" in page


def test_why_a_message_was_not_sent_is_said_where_messages_are_listed(client: Client) -> None:
    person = ParticipantFactory()
    MessageFactory(
        participant_public_id=person.public_id, state=MessageState.FAILED, last_error="Nobody reads at this address"
    )

    assert "Failed for good: Nobody reads at this address" in text_of(client, person)


def test_a_schedule_tells_which_acceptances_get_it(client: Client) -> None:
    window = ScheduleWindowFactory()
    never = ScheduleFactory(identifier="npq-leadership-spring")

    found = text_of(client, window.schedule)

    assert "Which schedule an acceptance gets, by the day it happens on" in found
    assert "None: an acceptance here is not given a schedule automatically." in text_of(client, never)
    assert "None: an acceptance here is not given a schedule automatically." not in found


def test_a_provider_s_page_leads_to_its_lists(as_role: Callable[[str], Client]) -> None:
    terms = ContractTermsFactory()
    statement = StatementFactory(lead_provider=terms.lead_provider, cohort=terms.cohort)
    other = StatementFactory(lead_provider=LeadProviderFactory(code="another"), cohort=terms.cohort)
    viewer = as_role("viewer")

    page = mark_up(viewer, terms.lead_provider)
    address = re.search(r'href="(/admin/finance/statement/\?[^"]*cohort=2\d{3}a)"', page)
    assert address
    listed = viewer.get(address[1].replace("&amp;", "&")).content.decode()

    assert str(statement.public_id) in listed
    assert str(other.public_id) not in listed
    assert "/admin/applications/application/?" in page
    assert "/admin/applications/application/?" not in mark_up(as_role("access manager"), terms.lead_provider)


# The price of a page ---------------------------------------------------------------------------------


def person_with(number: int) -> Any:
    """A person with so many applications, each with everything that can hang on one."""
    person = ParticipantFactory()
    for place in range(number):
        provider = LeadProviderFactory(code=f"provider-{number}-{place}")
        cohort = CohortFactory(start_year=2021 + place % 5)
        application = ApplicationFactory(
            participant=person,
            lead_provider=provider,
            cohort=cohort,
            accepted=True,
            accepted__training_status="withdrawn",
        )
        declaration = DeclarationFactory(
            enrolment=application.enrolment, completed=True, state=DeclarationState.ELIGIBLE
        )
        OutcomeFactory(declaration=declaration)
        ContractTermsFactory(lead_provider=provider, cohort=cohort, course=application.course)
        LineItemFactory(declaration=declaration)
        NoteFactory(application=application)
        MessageFactory(participant_public_id=person.public_id, application_public_id=application.public_id)
        RefusedRequestFactory(token=ApiTokenFactory(lead_provider=provider), record_id=person.public_id)
    return person


def provider_with(number: int) -> Any:
    """A provider with so many tokens, cohorts, terms, statements, partners and refused requests."""
    provider = LeadProviderFactory(code=f"provider-{number}")
    for place in range(number):
        cohort = CohortFactory(start_year=2021 + place % 6, suffix="ab"[place // 6])
        ContractTermsFactory(lead_provider=provider, cohort=cohort)
        StatementFactory(lead_provider=provider, cohort=cohort)
        DeliveryPartnershipFactory(lead_provider=provider, cohort=cohort)
        RefusedRequestFactory(token=ApiTokenFactory(lead_provider=provider))
        ApplicationFactory(lead_provider=provider, cohort=cohort)
    return provider


def statement_with(number: int) -> Any:
    """A statement with so many lines, adjustments and missing declarations."""
    terms = ContractTermsFactory(lead_provider=LeadProviderFactory(code=f"provider-{number}"))
    same = {"lead_provider": terms.lead_provider, "cohort": terms.cohort}
    statement = StatementFactory(**same)
    for _ in range(number):
        enrolment = ApplicationFactory(**same, course=terms.course, accepted=True).enrolment
        LineItemFactory(
            declaration=DeclarationFactory(enrolment=enrolment, state=DeclarationState.ELIGIBLE), statement=statement
        )
        ApplicationFactory(**same, course=terms.course, accepted=True)
        AdjustmentFactory(statement=statement)
    return statement


@pytest.mark.parametrize("made_with", [person_with, provider_with, statement_with])
@pytest.mark.parametrize("role", ["caseworker", "finance"])
def test_a_page_costs_the_same_however_much_hangs_on_its_record(
    as_role: Callable[[str], Client], made_with: Callable[[int], Any], role: str
) -> None:
    signed_in = as_role(role)
    few, many = made_with(2), made_with(9)

    costs = [looked_at(signed_in, address_of(each, each.public_id)) for each in (few, many)]

    assert costs[0] == costs[1]
    assert max(costs) <= MOST_QUERIES


def test_a_searched_list_costs_no_more_than_a_page(client: Client) -> None:
    person = person_with(2)
    declaration = person.enrolments.first().declarations.get()
    terms = [person.full_name, person.teacher_reference_number, "@example.org", "140233"]
    ids = [person.public_id, declaration.public_id, declaration.enrolment.application.public_id]

    for model in ("applications/application", "participants/participant", "declarations/declaration"):
        for term in (*terms, *ids):
            assert looked_at(client, f"/admin/{model}/?q={term}") <= MOST_QUERIES, (model, term)
