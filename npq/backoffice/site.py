"""The site: its name and environment, one search box, and what needs a person today."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.urls.resolvers import URLPattern, URLResolver
from django.utils.text import capfirst

from applications.models import Application
from npq.backoffice import finding, oidc, sign_in
from npq.backoffice.corrections import staff_actor
from npq.backoffice.navigating import navigation
from npq.backoffice.pages import Table, link
from npq.backoffice.site_pages import menu_of, site_pages
from npq.backoffice.today import waiting
from npq.core.audit import acting_as
from participants.models import Participant


class BackOfficeSite(admin.AdminSite):
    """Django's admin, as the department's staff know it."""

    site_header = "NPQ back office"
    site_title = "NPQ back office"
    index_title = "What needs somebody today"
    index_template = "backoffice/index.html"
    app_index_template = "backoffice/app_index.html"
    enable_nav_sidebar = False
    empty_value_display = "not set"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        return {**context, "environment": settings.NPQ_ENVIRONMENT, "navigation": navigation(request)}

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own = [path(each.route, self.admin_view(each.guarded), name=each.name) for each in site_pages()]
        door = [
            path("oidc/start/", oidc.Start.as_view(), name="oidc_start"),
            path("oidc/callback/", oidc.Callback.as_view(), name="oidc_callback"),
            path("login/code/", sign_in.sign_in_code, name="sign_in_code"),
            path("login/second-factor/", sign_in.second_factor, name="second_factor"),
            path("set-password/<uidb64>/<token>/", sign_in.SetPassword.as_view(), name="set_password"),
        ]
        return [path("find/", self.admin_view(self.find), name="find"), *door, *own, *super().get_urls()]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return sign_in.sign_in(request)

    def logout(  # type: ignore[override]  # it may lead on to the identity provider
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        onward = oidc.address_to_sign_out(request) if request.method == "POST" else ""
        answer = super().logout(request, extra_context)
        return HttpResponseRedirect(onward) if onward else answer

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        with acting_as(staff_actor(request), "change_password"):
            return sign_in.ChangePassword.as_view()(request)

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        # Data for a script that no form of ours has.
        raise Http404

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {"waiting": waiting(request), "menu": menu_of(request), **(extra_context or {})})

    def find(self, request: HttpRequest) -> HttpResponse:
        """One box for everything: straight to the record when there is only one, else a list of what fits."""
        term = finding.readable_term(request.GET.get("q", ""))
        public_id = finding.public_id_in(term)
        found = finding.records_of_id(public_id, term) if public_id else finding.records_matching(term) if term else []
        seen = _seen_by(request, found)
        if public_id and not seen:
            seen = _seen_by(request, finding.refused_requests_naming(public_id, term))
        if len(seen) == 1:
            meta = seen[0]._meta
            address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[seen[0].public_id])
            return HttpResponseRedirect(address)
        context = {
            **self.each_context(request),
            "title": "Search results" if term else "Search",
            "term": term,
            "most": finding.MOST,
            "results": Table("Found", ["What", "About", "ID"], [_found_row(each) for each in seen]),
        }
        return render(request, "backoffice/found.html", context)


def _seen_by(request: HttpRequest, found: list[Any]) -> list[Any]:
    """What this member of staff may see of it. Whether there was more is not told: it would tell who is known here."""
    return [record for record in found if request.user.has_perm(_view_permission(record))]


def _view_permission(record: Any) -> str:
    return f"{record._meta.app_label}.view_{record._meta.model_name}"


def _found_row(record: Any) -> list[Any]:
    about = getattr(record, "full_name", None) or str(record)
    if isinstance(record, Application):
        name, state = record.participant.full_name, record.get_status_display().lower()
        about = f"{name}, {record.course.name}, {record.cohort}, {record.lead_provider}, {state}"
    elif isinstance(record, Participant):
        before = f" (formerly {', '.join(record.previous_names)})" if record.previous_names else ""
        about = f"{record.full_name}{before}, {_trn_of(record)}"
    return [capfirst(record._meta.verbose_name), link(record, about), str(record.public_id)]


def _trn_of(person: Participant) -> str:
    return f"TRN {person.teacher_reference_number}" if person.teacher_reference_number else "no TRN"
