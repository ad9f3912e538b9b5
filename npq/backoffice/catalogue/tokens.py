"""What access managers put right about API tokens; issuing one is `npq.backoffice.issuing`."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from npq.backoffice.catalogue.fields import DayField
from npq.backoffice.corrections import Answers, Correction
from npq.core.audit import Actor
from npq.core.errors import TokenRevoked
from npq.core.models import ApiToken
from npq.core.texts import is_readable
from npq.core.tokens import change_api_token_expiry, change_api_token_label, end_of, last_day_of, revoke_api_token

TOKEN = "core.apitoken"  # noqa: S105  the name of a model
LONGEST_LABEL = 100


class LabelField(forms.CharField):
    """What a token is for, in a line that a person can read."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not is_readable(text):
            raise ValidationError("The label contains characters that cannot be shown.")
        return text


class LastDayField(DayField):
    """The last day on which a token works; yields the instant at which it expires, None where it never does."""

    def clean(self, value: Any) -> Any:
        day = super().clean(value)
        try:
            return end_of(day) if day else None
        except ValueError as problem:
            raise ValidationError("Enter an earlier day.") from problem


def label_field(**more: Any) -> LabelField:
    """The question for a label."""
    return LabelField(
        label="Label",
        max_length=LONGEST_LABEL,
        help_text="What it is for. Shown in lists, and in the audit trail beside everything that is done with it.",
        error_messages={"required": "Say what the token is for."},
        **more,
    )


def last_day_field(**more: Any) -> LastDayField:
    """The question for a last day."""
    return LastDayField(
        "Last day",
        required=False,
        help_text="It works until the end of this day, UK time. Leave it empty for a token that never expires.",
        **more,
    )


def _label_fields(record: ApiToken) -> dict[str, forms.Field]:
    return {"label": label_field(initial=record.label)}


def _expiry_fields(record: ApiToken) -> dict[str, forms.Field]:
    return {"last_day": last_day_field(initial=last_day_of(record.expires_at))}


def _not_revoked(record: ApiToken) -> str:
    return TokenRevoked.detail if record.revoked_at else ""


def _change_label(record: ApiToken, answers: Answers, by: Actor) -> Any:
    return change_api_token_label(public_id=record.public_id, label=answers["label"], by=by)


def _change_expiry(record: ApiToken, answers: Answers, by: Actor) -> Any:
    return change_api_token_expiry(public_id=record.public_id, expires_at=answers["last_day"], by=by)


def _revoke(record: ApiToken, answers: Answers, by: Actor) -> Any:
    return revoke_api_token(public_id=record.public_id, by=by)


TOKENS: tuple[Correction, ...] = (
    Correction("change_api_token_label", "Change label", TOKEN, "access manager", _change_label, fields=_label_fields),
    Correction(
        "change_api_token_expiry",
        "Change expiry",
        TOKEN,
        "access manager",
        _change_expiry,
        "A token that has expired works again until the new day. To end one now, revoke it.",
        _expiry_fields,
        _not_revoked,
    ),
    Correction(
        "revoke_api_token",
        "Revoke",
        TOKEN,
        "access manager",
        _revoke,
        "From now on the token opens nothing. It cannot be undone; a new token can be issued.",
        not_possible=_not_revoked,
    ),
)
