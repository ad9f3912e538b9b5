"""Corrections of people (backoffice.md §2.2)."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from npq.backoffice.catalogue.fields import PersonField, note_fields
from npq.backoffice.comparing import side_by_side
from npq.backoffice.corrections import Answers, Correction
from npq.backoffice.pages import Section, Table, link
from npq.core.audit import Actor
from npq.core.effects import Corrected
from participants.models import Participant
from participants.queries import same_person
from participants.services import (
    append_note_to_participant,
    change_trn,
    merge_participants,
    remove_trn,
    unverify_trn,
    verify_trn,
)
from participants.services.change_trn import NOBODYS_TRN, TrnChange

PARTICIPANT = "participants.participant"


def retired(person: Participant) -> str:
    """Why nothing is put right about an id that is retired."""
    if person.merged_into_id is None:
        return ""
    return "This ID is retired. Go to the participant it was merged into."


# TRN --------------------------------------------------------------------------------------------------


def told(change: TrnChange) -> Corrected:
    """What a TRN change leaves to staff, in words."""
    notes = [
        f"Participant {each} ({each.full_name}) has this verified TRN too, and counts as the same person from now on. "
        "Compare the two and merge them if they are one."
        for each in change.holders
    ]
    notes += [
        f"One person is now paid twice: declarations {one} and {other} ({one.declaration_type}). Void one of them."
        for one, other in change.paid_twice
    ]
    notes += [
        f"Declaration {each} ({each.declaration_type}) stays ineligible as a duplicate of somebody who is another "
        "person now. Void it, and the provider may declare again."
        for each in change.still_ineligible
    ]
    return Corrected(changed=change.changed, notes=tuple(notes))


def _trn_fields(_: Any) -> dict[str, forms.Field]:
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "spellcheck": "false"})
    return {
        "trn": forms.CharField(label="TRN", help_text="Seven digits. It will be marked as verified.", widget=widget)
    }


def _change_trn(record: Participant, answers: Answers, by: Actor) -> Any:
    return told(change_trn(participant_id=record.id, teacher_reference_number=answers["trn"], by=by))


def _verify_trn(record: Participant, _: Answers, by: Actor) -> Any:
    return told(verify_trn(participant_id=record.id, by=by))


def _unverify_trn(record: Participant, _: Answers, by: Actor) -> Any:
    return told(unverify_trn(participant_id=record.id, by=by))


def _remove_trn(record: Participant, _: Answers, by: Actor) -> Any:
    return told(remove_trn(participant_id=record.id, by=by))


def _nothing_to_verify(person: Participant) -> str:
    if person.teacher_reference_number is None:
        return "The participant has no TRN. Use “Change TRN” to give them one."
    if person.teacher_reference_number == NOBODYS_TRN:
        return f"{NOBODYS_TRN} is nobody's TRN. Use “Change TRN” to give them their own."
    return "The TRN is verified already." if person.teacher_reference_number_verified else ""


def _nothing_to_unverify(person: Participant) -> str:
    return "" if person.teacher_reference_number_verified else "The TRN is not verified."


def _nothing_to_remove(person: Participant) -> str:
    return "" if person.teacher_reference_number else "The participant has no TRN."


def _unless_retired(guard: Callable[[Participant], str]) -> Callable[[Participant], str]:
    return lambda person: retired(person) or guard(person)


def _others_with_trn(person: Participant, answers: Answers) -> Sequence[Section]:
    """Whoever else has the TRN that is asked for, each with the way to compare and merge."""
    trn = "".join(str(answers.get("trn", person.teacher_reference_number) or "").split())
    if not trn:
        return ()
    others = Participant.objects.filter(teacher_reference_number=trn, merged_into__isnull=True).exclude(id=person.id)
    rows = [
        [link(each), each.full_name, each.teacher_reference_number_verified, compare_link(person, each)]
        for each in others.order_by("id")[:20]
    ]
    if not rows:
        return ()
    return (Table(f"Others with TRN {trn}", ["Participant", "Name", "Verified", "If they are one person"], rows),)


# One person of two ------------------------------------------------------------------------------------


def compare_link(leaves: Participant, stays: Participant) -> str:
    """A link to the page that compares two people and merges the first into the second."""
    address = reverse("admin:participants_participant_correct", args=[leaves.public_id, "merge_participants"])
    query = urlencode({"survivor": str(stays.public_id)})
    return format_html('<a href="{}?{}">Compare and merge {} into {}</a>', address, query, leaves, stays)


def _merge_fields(_: Any) -> dict[str, forms.Field]:
    return {"survivor": PersonField(label="Participant ID that stays")}


def _merge(record: Participant, answers: Answers, by: Actor) -> Any:
    return merge_participants(retired_id=record.id, survivor_id=answers["survivor"].id, by=by)


def _compare(record: Participant, answers: Answers) -> Sequence[Section]:
    survivor = answers.get("survivor")
    if survivor is None or survivor.id == record.id:
        return ()
    sections: list[Section] = [side_by_side(record, survivor, ("This one, which is retired", "The one that stays"))]
    if survivor.merged_into_id is None:
        sections.append(Table("The other way round", ["If this one should stay"], [[compare_link(survivor, record)]]))
    return sections


def _count_as_one(person: Participant) -> Sequence[Section]:
    others = Participant.objects.filter(id__in=same_person([person.id]) - {person.id})
    rows = [[link(each), each.full_name, compare_link(each, person)] for each in others.order_by("id")[:20]]
    if not rows:
        return ()
    return (Table("Others with the same verified TRN", ["Participant", "Name", "If they are one person"], rows),)


def _merge_sections(record: Participant, answers: Answers) -> Sequence[Section]:
    return _compare(record, answers) or _count_as_one(record)


def _note_participant(record: Participant, answers: Answers, by: Actor) -> Any:
    return append_note_to_participant(participant_id=record.id, text=answers["text"], by=by)


PARTICIPANTS: tuple[Correction, ...] = (
    Correction(
        "change_trn",
        "Change TRN",
        PARTICIPANT,
        "caseworker",
        _change_trn,
        "Look the number up in the teacher record first.",
        _trn_fields,
        retired,
        lambda it, answers: _others_with_trn(it, answers) if answers else (),
    ),
    Correction(
        "verify_trn",
        "Mark TRN as verified",
        PARTICIPANT,
        "caseworker",
        _verify_trn,
        "You have found this person under this TRN in the teacher record.",
        not_possible=_unless_retired(_nothing_to_verify),
        beside=_others_with_trn,
    ),
    Correction(
        "unverify_trn",
        "Take back TRN verification",
        PARTICIPANT,
        "caseworker",
        _unverify_trn,
        "The TRN stays, but does not count any more: providers are not shown it on the participant, and others with "
        "the same TRN count as other people.",
        not_possible=_unless_retired(_nothing_to_unverify),
        beside=_others_with_trn,
    ),
    Correction(
        "remove_trn",
        "Remove TRN",
        PARTICIPANT,
        "caseworker",
        _remove_trn,
        "For a TRN that is somebody else's. The audit trail keeps the number.",
        not_possible=_unless_retired(_nothing_to_remove),
        beside=_others_with_trn,
    ),
    Correction(
        "merge_participants",
        "Merge into another participant",
        PARTICIPANT,
        "caseworker",
        _merge,
        "This participant's ID is retired. Everything of theirs goes to the one that stays.",
        _merge_fields,
        retired,
        _merge_sections,
    ),
    Correction(
        "add_participant_note",
        "Add a note",
        PARTICIPANT,
        "caseworker",
        _note_participant,
        "Notes are signed and dated, and never changed.",
        note_fields,
        retired,
    ),
)
