"""Declarations, outcomes and the partners that deliver training."""

from datetime import date

from django.db import models
from django.db.models import F, Q

from declarations.choices import LIVE_STATES, MOVES, DeclarationState, DeclarationType, IneligibleReason, OutcomeState
from npq.core.models import Cohort, Course, LeadProvider, Record, TouchQuerySet
from participants.models import Enrolment


class DeliveryPartner(Record):
    """An organisation that delivers training for lead providers."""

    name = models.CharField(unique=True)

    objects = TouchQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class DeliveryPartnership(Record):
    """A partner is on a provider's list for a cohort."""

    delivery_partner = models.ForeignKey(DeliveryPartner, on_delete=models.PROTECT, related_name="partnerships")
    lead_provider = models.ForeignKey(LeadProvider, on_delete=models.PROTECT, db_index=False)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="delivery_partnership_unique", fields=["lead_provider", "cohort", "delivery_partner"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delivery_partner_id} with {self.lead_provider_id}"


class DeclarationQuerySet(TouchQuerySet):
    """Filters that services and queries share."""

    def live(self) -> "DeclarationQuerySet":
        """Those that hold their enrolment's slot for the type."""
        return self.filter(state__in=LIVE_STATES)


class Declaration(Record):
    """A provider's claim that a participant reached a milestone.

    Provider, cohort and course are those at the time it was made: a later transfer or move does not change
    what was declared, nor who is paid or pays back (domain.md §7.4).
    """

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="declarations")
    lead_provider = models.ForeignKey(LeadProvider, on_delete=models.PROTECT, db_index=False)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT)
    course = models.ForeignKey(Course, on_delete=models.PROTECT)
    declaration_type = models.CharField(choices=DeclarationType)
    declaration_date = models.DateTimeField("declared for")
    has_passed = models.BooleanField("passed, as posted", null=True, blank=True)
    state = models.CharField(choices=DeclarationState, default=DeclarationState.SUBMITTED)
    ineligible_reason = models.CharField("why ineligible", choices=IneligibleReason, null=True, blank=True)
    superseded_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT)
    delivery_partner = models.ForeignKey(
        DeliveryPartner, null=True, blank=True, on_delete=models.PROTECT, related_name="declarations"
    )
    secondary_delivery_partner = models.ForeignKey(
        DeliveryPartner, null=True, blank=True, on_delete=models.PROTECT, related_name="secondary_declarations"
    )

    objects = DeclarationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(name="declaration_page", fields=["lead_provider", "created_at", "id"]),
            models.Index(name="declaration_changes", fields=["lead_provider", "updated_at", "id"]),
            models.Index(name="declaration_page_of_cohort", fields=["lead_provider", "cohort", "created_at", "id"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="declaration_one_live_per_enrolment_and_type",
                fields=["enrolment", "declaration_type"],
                condition=Q(state__in=list(LIVE_STATES)),
            ),
            models.UniqueConstraint(name="declaration_with_provider", fields=["id", "lead_provider", "cohort"]),
            models.UniqueConstraint(name="declaration_with_type", fields=["id", "declaration_type"]),
            models.CheckConstraint(
                name="declaration_type_known", condition=Q(declaration_type__in=DeclarationType.values)
            ),
            models.CheckConstraint(name="declaration_state_known", condition=Q(state__in=DeclarationState.values)),
            models.CheckConstraint(
                name="declaration_ineligible_has_reason",
                condition=~Q(state=DeclarationState.INELIGIBLE)
                | Q(ineligible_reason__isnull=False, ineligible_reason__in=IneligibleReason.values),
            ),
            models.CheckConstraint(
                name="declaration_passed_only_when_completed",
                condition=Q(has_passed__isnull=True) | Q(declaration_type=DeclarationType.COMPLETED),
            ),
            models.CheckConstraint(
                name="declaration_secondary_partner_needs_primary",
                condition=Q(secondary_delivery_partner__isnull=True)
                | (Q(delivery_partner__isnull=False) & ~Q(secondary_delivery_partner=F("delivery_partner"))),
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def long_name(self) -> str:
        """Type and id: `started (1f0c…)`."""
        return f"{self.declaration_type} ({self.public_id})"

    def may_move_to(self, state: str) -> bool:
        """Whether the state may change to `state`."""
        return state in MOVES[DeclarationState(self.state)]

    def append_outcome(self, state: OutcomeState, completion_date: date) -> "Outcome":
        """Adds to the log of outcomes; the caller has locked the declaration."""
        return self.outcomes.create(state=state, completion_date=completion_date)

    def newest_outcome(self) -> "Outcome | None":
        """The outcome that counts."""
        return self.outcomes.order_by("-id").first()


class Outcome(Record):
    """A pass, a fail or a retraction on a completed declaration: append-only, the newest counts.

    `declaration_type` is always `completed`; a composite foreign key makes the database check that the
    declaration is of that type (decisions.md §2). The database also fills in `lead_provider`, the declaration's,
    so that a provider's log is read in order from one index.
    """

    declaration = models.ForeignKey(Declaration, on_delete=models.PROTECT, related_name="outcomes")
    lead_provider = models.ForeignKey(LeadProvider, null=True, editable=False, on_delete=models.PROTECT, db_index=False)
    declaration_type = models.CharField(default=DeclarationType.COMPLETED, editable=False)
    state = models.CharField(choices=OutcomeState)
    completion_date = models.DateField()

    class Meta:
        indexes = [
            models.Index(name="outcome_newest", fields=["declaration", "-id"]),
            models.Index(name="outcome_page", fields=["lead_provider", "created_at", "id"]),
        ]
        constraints = [
            models.CheckConstraint(name="outcome_state_known", condition=Q(state__in=OutcomeState.values)),
            models.CheckConstraint(
                name="outcome_only_on_completed", condition=Q(declaration_type=DeclarationType.COMPLETED)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.declaration_id}: {self.state}"
