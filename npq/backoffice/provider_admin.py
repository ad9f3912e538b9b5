"""Lead providers: how their tokens fare, what they have in each cohort, and what was refused."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from declarations.models import DeliveryPartnership
from finance.choices import StatementState
from finance.models import ContractTerms, Statement
from finance.queries.gaps import gaps
from npq.backoffice.filters import ALL
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, Section, Table, link
from npq.backoffice.refused import PERMISSION, WEEK, codes_table, left_out_sentence, refusals, refusals_of_provider
from npq.backoffice.sections import found_or_404, sections_page
from npq.backoffice.site_pages import SitePage
from npq.backoffice.timeline import Event, events_about_record
from npq.backoffice.token_table import MOST_TOKENS, tokens_table
from npq.core import clock
from npq.core.clock import wall_clock
from npq.core.models import ApiToken, Cohort, LeadProvider
from npq.core.token_use import PERIODS, calls_of_all, with_use

SEES_GAPS = "finance.view_contractterms"
SEES_PARTNERS = "declarations.view_deliverypartner"
MOST_PARTNERS = 1_000
# Lists that have a filter by lead provider.
LISTS = {
    "Applications": "applications_application",
    "Declarations": "declarations_declaration",
    "Statements": "finance_statement",
    "Contract terms": "finance_contractterms",
}


@admin.register(LeadProvider)
class LeadProviderAdmin(InspectAdmin):
    """See the module's docstring."""

    list_display = ("name", "code", "public_id")
    ordering = ("name",)

    def events_of(self, record: Any) -> list[Event]:
        return events_about_record("core_leadprovider", record.id)

    def page_of(self, record: Any) -> Page:
        facts = [("ID", record.public_id), ("Name", record.name), ("Short code", record.code)]
        return Page(
            title=record.name,
            tag="",
            sections=[Facts("Lead provider", [*facts, ("Last updated", record.updated_at)])],
        )

    def sections_for(self, request: HttpRequest, record: Any) -> list[Section]:
        """What a member of staff may see of it besides."""
        sees = request.user.has_perm
        at = wall_clock()
        tokens = list(
            with_use(ApiToken.objects.filter(lead_provider=record), at=at).order_by("revoked_at", "-id")[:MOST_TOKENS]
        )
        its_lists = _its_lists(record, sees)
        sections: list[Section] = [
            *([Facts("Its records", [("Lists", its_lists)])] if its_lists else []),
            _use_of_the_api(tokens),
            tokens_table(tokens, at=at, linked=sees("core.view_apitoken")),
        ]
        if sees(SEES_GAPS):
            sections += [_cohorts(record, sees_partners=sees(SEES_PARTNERS)), _gaps_link(record)]
        if sees(PERMISSION):
            week = calls_of_all(tokens, PERIODS[1]).requests
            its = refusals().filter(lead_provider_id=record.id)
            sections += [codes_table(its, at=at, calls=week), refusals_of_provider(record.id)]
            left_out = left_out_sentence(at - WEEK, token__lead_provider=record)
            if left_out:
                sections.append(Facts("Not kept", [("In the last 7 days", left_out)]))
        return sections


def _its(record: LeadProvider, name: str, text: Any, cohort: Cohort | str = ALL) -> str:
    """A link to a list, narrowed down to what is the provider's."""
    query = urlencode({"lead_provider": record.code, "cohort": cohort})
    return format_html('<a href="{}?{}">{}</a>', reverse(f"admin:{name}_changelist"), query, text)


def _its_lists(record: LeadProvider, sees: Callable[[str], bool]) -> str:
    shown = ((title, name) for title, name in LISTS.items() if sees(name.replace("_", ".view_")))
    return format_html_join(" ", "{}", ([_its(record, name, title)] for title, name in shown))


def _use_of_the_api(tokens: list[Any]) -> Facts:
    last = max((each.last_used for each in tokens if each.last_used), default=None)
    return Facts(
        "Use of the API",
        [
            ("Last call", last or "never"),
            *((f"Calls in {period.title}", str(calls_of_all(tokens, period))) for period in PERIODS),
        ],
    )


