"""What may come in about applications, per version."""

from typing import Any

from rest_framework.request import Request

from npq.api.requests import Filters, sorting

# The attributes an acceptance may bring.
ACCEPT = {
    "v1": ("funded_place",),
    "v2": ("funded_place",),
    "v3": ("funded_place", "schedule_identifier"),
}


def application_filters(version: str, filters: Filters, request: Request) -> dict[str, Any]:
    """The arguments of `applications_for_api` that a request asks for; v3 knows more of them."""
    found: dict[str, Any] = {"cohorts": filters.years(), "updated_since": filters.instant("updated_since")}
    if version == "v3":
        found["participant_ids"] = filters.identifiers("participant_id")
        found["order"] = sorting(request.query_params, ("created_at", "updated_at"), ("created_at", "id"))
    return found
