"""Staff's decision that two participants who look alike are two people, and taking it back."""

from npq.backoffice.models import NotTheSamePerson
from npq.core.audit import Actor, correcting
from npq.core.errors import Refused
from participants.errors import PersonRetired
from participants.models import Participant
from participants.queries import lock_people


class OnePersonAlready(Refused):
    """Both ids are the same person's."""

    title = "participant_id"
    code = "one_person_already"
    detail = "Both IDs are {participant}'s. Name two different participants."


def decide_not_the_same(*, first_id: int, second_id: int, by: Actor) -> bool:
    """Keeps that two participants are two people; False when that was decided before. Takes internal ids.

    Refuses with OnePersonAlready, PersonRetired and ReasonMissing; raises Participant.DoesNotExist.
    """
    with correcting(by, "decide_not_the_same_person"):
        first, second = _locked(first_id, second_id)
        _, made = NotTheSamePerson.objects.get_or_create(
            first=first, second=second, defaults={"decided_by": by.name, "reason": by.reason}
        )
        return made


def take_back_decision(*, first_id: int, second_id: int, by: Actor) -> bool:
    """Forgets the decision, so that the two are found again; False when there was none. The audit trail keeps it."""
    with correcting(by, "take_back_decision"):
        first, second = _locked(first_id, second_id)
        number, _ = NotTheSamePerson.objects.filter(first=first, second=second).delete()
        return number > 0


def _locked(first_id: int, second_id: int) -> tuple[Participant, Participant]:
    """Both people, the one added first before the other."""
    people = lock_people([first_id, second_id])
    if not {first_id, second_id} <= set(people):
        raise Participant.DoesNotExist
    if first_id == second_id:
        raise OnePersonAlready(participant=people[first_id])
    for person in (people[first_id], people[second_id]):
        if person.merged_into is not None:
            raise PersonRetired(retired=person, survivor=person.merged_into)
    return people[min(first_id, second_id)], people[max(first_id, second_id)]
