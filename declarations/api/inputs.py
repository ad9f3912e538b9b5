"""What may come in about declarations, outcomes and delivery partners, per version."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from declarations.choices import DeclarationType, OutcomeState
from declarations.queries.given import UNREADABLE, Claim, GivenId, GivenPartners, Unreadable
from npq.api.inputs import (
    COHORT,
    CREATED_SINCE,
    PARTICIPANT_ID,
    UPDATED_SINCE,
    Body,
    ListQuery,
    day,
    identifier,
    instant,
    words,
    yes_or_no,
)
from npq.api.requests import text_or_none, timestamp_or_none, uuid_or_none
from npq.api.vocabulary import COURSES

_DAY = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)", re.ASCII)

_PARTNERS = {
    "delivery_partner_id": identifier(
        "Who delivered the training. Needed from cohort 2024 for participants who work in England.",
        example="b2e7d7c4-33a1-4d0b-8d29-7f1f0a5c6e02",
    ),
    "secondary_delivery_partner_id": identifier(
        "A second partner, where two delivered the training. Leave it out for none.",
        example="4f1c9e6a-0a58-4c3e-9a0b-6f0f6d9a8c11",
    ),
}

_DECLARE_V1 = Body(
    name="DeclarationRequest",
    type="participant-declaration",
    attributes={
        "participant_id": identifier(
            "The participant's current id.", required=True, example="9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90"
        ),
        "declaration_type": words(DeclarationType.values, "The milestone that was reached.", required=True),
        "declaration_date": instant("When it was reached: not in the future.", required=True),
        "course_identifier": words(COURSES, "The participant's course.", required=True, example="npq-headship"),
        "has_passed": yes_or_no("Needed for `completed` on courses that end in an outcome."),
    },
)
_DECLARE_V3 = Body(
    name="DeclarationRequest",
    type="participant-declaration",
    attributes={**_DECLARE_V1.attributes, **_PARTNERS},
)
DECLARE = {"v1": _DECLARE_V1, "v2": _DECLARE_V1, "v3": _DECLARE_V3}

CHANGE_DELIVERY_PARTNER = {
    "v3": Body(name="ChangeDeliveryPartner", type="participant-declaration", attributes=_PARTNERS),
}

_OUTCOME = Body(
    name="OutcomeRequest",
    type="npq-outcome-confirmation",
    attributes={
        "course_identifier": words(
            COURSES, "The course, one that ends in an outcome.", required=True, example="npq-headship"
        ),
        "state": words([OutcomeState.PASSED.value, OutcomeState.FAILED.value], "The result.", required=True),
        "completion_date": day("When the participant got the result: not in the future.", required=True),
    },
)
OUTCOME_REQUEST = {"v1": _OUTCOME, "v2": _OUTCOME, "v3": _OUTCOME}

_DECLARATIONS_V1 = ListQuery((UPDATED_SINCE, PARTICIPANT_ID))
DECLARATIONS = {
    "v1": _DECLARATIONS_V1,
    "v2": _DECLARATIONS_V1,
    "v3": ListQuery((UPDATED_SINCE, PARTICIPANT_ID, COHORT)),
}
_OUTCOMES = ListQuery((CREATED_SINCE,))
OUTCOMES = {"v1": _OUTCOMES, "v2": _OUTCOMES, "v3": _OUTCOMES}

DELIVERY_PARTNERS = {"v3": ListQuery((COHORT,), sort=("name", "created_at", "updated_at"), order=("name", "id"))}


def claim_of(attributes: Mapping[str, Any], version: str) -> Claim:
    """The declaration that a body's attributes make."""
    asks_for_partners = "delivery_partner_id" in DECLARE[version].attributes
    return Claim(
        participant_id=_given_id(attributes.get("participant_id")),
        course_identifier=text_or_none(attributes.get("course_identifier")),
        declaration_type=text_or_none(attributes.get("declaration_type")),
        declaration_date=_given_instant(attributes.get("declaration_date")),
        has_passed=_given_boolean(attributes.get("has_passed")),
        delivery_partners=partners_of(attributes) if asks_for_partners else None,
    )


def partners_of(attributes: Mapping[str, Any]) -> GivenPartners:
    """The delivery partners that a body's attributes name."""
    return GivenPartners(
        _given_id(attributes.get("delivery_partner_id")), _given_id(attributes.get("secondary_delivery_partner_id"))
    )


def day_of(value: Any) -> date | Unreadable | None:
    """A date, which may stand within a longer text such as a timestamp (api.md §3)."""
    text = text_or_none(value)
    if text is None:
        return None
    found = _DAY.search(text)
    try:
        return date.fromisoformat(found[0]) if found else UNREADABLE
    except ValueError:
        return UNREADABLE


def _given_id(value: Any) -> GivenId:
    text = text_or_none(value)
    return None if text is None else uuid_or_none(text) or UNREADABLE


def _given_instant(value: Any) -> Any:
    text = text_or_none(value)
    return None if text is None else timestamp_or_none(text) or UNREADABLE


def _given_boolean(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value)
    return value if isinstance(value, bool) else None
