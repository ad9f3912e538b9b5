"""What statements and payments look like on the wire. They begin with v3."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from django.db.models import BooleanField, Case, CharField, F, Func, Value, When

from declarations.choices import DeclarationType
from declarations.models import Declaration
from finance.choices import BILLABLE_LINES, REFUNDABLE_LINES, LineKind, LineState, StatementState
from finance.models import Statement
from finance.queries.calculation import payment_document
from finance.queries.explanation import Explanation, all_reasons
from finance.queries.figures import StatementFigures
from finance.queries.for_providers import LineAmounts
from npq.api.output import (
    Attribute,
    Schema,
    Shape,
    boolean,
    day,
    identifier,
    integer,
    listing,
    object_schema,
    pounds,
    text,
    timestamp,
    year,
)
from npq.api.vocabulary import COURSES
from npq.core.money import shown

_MONTH = Func(
    F("year"), F("month"), template="to_char(make_date(%(expressions)s, 1), 'FMMonth')", output_field=CharField()
)
_PAID = Case(When(state=StatementState.PAID, then=Value(True)), default=Value(False), output_field=BooleanField())

_STATEMENT = Shape(
    type="statement",
    name="Statement",
    attributes={
        "month": text(_MONTH, "The statement's month.", example="May"),
        "year": year("year", "The statement's year."),
        "cohort": year("cohort__start_year", "The cohort's start year.", example="2022"),
        "cut_off_date": day("deadline_date", "The last day on which declarations land on it.", example="2024-04-25"),
        "payment_date": day("payment_date", "When it is paid."),
        "paid": boolean(_PAID, "Whether its payment has been authorised.", example=True),
        "created_at": timestamp("created_at", "When the statement was set up."),
        "updated_at": timestamp("updated_at", "When anything shown here last changed."),
    },
)
STATEMENT = {"v3": _STATEMENT}


def _output_payment(amounts: LineAmounts) -> Any:
    return amounts.output_payment


def _funding(amounts: LineAmounts) -> Any:
    return amounts.targeted_delivery_funding


_KIND = Case(
    When(state__in=BILLABLE_LINES, then=Value(LineKind.PAYMENT.value)),
    When(state__in=REFUNDABLE_LINES, then=Value(LineKind.CLAWBACK.value)),
    default=Value(LineKind.NONE.value),
    output_field=CharField(),
)
_NO_TERMS = "null while your contract has no terms for the course."

_STATEMENT_DECLARATION = Shape(
    type="statement-declaration",
    name="StatementDeclaration",
    id="declaration__public_id",
    attributes={
        "participant_id": identifier("declaration__enrolment__participant__public_id", "The participant's id."),
        "course_identifier": text("course__identifier", "The course.", enum=COURSES, example="npq-headship"),
        "declaration_type": text("declaration_type", "The milestone.", enum=DeclarationType.values),
        "state": text("state", "Where it stands on this statement.", enum=LineState.values, example="paid"),
        "kind": text(_KIND, "Whether it is paid here, taken back here, or neither.", enum=LineKind.values),
        "amount": pounds(
            _output_payment, f"Output payment in pounds; negative where it is taken back; {_NO_TERMS}", null=True
        ),
        "targeted_delivery_funding": pounds(
            _funding,
            f"Targeted delivery funding in pounds, beside the amount; {_NO_TERMS}",
            null=True,
            example="100.00",
        ),
    },
)
STATEMENT_DECLARATION = {"v3": _STATEMENT_DECLARATION}


@dataclass(frozen=True)
class Document:
    """A resource that is calculated rather than read from columns; `attributes` publish its schema."""

    type: str
    name: str
    attributes: Mapping[str, Attribute]

    def one(self, identifier: object, attributes: Mapping[str, Any]) -> bytes:
        """The single answer."""
        return orjson.dumps({"data": {"id": str(identifier), "type": self.type, "attributes": attributes}})

    def published(self) -> Schema:
        """The JSON schema of the record."""
        return Shape(type=self.type, name=self.name, attributes=self.attributes).published()


def _pounds(description: str, example: str) -> Attribute:
    return pounds("", description, example=example)


_TYPE_FIGURES = {
    "declaration_type": text("", "The milestone.", enum=DeclarationType.values),
    "count": integer("", "Participants paid for.", example=12),
    "refunded": integer("", "Participants taken back.", example=1),
    "output_payment": _pounds("Output payments.", "2226.60"),
    "clawback": _pounds("What is taken back, targeted delivery funding included; negative.", "-185.55"),
}
_COURSE_FIGURES = {
    "course_identifier": text("", "The course.", enum=COURSES, example="npq-headship"),
    "special_course": boolean("", "Whether it is paid apart and enters no figure of the statement.", example=False),
    "price": _pounds("The contract's price per participant.", "1237.00"),
    "output_payment_per_participant": _pounds("What one declaration is paid.", "185.55"),
    "recruitment_target": integer("", "The contract's recruitment target.", example=30),
    "output_payment": _pounds("Output payments.", "2226.60"),
    "service_fee": _pounds("The service fee of the month.", "618.50"),
    "targeted_delivery_funding": _pounds("Targeted delivery funding.", "0.00"),
    "clawback": _pounds("What is taken back, targeted delivery funding included; negative.", "-185.55"),
    "total": _pounds("The course's total.", "2659.55"),
    "declarations": listing("", object_schema(_TYPE_FIGURES), "By declaration type."),
}
_ADJUSTMENT = {
    "description": text("", "Why.", example="Correction agreed in March"),
    "amount": _pounds("Signed.", "-125.40"),
}
_STATEMENT_PAYMENT = Document(
    type="statement-payment",
    name="StatementPayment",
    attributes={
        "state": text("", "Where the statement stands.", enum=StatementState.values, example="payable"),
        "frozen": boolean("", "True once authorised: from then on nothing here changes.", example=False),
        "output_payment": _pounds("Output payments of all courses.", "2226.60"),
        "service_fee": _pounds("Service fees of all courses.", "618.50"),
        "targeted_delivery_funding": _pounds("Targeted delivery funding of all courses.", "0.00"),
        "clawback": _pounds("What is taken back; negative.", "-185.55"),
        "adjustment": _pounds("The sum of the adjustments.", "-125.40"),
        "total": _pounds("What is paid, net of VAT. May be negative.", "2534.15"),
        "courses": listing("", object_schema(_COURSE_FIGURES), "Every course with contract terms."),
        "adjustments": listing("", object_schema(_ADJUSTMENT), "Amounts that DfE added or took off."),
    },
)
STATEMENT_PAYMENT = {"v3": _STATEMENT_PAYMENT}

_REASON = {
    "code": text("", "For programs; codes never change.", enum=[known.code for known in all_reasons()]),
    "detail": text("", "For people: what stands in the way, and what would change it."),
}
_DECLARATION_PAYMENT = Document(
    type="declaration-payment",
    name="DeclarationPayment",
    attributes={
        "payable": boolean("", "Whether it is, or will be, paid.", example=True),
        "amount": pounds("", "The output payment; null when nothing is paid.", null=True),
        "targeted_delivery_funding": pounds("", "Targeted delivery funding beside it.", null=True, example="0.00"),
        "statement_id": identifier("", "The statement that pays, or paid, it.", null=True),
        "clawback_statement_id": identifier("", "The statement on which it is taken back.", null=True),
        "reasons": listing("", object_schema(_REASON), "Everything that stands in the way; empty when it is paid."),
    },
)
DECLARATION_PAYMENT = {"v3": _DECLARATION_PAYMENT}


def statement_payment(version: str, statement: Statement, figures: StatementFigures | None = None) -> bytes:
    """The payment of a statement; `figures` where they have been calculated already."""
    return STATEMENT_PAYMENT[version].one(statement.public_id, payment_document(statement, figures))


def declaration_payment(version: str, declaration: Declaration, explanation: Explanation) -> bytes:
    """The payment of a declaration, or why there is none."""
    attributes = {
        "payable": explanation.payable,
        "amount": _text_of(explanation.amount),
        "targeted_delivery_funding": _text_of(explanation.targeted_delivery_funding),
        "statement_id": explanation.statement_id,
        "clawback_statement_id": explanation.clawback_statement_id,
        "reasons": [{"code": reason.code, "detail": reason.detail} for reason in explanation.reasons],
    }
    return DECLARATION_PAYMENT[version].one(declaration.public_id, attributes)


def _text_of(amount: Decimal | None) -> str | None:
    return None if amount is None else str(shown(amount))
