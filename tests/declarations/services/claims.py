"""Claims for services that are called directly."""

from datetime import datetime
from typing import Any

from declarations.queries.given import Claim
from declarations.services import submit_declaration
from npq.core.audit import Actor
from participants.models import Enrolment
from tests.declarations.conftest import DECLARED, NOW


def claim_for(enrolment: Enrolment, declaration_type: str = "started", **more: Any) -> Claim:
    """A claim for an enrolment; a completed one says that the participant passed."""
    values = {
        "participant_id": enrolment.participant.public_id,
        "course_identifier": enrolment.course.identifier,
        "declaration_type": declaration_type,
        "declaration_date": datetime.fromisoformat(DECLARED),
        "has_passed": True if declaration_type == "completed" else None,
    }
    return Claim(**{**values, **more})


def submit(claim: Claim, lead_provider_id: int) -> int:
    """Submits a claim at NOW."""
    return submit_declaration(lead_provider_id=lead_provider_id, claim=claim, by=Actor.system(), now=NOW)
