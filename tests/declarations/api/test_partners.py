"""Delivery partners (v3): on a declaration (rows 17 to 22), changed later, listed and shown (api.md §2.6, §5.3)."""

import uuid
from typing import Any

import pytest

from declarations.models import Declaration, DeliveryPartner
from npq.core.models import Change, Cohort, LeadProvider
from participants.models import Enrolment
from tests.conftest import ApiClient, errors_of
from tests.declarations.conftest import declare, declared, trainee
from tests.factories import (
    CohortFactory,
    DeclarationFactory,
    DeliveryPartnerFactory,
    DeliveryPartnershipFactory,
)

pytestmark = pytest.mark.django_db

UNKNOWN = "b2e7d7c4-33a1-4d0b-8d29-7f1f0a5c6e02"


@pytest.fixture
def cohort(db: Any) -> Cohort:
    return CohortFactory(capped=True)


@pytest.fixture
def enrolment(provider: LeadProvider, cohort: Cohort) -> Enrolment:
    """Works in England, cohort 2024: a delivery partner is needed."""
    return trainee(provider, cohort=cohort)


@pytest.fixture
def partner(provider: LeadProvider, cohort: Cohort) -> DeliveryPartner:
    return on_the_list(provider, cohort)


def on_the_list(provider: LeadProvider, cohort: Cohort) -> DeliveryPartner:
    return DeliveryPartnershipFactory(lead_provider=provider, cohort=cohort).delivery_partner


def named(primary: Any = None, secondary: Any = None) -> dict[str, Any]:
    """The two attributes, of partners or of whatever else is sent."""
    fields = {"delivery_partner_id": primary, "secondary_delivery_partner_id": secondary}
    return {
        name: str(value.public_id) if isinstance(value, DeliveryPartner) else value
        for name, value in fields.items()
        if value is not None
    }


def works(enrolment: Enrolment, catchment: str | None, **more: Any) -> None:
    for name, value in {"teacher_catchment": catchment, **more}.items():
        setattr(enrolment.application, name, value)
    enrolment.application.save()


def test_a_declaration_shows_its_partners(api: ApiClient, enrolment: Enrolment, partner: DeliveryPartner) -> None:
    second = on_the_list(enrolment.lead_provider, enrolment.cohort)

    shown = declared(api, enrolment, **named(partner, second))["attributes"]

    assert shown["delivery_partner_id"] == str(partner.public_id)
    assert shown["delivery_partner_name"] == partner.name
    assert shown["secondary_delivery_partner_id"] == str(second.public_id)
    assert shown["secondary_delivery_partner_name"] == second.name


# Rows 17 to 22 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unknown", [UNKNOWN, "not-an-id"])
def test_row_17_an_unknown_partner(unknown: str, api: ApiClient, enrolment: Enrolment) -> None:
    assert errors_of(declare(api, "v3", enrolment, **named(unknown))) == [
        ("delivery_partner_id", "delivery_partner_not_found")
    ]


def test_row_17_an_unknown_secondary_partner(api: ApiClient, enrolment: Enrolment, partner: DeliveryPartner) -> None:
    assert errors_of(declare(api, "v3", enrolment, **named(partner, UNKNOWN))) == [
        ("secondary_delivery_partner_id", "delivery_partner_not_found")
    ]


def test_row_17_two_unreadable_ids_are_two_errors(api: ApiClient, enrolment: Enrolment) -> None:
    assert errors_of(declare(api, "v3", enrolment, **named("x", "y"))) == [
        ("delivery_partner_id", "delivery_partner_not_found"),
        ("secondary_delivery_partner_id", "delivery_partner_not_found"),
    ]


