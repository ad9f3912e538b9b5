"""What is learnt of a request on its way through the API, for whoever looks at its answer (`npq.api.refusals`)."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from npq.core.models import ApiToken


@dataclass
class Asked:
    """Whose token a request bears, whether the rate limit has counted it, and the request as the view reads it.

    `token` is also set where it opened nothing because it had expired or been revoked; it is None where nobody has
    `looked`, and where there is no such token.
    """

    token: ApiToken | None = None
    looked: bool = False
    counted: bool = False
    reading: Any = None


def asked_of(request: HttpRequest) -> Asked:
    """The notes of a request; empty ones at first."""
    found = getattr(request, "npq_asked", None)
    if found is None:
        found = Asked()
        request.npq_asked = found  # type: ignore[attr-defined]
    return found
