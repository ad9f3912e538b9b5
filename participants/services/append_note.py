"""Writing a note about a person or an application."""

from npq.core.audit import Actor, acting_as
from npq.core.texts import is_readable
from participants.errors import NoteEmpty, NoteTooLong, NoteUnreadable, PersonRetired
from participants.models import Note, Participant
from participants.queries import lock_application, lock_people

LONGEST_NOTE = 5_000


def append_note_to_participant(*, participant_id: int, text: str, by: Actor) -> Note:
    """Adds a note about a person, signed by `by`; notes are never changed (backoffice.md §2.1).

    Refuses with NoteEmpty, NoteTooLong, NoteUnreadable and PersonRetired; raises Participant.DoesNotExist.
    """
    checked = _checked(text)
    with acting_as(by, "append_note"):
        participant = lock_people([participant_id]).get(participant_id)
        if participant is None:
            raise Participant.DoesNotExist
        if participant.merged_into is not None:
            raise PersonRetired(retired=participant, survivor=participant.merged_into)
        return Note.objects.create(participant=participant, text=checked, written_by=by.name)


def append_note_to_application(*, application_id: int, text: str, by: Actor) -> Note:
    """Adds a note about an application, signed by `by`; notes are never changed (backoffice.md §2.1).

    Refuses with NoteEmpty, NoteTooLong and NoteUnreadable; raises Application.DoesNotExist.
    """
    checked = _checked(text)
    with acting_as(by, "append_note"):
        application, _people = lock_application(application_id, held_by=None)
        return Note.objects.create(application=application, text=checked, written_by=by.name)


def _checked(text: str) -> str:
    tidy = text.strip().replace("\r\n", "\n")
    if not tidy:
        raise NoteEmpty
    if len(tidy) > LONGEST_NOTE:
        raise NoteTooLong(length=len(tidy), most=LONGEST_NOTE)
    if not is_readable(tidy):
        raise NoteUnreadable
    return tidy
