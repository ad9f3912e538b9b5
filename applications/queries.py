"""Reads of applications, with what is computed about them."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db.models import BooleanField, Case, CharField, DateTimeField, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from applications.choices import (
    ApplicationStatus,
    FundingEligibilityStatusCode,
    IneligibleForFundingReason,
    ReasonForRejection,
)
from applications.models import Application
from declarations.models import Declaration
from npq.core.invariants import sql_invariant
from npq.core.models import Change, Cohort
from participants.models import Enrolment

ALWAYS = RawSQL("'infinity'::timestamptz", [], output_field=DateTimeField())
FUNDED_BY_POLICY = Q(funding_eligibility_status_code=FundingEligibilityStatusCode.MARKED_FUNDED_BY_POLICY)


def previously_funded() -> Exists:
    """Whether the participant was funded on this course family before (api.md §2.1.1, decisions.md §1.16).

    Looks at the participant's other standing enrolments that were eligible and not refused a funded place:
    those accepted earlier than this application, or all of them while it is not accepted itself. Of two accepted
    at the same instant, as the sandbox's clock makes possible, the first one written is the earlier.
    """
    accepted_at = OuterRef("enrolment__accepted_at")
    return Exists(
        Enrolment.objects.standing()
        .filter(
            Q(application__funded_place__isnull=True) | Q(application__funded_place=True),
            Q(accepted_at__lt=Coalesce(accepted_at, ALWAYS)) | Q(accepted_at=accepted_at, id__lt=OuterRef("enrolment")),
            participant=OuterRef("participant"),
            course_family=OuterRef("course__family"),
            application__eligible_for_funding=True,
        )
        .exclude(application=OuterRef("pk"))
    )


def effective_eligibility() -> Case:
    """Eligible for funding, all considered: what the application resource shows and what payment looks at."""
    return Case(
        When(FUNDED_BY_POLICY, then=Value(True)),
        When(eligible_for_funding=False, then=Value(False)),
        default=~previously_funded(),
        output_field=BooleanField(),
    )


def ineligible_for_funding_reason() -> Case:
    """Why it is not eligible: previously funded first, then the establishment; null when it is."""
    return Case(
        When(FUNDED_BY_POLICY, then=Value(None)),
        When(previously_funded(), then=Value(IneligibleForFundingReason.PREVIOUSLY_FUNDED.value)),
        When(eligible_for_funding=False, then=Value(IneligibleForFundingReason.ESTABLISHMENT_INELIGIBLE.value)),
        default=Value(None),
        output_field=CharField(),
    )


def standing_declarations(application: Application) -> QuerySet[Declaration]:
    """The submitted, eligible, payable and paid declarations on the application's enrolments, in order of date."""
    return Declaration.objects.live().filter(enrolment__application=application).order_by("declaration_date", "id")


def has_live_declarations(application: Application) -> bool:
    """Whether a submitted, eligible, payable or paid declaration rests on the application's enrolments."""
    return standing_declarations(application).exists()


def rejected_by_acceptance(enrolment: Enrolment) -> QuerySet[Application]:
    """The applications that an acceptance rejected automatically, and that have stayed so since.

    They bear the instant of the acceptance. Where the person was accepted for something else at that same instant,
    as the sandbox's clock makes possible, each acceptance has rejected those for its own course and cohort.
    """
    another = Enrolment.objects.filter(
        participant=enrolment.participant_id,
        accepted_at=enrolment.accepted_at,
        course=OuterRef("course"),
        cohort=OuterRef("cohort"),
    ).exclude(application=enrolment.application_id)
    return (
        Application.objects.filter(
            ~Exists(another),
            participant=enrolment.participant_id,
            status=ApplicationStatus.REJECTED,
            reason_for_rejection=ReasonForRejection.OTHER_APPLICATION_ACCEPTED,
            decided_at=enrolment.accepted_at,
        )
        .select_related("participant", "course", "cohort", "lead_provider")
        .order_by("id")
    )


def was_reopened(application: Application, state: ApplicationStatus) -> bool:
    """Whether staff once made the application pending again when it was in this state."""
    return Change.objects.filter(
        table=Application._meta.db_table,
        record_id=application.id,
        before__status=state,
        after__status=ApplicationStatus.PENDING,
    ).exists()


def applications_for_api(
    *,
    lead_provider_id: int,
    cohorts: Iterable[int] | None = None,
    participant_ids: Iterable[uuid.UUID] | None = None,
    updated_since: datetime | None = None,
    order: tuple[str, ...] = ("created_at", "id"),
) -> QuerySet[Application]:
    """A provider's applications, oldest first; `cohorts` are start years and mean every suffix."""
    found = Application.objects.of_provider(lead_provider_id).order_by(*order)
    if cohorts is not None:
        found = found.filter(cohort__in=list(Cohort.objects.filter(start_year__in=list(cohorts))))
    if participant_ids is not None:
        found = found.filter(participant__public_id__in=list(participant_ids))
    if updated_since is not None:
        found = found.filter(updated_at__gte=updated_since)
    return found


# What must always be true of applications beyond their enrolments (decisions.md §2; domain.md §6.2).
INVARIANTS = [
    sql_invariant(
        "funded_place_fits_cohort",
        "An accepted application has no funded place in a fully funded cohort, a decided one in a capped cohort and "
        "false in an unfunded cohort; any other application has none, or false in an unfunded cohort.",
        """
        SELECT application.public_id,
               format('%s, funded_place %s in %s%s, which is %s', status, coalesce(funded_place::text, 'null'),
                      start_year, suffix, funding)
        FROM applications_application application JOIN core_cohort cohort ON cohort.id = application.cohort_id
        WHERE CASE WHEN funding = 'unfunded' THEN coalesce(funded_place, status = 'accepted')
                   WHEN funding = 'capped' AND status = 'accepted' THEN funded_place IS NULL
                   ELSE funded_place IS NOT NULL END
        """,
    ),
    sql_invariant(
        "funded_place_needs_eligibility",
        "Whoever holds a funded place is eligible for funding, as registered or by policy.",
        """
        SELECT public_id, 'holds a funded place and is not eligible for funding'
        FROM applications_application
        WHERE funded_place AND NOT eligible_for_funding
          AND funding_eligibility_status_code IS DISTINCT FROM 'marked_funded_by_policy'
        """,
    ),
    sql_invariant(
        "delivery_is_of_its_application",
        "What the registration service sent is kept with the application of the same id.",
        """
        SELECT public_id, 'holds what was sent about ' || (submission ->> 'id')
        FROM applications_application WHERE submission ->> 'id' <> public_id::text
        """,
    ),
]
