"""What has to be known to judge a declaration: copies, slots, duplicates, money, partners."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When

from applications.models import Application
from applications.queries import effective_eligibility
from declarations.choices import LIVE_STATES, DeclarationState, DeclarationType
from declarations.models import Declaration
from declarations.queries.given import Claim, GivenPartners
from declarations.queries.partners import FoundPartner, partners_by_id, partners_named
from finance.models import ContractTerms
from finance.queries.statements import accepting_statements
from npq.core.models import Course
from participants.choices import TrainingStatus
from participants.models import Enrolment, Participant, TrainingStatusChange


@dataclass(frozen=True)
class Claimant:
    """Whom a claim is about, as found without locks: `copy_id` is the declaration it is an exact copy of."""

    participant_id: int
    visible: bool
    copy_id: int | None


@dataclass(frozen=True)
class Facts:
    """What the rules ask about an enrolment that a type is declared for. Read under the locks."""

    copy_id: int | None
    slot_held: bool
    duplicate_of_id: int | None
    withdrawn_at: datetime | None
    eligible_for_funding: bool
    has_terms: bool
    statement_open: bool
    partners: dict[uuid.UUID, FoundPartner]


def find_claimant(claim: Claim, *, lead_provider_id: int) -> Claimant | None:
    """The participant a claim names, by its current id, with the exact copy of the claim if there is one.

    `visible`: the provider has accepted an application of theirs. None for an id that nobody has now.
    """
    if not isinstance(claim.participant_id, uuid.UUID):
        return None
    accepted = Enrolment.objects.standing().filter(lead_provider_id=lead_provider_id, participant=OuterRef("pk"))
    found = (
        Participant.objects.filter(public_id=claim.participant_id, merged_into__isnull=True)
        .annotate(visible=Exists(accepted), copy_id=_copy_of(claim, lead_provider_id, OuterRef("pk")))
        .values_list("id", "visible", "copy_id")
        .first()
    )
    return Claimant(*found) if found else None


def facts_about(claim: Claim, enrolment: Enrolment, *, people: Iterable[int], day: date) -> Facts:
    """Everything the rules need to know about a claim for a locked enrolment, in one statement.

    `people` are the ids of all participants that are the same person; `day` is the UK date of the submission.
    """
    provider, cohort = enrolment.lead_provider_id, enrolment.cohort_id
    same_type = Declaration.objects.filter(declaration_type=claim.declaration_type or "")
    withdrawals = TrainingStatusChange.objects.filter(enrolment=enrolment, status=TrainingStatus.WITHDRAWN)
    found = (
        Application.objects.filter(id=enrolment.application_id)
        .annotate(
            copy_id=_copy_of(claim, provider, enrolment.participant_id),
            slot_held=Exists(same_type.live().filter(enrolment=enrolment)),
            duplicate_of_id=_duplicate_of(same_type.live(), enrolment, people),
            withdrawn_at=Subquery(withdrawals.order_by("-id").values("changed_at")[:1]),
            eligible=effective_eligibility(),
            has_terms=Exists(
                ContractTerms.objects.filter(lead_provider=provider, cohort=cohort, course=enrolment.course_id)
            ),
            statement_open=Exists(accepting_statements(lead_provider_id=provider, cohort_id=cohort, day=day)),
            partners=ArraySubquery(partners_named(claim.delivery_partners or GivenPartners(), provider, cohort)),
        )
        .values_list(
            "copy_id",
            "slot_held",
            "duplicate_of_id",
            "withdrawn_at",
            "eligible",
            "has_terms",
            "statement_open",
            "partners",
        )
    )
    *facts, partners = found.get()
    return Facts(*[*facts, partners_by_id(partners or ())])


def _copy_of(claim: Claim, lead_provider_id: int, participant: int | OuterRef) -> Subquery:
    """The provider's own record that a claim copies exactly (decisions.md §1.2); live rows win over ineligible ones.

    Courses of one family are one course. `has_passed` is compared with what was posted, on the courses that ask
    for it; on the others nothing is stored.
    """
    found = Declaration.objects.filter(
        lead_provider_id=lead_provider_id,
        enrolment__participant=participant,
        course__family__in=Course.objects.filter(identifier=claim.course_identifier or "").values("family"),
        declaration_type=claim.declaration_type or "",
        state__in=[*LIVE_STATES, DeclarationState.INELIGIBLE],
    )
    if isinstance(claim.declaration_date, datetime):
        found = found.filter(declaration_date=claim.declaration_date)
    else:
        found = found.none()
    if claim.declaration_type == DeclarationType.COMPLETED:
        found = found.filter(Q(has_passed__isnull=True) | Q(has_passed=claim.has_passed))
    live_first = Case(When(state=DeclarationState.INELIGIBLE, then=Value(1)), default=Value(0))
    return Subquery(found.order_by(live_first, "-id").values("id")[:1])


def _duplicate_of(live: QuerySet[Declaration], enrolment: Enrolment, people: Iterable[int]) -> Subquery | Value:
    """The oldest live declaration of another person with the same verified TRN (api.md §2.3.1, decisions.md §8)."""
    others = [person for person in people if person != enrolment.participant_id]
    if not others:
        return Value(None, output_field=IntegerField())
    held = live.filter(enrolment__participant__in=others, course__family=enrolment.course_family)
    return Subquery(held.order_by("created_at", "id").values("id")[:1])
