"""Refused API requests: the list, and a page that explains each."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from npq.backoffice.filters import Conditions, by_lead_provider, by_words, choice
from npq.backoffice.finding import public_id_in, refusals_naming
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, Table, link, shown
from npq.backoffice.refused import STATUS_MEANINGS, advice_of, common_codes, meaning_of, refusals, why
from npq.core.clock import start_of_uk_day, today
from npq.core.models import ApiToken, RefusedRequest

DAYS_LISTED = 14
STATUSES = (400, 401, 403, 404, 405, 409, 410, 411, 413, 422, 429, 500, 503)


def _days() -> Conditions:
    days = [today() - timedelta(days=ago) for ago in range(DAYS_LISTED)]
    return [
        (
            day.isoformat(),
            str(shown(day)),
            Q(at__gte=start_of_uk_day(day), at__lt=start_of_uk_day(day + timedelta(days=1))),
        )
        for day in days
    ]


def _codes() -> Conditions:
    return [(code, code, Q(codes__contains=[code])) for code in common_codes()]


def _tokens() -> Conditions:
    tokens = ApiToken.objects.select_related("lead_provider").order_by("lead_provider__name", "id")
    return [
        (str(each.public_id), f"{each.lead_provider or each.get_scope_display()}: {each}", Q(token_id=each.id))
        for each in tokens
    ]


@admin.register(RefusedRequest)
class RefusedRequestAdmin(InspectAdmin):
    """See the module's docstring."""

    list_display = ("at", "request_made", "status", "reasons", "lead_provider", "request_id")
    list_filter = (
        choice("day", "day", _days),
        by_words("status", "status", [(status, status) for status in STATUSES]),
        choice("code", "error code", _codes),
        by_lead_provider(),
        choice("token", "API token", _tokens),
    )
    list_select_related = ("token", "lead_provider")
    search_help_text = "A request ID, or the ID of a record that the request was about"
    ordering = ("-id",)

    @admin.display(description="request")
    def request_made(self, refused: RefusedRequest) -> str:
        """Method and path."""
        return str(refused)

    @admin.display(description="why")
    def reasons(self, refused: RefusedRequest) -> str:
        """The codes, or what the status says."""
        return why(refused)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By request id, or by the id of any record that the request named; each from its index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        public_id = public_id_in(term)
        if public_id is None:
            return queryset.filter(request_id=term), False
        return queryset.filter(id__in=refusals_naming(public_id, term)), False

    def records(self) -> QuerySet[Any]:
        return refusals()

    def page_of(self, record: Any) -> Page:
        return Page(
            title=f"Refused request of {shown(record.at)}",
            tag=f"Answered with {record.status}",
            lead=str(record),
            sections=[_reasons(record), _request(record), _token(record)],
        )


def _request(record: RefusedRequest) -> Facts:
    found = [(f"{reverse('admin:find')}?q={each}", each) for each in record.record_ids]
    return Facts(
        "Request",
        [
            ("Time", record.at),
            ("Method", record.method),
            ("Path", record.path),
            ("Query parameters", ", ".join(record.parameters)),
            ("Records it named", format_html_join(", ", '<a href="{}">{}</a>', found)),
            ("Answered with", record.status),
            ("Took", f"{record.milliseconds} ms"),
            ("Request ID", record.request_id),
        ],
    )


def _reasons(record: RefusedRequest) -> Table:
    return Table(
        "Why it was refused",
        ["Error code", "About", "What it means", "What the provider was told"],
        [
            [code, title, meaning_of(code), advice_of(code)]
            for code, title in zip(record.codes, record.titles, strict=True)
        ],
        STATUS_MEANINGS.get(record.status, "The answer had no error code."),
    )


def _token(record: RefusedRequest) -> Facts:
    token = record.token
    state = "Valid"
    if token.revoked_at is not None and token.revoked_at <= record.at:
        state = f"Revoked on {shown(token.revoked_at)}"
    elif token.expires_at is not None and token.expires_at <= record.at:
        state = f"Expired on {shown(token.expires_at)}"
    provider = record.lead_provider
    return Facts(
        "Who asked",
        [
            ("Lead provider", link(provider, provider.name) if provider else None),
            ("API token", format_html("{} ({})", token.label or "no label", token.public_id)),
            ("Scope of the token", token.get_scope_display()),
            ("Token at that time", state),
        ],
    )
