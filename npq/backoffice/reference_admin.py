"""Cohorts, courses, schedules with their milestones, and delivery partners (backoffice.md §2.5, §2.6).

All but delivery partners is shipped with the service and read-only here.
"""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import Count, Max, Min, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from declarations.choices import DeclarationType
from declarations.models import DeliveryPartner, DeliveryPartnership
from finance.choices import StatementState
from finance.models import ContractTerms, Milestone, Statement
from npq.backoffice.filters import Conditions, by_cohort, by_words, choice
from npq.backoffice.finding import public_id_in
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, Table, link, shown
from npq.backoffice.timeline import Event, events_about_record
from npq.core.choices import CohortFunding, CourseGroup
from npq.core.models import Cohort, Course, LeadProvider
from npq.core.texts import is_readable
from participants.models import Enrolment, Schedule, ScheduleWindow

SHIPPED = "This is part of the service and cannot be changed here. Ask the people who run the service."
MOST_COUNTED = 10_000
ALIKE = 0.5


class ShippedAdmin(InspectAdmin):
    """Reference data that comes with a release."""

    search_fields: ClassVar[tuple[str, ...]] = ()

    def events_of(self, record: Any) -> list[Event]:
        return events_about_record(self.model._meta.db_table, record.id)


def _types(names: list[str]) -> str:
    return ", ".join(DeclarationType(each).label for each in names)


@admin.register(Course)
class CourseAdmin(ShippedAdmin):
    """Courses."""

    list_display = ("name", "identifier", "short_code", "group", "family", "public_id")
    list_filter = (by_words("group", "course group", CourseGroup.choices),)
    ordering = ("position", "id")

    def page_of(self, record: Any) -> Page:
        schedules = Schedule.objects.filter(course_group=record.group).select_related("cohort")
        return Page(
            title=record.name,
            tag="",
            lead=SHIPPED,
            sections=[
                Facts(
                    "Course",
                    [
                        ("ID", record.public_id),
                        ("Identifier", record.identifier),
                        ("Short code", record.short_code),
                        ("Group", record.get_group_display()),
                        ("Family", record.family),
                        ("Ends in an outcome", record.has_outcome),
                        ("Position in lists", record.position),
                        ("Contracts", _contracts_link(f"course={record.identifier}")),
                    ],
                ),
                _schedules_table(schedules.order_by("-cohort__start_year", "-cohort__suffix", "starts_on")),
            ],
        )


@admin.register(Cohort)
class CohortAdmin(ShippedAdmin):
    """Cohorts."""

    list_display = ("identifier", "funding", "registration_start_date", "public_id")
    list_filter = (by_words("funding", "funding", CohortFunding.choices),)
    ordering = ("-start_year", "-suffix")

    def page_of(self, record: Any) -> Page:
        schedules = Schedule.objects.filter(cohort=record).select_related("cohort")
        return Page(
            title=f"Cohort {record}",
            tag=record.get_funding_display().split(":")[0],
            lead=SHIPPED,
            sections=[
                Facts(
                    "Cohort",
                    [
                        ("ID", record.public_id),
                        ("Identifier", record.identifier),
                        ("Funding", record.get_funding_display()),
                        ("Registration opens", record.registration_start_date),
                        ("Contracts", _contracts_link(f"cohort={record}")),
                        ("Gaps in its contracts and statements", _gaps_link(record)),
                    ],
                ),
                _schedules_table(schedules.order_by("course_group", "starts_on")),
                _windows_table(ScheduleWindow.objects.filter(cohort=record)),
                _months_table(record),
                _offers_table(record),
            ],
        )


def _contracts_link(asked: str) -> str:
    return format_html('<a href="{}?{}">Contract terms</a>', reverse("admin:finance_contractterms_changelist"), asked)


def _gaps_link(cohort: Cohort) -> str:
    return format_html('<a href="{}?cohort={}">Check them</a>', reverse("admin:contract_gaps"), cohort)


def _schedules_table(schedules: QuerySet[Schedule]) -> Table:
    return Table(
        "Schedules",
        ["Schedule", "Cohort", "Course group", "First day", "Declaration types"],
        [
            [
                link(each, each.identifier),
                str(each.cohort),
                each.get_course_group_display(),
                each.starts_on,
                _types(each.allowed_declaration_types),
            ]
            for each in schedules
        ],
    )


def _windows_table(windows: QuerySet[ScheduleWindow]) -> Table:
    found = windows.select_related("schedule")
    return Table(
        "Which schedule an acceptance gets, by the day it happens on",
        ["Course group", "From", "To", "Every year", "Schedule"],
        [
            [
                each.get_course_group_display(),
                _day(each, each.first_day),
                _day(each, each.last_day),
                each.every_year,
                link(each.schedule, each.schedule.identifier),
            ]
            for each in found.order_by("course_group", "every_year", "first_day", "id")
        ],
        "None: an acceptance here is not given a schedule automatically.",
    )


def _day(window: ScheduleWindow, day: Any) -> str:
    if day is None:
        return "any day"
    return f"{day:%-d %B}" if window.every_year else str(shown(day))


def _months_table(cohort: Cohort) -> Table:
    of_state = {state.value: Count("id", filter=Q(state=state)) for state in StatementState}
    found: Any = (
        Statement.objects.filter(cohort=cohort)
        .values("year", "month")
        .annotate(first=Min("deadline_date"), last=Max("deadline_date"), paid_on=Min("payment_date"), **of_state)
        .order_by("year", "month")
    )
    address = reverse("admin:finance_statement_changelist")
    return Table(
        "Statements by month, of all providers",
        ["Month", "Deadline", "Payment date", "Open", "Payable", "Paid"],
        [
            [
                format_html(
                    '<a href="{}?cohort={}&amp;month={}-{}">{}</a>',
                    address,
                    cohort,
                    row["year"],
                    f"{row['month']:02d}",
                    _name_of_month(row),
                ),
                _span(row["first"], row["last"]),
                row["paid_on"],
                row["open"],
                row["payable"],
                row["paid"],
            ]
            for row in found
        ],
        "There are none yet.",
    )


