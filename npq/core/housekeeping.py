"""Removing what has served its purpose."""

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
