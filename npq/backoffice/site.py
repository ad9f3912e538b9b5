"""The site: its name and environment, one search box, and what needs a person today."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.urls.resolvers import URLPattern, URLResolver

from applications.models import Application
from finance.choices import StatementState
from finance.models import Statement
from npq.backoffice import finding, sign_in
from npq.backoffice.corrections import staff_actor
from npq.backoffice.navigating import navigation
from npq.backoffice.pages import Table, link
from npq.backoffice.site_pages import menu_of, site_pages
from npq.backoffice.token_table import tokens_that_need_attention
from npq.core import clock
from npq.core.audit import acting_as
from npq.core.choices import MessageState
from npq.core.clock import wall_clock
from npq.core.models import Message
from npq.core.texts import uuid_or_none

WAITS_TOO_LONG = timedelta(days=30)
MOST_SHOWN = 10


class BackOfficeSite(admin.AdminSite):
    """Django's admin, as the department's staff know it."""

    site_header = "NPQ back office"
    site_title = "NPQ back office"
    index_title = "What needs somebody today"
    index_template = "backoffice/index.html"
    enable_nav_sidebar = False
    empty_value_display = "not set"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        return {**context, "environment": settings.NPQ_ENVIRONMENT, "navigation": navigation(request)}

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [path(each.route, self.admin_view(each.guarded), name=each.name) for each in site_pages()]
        door = [
            path("login/code/", sign_in.sign_in_code, name="sign_in_code"),
            path("login/second-factor/", sign_in.second_factor, name="second_factor"),
            path("set-password/<uidb64>/<token>/", sign_in.SetPassword.as_view(), name="set_password"),
        ]
        return [path("find/", self.admin_view(self.find), name="find"), *door, *own, *super().get_urls()]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return sign_in.sign_in(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        with acting_as(staff_actor(request), "change_password"):
            return super().password_change(request, extra_context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(
            request, {"waiting": list(self.waiting(request)), "menu": menu_of(request), **(extra_context or {})}
        )

    def waiting(self, request: HttpRequest) -> list[Table]:
        """What waits for a person, as far as this member of staff may see it."""
        sees = request.user.has_perm
        tables = []
        if sees("finance.view_statement"):
            tables.append(_statements_to_authorise())
        if sees("core.view_message"):
            tables.append(_failed_messages())
        if sees("applications.view_application"):
            tables.append(_old_applications())
        if sees("core.view_apitoken"):
            tables.append(tokens_that_need_attention(wall_clock(), MOST_SHOWN))
        return tables

    def find(self, request: HttpRequest) -> HttpResponse:
        """One box for everything: straight to the record when there is only one, else a list of what fits."""
        term = finding.readable_term(request.GET.get("q", ""))
        public_id = uuid_or_none(term.lower())
        found = finding.records_of_id(public_id) if public_id else finding.records_matching(term) if term else []
        seen = [record for record in found if request.user.has_perm(_view_permission(record))]
        if found and not seen:
            raise PermissionDenied
        if len(seen) == 1:
            meta = seen[0]._meta
            address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[seen[0].public_id])  # type: ignore[attr-defined]
            return HttpResponseRedirect(address)
        context = {
            **self.each_context(request),
            "title": "Search results" if term else "Search",
            "term": term,
            "most": finding.MOST,
            "results": Table("Found", ["What", "ID", "About"], [_found_row(each) for each in seen]),
        }
        return render(request, "backoffice/found.html", context)


def _view_permission(record: Any) -> str:
    return f"{record._meta.app_label}.view_{record._meta.model_name}"


def _found_row(record: Any) -> list[Any]:
    about = getattr(record, "full_name", None) or str(record)
    if isinstance(record, Application):
        about = f"{record.participant.full_name}, {record.course}, {record.cohort}, {record.lead_provider}"
    return [record._meta.verbose_name.capitalize(), link(record), about]


def _statements_to_authorise() -> Table:
    payable = Statement.objects.filter(state=StatementState.PAYABLE, output_fee=True)
    rows = payable.select_related("lead_provider", "cohort").order_by("payment_date", "id")[:MOST_SHOWN]
    return Table(
        "Statements to authorise",
        ["Statement", "Lead provider", "Cohort", "Payment date"],
        [[link(each, each.name), each.lead_provider.name, str(each.cohort), each.payment_date] for each in rows],
        "No statement waits to be authorised.",
    )


def _failed_messages() -> Table:
    failed = Message.objects.filter(state=MessageState.FAILED).order_by("-id")[:MOST_SHOWN]
    return Table(
        "Messages that could not be sent",
        ["Message", "To", "Why", "Made"],
        [[link(each, each.get_kind_display()), each.to, each.last_error, each.created_at] for each in failed],
        "Every message has been sent or is on its way.",
    )


def _old_applications() -> Table:
    old = Application.objects.pending().filter(created_at__lt=clock.now() - WAITS_TOO_LONG)
    rows = old.select_related("participant", "course", "lead_provider").order_by("created_at")[:MOST_SHOWN]
    return Table(
        "Applications that have waited longer than 30 days",
        ["Application", "Course", "Lead provider", "Received"],
        [
            [link(each, each.participant.full_name), str(each.course), each.lead_provider.name, each.created_at]
            for each in rows
        ],
        "No application has waited that long.",
    )