@pytest.mark.parametrize("blank", [{}, {"delivery_partner_id": None}, {"delivery_partner_id": ""}], ids=str)
def test_row_18_in_england_from_2024_a_partner_is_named(
    blank: dict[str, Any], api: ApiClient, enrolment: Enrolment
) -> None:
    assert errors_of(declare(api, "v3", enrolment, **blank)) == [("delivery_partner_id", "delivery_partner_missing")]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_row_18_older_versions_are_never_asked(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    assert declare(api, version, enrolment, **named(UNKNOWN, UNKNOWN)).status_code == 200
    assert Declaration.objects.get().delivery_partner is None


def test_row_18_before_2024_nobody_is_asked(api: ApiClient, provider: LeadProvider) -> None:
    assert declare(api, "v3", trainee(provider)).status_code == 200


@pytest.mark.parametrize("catchment", [None, "wales", "another"])
def test_row_18_outside_england_nobody_is_asked(catchment: str | None, api: ApiClient, enrolment: Enrolment) -> None:
    works(enrolment, catchment)

    assert declare(api, "v3", enrolment).status_code == 200


def test_row_18_where_nobody_can_tell_a_partner_may_be_named(
    api: ApiClient, enrolment: Enrolment, partner: DeliveryPartner
) -> None:
    works(enrolment, None)

    assert declared(api, enrolment, **named(partner))["attributes"]["delivery_partner_id"] == str(partner.public_id)


@pytest.mark.parametrize("catchment", ["wales", "scotland", "another", "jersey_guernsey_isle_of_man"])
def test_row_19_outside_england_there_is_no_partner(
    catchment: str, api: ApiClient, enrolment: Enrolment, partner: DeliveryPartner
) -> None:
    works(enrolment, catchment)
    second = on_the_list(enrolment.lead_provider, enrolment.cohort)

    assert errors_of(declare(api, "v3", enrolment, **named(partner, second))) == [
        ("delivery_partner_id", "delivery_partner_overseas"),
        ("secondary_delivery_partner_id", "delivery_partner_overseas"),
    ]


@pytest.mark.parametrize(
    ("urn", "code"), [("140233", None), ("401234", "delivery_partner_overseas"), (None, "delivery_partner_overseas")]
)
def test_row_19_before_2024_a_urn_with_1_is_in_england(
    urn: str | None, code: str | None, api: ApiClient, provider: LeadProvider
) -> None:
    enrolment = trainee(provider)
    works(enrolment, "wales", school_urn=urn)
    partner = on_the_list(provider, enrolment.cohort)

    response = declare(api, "v3", enrolment, **named(partner))

    assert (response.status_code == 200) == (code is None)
    if code:
        assert errors_of(response) == [("delivery_partner_id", code)]


def test_row_19_from_2024_the_urn_counts_for_nothing(
    api: ApiClient, enrolment: Enrolment, partner: DeliveryPartner
) -> None:
    works(enrolment, "wales", school_urn="140233")

    assert errors_of(declare(api, "v3", enrolment, **named(partner))) == [
        ("delivery_partner_id", "delivery_partner_overseas")
    ]


@pytest.mark.parametrize("whose", ["nobody's", "another cohort's", "another provider's"])
def test_row_20_the_partner_is_on_the_list(
    whose: str, api: ApiClient, enrolment: Enrolment, partner: DeliveryPartner
) -> None:
    stranger = DeliveryPartnerFactory()
    if whose == "another cohort's":
        DeliveryPartnershipFactory(delivery_partner=stranger, lead_provider=enrolment.lead_provider)
    elif whose == "another provider's":
        DeliveryPartnershipFactory(delivery_partner=stranger, cohort=enrolment.cohort)

    assert errors_of(declare(api, "v3", enrolment, **named(stranger))) == [
        ("delivery_partner_id", "delivery_partner_not_on_list")
    ]
    assert errors_of(declare(api, "v3", enrolment, **named(partner, stranger))) == [
        ("secondary_delivery_partner_id", "delivery_partner_not_on_list")
    ]


def test_row_21_a_secondary_partner_needs_a_first(
    api: ApiClient, provider: LeadProvider, partner: DeliveryPartner
) -> None:
    enrolment = trainee(provider)
    on_list = on_the_list(provider, enrolment.cohort)

    assert errors_of(declare(api, "v3", enrolment, **named(None, on_list))) == [
        ("secondary_delivery_partner_id", "secondary_delivery_partner_alone")
    ]


def test_row_22_the_two_differ(api: ApiClient, enrolment: Enrolment, partner: DeliveryPartner) -> None:
    assert errors_of(declare(api, "v3", enrolment, **named(partner, partner))) == [
        ("secondary_delivery_partner_id", "delivery_partners_same")
    ]


def test_partners_are_judged_beside_other_errors(api: ApiClient, enrolment: Enrolment) -> None:
    response = declare(api, "v3", enrolment, declaration_date="2024-11-21T00:00:00Z", **named(UNKNOWN))

    assert errors_of(response) == [
        ("delivery_partner_id", "delivery_partner_not_found"),
        ("declaration_date", "declaration_date_in_future"),
    ]


# Changing them ---------------------------------------------------------------------------------------------------


@pytest.fixture
def declaration(enrolment: Enrolment, partner: DeliveryPartner) -> Declaration:
    return DeclarationFactory(enrolment=enrolment, delivery_partner=partner)


def change(api: ApiClient, declaration: Declaration, fields: dict[str, Any]) -> Any:
    return api.put("v3", f"/participant-declarations/{declaration.public_id}/change-delivery-partner", fields)


@pytest.mark.parametrize("state", ["eligible", "paid", "voided", "clawed-back"])
def test_partners_are_replaced_in_any_state(state: str, api: ApiClient, declaration: Declaration) -> None:
    Declaration.objects.update(state=state)
    new, second = (on_the_list(declaration.lead_provider, declaration.cohort) for _ in "12")

    response = change(api, declaration, named(new, second))

    assert response.status_code == 200
    shown = response.json()["data"]["attributes"]
    assert (shown["delivery_partner_name"], shown["secondary_delivery_partner_name"]) == (new.name, second.name)
    assert Change.objects.get(action="change_delivery_partner").table == "declarations_declaration"


@pytest.mark.parametrize("more", [{}, {"secondary_delivery_partner_id": None}], ids=str)
def test_leaving_the_second_out_clears_it(
    more: dict[str, Any], api: ApiClient, declaration: Declaration, partner: DeliveryPartner
) -> None:
    Declaration.objects.update(secondary_delivery_partner=DeliveryPartnerFactory())

    shown = change(api, declaration, {**named(partner), **more}).json()["data"]["attributes"]

    assert (shown["delivery_partner_id"], shown["secondary_delivery_partner_id"]) == (str(partner.public_id), None)


def test_the_same_partners_again_change_nothing(
    api: ApiClient, declaration: Declaration, partner: DeliveryPartner
) -> None:
    response = change(api, declaration, named(partner))

    assert response.status_code == 200
    assert Declaration.objects.get().updated_at == declaration.updated_at


@pytest.mark.parametrize("fields", [{"delivery_partner_id": None}, {"secondary_delivery_partner_id": None}], ids=str)
def test_a_first_partner_is_needed(fields: dict[str, Any], api: ApiClient, declaration: Declaration) -> None:
    assert errors_of(change(api, declaration, fields)) == [
        ("delivery_partner_id", "delivery_partner_missing"),
        ("delivery_partner", "delivery_partner_not_found"),
    ]


def test_unknown_partners_have_titles_of_their_own(api: ApiClient, declaration: Declaration) -> None:
    assert errors_of(change(api, declaration, named(UNKNOWN, str(uuid.uuid4())))) == [
        ("delivery_partner", "delivery_partner_not_found"),
        ("secondary_delivery_partner", "delivery_partner_not_found"),
    ]


def test_the_list_is_kept_to(api: ApiClient, declaration: Declaration, partner: DeliveryPartner) -> None:
    stranger = DeliveryPartnerFactory()

    assert errors_of(change(api, declaration, named(stranger))) == [
        ("delivery_partner_id", "delivery_partner_not_on_list")
    ]
    assert errors_of(change(api, declaration, named(partner, stranger))) == [
        ("secondary_delivery_partner_id", "delivery_partner_not_on_list")
    ]
    assert errors_of(change(api, declaration, named(partner, partner))) == [
        ("secondary_delivery_partner_id", "delivery_partners_same")
    ]


def test_overseas_stays_overseas(api: ApiClient, declaration: Declaration, partner: DeliveryPartner) -> None:
    works(declaration.enrolment, "scotland")

    assert errors_of(change(api, declaration, named(partner))) == [("delivery_partner_id", "delivery_partner_overseas")]


def test_the_declarations_own_cohort_counts(api: ApiClient, declaration: Declaration) -> None:
    """Moved to another cohort since, the enrolment's list is not the declaration's."""
    later = on_the_list(declaration.lead_provider, CohortFactory(start_year=2025))

    assert errors_of(change(api, declaration, named(later))) == [
        ("delivery_partner_id", "delivery_partner_not_on_list")
    ]


def test_another_providers_declaration_is_forbidden_or_unknown(
    api: ApiClient, rival_api: ApiClient, declaration: Declaration, rival_provider: Any, partner: DeliveryPartner
) -> None:
    assert change(rival_api, declaration, named(partner)).status_code == 404

    enrolment = declaration.enrolment
    Enrolment.objects.update(lead_provider=rival_provider, transferred_at=enrolment.accepted_at)
    enrolment.application.lead_provider = rival_provider
    enrolment.application.save()
    response = change(rival_api, declaration, named(partner))

    assert response.status_code == 403
    assert errors_of(response) == [("Cannot modify declaration", "declaration_of_another_provider")]


@pytest.mark.parametrize("body", [b"{}", b'{"data": {"attributes": {}}}', b'{"data": {"attributes": {"partner": 1}}}'])
def test_the_body_is_read_before_the_path(body: bytes, api: ApiClient) -> None:
    path = f"/participant-declarations/{UNKNOWN}/change-delivery-partner"

    assert api.request("PUT", "v3", path, body=body).status_code == 400


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_older_versions_have_no_partners(version: str, api: ApiClient, declaration: Declaration) -> None:
    path = f"/participant-declarations/{declaration.public_id}/change-delivery-partner"

    assert api.put(version, path, {"delivery_partner_id": UNKNOWN}).status_code == 404
    assert api.get(version, "/delivery-partners").status_code == 404
    assert api.get(version, f"/delivery-partners/{UNKNOWN}").status_code == 404


# The list --------------------------------------------------------------------------------------------------------


def test_partners_are_listed_by_name_with_their_years(api: ApiClient, provider: LeadProvider) -> None:
    both = DeliveryPartnerFactory(name="Northbeck Teaching Hub")
    one = DeliveryPartnerFactory(name="Ashgrove Teaching Hub")
    for cohort in (
        CohortFactory(start_year=2025),
        CohortFactory(capped=True),
        CohortFactory(start_year=2025, suffix="b"),
    ):
        DeliveryPartnershipFactory(delivery_partner=both, lead_provider=provider, cohort=cohort)
    DeliveryPartnershipFactory(delivery_partner=one, lead_provider=provider, cohort=CohortFactory(capped=True))
    DeliveryPartnershipFactory(delivery_partner=one, cohort=CohortFactory(start_year=2025))
    DeliveryPartnershipFactory(cohort=CohortFactory(capped=True))

    data = api.get("v3", "/delivery-partners").json()["data"]

    assert [(row["attributes"]["name"], row["attributes"]["cohort"]) for row in data] == [
        ("Ashgrove Teaching Hub", ["2024"]),
        ("Northbeck Teaching Hub", ["2024", "2025"]),
    ]
    assert data[1] == {
        "id": str(both.public_id),
        "type": "delivery-partner",
        "attributes": {
            "name": "Northbeck Teaching Hub",
            "cohort": ["2024", "2025"],
            "created_at": both.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "updated_at": both.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }


def test_the_list_is_filtered_by_year(api: ApiClient, provider: LeadProvider, partner: DeliveryPartner) -> None:
    on_the_list(provider, CohortFactory(start_year=2025))

    data = api.get("v3", "/delivery-partners", {"filter[cohort]": "2024"}).json()["data"]

    assert [row["id"] for row in data] == [str(partner.public_id)]
    assert api.get("v3", "/delivery-partners", {"filter[cohort]": "1999"}).json() == {"data": []}


@pytest.mark.parametrize(
    ("sort", "names"),
    [("-name", "CBA"), ("created_at", "BCA"), ("-updated_at,name", "ACB"), ("nonsense", "ABC"), ("", "ABC")],
)
def test_the_list_is_sorted(sort: str, names: str, api: ApiClient, provider: LeadProvider, cohort: Cohort) -> None:
    for name in "BCA":
        DeliveryPartnershipFactory(
            delivery_partner=DeliveryPartnerFactory(name=name), lead_provider=provider, cohort=cohort
        )

    data = api.get("v3", "/delivery-partners", {"sort": sort}).json()["data"]

    assert "".join(row["attributes"]["name"] for row in data) == names


def test_a_partner_is_shown_to_those_who_have_it_on_their_list(
    api: ApiClient, rival_api: ApiClient, partner: DeliveryPartner
) -> None:
    path = f"/delivery-partners/{partner.public_id}"

    assert api.get("v3", path).json()["data"]["attributes"]["name"] == partner.name
    assert rival_api.get("v3", path).status_code == 404
    assert api.get("v3", "/delivery-partners/123XXX").status_code == 404
