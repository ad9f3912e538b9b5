"""What the corrections ask for in the same way."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from npq.core.models import Course
from participants.models import Participant

# What a choice among reference records shows before anybody has chosen.
UNCHOSEN = ("", "Choose one")

Choices = list[tuple[str, Any]]


class ByPublicId(forms.ChoiceField):
    """A choice among a few records that are given with their words; yields the record, what is posted is its id."""

    def __init__(self, records: Iterable[tuple[Any, str]], label: str, **more: Any) -> None:
        found = list(records)
        self.records = {str(record.public_id): record for record, _ in found}
        first = UNCHOSEN if more.get("required", True) else ("", "None")
        choices = [first, *((str(record.public_id), words) for record, words in found)]
        gone = "Choose one of the list. It may have changed since you opened this page."
        super().__init__(label=label, choices=choices, error_messages={"invalid_choice": gone}, **more)

    def clean(self, value: Any) -> Any:
        return self.records.get(super().clean(value))


class PersonField(forms.UUIDField):
    """The id of a participant; yields the person."""

    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            help_text="Copy it from the participant's page, or come from the list of possible duplicates.",
            widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
            error_messages={"invalid": "Enter a participant ID, such as 2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11."},
        )

    def clean(self, value: Any) -> Participant | None:
        identifier: UUID | None = super().clean(value)
        if identifier is None:
            return None
        person = Participant.objects.select_related("merged_into").filter(public_id=identifier).first()
        if person is None:
            raise ValidationError("There is no participant with this ID.")
        return person


class DayField(forms.DateField):
    """A day, typed as people write it: `27/9/2026`, `27 9 2026` or `27 September 2026`; or as `2026-09-27`.

    A text and no `type="date"`: of a day half typed into that, a browser posts nothing at all, which would then
    count as left empty. Besides, the order of its parts follows the browser's language, not the UK's.
    """

    def __init__(self, label: str, *, help_text: str = "", **more: Any) -> None:
        super().__init__(
            label=label,
            help_text=f"{help_text} For example, 27/9/2026.".lstrip(),
            input_formats=["%d/%m/%Y", "%d %m %Y", "%d.%m.%Y", "%d-%m-%Y", "%d %B %Y", "%d %b %Y", "%Y-%m-%d"],
            widget=forms.DateInput(format="%d/%m/%Y", attrs={"class": "day", "autocomplete": "off"}),
            error_messages={"invalid": "Enter a day that exists, such as 27/9/2026."},
            **more,
        )


def yes_or_no(name: str, label: str) -> dict[str, forms.Field]:
    """A question that is answered with yes or no, and with neither of them unless somebody chooses."""
    choices = [UNCHOSEN, ("yes", "Yes"), ("no", "No")]
    return {name: forms.ChoiceField(label=label, choices=choices)}


def note_fields(_: Any) -> dict[str, forms.Field]:
    """What a note asks for."""
    return {"text": forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 6}))}


def schedule_field(choices: Choices, help_text: str, *, required: bool) -> forms.Field:
    """A choice among schedules by identifier."""
    first = UNCHOSEN if required else ("", "The one that follows from the rest")
    return forms.ChoiceField(label="Schedule", choices=[first, *choices], required=required, help_text=help_text)


def course_words(course: Course) -> str:
    """A course for people: name and identifier."""
    return f"{course.name} ({course.identifier})"
