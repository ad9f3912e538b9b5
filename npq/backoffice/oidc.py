"""The department's sign-in (OpenID Connect), for accounts that an access manager has made (docs/decisions/08).

It makes no account and gives no power. The first time, an account is found by the verified e-mail address and linked
to the subject; from then on the subject alone counts, until an access manager unlinks it.
"""

import logging
from typing import Any
from urllib.parse import urlencode

import jwt
import requests
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.middleware import SessionRefresh
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from npq.backoffice.access_log import record_access
from npq.backoffice.access_models import AccessKind, StaffIdentity
from npq.backoffice.sessions import end_session
from npq.backoffice.sign_in import door_page
from npq.core.audit import Actor, acting_as
from npq.core.clock import wall_clock

logger = logging.getLogger(__name__)

NOT_COMPLETED = "The sign-in could not be completed. Sign in again; if it happens again, ask an access manager."
WRONG_DOMAIN = "You signed in with an email address that is not of the department. Use your work account."
UNVERIFIED = "Your email address has not been verified by the department's sign-in. Ask your IT helpdesk to verify it."
UNKNOWN = "There is no account of the back office with your email address. Ask an access manager to make one."
OTHER_IDENTITY = "The account with your email address is linked to another identity. Ask an access manager."
SWITCHED_OFF = "Your account of the back office has been switched off. Ask an access manager."


# What an answer that is wrong, late or nonsense comes to.
REFUSED = (
    SuspiciousOperation,
    requests.RequestException,
    jwt.PyJWTError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
)


class Unwelcome(Exception):
    """The identity is known, and nobody who may come in; the text says what to do."""

    def __init__(self, why: str, username: str = "") -> None:
        super().__init__(why)
        self.username = username


class DepartmentSignIn(OIDCAuthenticationBackend):
    """Checks what the identity provider says, and finds whose account it is."""

    def authenticate(self, request: HttpRequest, nonce: str | None = None, **more: Any) -> User | None:
        """The account, for the answer to a question of our own: without our nonce nothing is looked at.

        Raises PermissionDenied for whoever may not come in, with the reason in `request.oidc_refusal`.
        """
        if not nonce:
            return None
        try:
            return super().authenticate(request, nonce=nonce, **more)
        except Unwelcome as refusal:
            request.oidc_refusal = str(refusal)  # type: ignore[attr-defined]
            record_access(AccessKind.SIGN_IN_REFUSED, username=refusal.username, request=request, detail=str(refusal))
            raise PermissionDenied from refusal

    def verify_token(self, token: str, **more: Any) -> dict[str, Any]:
        """The claims of an id token that is signed, in time, of our issuer and meant for us."""
        claims: dict[str, Any] = super().verify_token(token, **more)
        audience = claims.get("aud")
        meant_for = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != settings.OIDC_OP_ISSUER or meant_for != [settings.OIDC_RP_CLIENT_ID]:
            raise SuspiciousOperation("the id token is of another issuer or for somebody else")
        if not claims.get("sub") or "exp" not in claims:
            raise SuspiciousOperation("the id token names no subject or never ends")
        return claims

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        """The account of the subject; it is never created. Raises Unwelcome."""
        claims = self.get_userinfo(access_token, id_token, payload)
        if claims.get("sub") != payload["sub"]:
            raise Unwelcome(NOT_COMPLETED)
        email = str(claims.get("email") or "").strip()
        if email.rpartition("@")[2].lower() not in settings.OIDC_EMAIL_DOMAINS:
            raise Unwelcome(WRONG_DOMAIN)
        user = _linked(payload["sub"]) or _link(payload["sub"], email, verified=_is_verified(claims))
        if not (user.is_active and user.is_staff):
            raise Unwelcome(SWITCHED_OFF, user.username)
        return user


def _is_verified(claims: dict[str, Any]) -> bool:
    return claims.get("email_verified", settings.OIDC_TRUSTS_EMAIL) is True


def _linked(subject: str) -> User | None:
    identity = StaffIdentity.objects.select_related("user").filter(issuer=settings.OIDC_OP_ISSUER, subject=subject)
    return next((each.user for each in identity), None)


