"""Putting a delivery partner on a provider's list for a cohort."""

import uuid

from declarations.errors import PartnerIdTaken, PartnerNameTaken
from declarations.models import DeliveryPartner, DeliveryPartnership
from npq.core.audit import Actor, acting_as


def pair_delivery_partner(
    *, name: str, public_id: uuid.UUID | None, lead_provider_id: int, cohort_id: int, by: Actor
) -> bool:
    """Pairs a delivery partner with a provider for a cohort; returns whether anything had to be written.

    The partner is made when nobody has the name; names are compared without regard to case. `public_id` gives a
    new partner its id, or says which one is meant. Refuses with PartnerIdTaken or PartnerNameTaken when id and
    name belong to two different partners.
    """
    with acting_as(by, "pair_delivery_partner"):
        partner, made = _partner(name, public_id)
        _, paired = DeliveryPartnership.objects.get_or_create(
            delivery_partner=partner, lead_provider_id=lead_provider_id, cohort_id=cohort_id
        )
        if paired and not made:
            DeliveryPartner.objects.filter(id=partner.id).touch()
        return paired


def _partner(name: str, public_id: uuid.UUID | None) -> tuple[DeliveryPartner, bool]:
    named = DeliveryPartner.objects.filter(name__iexact=name).order_by("id").first()
    if named is not None:
        if public_id not in (None, named.public_id):
            raise PartnerNameTaken(name=named.name, id=named.public_id)
        return named, False
    if public_id is not None:
        identified = DeliveryPartner.objects.filter(public_id=public_id).first()
        if identified is not None:
            raise PartnerIdTaken(id=public_id, name=identified.name)
    given = {} if public_id is None else {"public_id": public_id}
    return DeliveryPartner.objects.get_or_create(name=name, defaults=given)
