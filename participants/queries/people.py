"""What a provider is shown of people and their training (api.md §2.2, §4.2; decisions.md §1.7, §1.11)."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from participants.errors import ParticipantIdChanged
from participants.models import Enrolment, Note, Participant, ParticipantIdChange


@dataclass(frozen=True)
class Viewpoint:
    """Who looks at people, and how much of them is asked for.

    `training_status` narrows the enrolments that are shown, and the people to those who have one;
    `from_participant_id` narrows to the survivor of that retired id, and the id changes to that one.
    """

    lead_provider_id: int
    training_status: str | None = None
    from_participant_id: uuid.UUID | None = None


def enrolments_seen(seen: Viewpoint) -> QuerySet[Enrolment]:
    """The provider's standing enrolments, in any training status unless one was asked for."""
    found = Enrolment.objects.standing().filter(lead_provider_id=seen.lead_provider_id)
    return found.filter(training_status=seen.training_status) if seen.training_status else found


def id_changes_seen(seen: Viewpoint) -> QuerySet[ParticipantIdChange]:
    """The retired ids that are shown."""
    found = ParticipantIdChange.objects.all()
    return found.filter(from_participant_id=seen.from_participant_id) if seen.from_participant_id else found


def participants_for_api(
    seen: Viewpoint, *, updated_since: datetime | None = None, order: tuple[str, ...] = ("created_at", "id")
) -> QuerySet[Participant]:
    """The people with an enrolment that is shown, each once, whoever registered first coming first."""
    shown = enrolments_seen(seen).filter(participant=OuterRef("pk"))
    found = Participant.objects.filter(Exists(shown)).order_by(*order)
    if seen.from_participant_id is not None:
        found = found.filter(id_changes__from_participant_id=seen.from_participant_id)
    if updated_since is not None:
        found = found.filter(updated_at__gte=updated_since)
    return found


def enrolments_for_csv(*, lead_provider_id: int, updated_since: datetime | None = None) -> QuerySet[Enrolment]:
    """The provider's standing enrolments in the order of their applications.

    `updated_since` looks at the application: whatever changes an enrolment or its person touches it too.
    """
    found = enrolments_seen(Viewpoint(lead_provider_id)).order_by("application__created_at", "application_id")
    if updated_since is not None:
        found = found.filter(application__updated_at__gte=updated_since)
    return found


def visible_participant_id(*, lead_provider_id: int, public_id: uuid.UUID) -> int:
    """The internal id of a person the provider may see.

    Raises ParticipantIdChanged when the id is retired and the provider may see whom it stands for now (a merge
    moves every enrolment, so whoever could see either may), Participant.DoesNotExist in all other cases.
    """
    mine = participants_for_api(Viewpoint(lead_provider_id)).order_by().values_list("id", flat=True)
    found = mine.filter(public_id=public_id).first()
    if found is not None:
        return found
    change = id_change_of(public_id)
    if change is not None and mine.filter(id=change.participant_id).exists():
        raise id_changed(change)
    raise Participant.DoesNotExist


def id_change_of(public_id: uuid.UUID) -> ParticipantIdChange | None:
    """What a retired participant id became, or None for an id that is not retired."""
    return ParticipantIdChange.objects.filter(from_participant_id=public_id).first()


def id_changed(change: ParticipantIdChange) -> ParticipantIdChanged:
    """The refusal of a retired id, naming the new one."""
    return ParticipantIdChanged(
        from_participant_id=change.from_participant_id,
        to_participant_id=change.to_participant_id,
        changed_at=change.created_at,
    )


def notes_about(participant_id: int) -> QuerySet[Note]:
    """What staff wrote about a person, under any id they ever had, and about their applications, the newest first."""
    ids = Participant.objects.filter(Q(id=participant_id) | Q(merged_into=participant_id)).values("id")
    return Note.objects.filter(Q(participant__in=ids) | Q(application__participant__in=ids)).order_by("-id")
