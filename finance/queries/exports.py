"""What can be taken out as a file: the assurance report, a statement's payment, the contract terms.

Each function gives the rows under its columns, in a stable order and a few at a time; `npq.core.spreadsheets`
writes them. Who takes a file out records it first (`finance.services.record_export`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Case, F, OuterRef, QuerySet, Subquery, When

from applications.models import Application
from applications.queries import effective_eligibility
from finance.choices import ExportKind
from finance.models import ContractTerms, LineItem, Statement
from finance.queries.calculation import payment_document
from npq.core.models import Cohort, LeadProvider
from npq.core.spreadsheets import csv_chunks
from participants.choices import TrainingStatus
from participants.models import TrainingStatusChange

ROWS_PER_FETCH = 2000

ASSURANCE_COLUMNS = (
    "Participant ID",
    "Participant Name",
    "TRN",
    "Course Identifier",
    "Schedule",
    "Eligible For Funding",
    "Funded place",
    "Lead Provider Name",
    "School Urn",
    "School Name",
    "Training Status",
    "Training Status Reason",
    "Declaration ID",
    "Declaration Status",
    "Declaration Type",
    "Declaration Date",
    "Declaration Created At",
    "Statement Name",
    "Statement ID",
    "Targeted Delivery Funding",
)

PAYMENT_COLUMNS = (
    "statement_id",
    "lead_provider",
    "cohort",
    "statement",
    "state",
    "course_identifier",
    "special_course",
    "item",
    "declaration_type",
    "count",
    "amount",
)

CONTRACT_COLUMNS = (
    "lead_provider",
    "cohort",
    "course_identifier",
    "recruitment_target",
    "per_participant",
    "service_fee_installments",
    "special_course",
    "monthly_service_fee",
    "effective_month",
)


@dataclass(frozen=True)
class ExportedFile:
    """A file of a statement: its name, how many rows it has, and the rows themselves, which are read once."""

    name: str
    number: int
    columns: tuple[str, ...]
    rows: Iterable[tuple[Any, ...]]

    def chunks(self) -> Iterator[str]:
        """The file as CSV, a piece at a time."""
        return csv_chunks(self.columns, self.rows)


def exported(statement: Statement, kind: ExportKind) -> ExportedFile:
    """A statement's assurance report or its payment, the same for every door. Raises ValueError for contracts."""
    month = f"{statement.year}-{statement.month:02d}"
    name = f"{kind}-{statement.lead_provider.code}-{statement.cohort}-{month}.csv"
    if kind == ExportKind.ASSURANCE:
        number = LineItem.objects.filter(statement=statement).count()
        return ExportedFile(name, number, ASSURANCE_COLUMNS, assurance_rows(statement))
    if kind == ExportKind.PAYMENT:
        figures = list(payment_rows(statement))
        return ExportedFile(name, len(figures), PAYMENT_COLUMNS, figures)
    raise ValueError(f"{kind} is not a statement's")


def assurance_rows(statement: Statement) -> Iterator[tuple[Any, ...]]:
    """The assurance report (finance.md §5): a row for each line of a statement, by the participant's name.

    The status is the line's. Eligibility, schedule and training status are those of today. The registration
    service does not send the names of schools, so that column is empty. Voided and ineligible lines are included.
    """
    application = "declaration__enrolment__application__"
    person = "declaration__enrolment__participant__"
    eligible = Application.objects.filter(id=OuterRef("declaration__enrolment__application"))
    changes = TrainingStatusChange.objects.filter(enrolment=OuterRef("declaration__enrolment")).order_by("-id")
    lines = (
        LineItem.objects.filter(statement=statement)
        .order_by(f"{person}full_name", f"{person}id", "declaration_id", "id")
        .annotate(
            eligible=Subquery(eligible.values(considered=effective_eligibility())[:1]),
            reason=Case(
                When(
                    declaration__enrolment__training_status=TrainingStatus.WITHDRAWN,
                    then=Subquery(changes.values("reason")[:1]),
                )
            ),
        )
        .values_list(
            f"{person}public_id",
            f"{person}full_name",
            f"{person}teacher_reference_number",
            "course__identifier",
            "declaration__enrolment__schedule__identifier",
            "eligible",
            f"{application}funded_place",
            "lead_provider__name",
            f"{application}school_urn",
            "declaration__enrolment__training_status",
            "reason",
            "declaration__public_id",
            "state",
            "declaration_type",
            "declaration__declaration_date",
            "declaration__created_at",
            f"{application}targeted_delivery_funding_eligibility",
        )
    )
    school_name, name, identifier = None, statement.name, statement.public_id
    for row in lines.iterator(chunk_size=ROWS_PER_FETCH):
        yield (*row[:9], school_name, *row[9:16], name, identifier, row[16])


def payment_rows(statement: Statement) -> Iterator[tuple[Any, ...]]:
    """A statement's figures, one to a row: by course and type, then adjustments, then the totals.

    Amounts are pounds and pence; what is taken back is negative. Special courses enter no total.
    """
    document = payment_document(statement)
    head = (
        statement.public_id,
        statement.lead_provider.code,
        statement.cohort.identifier,
        f"{statement.year}-{statement.month:02d}",
        document["state"],
    )
    for course in document["courses"]:
        about = (*head, course["course_identifier"], course["special_course"])
        yield (*about, "recruitment_target", None, course["recruitment_target"], None)
        yield (*about, "price", None, None, Decimal(course["price"]))
        for each in course["declarations"]:
            kind = each["declaration_type"]
            yield (*about, "output_payment", kind, each["count"], Decimal(each["output_payment"]))
            yield (*about, "clawback", kind, each["refunded"], Decimal(each["clawback"]))
        for item in ("targeted_delivery_funding", "service_fee", "total"):
            yield (*about, item, None, None, Decimal(course[item]))
    for adjustment in document["adjustments"]:
        yield (*head, None, None, f"adjustment: {adjustment['description']}", None, None, Decimal(adjustment["amount"]))
    for item in ("output_payment", "service_fee", "targeted_delivery_funding", "clawback", "adjustment", "total"):
        yield (*head, None, None, item, None, None, Decimal(document[item]))


def contract_terms(
    *, lead_provider: LeadProvider | None = None, cohort: Cohort | None = None
) -> QuerySet[ContractTerms]:
    """Contract terms by provider, cohort, course and month."""
    found = ContractTerms.objects.select_related("lead_provider", "cohort", "course")
    if lead_provider is not None:
        found = found.filter(lead_provider=lead_provider)
    if cohort is not None:
        found = found.filter(cohort=cohort)
    return found.order_by(
        "lead_provider__code",
        "cohort__start_year",
        "cohort__suffix",
        "course__position",
        "course__identifier",
        F("effective_month").asc(nulls_first=True),
    )


def contract_rows(terms: QuerySet[ContractTerms]) -> Iterator[tuple[Any, ...]]:
    """Contract terms under the columns that load_contracts reads: loading them again changes nothing."""
    for row in terms.iterator(chunk_size=ROWS_PER_FETCH):
        yield (
            row.lead_provider.code,
            row.cohort.identifier,
            row.course.identifier,
            row.recruitment_target,
            row.per_participant,
            row.service_fee_installments,
            row.special_course,
            row.monthly_service_fee,
            _month(row.effective_month),
        )


def _month(first_day: date | None) -> str | None:
    return f"{first_day:%Y-%m}" if first_day else None
