"""Contract terms, statements, line items and adjustments. Money is Decimal throughout."""

from datetime import date
from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from declarations.choices import DeclarationType
from declarations.models import Declaration
from finance.choices import (
    BILLABLE_LINES,
    MOVES,
    REFUNDABLE_LINES,
    ExportKind,
    LineKind,
    LineState,
    StatementState,
)
from npq.core.models import Cohort, Course, LeadProvider, Record, TouchQuerySet
from participants.models import Schedule


class ContractTerms(Record):
    """What a provider is paid for a course in a cohort, from a month on (decisions.md §3.5).

    A statement month resolves to the terms with the latest `effective_month` not after it; an empty one means
    from the first statement. Terms that a payable or paid statement rests on are never changed: new terms are
    added from a later month.
    """

    lead_provider = models.ForeignKey(LeadProvider, on_delete=models.PROTECT, db_index=False)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT)
    course = models.ForeignKey(Course, on_delete=models.PROTECT)
    effective_month = models.DateField(null=True, blank=True, help_text="First day of the month; empty: always.")
    recruitment_target = models.PositiveIntegerField()
    per_participant = models.DecimalField("price per participant", max_digits=12, decimal_places=2)
    output_payment_percentage = models.PositiveSmallIntegerField()
    number_of_payment_periods = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    service_fee_percentage = models.PositiveSmallIntegerField()
    service_fee_installments = models.PositiveSmallIntegerField("service fee instalments")
    monthly_service_fee = models.DecimalField(
        max_digits=12, decimal_places=2, null=True, blank=True, help_text="Empty: derived. 0: none. Else exactly that."
    )
    targeted_delivery_funding_per_participant = models.DecimalField(
        max_digits=12, decimal_places=2, default=Decimal("100.00")
    )
    special_course = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "contract terms"
        constraints = [
            models.UniqueConstraint(
                name="contract_terms_unique",
                fields=["lead_provider", "cohort", "course", "effective_month"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="contract_terms_month_is_a_first",
                condition=Q(effective_month__isnull=True) | Q(effective_month__day=1),
            ),
            models.CheckConstraint(name="contract_terms_target_positive", condition=Q(recruitment_target__gt=0)),
            models.CheckConstraint(name="contract_terms_price_positive", condition=Q(per_participant__gt=0)),
            models.CheckConstraint(
                name="contract_terms_percentages_in_range",
                condition=Q(output_payment_percentage__range=(0, 100), service_fee_percentage__range=(0, 100)),
            ),
            models.CheckConstraint(
                name="contract_terms_periods_positive", condition=Q(number_of_payment_periods__range=(1, 12))
            ),
            models.CheckConstraint(
                name="contract_terms_fee_derivable",
                condition=Q(service_fee_installments__gt=0)
                | Q(service_fee_percentage=0)
                | Q(monthly_service_fee__isnull=False),
            ),
            models.CheckConstraint(
                name="contract_terms_amounts_not_negative",
                condition=(Q(monthly_service_fee__isnull=True) | Q(monthly_service_fee__gte=0))
                & Q(targeted_delivery_funding_per_participant__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class StatementQuerySet(TouchQuerySet):
    """Filters that services and queries share."""

    def accepting(self, day: date) -> "StatementQuerySet":
        """Open output statements whose deadline (inclusive, UK date) has not passed, the next one first."""
        return self.filter(state=StatementState.OPEN, output_fee=True, deadline_date__gte=day).order_by(
            "deadline_date", "year", "month", "id"
        )


class Statement(Record):
    """What a provider is paid for a cohort in a month.

    `payment` is the payment resource as it was when authorised: a paid statement is never recomputed.
    """

    lead_provider = models.ForeignKey(LeadProvider, on_delete=models.PROTECT, db_index=False)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT)
    year = models.PositiveSmallIntegerField()
    month = models.PositiveSmallIntegerField()
    deadline_date = models.DateField("declaration deadline")
    payment_date = models.DateField()
    output_fee = models.BooleanField("output statement")
    state = models.CharField(choices=StatementState, default=StatementState.OPEN)
    payable_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    authorised_by = models.CharField(blank=True, default="")
    total = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, blank=True, help_text="The total that was authorised."
    )
    payment = models.JSONField(null=True, blank=True, editable=False)

    objects = StatementQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                name="statement_accepting",
                fields=["lead_provider", "cohort", "deadline_date"],
                condition=Q(state=StatementState.OPEN, output_fee=True),
            ),
            models.Index(name="statement_page", fields=["lead_provider", "payment_date", "id"]),
            models.Index(name="statement_due", fields=["deadline_date"], condition=Q(state=StatementState.OPEN)),
        ]
        constraints = [
            models.UniqueConstraint(name="statement_unique", fields=["lead_provider", "cohort", "year", "month"]),
            models.UniqueConstraint(name="statement_with_provider", fields=["id", "lead_provider", "cohort"]),
            models.CheckConstraint(name="statement_month_in_range", condition=Q(month__range=(1, 12))),
            models.CheckConstraint(name="statement_year_in_range", condition=Q(year__range=(2020, 2050))),
            models.CheckConstraint(name="statement_state_known", condition=Q(state__in=StatementState.values)),
            models.CheckConstraint(
                name="statement_deadline_before_payment", condition=Q(deadline_date__lte=F("payment_date"))
            ),
            models.CheckConstraint(
                name="statement_payable_iff_payable_at",
                condition=Q(state=StatementState.OPEN, payable_at__isnull=True)
                | (~Q(state=StatementState.OPEN) & Q(payable_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="statement_paid_iff_frozen",
                condition=Q(
                    state=StatementState.PAID, paid_at__isnull=False, total__isnull=False, payment__isnull=False
                )
                | (~Q(state=StatementState.PAID) & Q(paid_at__isnull=True, total__isnull=True, payment__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def first_day(self) -> date:
        """The first day of the statement's month."""
        return date(self.year, self.month, 1)

    @property
    def name(self) -> str:
        """The month in words: `January 2026`."""
        return f"{self.first_day:%B %Y}"

    @property
    def long_name(self) -> str:
        """Month and id, to tell apart what several providers and cohorts have."""
        return f"{self.name} ({self.public_id})"

    def may_move_to(self, state: str) -> bool:
        """Whether the state may change to `state`."""
        return state in MOVES[StatementState(self.state)]


class PaymentRequest(Record):
    """Somebody has checked a payable statement and asks that it be paid; somebody else authorises exactly that total.

    A statement has at most one: asking again replaces it, and its trail keeps who asked before. `payment` is the
    payment resource as it was when it was asked for, so that what has moved since can be said.
    """

    statement = models.OneToOneField(Statement, on_delete=models.PROTECT, related_name="payment_request")
    total = models.DecimalField(max_digits=14, decimal_places=2)
    requested_by = models.CharField()
    requester = models.CharField("requester's user number")
    payment = models.JSONField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.total} by {self.requested_by}"


class LineItem(Record):
    """A declaration's line on a statement.

    From the moment its statement is payable it holds what it is worth: `terms`, `output_payment` and
    `targeted_delivery_funding`, exact to ten decimals; a clawback line holds, negative, exactly what the
    `paid_line` it takes back was paid. Open lines hold nulls: they are worth what the terms say today.
    """

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="lines")
    declaration = models.ForeignKey(Declaration, on_delete=models.PROTECT, related_name="lines")
    lead_provider = models.ForeignKey(LeadProvider, on_delete=models.PROTECT, db_index=False)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, db_index=False)
    course = models.ForeignKey(Course, on_delete=models.PROTECT, db_index=False)
    declaration_type = models.CharField(choices=DeclarationType)
    state = models.CharField(choices=LineState)
    terms = models.ForeignKey(ContractTerms, null=True, blank=True, on_delete=models.PROTECT)
    output_payment = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    targeted_delivery_funding = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    paid_line = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="clawback")

    objects = TouchQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(name="line_of_statement", fields=["statement", "state"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="line_one_billable_per_declaration",
                fields=["declaration"],
                condition=Q(state__in=list(BILLABLE_LINES)),
            ),
            models.UniqueConstraint(
                name="line_one_refundable_per_declaration",
                fields=["declaration"],
                condition=Q(state__in=list(REFUNDABLE_LINES)),
            ),
            models.CheckConstraint(name="line_state_known", condition=Q(state__in=LineState.values)),
            models.CheckConstraint(
                name="line_clawback_iff_paid_line",
                condition=Q(state__in=list(REFUNDABLE_LINES), paid_line__isnull=False)
                | (~Q(state__in=list(REFUNDABLE_LINES)) & Q(paid_line__isnull=True)),
            ),
            models.CheckConstraint(
                name="line_valued_once_payable",
                condition=~Q(state__in=[LineState.PAYABLE, LineState.PAID, *REFUNDABLE_LINES])
                | Q(terms__isnull=False, output_payment__isnull=False, targeted_delivery_funding__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def kind(self) -> LineKind:
        """Whether the line pays, takes back or does neither."""
        if self.state in BILLABLE_LINES:
            return LineKind.PAYMENT
        return LineKind.CLAWBACK if self.state in REFUNDABLE_LINES else LineKind.NONE


class Adjustment(Record):
    """A signed amount on a statement, with its reason; possible until the statement is authorised."""

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="adjustments")
    description = models.CharField()
    amount = models.DecimalField(max_digits=12, decimal_places=2)

    class Meta:
        constraints = [
            models.CheckConstraint(name="adjustment_not_zero", condition=~Q(amount=0)),
            models.CheckConstraint(name="adjustment_described", condition=~Q(description="")),
        ]

    def __str__(self) -> str:
        return f"{self.amount}: {self.description}"


class Milestone(Record):
    """By when the contract expects a declaration type of a schedule to have been declared.

    It says what is expected and when (`finance.queries.expected`); it validates nothing and gates no payment
    (decisions.md §1.14).
    """

    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT, related_name="milestones", db_index=False)
    declaration_type = models.CharField(choices=DeclarationType)
    deadline_date = models.DateField(
        "last day", help_text="Falls on the first output statement that closes no earlier."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(name="milestone_unique", fields=["schedule", "declaration_type"]),
            models.CheckConstraint(
                name="milestone_type_known", condition=Q(declaration_type__in=DeclarationType.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_id}: {self.declaration_type} by {self.deadline_date}"


class Export(Record):
    """Somebody took a file out. The row exists for its trail, which names who and when; it never changes."""

    kind = models.CharField(choices=ExportKind)
    statement = models.ForeignKey(Statement, null=True, blank=True, on_delete=models.PROTECT, related_name="exports")
    cohort = models.ForeignKey(Cohort, null=True, blank=True, on_delete=models.PROTECT, db_index=False)
    rows = models.PositiveIntegerField("number of rows")

    class Meta:
        constraints = [
            models.CheckConstraint(name="export_kind_known", condition=Q(kind__in=ExportKind.values)),
            models.CheckConstraint(
                name="export_of_statement_or_contracts",
                condition=Q(kind=ExportKind.CONTRACTS, statement__isnull=True)
                | (~Q(kind=ExportKind.CONTRACTS) & Q(statement__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.statement_id or 'contracts'}"
