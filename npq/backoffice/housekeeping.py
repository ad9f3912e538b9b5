"""Removing what the back office keeps for a while only."""

from datetime import timedelta

from django.conf import settings

from npq.backoffice.models import AccessEvent, Confirmation
from npq.core.audit import Actor, acting_as
from npq.core.clock import wall_clock

# Nobody presses a button twice so long after: the session in which the page was opened has ended by then.
CONFIRMATIONS_KEPT = timedelta(days=30)


def remove_old_confirmations(*, by: Actor) -> int:
    """Forgets which pages were confirmed more than CONFIRMATIONS_KEPT ago; returns how many. What they did stays."""
    with acting_as(by, "remove_old_confirmations"):
        return Confirmation.objects.filter(confirmed_at__lt=wall_clock() - CONFIRMATIONS_KEPT).delete()[0]


def remove_old_access_log(*, by: Actor) -> int:
    """Removes entries of the access log older than NPQ_ACCESS_LOG_KEPT_DAYS; returns how many.

    Nothing removes an entry of the last year: the database refuses.
    """
    with acting_as(by, "remove_old_access_log"):
        oldest = wall_clock() - timedelta(days=settings.NPQ_ACCESS_LOG_KEPT_DAYS)
        return AccessEvent.objects.filter(created_at__lt=oldest).delete()[0]
