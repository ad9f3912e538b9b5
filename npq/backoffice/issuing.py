"""Issuing an API token: asked for, looked at, confirmed; the secret is on the answer to the confirmation alone.

Nothing but that one answer ever holds the secret: no session, message, cookie, log or address. The form carries the
id that the token will have, so that the same confirmation sent again (a reload, the way back) makes no other one.
That nobody on the way keeps an answer (`Cache-Control: no-store`) is the site's doing, as for all of its pages.
"""

import uuid
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_variables

from npq.backoffice.catalogue.tokens import label_field, last_day_field
from npq.backoffice.corrections import LONGEST_REASON, staff_actor
from npq.backoffice.pages import address_of, shown
from npq.backoffice.site_pages import SitePage
from npq.core import clock
from npq.core.audit import Actor, rehearsal
from npq.core.choices import TokenScope
from npq.core.errors import Problem, Refused
from npq.core.models import ApiToken, LeadProvider
from npq.core.texts import is_readable
from npq.core.tokens import NewToken, create_api_token, last_day_of

PERMISSION = "core.add_apitoken"
USUAL_LIFE = timedelta(days=365)


class IssueForm(forms.Form):
    """What a new token opens, until when, and why it is issued."""

    required_css_class = "required"

    token_id = forms.UUIDField(widget=forms.HiddenInput)
    scope = forms.ChoiceField(label="What it opens", choices=TokenScope.choices)
    lead_provider = forms.ModelChoiceField(
        LeadProvider.objects.order_by("name"),
        to_field_name="public_id",
        required=False,
        label="Lead provider",
        help_text="Whose data it opens. Leave it empty for the registration service.",
        empty_label="None",
    )
    label = label_field()
    last_day = last_day_field()
    reason = forms.CharField(
        label="Reason",
        help_text="Kept in the audit trail. Say who asked for it and why.",
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Give the reason for issuing it."},
    )

    def clean_reason(self) -> str:
        """Refuses what no person could read."""
        reason: str = self.cleaned_data["reason"]
        if not is_readable(reason):
            raise forms.ValidationError("The reason contains characters that cannot be shown.")
        return reason


@sensitive_variables("made")
def issue_page(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST: what would be issued. POST with `confirm`: issues it and shows its secret, this once."""
    changing = "change" in request.POST
    form = IssueForm(request.POST if request.method == "POST" else None, initial=_initial(), label_suffix="")
    problems: tuple[Problem, ...] = ()
    if request.method == "POST" and form.is_valid() and not changing:
        try:
            if "confirm" in request.POST:
                made = _issue(form.cleaned_data, staff_actor(request, form.cleaned_data["reason"]))
                return _page(request, "backoffice/issued.html", "API token issued", made=made)
            with rehearsal():
                _issue(form.cleaned_data, staff_actor(request, form.cleaned_data["reason"]))
        except Refused as refusal:
            problems = tuple(refusal.problems)
        else:
            facts = _facts(form.cleaned_data)
            return _page(request, "backoffice/issue_check.html", "Check before you issue", form=form, facts=facts)
    known = ApiToken.objects.filter(public_id=form.cleaned_data["token_id"]).first() if problems else None
    return _page(
        request,
        "backoffice/issue.html",
        "Issue an API token",
        form=form,
        problems=problems,
        known=address_of(known, known.public_id) if known else "",
    )


def _initial() -> dict[str, Any]:
    return {"token_id": uuid.uuid4(), "last_day": clock.today() + USUAL_LIFE}


def _issue(answers: dict[str, Any], by: Actor) -> NewToken:
    return create_api_token(
        by=by,
        scope=TokenScope(answers["scope"]),
        lead_provider=answers["lead_provider"],
        label=answers["label"],
        expires_at=answers["last_day"],
        public_id=answers["token_id"],
    )


def _facts(answers: dict[str, Any]) -> list[tuple[str, Any]]:
    provider, last_day = answers["lead_provider"], last_day_of(answers["last_day"])
    return [
        ("What it opens", TokenScope(answers["scope"]).label),
        ("Lead provider", provider.name if provider else "None"),
        ("Label", answers["label"]),
        ("Last day", shown(last_day) if last_day else "None: it never expires"),
        ("Reason", answers["reason"]),
    ]


def _page(request: HttpRequest, template: str, title: str, **more: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "opts": ApiToken._meta, **more}
    return render(request, template, context)


PAGES = (SitePage("tokens/issue/", "issue_token", issue_page, PERMISSION, "Issue an API token"),)
