"""The delivery partners that a declaration names."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import JSONObject

from declarations.models import DeliveryPartner, DeliveryPartnership
from declarations.queries.given import GivenPartners


@dataclass(frozen=True)
class FoundPartner:
    """A delivery partner that was named, and whether it is on the provider's list for the cohort."""

    id: int
    on_list: bool


def partners_named(
    given: GivenPartners, lead_provider_id: int, cohort_id: int | None
) -> QuerySet[DeliveryPartner, Any]:
    """The partners that were named and exist, each as one JSON object; without a cohort none is on its list."""
    named = [one for one in (given.primary, given.secondary) if isinstance(one, uuid.UUID)]
    pairing = DeliveryPartnership.objects.filter(
        delivery_partner=OuterRef("pk"), lead_provider_id=lead_provider_id, cohort_id=cohort_id or 0
    )
    found = DeliveryPartner.objects.filter(public_id__in=named).annotate(on_list=Exists(pairing))
    return found.values_list(JSONObject(public_id="public_id", id="id", on_list="on_list"), flat=True)


def partners_by_id(found: Iterable[Mapping[str, Any]]) -> dict[uuid.UUID, FoundPartner]:
    """What `partners_named` yields, by public id."""
    return {uuid.UUID(one["public_id"]): FoundPartner(one["id"], one["on_list"]) for one in found}


MOST_SIMILAR = 10
SIMILAR = 0.4


def similar_partners(name: str, *, but: int | None = None) -> QuerySet[DeliveryPartner]:
    """At most ten partners whose names are like a name, the most similar first; `but` is the id of one to leave out.

    Compared by their groups of three letters, so that a word more, a word less or a slip of the pen is no difference.
    """
    found = DeliveryPartner.objects.annotate(like=TrigramSimilarity("name", name)).filter(like__gte=SIMILAR)
    return found.exclude(id=but or 0).order_by("-like", "name")[:MOST_SIMILAR]
