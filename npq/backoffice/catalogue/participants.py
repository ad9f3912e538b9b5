"""Corrections of people (backoffice.md §2.2)."""

from typing import Any

from django import forms

from npq.backoffice.catalogue.fields import PersonField, note_fields
from npq.backoffice.corrections import Answers, Correction
from npq.core.audit import Actor
from participants.models import Participant
from participants.services import (
    append_note_to_participant,
    change_trn,
    merge_participants,
)

PARTICIPANT = "participants.participant"


def _trn_fields(_: Any) -> dict[str, forms.Field]:
    return {"trn": forms.CharField(label="TRN", help_text="Seven digits. It will be marked as verified.")}


def _change_trn(record: Participant, answers: Answers, by: Actor) -> Any:
    return change_trn(participant_id=record.id, teacher_reference_number=answers["trn"], by=by)


def _merge_fields(_: Any) -> dict[str, forms.Field]:
    return {"survivor": PersonField(label="Participant ID that stays")}


def _merge(record: Participant, answers: Answers, by: Actor) -> Any:
    return merge_participants(retired_id=record.id, survivor_id=answers["survivor"].id, by=by)


def _note_participant(record: Participant, answers: Answers, by: Actor) -> Any:
    return append_note_to_participant(participant_id=record.id, text=answers["text"], by=by)


def not_merged(person: Participant) -> bool:
    """Whether the id is not retired."""
    return person.merged_into_id is None


PARTICIPANTS: tuple[Correction, ...] = (
    Correction("change_trn", "Change TRN", PARTICIPANT, "caseworker", _change_trn, "", _trn_fields, not_merged),
    Correction(
        "merge_participants",
        "Merge into another participant",
        PARTICIPANT,
        "caseworker",
        _merge,
        "This participant's ID is retired. Everything of theirs goes to the one that stays.",
        _merge_fields,
        not_merged,
    ),
    Correction(
        "add_participant_note",
        "Add a note",
        PARTICIPANT,
        "caseworker",
        _note_participant,
        "Notes are signed and dated, and never changed.",
        note_fields,
        not_merged,
    ),
)
