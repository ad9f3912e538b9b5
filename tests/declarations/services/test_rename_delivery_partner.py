"""Renaming a delivery partner: nobody else's name, whatever the case; and what shows it is marked as changed."""

import pytest

from declarations.errors import PartnerNameTaken
from declarations.models import DeliveryPartner
from declarations.queries.partners import similar_partners
from declarations.services import rename_delivery_partner
from npq.core.audit import Actor
from npq.core.models import Change
from tests.factories import DeclarationFactory, DeliveryPartnerFactory

pytestmark = pytest.mark.django_db

BY = Actor.staff("Sam Reyes", identifier="1", reason="They have merged")


def test_it_is_renamed_and_the_trail_says_by_whom() -> None:
    partner = DeliveryPartnerFactory(name="Northbeck Hub")

    written = rename_delivery_partner(delivery_partner_id=partner.id, name="Northbeck Teaching Hub", by=BY)

    partner.refresh_from_db()
    change = Change.objects.latest("id")
    assert (written, partner.name) == (True, "Northbeck Teaching Hub")
    assert (change.action, change.before, change.after) == (
        "rename_delivery_partner",
        {"name": "Northbeck Hub"},
        {"name": "Northbeck Teaching Hub"},
    )


def test_the_same_name_changes_nothing() -> None:
    partner = DeliveryPartnerFactory(name="Northbeck Hub")
    changes = Change.objects.count()

    assert rename_delivery_partner(delivery_partner_id=partner.id, name="Northbeck Hub", by=BY) is False
    assert Change.objects.count() == changes


def test_its_own_name_in_other_letters_is_a_change() -> None:
    partner = DeliveryPartnerFactory(name="NORTHBECK HUB")

    assert rename_delivery_partner(delivery_partner_id=partner.id, name="Northbeck Hub", by=BY)


def test_another_partners_name_is_refused_whatever_its_case() -> None:
    DeliveryPartnerFactory(name="Eastbeck Hub")
    partner = DeliveryPartnerFactory(name="Northbeck Hub")

    with pytest.raises(PartnerNameTaken, match="Eastbeck Hub"):
        rename_delivery_partner(delivery_partner_id=partner.id, name="EASTBECK HUB", by=BY)

    assert DeliveryPartner.objects.get(id=partner.id).name == "Northbeck Hub"


@pytest.mark.parametrize("place", ["delivery_partner", "secondary_delivery_partner"])
def test_declarations_that_name_it_are_marked_as_changed(place: str) -> None:
    partner = DeliveryPartnerFactory()
    given = {"delivery_partner": DeliveryPartnerFactory(), place: partner}
    declaration, other = DeclarationFactory(**given), DeclarationFactory(delivery_partner=DeliveryPartnerFactory())
    before = declaration.updated_at, other.updated_at

    rename_delivery_partner(delivery_partner_id=partner.id, name="Another Hub", by=BY)

    declaration.refresh_from_db()
    other.refresh_from_db()
    assert declaration.updated_at > before[0]
    assert other.updated_at == before[1]


def test_similar_names_are_found_the_most_similar_first_and_oneself_is_not() -> None:
    close = DeliveryPartnerFactory(name="Northbeck Teaching")
    closest = DeliveryPartnerFactory(name="Northbeck Teaching Hubb")
    DeliveryPartnerFactory(name="Quite another organisation")
    partner = DeliveryPartnerFactory(name="Northbeck Teaching Hub")

    assert list(similar_partners("Northbeck Teaching Hub", but=partner.id)) == [closest, close]
