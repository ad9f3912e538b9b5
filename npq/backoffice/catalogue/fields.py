"""What the corrections ask for in the same way."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError

from participants.models import Participant


class ByName(forms.ModelChoiceField):
    """A choice among reference records by name; what is posted is the public id."""

    def __init__(self, queryset: Any, label: str, **more: Any) -> None:
        super().__init__(queryset, to_field_name="public_id", label=label, **more)

    def label_from_instance(self, record: Any) -> str:
        return str(getattr(record, "name", record))


class PersonField(forms.UUIDField):
    """The id of a participant; yields the person."""

    def clean(self, value: Any) -> Participant | None:
        identifier: UUID | None = super().clean(value)
        if identifier is None:
            return None
        person = Participant.objects.filter(public_id=identifier).first()
        if person is None:
            raise ValidationError("There is no participant with this ID.")
        return person


def yes_or_no(name: str, label: str) -> dict[str, forms.Field]:
    """A question that is answered with yes or no, and with neither of them unless somebody chooses."""
    choices = [("", "---------"), ("yes", "Yes"), ("no", "No")]
    return {name: forms.ChoiceField(label=label, choices=choices)}


def note_fields(_: Any) -> dict[str, forms.Field]:
    """What a note asks for."""
    return {"text": forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 6}))}
