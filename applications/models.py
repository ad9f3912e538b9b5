"""The application and its decision."""

from datetime import datetime

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q

from applications.choices import (
    MOVES,
    STAFF_MOVES,
    ApplicationStatus,
    EmploymentType,
    FundingChoice,
    FundingEligibilityStatusCode,
    HeadteacherStatus,
    ReasonForRejection,
    TeacherCatchment,
    TransferState,
    WorksAsSenco,
)
from npq.core.choices import CohortFunding, MessageKind
from npq.core.models import Cohort, Course, LeadProvider, Record, TouchQuerySet
from npq.core.outbox import queue_message


class ApplicationQuerySet(TouchQuerySet):
    """Filters that services and queries share."""

    def of_provider(self, lead_provider_id: int) -> "ApplicationQuerySet":
        """Those the provider holds now, in every status."""
        return self.filter(lead_provider_id=lead_provider_id)

    def pending(self) -> "ApplicationQuerySet":
        """Those waiting for a decision."""
        return self.filter(status=ApplicationStatus.PENDING)


class Application(Record):
    """A person's request to take one course with one lead provider in one cohort.

    An accepted application has exactly one current enrolment, which the database itself keeps true:
    `enrolment` is set if and only if the status is accepted, and it points at an enrolment of the same
    application, person, provider, course and cohort (a composite foreign key in the participants app).
    """

    participant = models.ForeignKey("participants.Participant", on_delete=models.PROTECT, related_name="applications")
    course = models.ForeignKey(Course, on_delete=models.PROTECT)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT)
    lead_provider = models.ForeignKey(LeadProvider, on_delete=models.PROTECT, db_index=False)

    status = models.CharField(choices=ApplicationStatus, default=ApplicationStatus.PENDING)
    reason_for_rejection = models.CharField(choices=ReasonForRejection, null=True, blank=True)
    decided_at = models.DateTimeField("decided", null=True, blank=True)
    enrolment = models.OneToOneField(
        "participants.Enrolment", null=True, blank=True, on_delete=models.PROTECT, related_name="current_application"
    )

    eligible_for_funding = models.BooleanField("eligible as registered")
    funding_eligibility_status_code = models.CharField(
        "funding status", choices=FundingEligibilityStatusCode, null=True, blank=True
    )
    funded_place = models.BooleanField(null=True, blank=True)
    funding_choice = models.CharField(choices=FundingChoice, null=True, blank=True)
    targeted_delivery_funding_eligibility = models.BooleanField("targeted delivery funding", default=False)

    email = models.CharField()
    email_validated = models.BooleanField(default=False)
    headteacher_status = models.CharField("headteacher", choices=HeadteacherStatus, null=True, blank=True)
    school_urn = models.CharField("school URN", null=True, blank=True)
    school_ukprn = models.CharField("school UKPRN", null=True, blank=True)
    private_childcare_provider_urn = models.CharField("childcare provider URN", null=True, blank=True)
    works_in_school = models.BooleanField("works in a school", null=True, blank=True)
    employer_name = models.CharField("employer", null=True, blank=True)
    employment_role = models.CharField("role", null=True, blank=True)
    employment_type = models.CharField("employment", choices=EmploymentType, null=True, blank=True)
    itt_provider = models.CharField("ITT provider", null=True, blank=True)
    lead_mentor = models.BooleanField(null=True, blank=True)
    teacher_catchment = models.CharField("where", choices=TeacherCatchment, null=True, blank=True)
    teacher_catchment_country = models.CharField("country", null=True, blank=True)
    teacher_catchment_iso_country_code = models.CharField("country code", null=True, blank=True)
    works_as_senco = models.CharField("works as SENCO", choices=WorksAsSenco, null=True, blank=True)
    senco_start_date = models.DateField("SENCO start date", null=True, blank=True)

    submission = models.JSONField(
        default=dict, help_text="What the registration service sent, to tell a repeat from a contradiction."
    )

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(name="application_page", fields=["lead_provider", "created_at", "id"]),
            models.Index(name="application_changes", fields=["lead_provider", "updated_at", "id"]),
            models.Index(name="application_page_of_cohort", fields=["lead_provider", "cohort", "created_at", "id"]),
            models.Index(name="application_siblings", fields=["participant", "course", "cohort"]),
            models.Index(name="application_pending_age", fields=["created_at"], condition=Q(status="pending")),
            models.Index(name="application_school", fields=["school_urn"]),
            models.Index(
                name="application_childcare",
                fields=["private_childcare_provider_urn"],
                condition=Q(private_childcare_provider_urn__isnull=False),
            ),
            GinIndex(OpClass(models.functions.Lower("email"), name="gin_trgm_ops"), name="application_email_trigram"),
            # For finding people who are probably one.
            models.Index(
                models.functions.Lower("email"), "participant", name="application_alike_email", include=["email"]
            ),
        ]
        constraints = [
            models.CheckConstraint(name="application_status_known", condition=Q(status__in=ApplicationStatus.values)),
            models.CheckConstraint(
                name="application_accepted_iff_enrolled",
                condition=Q(status=ApplicationStatus.ACCEPTED, enrolment__isnull=False)
                | (~Q(status=ApplicationStatus.ACCEPTED) & Q(enrolment__isnull=True)),
            ),
            models.CheckConstraint(
                name="application_rejected_iff_reason",
                condition=Q(
                    status=ApplicationStatus.REJECTED,
                    reason_for_rejection__in=ReasonForRejection.values,
                    reason_for_rejection__isnull=False,
                )
                | (~Q(status=ApplicationStatus.REJECTED) & Q(reason_for_rejection__isnull=True)),
            ),
            models.CheckConstraint(
                name="application_decided_iff_not_pending",
                condition=Q(status=ApplicationStatus.PENDING, decided_at__isnull=True)
                | (~Q(status=ApplicationStatus.PENDING) & Q(decided_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    def may_move_to(self, status: str, *, by_staff: bool = False) -> bool:
        """Whether the decision may change to `status`; staff may also undo a decision."""
        moves = MOVES[ApplicationStatus(self.status)]
        if by_staff:
            moves = moves | STAFF_MOVES[ApplicationStatus(self.status)]
        return status in moves

    @property
    def entitled_to_funding(self) -> bool:
        """Whether DfE would fund the person, earlier funding aside: as registered, or by policy (decisions.md §8)."""
        return (
            self.eligible_for_funding
            or self.funding_eligibility_status_code == FundingEligibilityStatusCode.MARKED_FUNDED_BY_POLICY
        )

    def reject(self, reason: ReasonForRejection, now: datetime) -> None:
        """Writes a rejection; the caller holds the row's lock and has checked that it may be rejected."""
        self.status = ApplicationStatus.REJECTED
        self.reason_for_rejection = reason
        self.decided_at = now
        self.save(update_fields=["status", "reason_for_rejection", "decided_at"])

    def reopen(self) -> None:
        """Makes it pending again; the caller holds the row's lock and has undone what rested on the decision."""
        assert self.may_move_to(ApplicationStatus.PENDING, by_staff=True)
        self.status = ApplicationStatus.PENDING
        self.reason_for_rejection = self.decided_at = self.enrolment = None
        self.save(update_fields=["status", "reason_for_rejection", "decided_at", "enrolment"])

    def move_to_cohort(self, cohort: Cohort) -> None:
        """Writes another cohort, with the funded place that its funding asks for (decisions.md §1.17).

        An accepted place that moves under a cap is funded when its holder is entitled; the caller holds the row's
        lock, has checked that it may move, and moves the enrolment too.
        """
        if cohort.funding == CohortFunding.UNFUNDED:
            self.funded_place = False
        elif cohort.capped and not self.cohort.capped and self.status == ApplicationStatus.ACCEPTED:
            self.funded_place = self.entitled_to_funding
        self.cohort = cohort
        self.save(update_fields=["cohort", "funded_place"])

    def tell_participant(self, kind: MessageKind, **facts: str) -> None:
        """Queues a message about this application to the address it was made with.

        Every message names the participant, the course and the provider; `facts` adds what its template needs.
        """
        queue_message(
            kind,
            to=self.email,
            participant_public_id=self.participant.public_id,
            application_public_id=self.public_id,
            personalisation={
                "full_name": self.participant.full_name,
                "course_name": self.course.name,
                "lead_provider": self.lead_provider.name,
                "application_id": str(self.public_id),
                **facts,
            },
        )


class PlannedTransfer(Record):
    """A change of lead provider that waits for its day (UK); the nightly run carries it out or says why not."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="planned_transfers")
    lead_provider = models.ForeignKey(LeadProvider, on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField("day")
    requested_by = models.CharField("planned by")
    reason = models.TextField()
    state = models.CharField(choices=TransferState, default=TransferState.WAITING)
    settled_at = models.DateTimeField("settled", null=True, blank=True)
    refusal = models.TextField("why it was refused", blank=True, default="")

    class Meta:
        indexes = [
            models.Index(name="transfer_due", fields=["due_on", "id"], condition=Q(state=TransferState.WAITING)),
        ]
        constraints = [
            models.UniqueConstraint(
                name="transfer_one_waiting_per_application",
                fields=["application"],
                condition=Q(state=TransferState.WAITING),
            ),
            models.CheckConstraint(name="transfer_state_known", condition=Q(state__in=TransferState.values)),
            models.CheckConstraint(
                name="transfer_settled_iff_not_waiting",
                condition=Q(state=TransferState.WAITING, settled_at__isnull=True)
                | (~Q(state=TransferState.WAITING) & Q(settled_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="transfer_refused_iff_refusal",
                condition=Q(state=TransferState.REFUSED) & ~Q(refusal="")
                | (~Q(state=TransferState.REFUSED) & Q(refusal="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} to {self.lead_provider_id} on {self.due_on}"

    def settle(self, state: TransferState, now: datetime, refusal: str = "") -> None:
        """Writes what became of it; the caller holds the row's lock."""
        self.state, self.settled_at, self.refusal = state, now, refusal
        self.save(update_fields=["state", "settled_at", "refusal"])
