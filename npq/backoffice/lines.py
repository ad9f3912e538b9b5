"""A declaration's lines on statements, with what each is worth: read together with the declaration itself."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Subquery
from django.db.models.functions import JSONObject
from django.utils.html import format_html, format_html_join

from finance.choices import BILLABLE_LINES, REFUNDABLE_LINES, LineState, StatementState
from finance.models import ContractTerms, LineItem, Statement
from finance.queries.terms import terms_of_line
from finance.queries.worth import funded, line_worth
from npq.backoffice.pages import address_of, shown
from npq.core.models import Cohort, Course


def lines_of_declarations() -> ArraySubquery:
    """What to annotate declarations with, so that `lines_in_words` finds their lines, the first one first."""
    terms = terms_of_line().values(
        json=JSONObject(
            per_participant="per_participant",
            output_payment_percentage="output_payment_percentage",
            number_of_payment_periods="number_of_payment_periods",
            targeted_delivery_funding_per_participant="targeted_delivery_funding_per_participant",
        )
    )
    # A person counts once for each type on a course (finance.md §2.2).
    earlier = LineItem.objects.filter(
        statement=OuterRef("statement"),
        course=OuterRef("course"),
        declaration_type=OuterRef("declaration_type"),
        declaration__enrolment__participant=OuterRef("declaration__enrolment__participant"),
        state__in=BILLABLE_LINES,
        id__lt=OuterRef("id"),
    )
    lines = LineItem.objects.filter(declaration=OuterRef("pk")).order_by("id")
    return ArraySubquery(
        lines.values(
            json=JSONObject(
                state="state",
                payment="output_payment",
                funding="targeted_delivery_funding",
                statement="statement__public_id",
                year="statement__year",
                month="statement__month",
                stands="statement__state",
                pays_on="statement__payment_date",
                start_year="cohort__start_year",
                group="course__group",
                funded=funded(),
                repeated=Exists(earlier),
                terms=Subquery(terms),
            )
        )
    )


def lines_in_words(lines: list[dict[str, Any]]) -> Any:
    """Each line with its statement, its state and its pounds: as stored or, on an open statement, as things stand."""
    return format_html_join("", "<div>{}</div>", ([_in_words(each)] for each in lines)) or "none"


def _in_words(line: dict[str, Any]) -> str:
    address = address_of(Statement, line["statement"])
    words = f"{LineState(line['state']).label}, {_worth(line)}"
    return format_html('<a href="{}">{}</a>: {}', address, f"{_month(line):%B %Y}", words)


def _month(line: dict[str, Any]) -> date:
    return date(line["year"], line["month"], 1)


def _worth(line: dict[str, Any]) -> str:
    if line["state"] not in (*BILLABLE_LINES, *REFUNDABLE_LINES):
        return "nothing is paid"
    if line["payment"] is not None:
        amount = str(shown(Decimal(str(line["payment"])) + Decimal(str(line["funding"] or 0))))
    elif line["repeated"]:
        return "nothing: the person is counted once, by an earlier declaration"
    elif line["terms"] is None:
        return "no contract terms"
    else:
        amount = f"{shown(_as_things_stand(line))} as things stand"
    if line["stands"] == StatementState.PAID:
        return amount
    return f"{amount}, payment date {shown(date.fromisoformat(line['pays_on']))}"


def _as_things_stand(line: dict[str, Any]) -> Decimal:
    known = {each.name: each for each in ContractTerms._meta.concrete_fields}
    terms = ContractTerms(
        cohort=Cohort(start_year=line["start_year"]),
        course=Course(group=line["group"]),
        **{name: known[name].to_python(str(value)) for name, value in line["terms"].items()},
    )
    worth = line_worth(terms, _month(line))
    return worth.output_payment + (worth.targeted_delivery_funding if line["funded"] else 0)
