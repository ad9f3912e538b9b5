"""What stands between two people becoming one: by a merge, or by a TRN they both have (decisions.md §2)."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from applications.choices import FundingEligibilityStatusCode
from applications.models import Application
from declarations.choices import BILLABLE_STATES, DeclarationState
from declarations.models import Declaration
from participants.models import Enrolment, Participant

Pair = tuple[Enrolment, Enrolment]


def enrolments_in_conflict(these: Iterable[int], those: Iterable[int]) -> Pair | None:
    """Two enrolments that one person could not hold: of `these` and of `those` people, on one course family."""
    holding = Enrolment.objects.holding_the_course().select_related(
        "participant", "course", "lead_provider", "application"
    )
    theirs = {enrolment.course_family: enrolment for enrolment in holding.filter(participant_id__in=list(those))}
    ours = holding.filter(participant_id__in=list(these), course_family__in=list(theirs)).order_by("id")
    return next(((enrolment, theirs[enrolment.course_family]) for enrolment in ours), None)


def paid_twice(these: Iterable[int], those: Iterable[int]) -> list[tuple[Declaration, Declaration]]:
    """Declarations of `these` and of `those` people that are or will be paid, of one type on one course family.

    A policy override allows it (decisions.md §2), so enrolments under one are left out.
    """
    return _pairs(
        _paid().filter(enrolment__participant_id__in=list(these)),
        _paid().filter(enrolment__participant_id__in=list(those)),
    )


def paid_beside(application_id: int, people: Iterable[int]) -> list[tuple[Declaration, Declaration]]:
    """Declarations of one application, and of other applications of these people, that pay one type twice."""
    ours = Q(enrolment__application_id=application_id)
    return _pairs(_paid().filter(ours), _paid().filter(enrolment__participant_id__in=list(people)).exclude(ours))


def _paid() -> QuerySet[Declaration]:
    return (
        Declaration.objects.filter(state__in=BILLABLE_STATES)
        .exclude(
            enrolment__application__funding_eligibility_status_code=(
                FundingEligibilityStatusCode.MARKED_FUNDED_BY_POLICY
            )
        )
        .select_related("enrolment", "course")
        .order_by("id")
    )


def _pairs(these: Iterable[Declaration], those: Iterable[Declaration]) -> list[tuple[Declaration, Declaration]]:
    theirs = {(each.enrolment.course_family, each.declaration_type): each for each in those}
    pairs = [(each, theirs.get((each.enrolment.course_family, each.declaration_type))) for each in these]
    return [(each, other) for each, other in pairs if other is not None]


def ineligible_duplicates(participant_id: int) -> QuerySet[Declaration]:
    """Declarations that are ineligible because of another person's: this person's, and others' because of theirs."""
    return (
        Declaration.objects.filter(state=DeclarationState.INELIGIBLE, superseded_by__isnull=False)
        .filter(
            Q(enrolment__participant_id=participant_id) | Q(superseded_by__enrolment__participant_id=participant_id)
        )
        .select_related("enrolment__participant", "superseded_by__enrolment__participant", "course")
        .order_by("id")
    )


@dataclass(frozen=True)
class Belongings:
    """A person and everything that hangs on them; `declarations` are numbers, by the application's id."""

    participant: Participant
    applications: list[Application]
    declarations: dict[int, int]
    retired_ids: int


def belongings_of(participant: Participant) -> Belongings:
    """What a merge would move."""
    applications = (
        Application.objects.filter(participant=participant)
        .select_related("course", "cohort", "lead_provider", "enrolment")
        .order_by("created_at", "id")
    )
    declared = Declaration.objects.filter(enrolment__participant=participant).order_by()
    numbers = declared.values_list("enrolment__application").annotate(Count("pk"))
    return Belongings(participant, list(applications), dict(numbers), participant.id_changes.count())
