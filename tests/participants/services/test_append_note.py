"""Notes about people and applications: signed, dated, never changed (backoffice.md §2.1, §7.4)."""

import pytest
from django.db import IntegrityError, transaction

from npq.core.audit import Actor
from npq.core.models import Change
from participants.errors import NoteEmpty, NoteTooLong, NoteUnreadable, PersonRetired
from participants.models import Note, Participant
from participants.queries.people import notes_about
from participants.services import append_note_to_application, append_note_to_participant, merge_participants
from tests.factories import ApplicationFactory, NoteFactory, ParticipantFactory

pytestmark = pytest.mark.django_db

SAM = Actor.staff("Sam Reyes", identifier="7")


def test_a_note_is_signed_and_audited() -> None:
    person = ParticipantFactory()

    note = append_note_to_participant(participant_id=person.id, text=" Telephoned.\r\nWill write. ", by=SAM)

    assert (note.participant, note.application) == (person, None)
    assert (note.text, note.written_by) == ("Telephoned.\nWill write.", "Sam Reyes")
    change = Change.objects.latest("id")
    assert (change.table, change.action, change.actor_name) == ("participants_note", "append_note", "Sam Reyes")


def test_a_note_about_an_application() -> None:
    application = ApplicationFactory()

    note = append_note_to_application(application_id=application.id, text="Letter of the school is here.", by=SAM)

    assert (note.application, note.participant) == (application, None)


@pytest.mark.parametrize(
    ("text", "kind"), [("", NoteEmpty), (" \n", NoteEmpty), ("x" * 5001, NoteTooLong), ("a\x00b", NoteUnreadable)]
)
def test_what_is_no_note_is_refused(text: str, kind: type[Exception]) -> None:
    application = ApplicationFactory()

    with pytest.raises(kind):
        append_note_to_participant(participant_id=application.participant_id, text=text, by=SAM)
    with pytest.raises(kind):
        append_note_to_application(application_id=application.id, text=text, by=SAM)

    assert not Note.objects.exists()


def test_a_retired_id_takes_no_more_notes() -> None:
    retired, survivor = ParticipantFactory(without_trn=True), ParticipantFactory()
    merge_participants(retired_id=retired.id, survivor_id=survivor.id, by=SAM)

    with pytest.raises(PersonRetired, match=str(survivor.public_id)):
        append_note_to_participant(participant_id=retired.id, text="Who is it?", by=SAM)


def test_an_unknown_person_is_an_error() -> None:
    with pytest.raises(Participant.DoesNotExist):
        append_note_to_participant(participant_id=0, text="Who is it?", by=SAM)


def test_the_database_lets_nobody_change_or_delete_a_note() -> None:
    note = NoteFactory()

    for write in (lambda: Note.objects.update(text="Never said."), note.delete):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            write()


def test_the_database_wants_one_thing_a_note_is_about() -> None:
    application = ApplicationFactory()

    for about in ({}, {"application": application, "participant": application.participant}):
        with pytest.raises(IntegrityError, match="note_about_person_or_application"), transaction.atomic():
            Note.objects.create(text="About what?", written_by="Sam Reyes", **about)


def test_notes_about_a_person_follow_merges_and_applications() -> None:
    retired, survivor = ParticipantFactory(without_trn=True), ParticipantFactory()
    first = append_note_to_participant(participant_id=retired.id, text="First.", by=SAM)
    second = append_note_to_application(
        application_id=ApplicationFactory(participant=retired).id, text="Second.", by=SAM
    )
    merge_participants(retired_id=retired.id, survivor_id=survivor.id, by=SAM)
    third = append_note_to_participant(participant_id=survivor.id, text="Third.", by=SAM)
    NoteFactory()

    assert list(notes_about(survivor.id)) == [third, second, first]
