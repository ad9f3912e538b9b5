"""Finding what a command names."""

from uuid import UUID

from npq.core.commands import BadInput, Fault
from participants.models import Participant


def participant_by_id(public_id: UUID) -> Participant:
    """The participant with a public id, retired or not; raises BadInput when there is none."""
    found = Participant.objects.filter(public_id=public_id).first()
    if found is None:
        raise BadInput(Fault("participant", "unknown_participant", f"no participant has the ID {public_id}"))
    return found
