"""`InspectAdmin`: lists and pages of records that are read and corrected, but never edited.

A subclass says which columns its list has and, in `page_of`, what a record's page shows. Nothing is added, edited
or deleted through it: what changes goes through `npq.backoffice.corrections`.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.urls.resolvers import URLPattern
from django.utils.text import capfirst

from npq.backoffice.catalogue import corrections_of
from npq.backoffice.corrections import confirmed_before, correction_page, done_before
from npq.backoffice.filters import OfferedFilters
from npq.backoffice.finding import ids_matching
from npq.backoffice.pages import Page, Section, address_of
from npq.backoffice.refused import PERMISSION, refusals_about, with_refusals
from npq.backoffice.site_pages import menu_of
from npq.backoffice.timeline import MOST, Event, is_cut_off

# Nobody turns so many pages; whoever needs more narrows the list.
MOST_LISTED = 5_000


@dataclass(frozen=True)
class Button:
    """A correction on a record's page; `not_possible` says why it cannot be made now, empty when it can."""

    title: str
    address: str
    not_possible: str


class BoundedPaginator(Paginator):
    """Counts to 5,000 and no further: what a list costs does not grow with the table."""

    @cached_property
    def count(self) -> int:
        """How many are listed."""
        listed: Any = self.object_list
        return listed.order_by()[:MOST_LISTED].count()


class PublicChangeList(ChangeList):
    """A list whose links name records by their public ids."""

    def url_for_result(self, result: Model) -> str:
        return address_of(result, result.public_id)  # type: ignore[attr-defined]


class InspectAdmin(OfferedFilters):
    """See the module's docstring."""

    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    # Newest first, from the index; by another column a million records would be sorted for one page.
    sortable_by: ClassVar[tuple[str, ...]] = ()
    paginator = BoundedPaginator
    most_listed = MOST_LISTED
    actions = None
    # The pages of `site_pages` that its list leads to, by name.
    tasks: ClassVar[tuple[str, ...]] = ()
    # Counts beside the filters would count the table once for each.
    show_facets = admin.ShowFacets.NEVER
    search_fields: ClassVar[tuple[str, ...]] = ("public_id",)
    named_in_requests = False

    # What a subclass writes ------------------------------------------------------------------------

    def records(self) -> QuerySet[Any]:
        """The records with what their page needs, joined."""
        return self.model._default_manager.all()

    def page_of(self, record: Any) -> Page:
        """What the page of a record shows."""
        raise NotImplementedError

    def page_for(self, request: HttpRequest, record: Any) -> Page:
        """The same for one reader, where it depends on what they may do."""
        return self.page_of(record)

    def events_of(self, record: Any) -> list[Event]:
        """The audit timeline of its page."""
        return []

    def back_of(self, record: Any) -> str:
        """Where a correction leads back to: the record's page, unless it may be gone by then."""
        return address_of(record, record.public_id)

    def about(self, record: Any) -> str:
        """What a record is called on the page of a correction; empty where its ID has to do."""
        return ""

    def sections_for(self, request: HttpRequest, record: Any) -> list[Section]:
        """What its page shows besides to this member of staff: refused requests, where it is named in requests."""
        return [refusals_about(record)] if self._shows_refusals(request) else []

    # What the base does ----------------------------------------------------------------------------

    @property
    def label(self) -> str:
        """`applications.application`."""
        return str(self.model._meta.label_lower)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = capfirst(str(self.model._meta.verbose_name_plural))
        tasks = [(page.title, address) for page, address in menu_of(request) if page.name in self.tasks]
        return super().changelist_view(request, {"title": title, "tasks": tasks, **(extra_context or {})})

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        return PublicChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By public id, TRN, email, name or URN, each from its index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(ids_matching(self.model, term)), False

    def get_urls(self) -> list[URLPattern]:
        info = f"{self.model._meta.app_label}_{self.model._meta.model_name}"
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name=f"{info}_changelist"),
            path("<uuid:public_id>/", view(self.inspect_view), name=f"{info}_change"),
            path("<uuid:public_id>/<slug:name>/", view(self.correct_view), name=f"{info}_correct"),
        ]

    def found(self, request: HttpRequest, public_id: UUID) -> Any:
        """The record of a page; 403 for whoever may not see it, 404 where there is none."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        records = self.records().filter(public_id=public_id)
        record = (with_refusals(records) if self._shows_refusals(request) else records).first()
        if record is None:
            raise Http404
        return record

    def _shows_refusals(self, request: HttpRequest) -> bool:
        return self.named_in_requests and request.user.has_perm(PERMISSION)

    def inspect_view(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        """The page of one record."""
        record = self.found(request, public_id)
        page = self.page_for(request, record)
        buttons = self.buttons(request, record)
        events = self.events_of(record)
        context = {
            **self.context(request),
            "title": page.title,
            "page": page,
            "sections": [*page.sections, *self.sections_for(request, record)],
            "record": record,
            "events": events,
            "cut_off_at": MOST if is_cut_off(events) else 0,
            "corrections": [each for each in buttons if not each.not_possible],
            "not_possible": [each for each in buttons if each.not_possible],
        }
        return render(request, "backoffice/inspect.html", context)

    def correct_view(self, request: HttpRequest, public_id: UUID, name: str) -> HttpResponse:
        """The page of one correction of one record."""
        correction = next((each for each in corrections_of(self.label) if each.name == name), None)
        if correction is None:
            raise Http404
        if not request.user.has_perm(correction.permission):
            raise PermissionDenied
        try:
            record = self.found(request, public_id)
        except Http404:
            if confirmed_before(request):  # and it was removed by that
                info = f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_changelist"
                return done_before(request, reverse(info))
            raise
        context = {**self.context(request), "about": self.about(record)}
        return correction_page(request, correction, record, back=self.back_of(record), context=context)

    def buttons(self, request: HttpRequest, record: Any) -> list[Button]:
        """The corrections of this record that this member of staff may make, possible now or not."""
        info = f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_correct"
        return [
            Button(each.title, reverse(info, args=[record.public_id, each.name]), each.why_not(record))
            for each in corrections_of(self.label)
            if request.user.has_perm(each.permission)
        ]

    def context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page of the site and of this model needs."""
        return {**self.admin_site.each_context(request), "opts": self.model._meta}
