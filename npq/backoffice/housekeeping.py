"""Removing what the back office keeps for a while only."""

from datetime import timedelta

from npq.backoffice.models import Confirmation
from npq.core.audit import Actor, acting_as
from npq.core.clock import wall_clock

# Nobody presses a button twice so long after: the session in which the page was opened has ended by then.
CONFIRMATIONS_KEPT = timedelta(days=30)


def remove_old_confirmations(*, by: Actor) -> int:
    """Forgets which pages were confirmed more than CONFIRMATIONS_KEPT ago; returns how many. What they did stays."""
    with acting_as(by, "remove_old_confirmations"):
        return Confirmation.objects.filter(confirmed_at__lt=wall_clock() - CONFIRMATIONS_KEPT).delete()[0]
