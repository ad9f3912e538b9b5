"""Changing the delivery partners of a declaration."""

from collections.abc import Iterator

from declarations.errors import DeclarationOfAnotherProvider, DeliveryPartnerMissing, DeliveryPartnerNotFound
from declarations.queries.given import GivenPartners
from declarations.queries.locks import lock_declaration
from declarations.queries.partners import partners_by_id, partners_named
from declarations.services.partner_rules import PRIMARY, PartnerSituation, partner_refusals
from npq.core.audit import Actor, acting_as
from npq.core.errors import Refused, refuse_if_any

# Under what this endpoint reports ids that are nobody's (api.md §5.3, Change delivery partner).
UNKNOWN_TITLES = ("delivery_partner", "secondary_delivery_partner")


def change_delivery_partner(*, declaration_id: int, held_by: int | None, given: GivenPartners, by: Actor) -> None:
    """Replaces the delivery partners of a declaration in any state; no secondary one clears it (domain.md §3.16).

    `held_by` is the id of the provider that must have made the declaration, None for staff. Refuses with
    DeclarationOfAnotherProvider and the errors about delivery partners of `declarations.errors`.
    """
    with acting_as(by, "change_delivery_partner"):
        declaration = lock_declaration(declaration_id)
        if held_by is not None and declaration.lead_provider_id != held_by:
            raise DeclarationOfAnotherProvider
        found = partners_by_id(partners_named(given, declaration.lead_provider_id, declaration.cohort_id))
        partners = PartnerSituation(given, found, declaration.enrolment.application, declaration.cohort)
        refuse_if_any(_refusals(partners))
        declaration.delivery_partner_id = partners.primary_id
        declaration.secondary_delivery_partner_id = partners.secondary_id
        declaration.save(update_fields=["delivery_partner", "secondary_delivery_partner"])


def _refusals(it: PartnerSituation) -> Iterator[Refused]:
    if it.given.primary is None:
        yield DeliveryPartnerMissing(cohort=it.cohort)
        yield DeliveryPartnerNotFound(field=PRIMARY, title=UNKNOWN_TITLES[0])
    for refusal in partner_refusals(it, unknown_titles=UNKNOWN_TITLES):
        if not isinstance(refusal, DeliveryPartnerMissing):
            yield refusal
