"""Changing the delivery partners of a declaration, and naming those of one that has none."""

from collections.abc import Iterator

from declarations.errors import (
    DeclarationOfAnotherProvider,
    DeliveryPartnerMissing,
    DeliveryPartnerNamed,
    DeliveryPartnerNotFound,
)
from declarations.models import Declaration
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
        partners = _partners(declaration, given)
        declaration.delivery_partner_id = partners.primary_id
        declaration.secondary_delivery_partner_id = partners.secondary_id
        declaration.save(update_fields=["delivery_partner", "secondary_delivery_partner"])


def fill_delivery_partner(*, declaration_id: int, given: GivenPartners, by: Actor) -> None:
    """Names the delivery partners of a declaration that was made without; one that is named is never replaced.

    What is left out stays as it is (backoffice.md §3.1). Refuses with DeliveryPartnerNamed where another one is named
    already, and with the errors about delivery partners of `declarations.errors`.
    """
    with acting_as(by, "fill_delivery_partner"):
        declaration = lock_declaration(declaration_id)
        partners = _partners(declaration, given)
        wanted = {"delivery_partner": partners.primary_id, "secondary_delivery_partner": partners.secondary_id}
        for name, partner_id in wanted.items():
            if partner_id is None:
                continue
            held = getattr(declaration, name)
            if held is not None and held.id != partner_id:
                raise DeliveryPartnerNamed(field=name, title=name, name=held.name, id=held.public_id)
            setattr(declaration, f"{name}_id", partner_id)
        declaration.save(update_fields=list(wanted))


def _partners(declaration: Declaration, given: GivenPartners) -> PartnerSituation:
    """The partners, which may be named for the declaration. Raises the refusals when they may not."""
    found = partners_by_id(partners_named(given, declaration.lead_provider_id, declaration.cohort_id))
    partners = PartnerSituation(given, found, declaration.enrolment.application, declaration.cohort)
    refuse_if_any(_refusals(partners))
    return partners


def _refusals(it: PartnerSituation) -> Iterator[Refused]:
    if it.given.primary is None:
        yield DeliveryPartnerMissing(cohort=it.cohort)
        yield DeliveryPartnerNotFound(field=PRIMARY, title=UNKNOWN_TITLES[0])
    for refusal in partner_refusals(it, unknown_titles=UNKNOWN_TITLES):
        if not isinstance(refusal, DeliveryPartnerMissing):
            yield refusal
