"""Bearer token → caller. A caller is not a Django user: it has no password and cannot enter the admin."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.http import HttpRequest
from rest_framework import authentication, exceptions, permissions
from rest_framework.request import Request

from npq.api.asked import asked_of
from npq.core.audit import Actor
from npq.core.clock import wall_clock
from npq.core.models import ApiToken, LeadProvider

USE_RECORDED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Caller:
    """Who is asking: a token, its scope and, for the provider API, its provider."""

    token_id: int
    token_public_id: str
    scope: str
    label: str
    lead_provider: LeadProvider | None
    is_authenticated: bool = True
    is_anonymous: bool = False

    @property
    def provider_id(self) -> int:
        """The provider's internal id; only provider views may ask."""
        if self.lead_provider is None:
            raise TypeError("a token of this scope has no provider")
        return self.lead_provider.id

    @property
    def actor(self) -> Actor:
        """The caller as the audit trail names it."""
        name = self.lead_provider.name if self.lead_provider else "Registration service"
        return Actor(
            "token",
            f"{name} ({self.label})" if self.label else name,
            identifier=self.token_public_id,
            lead_provider_id=self.lead_provider.id if self.lead_provider else None,
        )


class BearerToken(authentication.BaseAuthentication):
    """`Authorization: Bearer <token>`; `Token <token>` is understood too (api.md §4.1).

    An unknown token costs exactly what a right one costs: one digest and one look-up in a unique index.
    """

    def authenticate(self, request: Request) -> tuple[Caller, ApiToken] | None:
        token = _token_of(_secret(request))
        instant = wall_clock()
        asked = asked_of(request._request)
        asked.token, asked.looked = token, True
        if token is None or not token.valid_at(instant):
            raise exceptions.AuthenticationFailed
        last_use = getattr(token, "use", None)
        if last_use is None or instant - last_use.last_used_at > USE_RECORDED_EVERY:
            self._record_use(token, instant)
        caller = Caller(token.id, str(token.public_id), token.scope, token.label, token.lead_provider)
        return caller, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="npq"'

    @staticmethod
    def known(request: HttpRequest) -> ApiToken | None:
        """The token of a request that no view has let in, whether it still opens anything or not."""
        try:
            return _token_of(_secret(request))
        except exceptions.NotAuthenticated:
            return None

    @staticmethod
    def _record_use(token: ApiToken, instant: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO core_apitokenuse (token_id, last_used_at) VALUES (%s, %s) "
                "ON CONFLICT (token_id) DO UPDATE SET last_used_at = excluded.last_used_at "
                "WHERE core_apitokenuse.last_used_at < excluded.last_used_at - interval '1 minute'",
                [token.id, instant],
            )


def _secret(request: Request | HttpRequest) -> str:
    header = authentication.get_authorization_header(request).split()  # type: ignore[arg-type]
    if len(header) != 2 or header[0].lower() not in (b"bearer", b"token"):
        raise exceptions.NotAuthenticated
    return header[1].decode("latin-1").removeprefix("token=").strip('"')


def _token_of(secret: str) -> ApiToken | None:
    digest = ApiToken.digest_of(secret)
    return ApiToken.objects.select_related("lead_provider", "use").filter(digest=digest).first()


class HasScope(permissions.BasePermission):
    """The token's scope is the view's: a token of another scope is unknown here (401, api.md §4.1)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.user, Caller) or request.user.scope != view.scope:
            raise exceptions.AuthenticationFailed
        return True
