"""API tokens: made, listed and revoked. The secret is shown once; only its digest is stored (decisions.md §6)."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from npq.core.audit import Actor, acting_as
from npq.core.choices import TokenScope
from npq.core.clock import start_of_uk_day, wall_clock
from npq.core.models import ApiToken, LeadProvider


@dataclass(frozen=True)
class NewToken:
    """A token just made, with the secret that nobody can read again."""

    token: ApiToken
    secret: str


def create_api_token(
    *,
    by: Actor,
    scope: TokenScope,
    lead_provider: LeadProvider | None = None,
    label: str = "",
    expires_at: datetime | None = None,
    secret: str | None = None,
) -> NewToken:
    """Makes a token; a provider's scope needs a provider and no other has one (a constraint of the table).

    `secret` is given by the sandbox only, whose tokens outlive its database.
    """
    secret = secret or ApiToken.new_secret()
    with acting_as(by, "create_api_token"):
        token = ApiToken.objects.create(
            scope=scope,
            lead_provider=lead_provider,
            label=label,
            digest=ApiToken.digest_of(secret),
            expires_at=expires_at,
        )
    return NewToken(token, secret)


def revoke_api_token(*, public_id: uuid.UUID, by: Actor) -> bool:
    """Ends a token at once; False when it was revoked before. Raises ApiToken.DoesNotExist for an unknown id."""
    with acting_as(by, "revoke_api_token"):
        token = ApiToken.objects.select_for_update().get(public_id=public_id)
        if token.revoked_at is not None:
            return False
        token.revoked_at = wall_clock()
        token.save(update_fields=["revoked_at"])
        return True


def api_tokens() -> QuerySet[ApiToken]:
    """Every token, oldest first, with its provider and its last use."""
    return ApiToken.objects.select_related("lead_provider", "use").order_by("created_at", "id")


def end_of(day: date) -> datetime:
    """The instant at which a token that works until the end of a UK day expires; raises ValueError for year 9999."""
    try:
        return start_of_uk_day(day + timedelta(days=1))
    except OverflowError as problem:
        raise ValueError(f"{day} is too far away") from problem
