"""Removing what has served its purpose."""

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session

from npq.core.audit import Actor, acting_as
from npq.core.clock import wall_clock
from npq.core.token_use import remove_old_call_numbers as remove_old_call_numbers
from npq.core.token_use import remove_old_rate_counters as remove_old_rate_counters
from npq.core.token_use import remove_old_refused_requests as remove_old_refused_requests


def remove_expired_sessions(*, by: Actor) -> int:
    """Removes staff sessions that have expired; returns how many."""
    with acting_as(by, "remove_expired_sessions"):
        return Session.objects.filter(expire_date__lt=wall_clock()).delete()[0]


def remove_old_login_attempts(*, by: Actor) -> int:
    """Removes wrong passwords that lock nobody any more, with the addresses they came from; returns how many rows."""
    with acting_as(by, "remove_old_login_attempts"):
        return AccessAttempt.objects.filter(attempt_time__lt=wall_clock() - settings.AXES_COOLOFF_TIME).delete()[0]
