"""The access log: who came in, who was turned away, and which files left (backoffice.md §2.7).

Changes of accounts, roles and permissions come to it by a trigger (`npq.backoffice.database`); the rest is written
here.
"""

import re
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from npq.backoffice.models import AccessEvent, AccessKind
from npq.backoffice.sessions import start_session
from npq.core.audit import current_request_id
from npq.core.clock import wall_clock

# Whoever has one address of IPv6 has all that begin with the same bits.
BITS_OF_ONE_OWNER = 64


def address_of_client(request: HttpRequest) -> str:
    """The network address a request comes from; blank where nobody says one.

    X-Forwarded-For is believed only as far as NPQ_PROXIES says that our own proxies wrote it: the last entry is
    what the nearest saw, and anybody may have written those before ours.
    """
    nearest = _address_in(request.META.get("REMOTE_ADDR", ""))
    if not settings.NPQ_PROXIES:
        return nearest
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    return (_address_in(hops[-settings.NPQ_PROXIES]) if len(hops) >= settings.NPQ_PROXIES else "") or nearest


# As some proxies write it: with the port, and an address of IPv6 in brackets for that.
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]*)\](:\d+)?|(?P<four>[^:]*):\d+")


def _address_in(text: str) -> str:
    """The address in what a proxy or a server wrote, without a port; blank for what is none."""
    match = _WITH_PORT.fullmatch(text)
    try:
        known = ip_address(((match["six"] or match["four"] or "") if match else text).partition("%")[0])
    except ValueError:
        return ""
    mapped = known.ipv4_mapped if isinstance(known, IPv6Address) else None
    return str(mapped or known)


def address_to_lock(request: HttpRequest) -> str | None:
    """The address that wrong passwords count for: of IPv6 the first of those that belong together."""
    address = address_of_client(request)
    if not address:
        return None
    known = ip_address(address)
    if isinstance(known, IPv6Address):
        return str(ip_network((known, BITS_OF_ONE_OWNER), strict=False).network_address)
    return str(known)


def record_access(
    kind: AccessKind,
    *,
    username: str,
    request: HttpRequest | None = None,
    by: str = "",
    detail: str = "",
    reason: str = "",
    address: str | None = None,
) -> AccessEvent:
    """Adds a line about an account; `by` is who did it, when it was not the account's own holder.

    `address` is given where it is another than the one the request comes from.
    """
    if address is None:
        address = address_of_client(request) if request else ""
    return AccessEvent.objects.create(
        kind=kind,
        username=username,
        by=by or username,
        detail=detail,
        reason=reason,
        address=address,
        request_id=current_request_id(),
    )


def record_lock(request: HttpRequest, username: str, detail: str = "") -> None:
    """Adds a line when a name is locked from an address: one for each lock, however often it is tried meanwhile.

    The address is the one that is locked, of IPv6 the first of its /64.
    """
    since = wall_clock() - settings.AXES_COOLOFF_TIME
    address = address_to_lock(request) or ""
    locks = AccessEvent.objects.filter(kind=AccessKind.LOCKED_OUT, created_at__gt=since)
    if not locks.filter(username=username, address=address, detail=detail).exists():
        record_access(AccessKind.LOCKED_OUT, username=username, request=request, detail=detail, address=address)


def record_download(request: HttpRequest, what: str, *, rows: int | None = None) -> AccessEvent:
    """Notes that the signed-in member of staff takes a file out of the back office: call it before answering.

    `what` says which file, in words and public ids: `Statement 7f2c…, assurance CSV`. Call it for every file that
    leaves, also where a service keeps a record of its own (`finance.services.record_export`): this is the list that
    access managers read.
    """
    detail = what if rows is None else f"{what} ({rows} rows)"
    return record_access(AccessKind.DOWNLOADED, username=request.user.get_username(), request=request, detail=detail)


def name_of_account(typed: str) -> str:
    """The name of an account as it was typed, or blank when there is none: it may be a password in the wrong box."""
    return typed if User.objects.filter(username=typed).exists() else ""


def _signed_in(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    start_session(request)
    backend = request.session.get("_auth_user_backend", "")
    detail = "with the department's sign-in" if "oidc" in backend else ""
    record_access(AccessKind.SIGNED_IN, username=user.username, request=request, detail=detail)


def _signed_out(sender: Any, request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is None:
        return
    why = getattr(request, "session_ended", "")
    kind = AccessKind.SESSION_ENDED if why else AccessKind.SIGNED_OUT
    record_access(kind, username=user.username, request=request, detail=why)


def _refused(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    if "username" not in credentials:
        return  # the identity provider's answer, of which npq.backoffice.oidc tells more
    if getattr(request, "axes_locked_out", False):
        return  # the password was not even looked at; that the name was locked is recorded
    username = name_of_account(str(credentials["username"]))
    detail = "wrong password" if username else "no such account"
    record_access(AccessKind.SIGN_IN_REFUSED, username=username, request=request, detail=detail)


def listen() -> None:
    """Hears of every sign-in and sign-out, whichever way it came."""
    user_logged_in.connect(_signed_in, dispatch_uid="access log")
    user_logged_out.connect(_signed_out, dispatch_uid="access log")
    user_login_failed.connect(_refused, dispatch_uid="access log")
