"""What declarations, outcomes and delivery partners look like on the wire, per version."""

from dataclasses import replace
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    Case,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import BaseExpression
from django.db.models.functions import Cast

from declarations.choices import BILLABLE_STATES, DeclarationState, DeclarationType, IneligibleReason, OutcomeState
from declarations.models import DeliveryPartnership, Outcome
from finance.choices import BILLABLE_LINES, REFUNDABLE_LINES, LineState
from finance.models import LineItem
from npq.api.output import Shape, boolean, day_at_midnight, identifier, listing, text, timestamp
from npq.api.vocabulary import COURSES

_CLAWED_BACK = (DeclarationState.AWAITING_CLAWBACK, DeclarationState.CLAWED_BACK)
_LINES = LineItem.objects.filter(declaration=OuterRef("pk"))


def _only_when(condition: Q, value: Any) -> Case:
    """A value where a condition holds, else null: spares the look-up for all other rows."""
    return Case(When(condition, then=value), default=Value(None))


def _state_in(*states: DeclarationState) -> ExpressionWrapper:
    return ExpressionWrapper(Q(state__in=states), output_field=BooleanField())


def _statement_of(line_states: tuple[LineState, ...]) -> Subquery:
    return Subquery(_LINES.filter(state__in=line_states).values("statement__public_id")[:1])


_PASSED = Subquery(
    Outcome.objects.filter(declaration=OuterRef("pk"))
    .order_by("-id")
    .values_list(
        Case(
            When(state=OutcomeState.PASSED, then=Value(True)),
            When(state=OutcomeState.FAILED, then=Value(False)),
            default=Value(None),
            output_field=BooleanField(),
        )
    )[:1]
)
# A declaration has at most one line that pays, found through an index of those alone.
_UPLIFT_PAID = Case(
    When(
        Q(declaration_type=DeclarationType.STARTED, state__in=(DeclarationState.PAID, *_CLAWED_BACK)),
        then=Exists(_LINES.filter(Q(state=LineState.PAID), state__in=BILLABLE_LINES, targeted_delivery_funding__gt=0)),
    ),
    default=Value(False),
)


_V2 = Shape(
    type="participant-declaration",
    name="DeclarationV2",
    attributes={
        "participant_id": identifier("enrolment__participant__public_id", "The participant's current id."),
        "declaration_type": text(
            "declaration_type", "The milestone that was reached.", enum=DeclarationType.values, example="started"
        ),
        "course_identifier": text("course__identifier", "The course.", enum=COURSES, example="npq-headship"),
        "declaration_date": timestamp("declaration_date", "When it was reached.", example="2024-10-01T09:30:00Z"),
        "state": text("state", "Where the declaration stands.", enum=DeclarationState.values, example="eligible"),
        "has_passed": boolean(
            _only_when(Q(declaration_type=DeclarationType.COMPLETED), _PASSED),
            "The newest outcome of a completed declaration; null where it was retracted and where there is none.",
            null=True,
        ),
        "updated_at": timestamp("updated_at", "When anything shown here last changed."),
    },
    csv_columns=(
        "id",
        "participant_id",
        "declaration_type",
        "course_identifier",
        "declaration_date",
        "state",
        "updated_at",
        "has_passed",
    ),
)

_V1 = replace(
    _V2.plus(
        "DeclarationV1",
        eligible_for_payment=boolean(
            _state_in(DeclarationState.ELIGIBLE, DeclarationState.PAYABLE), "Whether it is eligible or payable."
        ),
        voided=boolean(_state_in(DeclarationState.VOIDED), "Whether it was voided before it was paid."),
    ),
    csv_columns=(
        "id",
        "participant_id",
        "declaration_type",
        "course_identifier",
        "eligible_for_payment",
        "declaration_date",
        "voided",
        "state",
        "updated_at",
        "has_passed",
    ),
)

_V3 = _V2.plus(
    "DeclarationV3",
    created_at=timestamp("created_at", "When it was submitted."),
    statement_id=identifier(
        _only_when(Q(state__in=(*BILLABLE_STATES, *_CLAWED_BACK)), _statement_of(BILLABLE_LINES)),
        "The statement that pays for it, or did.",
        null=True,
    ),
    clawback_statement_id=identifier(
        _only_when(Q(state__in=_CLAWED_BACK), _statement_of(REFUNDABLE_LINES)),
        "The statement on which the payment is taken back.",
        null=True,
    ),
    uplift_paid=boolean(_UPLIFT_PAID, "Whether targeted delivery funding was in fact paid for it."),
    ineligible_for_funding_reason=text(
        _only_when(Q(state=DeclarationState.INELIGIBLE), F("ineligible_reason")),
        "Why it is ineligible.",
        null=True,
        enum=IneligibleReason.values,
    ),
    lead_provider_name=text("lead_provider__name", "The provider that made it.", example="Ambition Institute"),
    delivery_partner_id=identifier("delivery_partner__public_id", "Who delivered the training.", null=True),
    delivery_partner_name=text("delivery_partner__name", "Its name.", null=True, example="Northbeck Teaching Hub"),
    secondary_delivery_partner_id=identifier("secondary_delivery_partner__public_id", "The second one.", null=True),
    secondary_delivery_partner_name=text("secondary_delivery_partner__name", "Its name.", null=True),
    application_id=identifier("enrolment__application__public_id", "The application that was accepted."),
)

DECLARATION = {"v1": _V1, "v2": _V2, "v3": _V3}

_OUTCOME = Shape(
    type="participant-outcome",
    name="OutcomeV1",
    attributes={
        "state": text(
            "state", "A pass, a fail, or a retraction by voiding.", enum=OutcomeState.values, example="passed"
        ),
        "completion_date": day_at_midnight("completion_date", "When the participant got the result."),
        "course_identifier": text(
            "declaration__course__identifier", "The course.", enum=COURSES, example="npq-headship"
        ),
        "participant_id": identifier("declaration__enrolment__participant__public_id", "The participant's current id."),
        "created_at": timestamp("created_at", "When it was submitted."),
    },
)
_OUTCOME_V3 = _OUTCOME.plus("OutcomeV3", updated_at=timestamp("updated_at", "When anything shown here last changed."))

OUTCOME = {"v1": _OUTCOME, "v2": _OUTCOME, "v3": _OUTCOME_V3}


def _cohorts_with(caller: Any) -> BaseExpression:
    pairings = DeliveryPartnership.objects.filter(delivery_partner=OuterRef("pk"), lead_provider_id=caller.provider_id)
    years = pairings.annotate(year=Cast("cohort__start_year", TextField())).order_by("year").values("year").distinct()
    return ArraySubquery(years)


DELIVERY_PARTNER = {
    "v3": Shape(
        type="delivery-partner",
        name="DeliveryPartner",
        attributes={
            "name": text("name", "The name of the organisation.", example="Northbeck Teaching Hub"),
            "cohort": listing(
                _cohorts_with,
                {"type": "string"},
                "The years in which the partner is on your list.",
                example=["2024", "2025"],
            ),
            "created_at": timestamp("created_at", "When it was added to DfE's list."),
            "updated_at": timestamp("updated_at", "When anything shown here last changed."),
        },
    )
}
