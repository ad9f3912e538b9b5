"""What a provider is shown of declarations, outcomes and delivery partners (api.md §4.2; decisions.md §1.15)."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from django.db.models import Exists, OuterRef, Q, QuerySet

from declarations.models import Declaration, DeliveryPartner, DeliveryPartnership, Outcome
from npq.core.models import Cohort
from participants.models import Enrolment

Shown = TypeVar("Shown", Declaration, Outcome)


def transferred_enrolments(lead_provider_id: int) -> list[int]:
    """The ids of the standing enrolments a provider holds that staff once moved from one provider to another."""
    moved = Enrolment.objects.standing().filter(lead_provider_id=lead_provider_id, transferred_at__isnull=False)
    return list(moved.values_list("id", flat=True))


def declarations_for_api(
    *,
    lead_provider_id: int,
    with_transferred: bool,
    cohorts: Iterable[int] | None = None,
    participant_ids: Iterable[uuid.UUID] | None = None,
    updated_since: datetime | None = None,
) -> QuerySet[Declaration]:
    """A provider's declarations, oldest first: those it made and, `with_transferred`, those of others on enrolments
    it holds now. `cohorts` are start years of the declaration's own cohort and mean every suffix.
    """
    mine = Declaration.objects.filter(lead_provider_id=lead_provider_id)
    own = _narrowed(mine, cohorts, participant_ids, updated_since)
    moved = transferred_enrolments(lead_provider_id) if with_transferred else []
    foreign = Declaration.objects.filter(enrolment__in=moved).exclude(lead_provider_id=lead_provider_id)
    return _together(own, _narrowed(foreign, cohorts, participant_ids, updated_since) if moved else None)


def _together(own: QuerySet[Shown], others: QuerySet[Shown] | None) -> QuerySet[Shown]:
    """A provider's own records and those that came with transferred enrolments, oldest first.

    Most providers hold no transferred enrolment (None). For one that does, the two kinds are a union and not a
    condition with OR, so that each half is read from its own index.
    """
    found = own if others is None else own.union(others, all=True)
    return found.order_by("created_at", "id")


def visible_declarations(*, lead_provider_id: int, with_transferred: bool) -> QuerySet[Declaration]:
    """The same declarations, to look up one by its id."""
    seen = Q(lead_provider_id=lead_provider_id)
    if with_transferred:
        seen |= Q(
            enrolment__lead_provider_id=lead_provider_id,
            enrolment__transferred_at__isnull=False,
            enrolment__undone_at__isnull=True,
        )
    return Declaration.objects.filter(seen)


def _narrowed(
    found: QuerySet[Declaration],
    cohorts: Iterable[int] | None,
    participant_ids: Iterable[uuid.UUID] | None,
    updated_since: datetime | None,
) -> QuerySet[Declaration]:
    if cohorts is not None:
        found = found.filter(cohort__in=list(Cohort.objects.filter(start_year__in=list(cohorts))))
    if participant_ids is not None:
        found = found.filter(enrolment__participant__public_id__in=list(participant_ids))
    if updated_since is not None:
        found = found.filter(updated_at__gte=updated_since)
    return found


def outcomes_for_api(
    *, lead_provider_id: int, participant_id: int | None = None, created_since: datetime | None = None
) -> QuerySet[Outcome]:
    """The log of outcomes on a provider's declarations, oldest first; `participant_id` is the internal id.

    A provider that took over an enrolment also sees the outcomes of its earlier declarations: it may correct
    them, and must be able to read what it submitted.
    """
    wanted = Q()
    if participant_id is not None:
        wanted &= Q(declaration__enrolment__participant_id=participant_id)
    if created_since is not None:
        wanted &= Q(created_at__gte=created_since)
    own = Outcome.objects.filter(wanted, lead_provider_id=lead_provider_id)
    moved = transferred_enrolments(lead_provider_id)
    others = Outcome.objects.filter(wanted, declaration__enrolment__in=moved).exclude(lead_provider_id=lead_provider_id)
    return _together(own, others if moved else None)


def delivery_partners_for_api(
    *,
    lead_provider_id: int,
    cohorts: Iterable[int] | None = None,
    order: tuple[str, ...] = ("name", "id"),
) -> QuerySet[DeliveryPartner]:
    """The partners on a provider's list for any cohort, by name; `cohorts` are start years."""
    pairings = DeliveryPartnership.objects.filter(lead_provider_id=lead_provider_id, delivery_partner=OuterRef("pk"))
    if cohorts is not None:
        pairings = pairings.filter(cohort__start_year__in=list(cohorts))
    return DeliveryPartner.objects.filter(Exists(pairings)).order_by(*order)
