"""Cohorts, courses, schedules and delivery partners: what they show, and what the configuration role may do."""

import html
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client

from declarations.models import DeliveryPartner
from npq.backoffice import reference_admin
from npq.backoffice.catalogue import CORRECTIONS
from npq.backoffice.pages import address_of
from npq.backoffice.reference_admin import SHIPPED
from tests.backoffice.test_money_pages import press, words_of
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    DeliveryPartnerFactory,
    DeliveryPartnershipFactory,
    LeadProviderFactory,
    MilestoneFactory,
    ScheduleFactory,
    ScheduleWindowFactory,
    StatementFactory,
)

pytestmark = pytest.mark.django_db


def page_of(client: Client, record: Any, way: str = "") -> str:
    response = client.get(f"{address_of(record, record.public_id)}{way}")
    assert response.status_code == 200
    return words_of(html.unescape(response.content.decode()))


def test_the_configuration_role_may_do_what_configures() -> None:
    assert {each.name for each in CORRECTIONS if each.role == "configuration"} == {
        "set_statement",
        "change_contract",
        "add_delivery_partner",
        "pair_delivery_partner",
        "rename_delivery_partner",
    }


@pytest.mark.parametrize("make", [CohortFactory, CourseFactory, ScheduleFactory])
def test_reference_data_says_where_it_comes_from_and_offers_no_change(
    as_role: Callable[[str], Client], make: Callable[[], Any]
) -> None:
    page = page_of(as_role("configuration"), make())

    assert SHIPPED in page
    assert "Put right" not in page


def test_a_cohort_shows_its_timetable_and_who_has_a_contract(as_role: Callable[[str], Client]) -> None:
    terms = ContractTermsFactory()
    cohort = terms.cohort
    schedule = ScheduleFactory(cohort=cohort)
    ScheduleWindowFactory(schedule=schedule, every_year=True, first_day=date(2023, 9, 1), last_day=date(2024, 2, 28))
    StatementFactory(cohort=cohort, lead_provider=terms.lead_provider)
    StatementFactory(cohort=cohort, payable=True)

    page = page_of(as_role("configuration"), cohort)

    assert "1 September 28 February Yes npq-leadership-autumn" in page
    assert "January 2025 26 December 2024 25 January 2025 1 1 0" in page
    assert f"{terms.lead_provider.name} 1" in page
    assert "npq-leadership-autumn 2023a Leadership 1 October 2023 Started, Retained 1, Retained 2, Completed" in page


