"""What wrong passwords lock: one name from one address, and an address from which many names are tried.

The first stops guessing the password of somebody, the second guessing one password for everybody. Colleagues who
share an address do not lock out each other by mistyping: it takes many different names at once.
"""

from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.http import HttpRequest

from npq.backoffice.access_log import address_to_lock
from npq.core.clock import wall_clock


class Locks(AxesDatabaseHandler):
    """Counts the wrong passwords of a name from an address; whoever tried too many names has failed often enough."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        own: int = super().get_failures(request, credentials)
        return max(own, settings.AXES_FAILURE_LIMIT) if is_address_locked(request) else own


def is_address_locked(request: HttpRequest) -> bool:
    """Whether NPQ_SIGN_IN_NAMES_PER_ADDRESS different names had a wrong password lately from the request's address."""
    most = settings.NPQ_SIGN_IN_NAMES_PER_ADDRESS
    since = wall_clock() - settings.AXES_COOLOFF_TIME
    tried = AccessAttempt.objects.filter(ip_address=address_to_lock(request), attempt_time__gte=since)
    return bool(most) and tried.values("username").distinct()[:most].count() == most
