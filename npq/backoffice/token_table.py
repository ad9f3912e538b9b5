"""API tokens in tables: of a provider, and those that somebody should look after."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from npq.backoffice.pages import Table, link
from npq.core.models import ApiToken
from npq.core.token_use import PERIODS, calls_of, state_of, warnings_about, with_use
from npq.core.tokens import last_day_of

STATES = {"valid": "Valid", "expired": "Expired", "revoked": "Revoked"}
MOST_TOKENS = 100
NEVER = "never"


def warnings_in_words(token: Any, at: datetime) -> str:
    """What somebody should do something about, in a sentence; empty for nothing."""
    found = ", ".join(warnings_about(token, at=at))
    return f"{found.capitalize()}." if found else ""


def tokens_table(tokens: Iterable[Any], *, at: datetime, linked: bool) -> Table:
    """Tokens of a provider with their use; linked to their pages for whoever may open those."""
    return Table(
        "API tokens",
        ["API token", "State", "Last day", "Last used", *(f"Calls in {each.title}" for each in PERIODS), "Attention"],
        [
            [
                link(each, str(each)) if linked else str(each),
                STATES[state_of(each, at=at)],
                last_day_of(each.expires_at) or NEVER,
                each.last_used or NEVER,
                *(str(calls_of(each, period)) for period in PERIODS),
                warnings_in_words(each, at) or "none",
            ]
            for each in tokens
        ],
        "No token has been issued.",
    )


def tokens_that_need_attention(at: datetime, most: int) -> Table:
    """Valid tokens that end soon or that nobody uses, for the first page."""
    valid = ApiToken.objects.filter(revoked_at__isnull=True).exclude(expires_at__lte=at)
    tokens = with_use(valid.select_related("lead_provider"), at=at).order_by("expires_at", "id")[:MOST_TOKENS]
    rows = [(each, warnings_in_words(each, at)) for each in tokens if warnings_about(each, at=at)]
    return Table(
        "API tokens that need attention",
        ["API token", "Lead provider", "Last day", "Last used", "Why"],
        [
            [
                link(each, str(each)),
                each.lead_provider.name if each.lead_provider else each.get_scope_display(),
                last_day_of(each.expires_at) or NEVER,
                each.last_used or NEVER,
                warning,
            ]
            for each, warning in rows[:most]
        ],
        "No token expires soon, and every one is in use.",
    )
