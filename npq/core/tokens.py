"""API tokens: issued, listed, changed and revoked. The secret is shown once; only its digest is stored
(decisions.md §6).
"""

import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet

from npq.core.audit import Actor, acting_as, correcting
from npq.core.choices import TokenScope
from npq.core.clock import start_of_uk_day, uk_date, wall_clock
from npq.core.constraints import violation_means
from npq.core.errors import ExpiryPassed, ProviderForScope, TokenIssuedBefore, TokenRevoked
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
    public_id: uuid.UUID | None = None,
) -> NewToken:
    """Makes a token that opens one provider's data, or the intake; staff say why.

    `public_id` is given where the same request may come twice: the second time raises TokenIssuedBefore and makes
    nothing. `secret` is given by the sandbox only, whose tokens outlive its database. Raises ProviderForScope for a
    provider's scope without a provider, or another with one; ExpiryPassed when staff ask for one that opens nothing
    (a command may make one, to see what it answers).
    """
    if (lead_provider is not None) != (scope == TokenScope.LEAD_PROVIDER):
        raise ProviderForScope
    if by.kind == "staff":
        _check_expiry(expires_at)
    secret = secret or ApiToken.new_secret()
    with _writing(by, "create_api_token"), violation_means("core_apitoken_public_id_key", TokenIssuedBefore()):
        token = ApiToken.objects.create(
            public_id=public_id or uuid.uuid4(),
            scope=scope,
            lead_provider=lead_provider,
            label=label.strip(),
            digest=ApiToken.digest_of(secret),
            expires_at=expires_at,
        )
    return NewToken(token, secret)


def change_api_token_label(*, public_id: uuid.UUID, label: str, by: Actor) -> None:
    """Says anew what a token is for. Raises ReasonMissing, and ApiToken.DoesNotExist for an unknown id."""
    with correcting(by, "change_api_token_label"):
        token = _locked(public_id)
        if token.label != label.strip():
            token.label = label.strip()
            token.save(update_fields=["label"])


def change_api_token_expiry(*, public_id: uuid.UUID, expires_at: datetime | None, by: Actor) -> None:
    """Sets when a token ends; None for never. One that has expired opens its data again.

    Raises ReasonMissing, ExpiryPassed (revoke it to end it now), TokenRevoked, and ApiToken.DoesNotExist for an
    unknown id.
    """
    _check_expiry(expires_at)
    with correcting(by, "change_api_token_expiry"):
        token = _locked(public_id)
        if token.revoked_at is not None:
            raise TokenRevoked
        if token.expires_at != expires_at:
            token.expires_at = expires_at
            token.save(update_fields=["expires_at"])


def revoke_api_token(*, public_id: uuid.UUID, by: Actor) -> None:
    """Ends a token at once; staff say why.

    Raises TokenRevoked when it was revoked before, and ApiToken.DoesNotExist for an unknown id.
    """
    with _writing(by, "revoke_api_token"):
        token = _locked(public_id)
        if token.revoked_at is not None:
            raise TokenRevoked
        token.revoked_at = wall_clock()
        token.save(update_fields=["revoked_at"])


def api_tokens() -> QuerySet[ApiToken]:
    """Every token, oldest first, with its provider."""
    return ApiToken.objects.select_related("lead_provider").order_by("created_at", "id")


def end_of(day: date) -> datetime:
    """The instant at which a token that works until the end of a UK day expires; raises ValueError for year 9999."""
    try:
        return start_of_uk_day(day + timedelta(days=1))
    except OverflowError as problem:
        raise ValueError(f"{day} is too far away") from problem


def last_day_of(expires_at: datetime | None) -> date | None:
    """The last UK day on which a token works; None when it never expires."""
    return uk_date(expires_at - timedelta(microseconds=1)) if expires_at else None


def _writing(by: Actor, action: str) -> AbstractContextManager[None]:
    """Commands need no reason for tokens (decisions.md §6); staff do."""
    return correcting(by, action) if by.kind == "staff" else acting_as(by, action)


def _locked(public_id: uuid.UUID) -> ApiToken:
    return ApiToken.objects.select_for_update(no_key=True).get(public_id=public_id)


def _check_expiry(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= wall_clock():
        raise ExpiryPassed