def _cohorts(record: LeadProvider, *, sees_partners: bool) -> Table:
    """Every cohort in which the provider has terms, statements or partners."""
    its = {"lead_provider": record, "cohort": OuterRef("pk")}
    terms = ContractTerms.objects.filter(**its)
    statements = Statement.objects.filter(**its)
    partners = DeliveryPartnership.objects.filter(**its)
    cohorts = (
        Cohort.objects.filter(Exists(terms) | Exists(statements) | Exists(partners))
        .annotate(
            courses=_number(terms, Count("course", distinct=True)),
            statements=_number(statements),
            open_statements=_number(statements.filter(state=StatementState.OPEN)),
            partners=_number(partners),
        )
        .order_by("-start_year", "-suffix")
    )
    address = reverse("admin:partners_of_provider", args=[record.public_id])
    return Table(
        "Cohorts",
        ["Cohort", "Courses with contract terms", "Statements", "Of them open", "Delivery partners"],
        [
            [
                link(each, each.identifier),
                _its(record, "finance_contractterms", each.courses, each),
                _its(record, "finance_statement", each.statements, each),
                each.open_statements,
                format_html('<a href="{}">{}</a>', address, f"{each.partners} in {each}")
                if sees_partners and each.partners
                else each.partners,
            ]
            for each in cohorts
        ],
        "No contract terms, statements or delivery partners in any cohort.",
    )


def _number(rows: QuerySet[Any], counted: Count | None = None) -> Coalesce:
    grouped = rows.order_by().values("cohort").annotate(number=counted or Count("pk")).values("number")
    return Coalesce(Subquery(grouped, output_field=IntegerField()), 0)


def _gaps_link(record: LeadProvider) -> Facts:
    address = reverse("admin:gaps_of_provider", args=[record.public_id])
    return Facts(
        "Contract gaps", [("Check", format_html('<a href="{}">Check contract terms and statements</a>', address))]
    )


def gaps_page(request: HttpRequest, public_id: Any) -> Any:
    """Where a provider's contract terms and statements do not cover what is going on."""
    provider = found_or_404(LeadProvider, public_id)
    found = gaps(Cohort.objects.order_by("start_year", "suffix"), day=clock.today(), lead_provider=provider)
    table = Table(
        "Gaps",
        ["Cohort", "Course", "Gap"],
        [[str(each.cohort), each.course.name if each.course else "all", each.detail] for each in found],
        "None: contract terms and statements cover every application and declaration.",
    )
    return sections_page(request, f"Contract gaps of {provider.name}", [table], back=provider)


def partners_page(request: HttpRequest, public_id: Any) -> Any:
    """The delivery partners of a provider, cohort by cohort."""
    provider = found_or_404(LeadProvider, public_id)
    pairings = (
        DeliveryPartnership.objects.filter(lead_provider=provider)
        .select_related("delivery_partner", "cohort")
        .order_by("-cohort__start_year", "-cohort__suffix", "delivery_partner__name")[:MOST_PARTNERS]
    )
    by_cohort: dict[str, list[list[Any]]] = {}
    for each in pairings:
        by_cohort.setdefault(each.cohort.identifier, []).append(
            [each.delivery_partner.name, each.delivery_partner.public_id]
        )
    tables = [Table(f"Cohort {cohort}", ["Name", "ID"], rows) for cohort, rows in by_cohort.items()]
    return sections_page(
        request,
        f"Delivery partners of {provider.name}",
        tables or [Table("Delivery partners", ["Name", "ID"], [], "None in any cohort.")],
        back=provider,
    )


PAGES = (
    SitePage("providers/<uuid:public_id>/gaps/", "gaps_of_provider", gaps_page, SEES_GAPS),
    SitePage("providers/<uuid:public_id>/partners/", "partners_of_provider", partners_page, SEES_PARTNERS),
)
