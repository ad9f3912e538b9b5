"""The rate limit: so many requests per token in a fixed window, counted by one atomic upsert.

DRF's own throttles read, change and write a list in a cache, and let through twice the limit under
concurrency; the database's counter is exact for any number of processes.
"""

from django.conf import settings
from django.db import connection
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from npq.api.asked import asked_of
from npq.api.authentication import Caller
from npq.core.clock import wall_clock
from npq.core.token_use import rate_window


class TokenRateLimit(BaseThrottle):
    """`NPQ_RATE_LIMIT` requests in `NPQ_RATE_LIMIT_WINDOW_SECONDS` seconds for each token."""

    def allow_request(self, request: Request, view: object) -> bool:
        if not isinstance(request.user, Caller):
            return True
        length = settings.NPQ_RATE_LIMIT_WINDOW_SECONDS
        instant = wall_clock()
        window = rate_window(instant)
        self._seconds_left = (window + 1) * length - instant.timestamp()
        with connection.cursor() as cursor:
            cursor.execute(
                'INSERT INTO core_ratecounter (token_id, "window", requests) VALUES (%s, %s, 1) '
                'ON CONFLICT (token_id, "window") DO UPDATE SET requests = core_ratecounter.requests + 1 '
                "RETURNING requests",
                [request.user.token_id, window],
            )
            (requests,) = cursor.fetchone()
        asked_of(request._request).counted = True
        return requests <= settings.NPQ_RATE_LIMIT

    def wait(self) -> float:
        return self._seconds_left
