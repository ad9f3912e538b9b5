"""Applications as the registration service sends them."""

import uuid
from typing import Any


def smallest(**fields: Any) -> dict[str, Any]:
    """The smallest application there is, with a new id and person, and the given fields."""
    return {
        "id": str(uuid.uuid4()),
        "participant_id": str(uuid.uuid4()),
        "full_name": "Priya Okafor",
        "email": "priya@example.org",
        "course_identifier": "npq-headship",
        "lead_provider": "ambition",
        "cohort": 2023,
        "eligible_for_funding": True,
        **fields,
    }
