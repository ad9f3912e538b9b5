"""Removing what has served its purpose."""

from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session

from npq.core.audit import Actor, acting_as
from npq.core.clock import wall_clock
from npq.core.models import RateCounter

COUNTERS_KEPT = timedelta(days=1)


def remove_old_rate_counters(*, by: Actor) -> int:
    """Removes counters of windows that ended more than COUNTERS_KEPT ago; returns how many."""
    oldest = int((wall_clock() - COUNTERS_KEPT).timestamp() // settings.NPQ_RATE_LIMIT_WINDOW_SECONDS)
    with acting_as(by, "remove_old_rate_counters"):
        return RateCounter.objects.filter(window__lt=oldest).delete()[0]


def remove_expired_sessions(*, by: Actor) -> int:
    """Removes staff sessions that have expired; returns how many."""
    with acting_as(by, "remove_expired_sessions"):
        return Session.objects.filter(expire_date__lt=wall_clock()).delete()[0]
