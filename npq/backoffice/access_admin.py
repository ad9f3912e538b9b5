"""The access log, for access managers."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from npq.backoffice.access_models import AccessEvent, AccessKind
from npq.backoffice.access_words import detail_in_words
from npq.backoffice.filters import by_dates, by_words
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page


@admin.register(AccessEvent)
class AccessEventAdmin(InspectAdmin):
    """Who came in, who was turned away, what was taken out, and whose account, roles and permissions changed."""

    list_display = ("when", "kind", "username", "by", "what_exactly", "address")
    list_filter = (by_words("kind", "kind", AccessKind.choices), by_dates("created_at", "happened"))
    search_help_text = "A username or a request ID, in full"
    ordering: ClassVar[tuple[str, ...]] = ("-id",)

    @admin.display(description="when")
    def when(self, event: AccessEvent) -> Any:
        """When it happened."""
        return event.created_at

    @admin.display(description="detail")
    def what_exactly(self, event: AccessEvent) -> str:
        """What was changed, taken out or wrong."""
        return detail_in_words(event)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By account, by who did it, or by request id, each from its index."""
        term = search_term.strip()
        found = Q(username=term) | Q(by=term) | Q(request_id=term)
        return (queryset.filter(found) if term else queryset), False

    def page_of(self, record: Any) -> Page:
        return Page(
            title=record.get_kind_display(),
            tag="",
            sections=[
                Facts(
                    "Access log entry",
                    [
                        ("ID", record.public_id),
                        ("When", record.created_at),
                        ("Account", record.username),
                        ("Done by", record.by),
                        ("Detail", detail_in_words(record)),
                        ("Reason", record.reason),
                        ("Network address", record.address),
                        ("Request ID", record.request_id),
                    ],
                )
            ],
        )
