"""Sessions end: after SESSION_COOKIE_AGE whatever happens, and after NPQ_SESSION_IDLE_MINUTES without a request.

Switching an account off and changing its password end its sessions at the next request, by Django's own doing; roles
are read at every request. What Django does not see (a second factor that was reset) ends them with `end_sessions`.
"""

from collections.abc import Callable, Iterable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse

from npq.core.clock import wall_clock

STARTED = "session_started"
SEEN = "session_seen"
# A session is not saved for every request; a minute more or less does not matter.
SECONDS_BETWEEN_SAVES = 60


def start_session(request: HttpRequest) -> None:
    """Begins both counts."""
    request.session[STARTED] = request.session[SEEN] = _seconds()


def _seconds() -> int:
    return int(wall_clock().timestamp())


def end_old_sessions(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Signs out whoever has been signed in, or away, for too long; the page then asks them to sign in again."""

    def middleware(request: HttpRequest) -> HttpResponse:
        # Looking at a session makes an answer vary with the cookie, which the API's answers do not.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and not request.path_info.startswith("/api/"):
            _end_or_go_on(request)
        return get_response(request)

    return middleware


def _end_or_go_on(request: HttpRequest) -> None:
    session = request.session
    if SESSION_KEY not in session:
        return
    seconds = _seconds()
    idle = seconds - session.get(SEEN, 0)
    if seconds - session.get(STARTED, 0) >= settings.SESSION_COOKIE_AGE:
        end_session(request, f"You have been signed in for {settings.SESSION_COOKIE_AGE // 3600} hours. Sign in again.")
    elif idle >= settings.NPQ_SESSION_IDLE_MINUTES * 60:
        end_session(request, f"You did nothing for {settings.NPQ_SESSION_IDLE_MINUTES} minutes. Sign in again.")
    elif idle >= SECONDS_BETWEEN_SAVES:
        session[SEEN] = seconds


def end_session(request: HttpRequest, why: str) -> None:
    """Signs out, and says why on the page that asks to sign in again."""
    request.session_ended = why  # type: ignore[attr-defined]
    logout(request)
    messages.info(request, why)


def end_sessions(user_ids: Iterable[int]) -> int:
    """Signs accounts out everywhere; returns how many sessions that ended."""
    ending = {str(each) for each in user_ids}
    if not ending:
        return 0
    live = Session.objects.filter(expire_date__gt=wall_clock()).iterator()
    keys = [each.session_key for each in live if each.get_decoded().get(SESSION_KEY) in ending]
    return Session.objects.filter(session_key__in=keys).delete()[0]
