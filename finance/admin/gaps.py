"""Gaps between contracts, statements and what is going on, as `check_contracts` names them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from finance.queries.gaps import gaps
from npq.backoffice.filters import current_cohort
from npq.backoffice.pages import Table, link
from npq.backoffice.site_pages import SitePage
from npq.core import clock
from npq.core.models import Cohort

MOST_SHOWN = 500


def gaps_page(request: HttpRequest) -> HttpResponse:
    """The gaps of one cohort: of the one asked for, else of the current one."""
    cohorts = {str(each): each for each in Cohort.objects.order_by("-start_year", "-suffix")}
    asked = request.GET.get("cohort", "")
    chosen = cohorts.get(asked) or cohorts.get(current_cohort(cohorts) or "") or next(iter(cohorts.values()), None)
    found = gaps([chosen], day=clock.today()) if chosen else []
    rows: list[list[Any]] = [
        [
            link(each.lead_provider, each.lead_provider.name),
            link(each.course, each.course.name) if each.course else "all courses",
            each.detail,
        ]
        for each in found[:MOST_SHOWN]
    ]
    context = {
        **admin.site.each_context(request),
        "title": "Gaps in contracts and statements",
        "cohorts": cohorts,
        "chosen": str(chosen or ""),
        "number": len(found),
        "table": Table("Gaps", ["Lead provider", "Course", "What is missing, and what closes it"], rows, "No gaps."),
    }
    return render(request, "backoffice/gaps.html", context)


PAGES = (
    SitePage(
        "contract-gaps/",
        "contract_gaps",
        gaps_page,
        "finance.view_contractterms",
        "Check contracts and statements for gaps",
    ),
)
