"""Which delivery partners a declaration may name (api.md §5.3 rows 17 to 22; decisions.md §8)."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from applications.choices import TeacherCatchment
from applications.models import Application
from declarations.errors import (
    DeliveryPartnerMissing,
    DeliveryPartnerNotFound,
    DeliveryPartnerNotOnList,
    DeliveryPartnerOverseas,
    DeliveryPartnersSame,
    SecondaryDeliveryPartnerAlone,
)
from declarations.queries.given import GivenId, GivenPartners
from declarations.queries.partners import FoundPartner
from npq.core.errors import Refused
from npq.core.models import Cohort

# From this cohort on a declaration for somebody who works in England names its delivery partner.
FIRST_COHORT = 2024

PRIMARY, SECONDARY = "delivery_partner_id", "secondary_delivery_partner_id"


@dataclass(frozen=True)
class PartnerSituation:
    """The partners that were named and those of them that exist; for whom and for which cohort, once that is known."""

    given: GivenPartners
    found: Mapping[uuid.UUID, FoundPartner]
    application: Application | None
    cohort: Cohort | None

    def partner(self, given: GivenId) -> FoundPartner | None:
        """The partner with a given id, or None."""
        return self.found.get(given) if isinstance(given, uuid.UUID) else None

    @property
    def primary_id(self) -> int | None:
        """The internal id of the partner that was named."""
        found = self.partner(self.given.primary)
        return found.id if found else None

    @property
    def secondary_id(self) -> int | None:
        """The internal id of the secondary partner that was named."""
        found = self.partner(self.given.secondary)
        return found.id if found else None


def partner_refusals(
    it: PartnerSituation, *, unknown_titles: tuple[str, str] = (PRIMARY, SECONDARY)
) -> Iterator[Refused]:
    """Why these partners may not be named, in the order of the contract's table.

    `unknown_titles` are what the errors about ids that are nobody's stand under.
    """
    yield from _unknown_partners(it, unknown_titles)
    if it.application is not None and it.cohort is not None:
        inside = works_in_england(it.application, it.cohort)
        if it.given.primary is None and inside and it.cohort.start_year >= FIRST_COHORT:
            yield DeliveryPartnerMissing(cohort=it.cohort)
        yield from _misplaced_partners(it, it.cohort, overseas=inside is False)
    if it.given.secondary is not None and it.given.primary is None:
        yield SecondaryDeliveryPartnerAlone()
    if isinstance(it.given.secondary, uuid.UUID) and it.given.secondary == it.given.primary:
        yield DeliveryPartnersSame()


def _unknown_partners(it: PartnerSituation, titles: tuple[str, str]) -> Iterator[Refused]:
    for field, given, title in zip((PRIMARY, SECONDARY), (it.given.primary, it.given.secondary), titles, strict=True):
        if given is not None and it.partner(given) is None:
            yield DeliveryPartnerNotFound(field=field, title=title)


def _misplaced_partners(it: PartnerSituation, cohort: Cohort, *, overseas: bool) -> Iterator[Refused]:
    named = ((PRIMARY, it.given.primary), (SECONDARY, it.given.secondary))
    if overseas:
        yield from (DeliveryPartnerOverseas(field=field, title=field) for field, given in named if given is not None)
        return
    for field, given in named:
        partner = it.partner(given)
        if partner is not None and not partner.on_list:
            yield DeliveryPartnerNotOnList(field=field, title=field, cohort=cohort, year=cohort.start_year)


def works_in_england(application: Application, cohort: Cohort) -> bool | None:
    """Whether the applicant works in England; None when nobody can tell.

    Before 2024 a school whose URN begins with 1 is in England whatever the catchment says (api.md §5.3).
    """
    if application.teacher_catchment == TeacherCatchment.ENGLAND:
        return True
    if cohort.start_year < FIRST_COHORT and (application.school_urn or "").startswith("1"):
        return True
    return None if application.teacher_catchment is None else False