def _name_of_month(row: Any) -> str:
    return Statement(year=row["year"], month=row["month"]).name


def _span(first: Any, last: Any) -> str:
    return str(shown(first)) if first == last else f"{shown(first)} to {shown(last)}"


def _offers_table(cohort: Cohort) -> Table:
    found = (
        ContractTerms.objects.filter(cohort=cohort)
        .values("lead_provider__name", "lead_provider__code")
        .annotate(courses=Count("course", distinct=True))
        .order_by("lead_provider__name")
    )
    address = reverse("admin:finance_contractterms_changelist")
    return Table(
        "Providers with contract terms",
        ["Lead provider", "Courses"],
        [
            [
                format_html(
                    '<a href="{}?cohort={}&amp;lead_provider={}">{}</a>',
                    address,
                    cohort,
                    row["lead_provider__code"],
                    row["lead_provider__name"],
                ),
                row["courses"],
            ]
            for row in found
        ],
    )


@admin.register(Schedule)
class ScheduleAdmin(ShippedAdmin):
    """Schedules."""

    list_display = ("name", "cohort", "identifier", "course_group", "starts_on", "types", "public_id")
    list_filter = (by_cohort(), by_words("course_group", "course group", CourseGroup.choices))
    list_select_related = ("cohort",)
    ordering = ("-cohort__start_year", "-cohort__suffix", "course_group", "starts_on")

    @admin.display(description="declaration types")
    def types(self, schedule: Schedule) -> str:
        """In words."""
        return _types(schedule.allowed_declaration_types)

    def records(self) -> QuerySet[Any]:
        return Schedule.objects.select_related("cohort")

    def page_of(self, record: Any) -> Page:
        number = Enrolment.objects.filter(schedule=record)[:MOST_COUNTED].count()
        last_days = dict(Milestone.objects.filter(schedule=record).values_list("declaration_type", "deadline_date"))
        return Page(
            title=f"{record.name}, cohort {record.cohort}",
            tag="",
            lead=SHIPPED,
            sections=[
                Facts(
                    "Schedule",
                    [
                        ("ID", record.public_id),
                        ("Name", record.name),
                        ("Identifier", record.identifier),
                        ("Cohort", link(record.cohort, str(record.cohort))),
                        ("Course group", record.get_course_group_display()),
                        ("First day", record.starts_on),
                        ("Enrolments on it", f"{MOST_COUNTED:,} or more" if number == MOST_COUNTED else number),
                    ],
                ),
                Table(
                    "Declaration types and milestones",
                    ["Type", "Last day of the milestone"],
                    [
                        [DeclarationType(each).label, last_days.get(each, "none: due from the first day")]
                        for each in DeclarationType.values
                        if each in record.allowed_declaration_types
                    ],
                ),
                _windows_table(ScheduleWindow.objects.filter(schedule=record)),
            ],
        )


def _providers() -> Conditions:
    return [(each.code, each.name, _on_list(lead_provider=each)) for each in LeadProvider.objects.order_by("name")]


def _cohorts() -> Conditions:
    found = Cohort.objects.order_by("-start_year", "-suffix")
    return [(str(each), str(each), _on_list(cohort=each)) for each in found]


def _on_list(**where: Any) -> Q:
    return Q(id__in=DeliveryPartnership.objects.filter(**where).values("delivery_partner"))


@admin.register(DeliveryPartner)
class DeliveryPartnerAdmin(InspectAdmin):
    """Delivery partners, and the lists of providers they are on."""

    list_display = ("name", "public_id", "created_at")
    list_filter = (choice("lead_provider", "on the list of", _providers), choice("cohort", "in cohort", _cohorts))
    search_fields = ("name",)
    search_help_text = "An ID, or a name or part of it; small spelling mistakes do not matter"
    ordering = ("name", "id")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if not is_readable(term):
            return queryset.none(), False
        public_id = public_id_in(term)
        if public_id is not None:
            return queryset.filter(public_id=public_id), False
        alike = queryset.alias(like=TrigramWordSimilarity(term, "name"))
        return alike.filter(Q(name__icontains=term) | Q(like__gte=ALIKE)), False

    def events_of(self, record: Any) -> list[Event]:
        return events_about_record("declarations_deliverypartner", record.id)

    def page_of(self, record: Any) -> Page:
        return Page(
            title=record.name,
            tag="",
            sections=[
                Facts(
                    "Delivery partner",
                    [
                        ("ID", record.public_id),
                        ("Name", record.name),
                        ("Added", record.created_at),
                        ("Last updated", record.updated_at),
                    ],
                ),
                _lists_table(record),
            ],
        )


def _lists_table(partner: DeliveryPartner) -> Table:
    pairings = DeliveryPartnership.objects.filter(delivery_partner=partner).select_related("lead_provider", "cohort")
    lists: dict[Any, list[str]] = {}
    for each in pairings.order_by("lead_provider__name", "cohort__start_year", "cohort__suffix"):
        lists.setdefault(each.lead_provider, []).append(str(each.cohort))
    return Table(
        "Lists it is on",
        ["Lead provider", "Cohorts"],
        [[link(provider, provider.name), ", ".join(cohorts)] for provider, cohorts in lists.items()],
        "It is on no provider's list.",
    )