def _link(subject: str, email: str, *, verified: bool) -> User:
    if not verified:
        raise Unwelcome(UNVERIFIED)
    # The database takes a dotless i for an i in another case; that is somebody else's address.
    alike = User.objects.filter(email__iexact=email)
    found = [user for user in alike if user.email.casefold() == email.casefold()]
    if len(found) != 1:
        raise Unwelcome(UNKNOWN)
    (user,) = found
    if hasattr(user, "identity"):
        raise Unwelcome(OTHER_IDENTITY, user.username)
    by = Actor.staff(user.get_full_name() or user.username, identifier=str(user.pk))
    try:
        with acting_as(by, "link_identity"):
            StaffIdentity.objects.create(user=user, issuer=settings.OIDC_OP_ISSUER, subject=subject)
            record_access(AccessKind.IDENTITY_LINKED, username=user.username)
    except IntegrityError as collision:
        # Two first sign-ins at once: the other one has linked it.
        raise Unwelcome(NOT_COMPLETED, user.username) from collision
    return user


def _long_not_asked(request: HttpRequest) -> bool:
    """Whether the answer of the identity provider has been out of date for longer than a session may be idle."""
    latest = request.session.get("oidc_id_token_expiration", 0) + settings.NPQ_SESSION_IDLE_MINUTES * 60
    return _came_by_it(request) and wall_clock().timestamp() > latest


class Start(OIDCAuthenticationRequestView):
    """Leads to the identity provider."""

    def get(self, request: HttpRequest) -> HttpResponse:
        _only_when_configured()
        return super().get(request)

    def __init__(self, **options: Any) -> None:
        if settings.OIDC_CONFIGURED:
            super().__init__(**options)


class Callback(OIDCAuthenticationCallbackView):
    """Where the identity provider leads back to: signs in, or says why not."""

    def get(self, request: HttpRequest) -> HttpResponse:
        _only_when_configured()
        try:
            if request.GET.get("state", "") not in request.session.get("oidc_states", {}):
                # Not an answer to us: it must not end a session either.
                raise SuspiciousOperation("the state is not one of ours")
            return super().get(request)
        except REFUSED as problem:
            logger.warning("sign-in refused: %s", type(problem).__name__)
            return self.login_failure()

    def login_failure(self) -> HttpResponse:
        why = getattr(self.request, "oidc_refusal", "")
        if not why:
            why = NOT_COMPLETED
            record_access(AccessKind.SIGN_IN_REFUSED, username="", request=self.request, detail=why)
        return door_page(self.request, "refused.html", "You cannot sign in", status=403, why=why)


def _only_when_configured() -> None:
    if not settings.OIDC_CONFIGURED:
        raise Http404


def address_to_sign_out(request: HttpRequest) -> str:
    """Where the identity provider ends its own session and leads back to our door; empty where it has no such page.

    Also empty for whoever came in with a password (OpenID Connect RP-Initiated Logout 1.0).
    """
    if not settings.OIDC_OP_LOGOUT_ENDPOINT or not _came_by_it(request):
        return ""
    told = {
        "client_id": settings.OIDC_RP_CLIENT_ID,
        "id_token_hint": request.session.get("oidc_id_token", ""),
        "post_logout_redirect_uri": request.build_absolute_uri(reverse("admin:login")),
    }
    joint = "&" if "?" in settings.OIDC_OP_LOGOUT_ENDPOINT else "?"
    return settings.OIDC_OP_LOGOUT_ENDPOINT + joint + urlencode({name: text for name, text in told.items() if text})


def _came_by_it(request: HttpRequest) -> bool:
    return bool(request.session.get(BACKEND_SESSION_KEY) == f"{__name__}.{DepartmentSignIn.__name__}")


class RefreshSession(SessionRefresh):
    """Asks the identity provider every quarter of an hour, unseen, whether somebody is still welcome there.

    A form is not led away, which would lose it. Whoever does nothing but send forms has to sign in again once the
    provider has not been asked for as long as a session may be idle.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Leads away when it is time; the API, which has no sessions, is left alone."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or request.path_info.startswith("/api/"):
            return None
        if request.method != "GET" and request.path not in self.exempt_urls and _long_not_asked(request):
            end_session(request, "Your sign-in could not be checked for too long. Sign in again.")
            return None
        return super().process_request(request)

    @cached_property
    def exempt_urls(self) -> set[str]:
        """The pages that must work whatever the identity provider says."""
        return {reverse(f"admin:{name}") for name in ("oidc_start", "oidc_callback", "logout", "login")}
