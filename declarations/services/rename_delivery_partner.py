"""Giving a delivery partner another name."""

from django.db.models import Q

from declarations.errors import PartnerNameTaken
from declarations.models import Declaration, DeliveryPartner
from npq.core.audit import Actor, acting_as
from npq.core.constraints import violation_means

NAME_IS_UNIQUE = "declarations_deliverypartner_name_key"


def rename_delivery_partner(*, delivery_partner_id: int, name: str, by: Actor) -> bool:
    """Gives a delivery partner another name; returns whether it had to be written. Its id and its lists stay.

    Declarations show the name, so those that name the partner are marked as changed. Refuses with PartnerNameTaken
    when another partner has the name; names are compared without regard to case.
    """
    with acting_as(by, "rename_delivery_partner"):
        named = Q(delivery_partner=delivery_partner_id) | Q(secondary_delivery_partner=delivery_partner_id)
        declarations = Declaration.objects.filter(named).order_by("id").select_for_update(no_key=True)
        shown = list(declarations.values_list("id", flat=True))
        partner = DeliveryPartner.objects.select_for_update(no_key=True).get(id=delivery_partner_id)
        if partner.name == name:
            return False
        other = DeliveryPartner.objects.filter(name__iexact=name).exclude(id=partner.id).order_by("id").first()
        if other is not None:
            raise PartnerNameTaken(name=other.name, id=other.public_id)
        partner.name = name
        with violation_means(NAME_IS_UNIQUE, PartnerNameTaken(name=name, id="one that was made just now")):
            partner.save(update_fields=["name"])
        Declaration.objects.filter(id__in=shown).touch()
        return True