def test_a_schedule_shows_its_milestones_and_how_many_are_on_it(
    as_role: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = ApplicationFactory(accepted=True).enrolment.schedule
    MilestoneFactory(schedule=schedule, deadline_date=date(2023, 11, 25))
    client = as_role("viewer")

    page = page_of(client, schedule)
    monkeypatch.setattr(reference_admin, "MOST_COUNTED", 1)

    assert "Started 25 November 2023" in page
    assert "Retained 1 none: due from the first day" in page
    assert "Enrolments on it 1" in page
    assert "1 or more" in page_of(client, schedule)


# Delivery partners ------------------------------------------------------------------------------------


def found(client: Client, term: str) -> set[str]:
    page = client.get("/admin/declarations/deliverypartner/", {"q": term}).content.decode()
    return {each.name for each in DeliveryPartner.objects.all() if f">{each.name}</a>" in page}


def test_partners_are_found_by_id_by_part_of_a_name_and_by_a_name_with_a_slip(as_role: Callable[[str], Client]) -> None:
    north = DeliveryPartnerFactory(name="Northbeck Teaching Hub")
    DeliveryPartnerFactory(name="Eastfield Alliance")
    client = as_role("caseworker")

    assert found(client, str(north.public_id)) == found(client, f'"id": "{north.public_id.hex}",') == {north.name}
    assert found(client, "teaching") == {north.name}
    assert found(client, "Nortbeck") == {north.name}
    assert found(client, "zzz") == set()


def test_partners_are_narrowed_by_provider_and_cohort(as_role: Callable[[str], Client]) -> None:
    pairing = DeliveryPartnershipFactory(lead_provider=LeadProviderFactory(code="alpha"))
    DeliveryPartnerFactory()
    client = as_role("caseworker")

    for asked, number in (("lead_provider=alpha", 1), (f"cohort={pairing.cohort}", 1), ("cohort=1999a", 0)):
        page = client.get(f"/admin/declarations/deliverypartner/?{asked}").content.decode()
        assert page.count('class="field-name"') == number


def test_a_partner_shows_the_lists_it_is_on(as_role: Callable[[str], Client]) -> None:
    partner = DeliveryPartnerFactory()
    provider = LeadProviderFactory(code="alpha")
    for year in (2023, 2024):
        DeliveryPartnershipFactory(
            delivery_partner=partner, lead_provider=provider, cohort=CohortFactory(start_year=year)
        )

    page = page_of(as_role("viewer"), partner)

    assert "Alpha 2023a, 2024a" in page
    assert "It is on no provider's list." in page_of(as_role("finance"), DeliveryPartnerFactory())


def test_similar_names_are_shown_before_a_partner_is_made(as_role: Callable[[str], Client]) -> None:
    DeliveryPartnerFactory(name="The Northbeck Teaching Hub")
    provider, cohort = LeadProviderFactory(code="alpha"), CohortFactory()
    answers = {"partner_name": "Northbeck Teaching Hub", "cohort": str(cohort.public_id)}
    client = as_role("configuration")

    looked = client.post(
        f"{address_of(provider, provider.public_id)}add_delivery_partner/", {"reason": "Asked for", **answers}
    )
    made_by_looking = DeliveryPartner.objects.filter(name="Northbeck Teaching Hub").exists()
    press(client, provider, "add_delivery_partner", **answers)

    page = words_of(looked.content.decode())
    assert "Delivery partners with a similar name" in page
    assert "The Northbeck Teaching Hub" in page
    assert made_by_looking is False
    assert DeliveryPartner.objects.get(name="Northbeck Teaching Hub").partnerships.get().lead_provider == provider


def test_a_known_name_is_paired_and_not_made_again(as_role: Callable[[str], Client]) -> None:
    known = DeliveryPartnerFactory(name="Northbeck Hub")
    provider, cohort = LeadProviderFactory(), CohortFactory()

    press(
        as_role("configuration"),
        provider,
        "add_delivery_partner",
        partner_name="northbeck hub",
        cohort=str(cohort.public_id),
    )

    assert known.partnerships.get().lead_provider == provider
    assert DeliveryPartner.objects.count() == 1


# A statement's dates ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"deadline_date": "2025-01-02"}, "The deadline has passed: the next nightly run makes the statement payable."),
        ({"deadline_date": "2099-01-02", "payment_date": "2099-01-25"}, "after 2 January 2099 go to a later statement"),
        ({"output_fee": "no"}, "Declarations are neither taken nor paid any more in this month."),
        ({"deadline_date": "2/1/2025"}, "Declaration deadline 26 December 2024 2 January 2025"),
        ({}, "Nothing: it is so already."),
    ],
)
def test_a_change_of_dates_says_what_follows(
    as_role: Callable[[str], Client], answers: dict[str, str], words: str
) -> None:
    statement = StatementFactory()
    given = {
        "deadline_date": str(statement.deadline_date),
        "payment_date": str(statement.payment_date),
        "output_fee": "yes",
        "reason": "The timetable changed",
    }

    response = as_role("configuration").post(
        f"{address_of(statement, statement.public_id)}set_statement/", {**given, **answers}
    )

    assert words in words_of(html.unescape(response.content.decode()))


def test_dates_in_lists_are_written_the_uk_way(as_role: Callable[[str], Client]) -> None:
    StatementFactory()

    page = as_role("viewer").get("/admin/finance/statement/?when=all").content.decode()

    assert "25 January 2025" in page
