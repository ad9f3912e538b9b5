"""The page of transfers between lead providers that wait for their day, and of those that could not be made."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from applications.choices import TransferState
from applications.models import PlannedTransfer
from npq.backoffice.pages import Table, link
from npq.backoffice.site_pages import SitePage
from npq.backoffice.wording import staff_words
from npq.core import clock

MOST = 100


def transfers_page(request: HttpRequest) -> HttpResponse:
    """Both lists: at most a hundred of each, those that are due first on top."""
    waiting = PlannedTransfer.objects.filter(state=TransferState.WAITING).order_by("due_on", "id")
    newest = PlannedTransfer.objects.exclude(state=TransferState.WAITING).order_by("-id")
    context = {
        **admin.site.each_context(request),
        "title": "Planned transfers",
        "most": MOST,
        "sections": [
            _table("Waiting for their day", waiting, "No transfer is planned."),
            _table("Settled", newest, "No planned transfer has been settled."),
        ],
    }
    return render(request, "backoffice/transfers.html", context)


def _table(title: str, transfers: QuerySet[PlannedTransfer], empty: str) -> Table:
    found = transfers.select_related(
        "application__participant", "application__course", "application__lead_provider", "lead_provider"
    )
    return Table(
        title,
        ["Application", "Course", "With now", "Goes to", "On", "State", "Planned by", "Reason", "Why it was refused"],
        [
            [
                link(each.application, each.application.participant.full_name),
                each.application.course.name,
                each.application.lead_provider.name,
                each.lead_provider.name,
                each.due_on,
                _state(each),
                each.requested_by,
                each.reason,
                staff_words(each.refusal or "–"),
            ]
            for each in found[:MOST]
        ],
        empty,
    )


def _state(transfer: PlannedTransfer) -> str:
    if transfer.state == TransferState.WAITING and transfer.due_on < clock.today():
        return "Overdue: the daily run has not carried it out"
    said: str = transfer.get_state_display()
    return said


PAGES = (SitePage("transfers/", "transfers", transfers_page, "applications.view_plannedtransfer", "Planned transfers"),)
