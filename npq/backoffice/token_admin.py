"""API tokens: the list and the page. The secret is nowhere."""

from datetime import date
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from npq.backoffice.filters import by_lead_provider, by_presence, by_words
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, link, shown
from npq.backoffice.refused import MOST_SHOWN, refusals, refused_table
from npq.backoffice.timeline import Event, events_about_record
from npq.backoffice.token_table import NEVER, STATES, warnings_in_words
from npq.core.choices import TokenScope
from npq.core.clock import uk_date, wall_clock
from npq.core.models import ApiToken
from npq.core.token_use import PERIODS, calls_of, state_of, with_use
from npq.core.tokens import last_day_of


@admin.register(ApiToken)
class ApiTokenAdmin(InspectAdmin):
    """See the module's docstring."""

    tasks = ("issue_token",)
    list_display = (
        "token",
        "opens",
        "made",
        "ends",
        "last_use",
        "calls_of_a_day",
        "calls_of_a_week",
        "calls_of_a_month",
        "attention",
    )
    list_filter = (
        by_words("scope", "scope", TokenScope.choices),
        by_lead_provider(),
        by_presence("revoked", "revoked", "revoked_at"),
    )
    list_select_related = ("lead_provider",)
    search_help_text = "The ID of a token"
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_use(super().get_queryset(request), at=wall_clock())

    @admin.display(description="API token")
    def token(self, token: Any) -> str:
        """Its label, or its id where it has none."""
        return str(token)

    @admin.display(description="opens")
    def opens(self, token: Any) -> str:
        """Whose data, or the scope of a token that opens nobody's."""
        return token.lead_provider.name if token.lead_provider else token.get_scope_display()

    @admin.display(description="made")
    def made(self, token: Any) -> date:
        """The day on which it was issued."""
        return uk_date(token.created_at)

    @admin.display(description="ends")
    def ends(self, token: Any) -> str:
        """Its last day, or the day on which it was revoked."""
        if token.revoked_at is not None:
            return f"Revoked {shown(uk_date(token.revoked_at))}"
        last_day = last_day_of(token.expires_at)
        return str(shown(last_day)) if last_day else NEVER

    @admin.display(description="last used")
    def last_use(self, token: Any) -> date | str:
        """The day on which it was last used."""
        return uk_date(token.last_used) if token.last_used else NEVER

    @admin.display(description="calls in 24 hours")
    def calls_of_a_day(self, token: Any) -> str:
        """Calls and the share that was refused."""
        return str(calls_of(token, PERIODS[0]))

    @admin.display(description="calls in 7 days")
    def calls_of_a_week(self, token: Any) -> str:
        """Calls and the share that was refused."""
        return str(calls_of(token, PERIODS[1]))

    @admin.display(description="calls in 30 days")
    def calls_of_a_month(self, token: Any) -> str:
        """Calls and the share that was refused."""
        return str(calls_of(token, PERIODS[2]))

    @admin.display(description="needs attention")
    def attention(self, token: Any) -> str:
        """What somebody should do something about."""
        return warnings_in_words(token, wall_clock()) or "no"

    def records(self) -> QuerySet[Any]:
        return with_use(ApiToken.objects.select_related("lead_provider"), at=wall_clock())

    def events_of(self, record: Any) -> list[Event]:
        return events_about_record("core_apitoken", record.id)

    def page_of(self, record: Any) -> Page:
        at = wall_clock()
        provider = record.lead_provider
        return Page(
            title=f"API token {record}",
            tag=STATES[state_of(record, at=at)],
            lead=warnings_in_words(record, at),
            sections=[
                Facts(
                    "API token",
                    [
                        ("ID", record.public_id),
                        ("Scope", record.get_scope_display()),
                        ("Lead provider", link(provider, provider.name) if provider else None),
                        ("Label", record.label),
                        ("Made", record.created_at),
                        ("Last day", last_day_of(record.expires_at) or NEVER),
                        ("Revoked", record.revoked_at),
                        ("Last used", record.last_used or NEVER),
                        *((f"Calls in {each.title}", str(calls_of(record, each))) for each in PERIODS),
                    ],
                ),
                refused_table(
                    f"Refused requests of the last {settings.NPQ_REFUSED_REQUESTS_KEPT_DAYS} days",
                    refusals().filter(token_id=record.id)[:MOST_SHOWN],
                    "None was refused.",
                ),
            ],
        )
