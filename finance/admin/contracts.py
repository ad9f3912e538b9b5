"""Contracts: what a provider is paid for a course in a cohort, from which month on (backoffice.md §2.4, §2.5)."""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet

from finance.models import ContractTerms, Statement
from finance.queries.figures import CourseFigures
from finance.queries.workings import month_in_words, rate_of, service_fee_of
from npq.backoffice import columns
from npq.backoffice.catalogue.fields import course_words
from npq.backoffice.filters import by_cohort, by_course, by_lead_provider
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, Table, link
from npq.backoffice.timeline import Event, events_about_record
from npq.core.money import in_pounds

FIRST = F("effective_month").asc(nulls_first=True)


@admin.register(ContractTerms)
class ContractTermsAdmin(InspectAdmin):
    """The list of terms; the page of one set of terms shows its whole contract."""

    tasks = ("bulk", "contract_gaps")
    list_display = (
        columns.course,
        "lead_provider",
        "cohort",
        "holds_from",
        "recruitment_target",
        "price",
        "fee",
        columns.in_words("special_course", "special course"),
        "public_id",
    )
    list_filter = (by_lead_provider(), by_cohort(), by_course())
    list_select_related = ("lead_provider", "cohort", "course")
    ordering = ("lead_provider__name", "-cohort__start_year", "-cohort__suffix", "course__position", FIRST)

    @admin.display(description="holds from")
    def holds_from(self, terms: ContractTerms) -> str:
        """The month in words."""
        return month_in_words(terms.effective_month)

    @admin.display(description="price per participant")
    def price(self, terms: ContractTerms) -> str:
        """In pounds."""
        return in_pounds(terms.per_participant)

    @admin.display(description="monthly service fee")
    def fee(self, terms: ContractTerms) -> str:
        """What it is, or that it is derived."""
        fixed = terms.monthly_service_fee
        return f"{in_pounds(CourseFigures(terms, ()).service_fee)} ({'derived' if fixed is None else 'fixed'})"

    def records(self) -> QuerySet[Any]:
        return ContractTerms.objects.select_related("lead_provider", "cohort", "course")

    def page_of(self, record: Any) -> Page:
        contract = list(_terms_of(record))
        later = next((each for each in contract if _month(each) > _month(record)), None)
        until = f" and until {month_in_words(later.effective_month)}" if later else ""
        return Page(
            title=self.about(record),
            tag="Special course" if record.special_course else "",
            lead=f"These terms hold from {month_in_words(record.effective_month)}{until}.",
            sections=[_facts(record), _by_month(record, contract), _statements(record, contract)],
        )

    def about(self, record: Any) -> str:
        return f"{record.course.name}: contract of {record.lead_provider.name}, {record.cohort}"

    def events_of(self, record: Any) -> list[Event]:
        return events_about_record("finance_contractterms", record.id)


def _terms_of(record: ContractTerms) -> QuerySet[ContractTerms]:
    same = {name: getattr(record, name) for name in ("lead_provider", "cohort", "course")}
    return ContractTerms.objects.filter(**same).select_related("course", "cohort").order_by(FIRST)


def _month(terms: ContractTerms) -> str:
    return f"{terms.effective_month or ''}"


def _facts(record: Any) -> Facts:
    figures = CourseFigures(record, ())
    return Facts(
        "Terms",
        [
            ("ID", record.public_id),
            ("Lead provider", link(record.lead_provider, record.lead_provider.name)),
            ("Cohort", link(record.cohort, str(record.cohort))),
            ("Course", link(record.course, course_words(record.course))),
            ("Hold from", month_in_words(record.effective_month)),
            ("Recruitment target", record.recruitment_target),
            ("Price per participant", record.per_participant),
            ("Payment for one declaration", rate_of(figures)),
            ("Service fee instalments", record.service_fee_installments),
            ("Service fee a month", service_fee_of(figures)),
            ("Targeted delivery funding", record.targeted_delivery_funding_per_participant),
            ("Paid apart, as a special course", record.special_course),
            ("Last updated", record.updated_at),
        ],
    )


def _by_month(record: ContractTerms, contract: list[ContractTerms]) -> Table:
    return Table(
        "The whole contract, by month",
        ["Hold from", "Recruitment target", "Price", "For one declaration", "Service fee a month"],
        [
            [
                month_in_words(each.effective_month)
                if each.id == record.id
                else link(each, month_in_words(each.effective_month)),
                each.recruitment_target,
                in_pounds(each.per_participant),
                in_pounds(CourseFigures(each, ()).output_payment_per_participant),
                in_pounds(CourseFigures(each, ()).service_fee),
            ]
            for each in contract
        ],
    )


def _statements(record: ContractTerms, contract: list[ContractTerms]) -> Table:
    found = (
        Statement.objects.filter(lead_provider=record.lead_provider, cohort=record.cohort)
        .defer("payment")
        .order_by("year", "month")
    )
    return Table(
        "Statements, and the terms each rests on",
        ["Statement", "Status", "Payment run", "Terms"],
        [
            [link(each, each.name), each.get_state_display(), each.output_fee, _in_force(contract, each)]
            for each in found
        ],
        "The provider has no statement in the cohort.",
    )


def _in_force(contract: list[ContractTerms], statement: Statement) -> str:
    begun = [each for each in contract if each.effective_month is None or each.effective_month <= statement.first_day]
    return f"those from {month_in_words(begun[-1].effective_month)}" if begun else "none yet"
