"""Corrections: a named button, a page that shows what would change, a reason, and the service that does it.

A correction is declared once, in `npq.backoffice.catalogue`. Its page first rehearses the service, so that what is
shown is what it does: before and after, messages, pounds; a refusal is shown in its own words. Only a second
press, with a reason, writes.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from npq.core.audit import Actor
from npq.core.effects import Corrected, Effects
from npq.core.errors import Problem, Refused, TooMuchContention
from npq.core.money import in_pounds
from npq.core.rehearsal import what_would_change
from npq.core.texts import is_readable

LONGEST_REASON = 1000

Answers = dict[str, Any]
Fields = Callable[[Any], dict[str, forms.Field]]


def _no_fields(_: Any) -> dict[str, forms.Field]:
    return {}


def _always(_: Any) -> bool:
    return True


@dataclass(frozen=True)
class Correction:
    """One thing staff may put right about a record of `model` (`applications.application`).

    `fields` gives what is asked for, `run` calls the one service, `offered` says whether the button makes sense
    for a record. `explains` is a sentence on its page.
    """

    name: str
    title: str
    model: str
    role: Literal["caseworker", "finance", "finance approver"]
    run: Callable[[Any, Answers, Actor], Any]
    explains: str = ""
    fields: Fields = _no_fields
    offered: Callable[[Any], bool] = _always

    @property
    def permission(self) -> str:
        """The permission it takes: `applications.undo_acceptance`."""
        return f"{self.model.split('.', maxsplit=1)[0]}.{self.name}"

    def form_for(self, record: Any, data: Any = None) -> "CorrectionForm":
        """The form of its page: its own fields and the reason."""
        return CorrectionForm(self.fields(record), data)


class CorrectionForm(forms.Form):
    """What a correction asks for, and why it is made."""

    required_css_class = "required"

    def __init__(self, fields: dict[str, forms.Field], data: Any = None) -> None:
        super().__init__(data, label_suffix="")
        self.fields.update(fields)
        self.fields["reason"] = forms.CharField(
            label="Reason",
            help_text="Kept in the audit trail. Say who asked for it and why.",
            max_length=LONGEST_REASON,
            widget=forms.Textarea(attrs={"rows": 3}),
            error_messages={"required": "Give the reason for this correction."},
        )

    def clean_reason(self) -> str:
        """Refuses what no person could read."""
        reason: str = self.cleaned_data["reason"]
        if not is_readable(reason):
            raise forms.ValidationError("The reason contains characters that cannot be shown.")
        return reason

    @property
    def asks_nothing(self) -> bool:
        """Whether the reason is all it asks for, so that the effects can be shown at once."""
        return list(self.fields) == ["reason"]


@dataclass
class Preview:
    """What a rehearsal found: effects, or why it is not possible."""

    effects: Effects | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def seen(self) -> str:
        """A fingerprint of what is shown, so that nothing else is confirmed than what was looked at."""
        return fingerprint(self.effects) if self.effects else ""


def staff_actor(request: HttpRequest, reason: str = "") -> Actor:
    """The signed-in member of staff as the one who acts."""
    user = request.user
    name = user.get_full_name() or user.get_username()  # type: ignore[union-attr]
    return Actor.staff(name, identifier=str(user.pk), reason=reason)


def fingerprint(effects: Effects) -> str:
    """The same for the same effects; what differs between any two runs (new ids, instants) is left out."""
    shown = [
        (
            change.record,
            change.operation,
            str(change.identifier) if change.operation != "insert" else "",
            sorted(
                (each.name, str(each.before), "" if isinstance(each.after, datetime) else str(each.after))
                for each in change.fields
                if change.operation != "insert"
            ),
        )
        for change in effects.changes
    ]
    said = sorted((message.kind, message.to) for message in effects.messages)
    pounds = sorted((str(each.identifier), each.before, each.after) for each in effects.pounds)
    return hashlib.sha256(repr((sorted(shown), said, pounds, effects.notes)).encode()).hexdigest()


def rehearse(correction: Correction, record: Any, answers: Answers, by: Actor) -> Preview:
    """What the correction would do, or why it would be refused; writes nothing."""
    try:
        return Preview(effects=what_would_change(lambda: correction.run(record, answers, by)))
    except Refused as refusal:
        return Preview(problems=tuple(refusal.problems))
    except TooMuchContention:
        return Preview(problems=(BUSY,))


BUSY = Problem("Busy", "busy", "Somebody else is changing the same records. Nothing was written. Try again.")


def correction_page(
    request: HttpRequest, correction: Correction, record: Model, *, back: str, context: dict[str, Any]
) -> HttpResponse:
    """GET: the form. POST: what it would change. POST with `confirm`: does it, unless something else would change."""
    posted = request.method == "POST"
    form = correction.form_for(record, request.POST if posted else None)
    preview: Preview | None = None
    problems: tuple[Problem, ...] = ()
    if posted and form.is_valid():
        answers = {name: value for name, value in form.cleaned_data.items() if name != "reason"}
        by = staff_actor(request, form.cleaned_data["reason"])
        preview = rehearse(correction, record, answers, by)
        if "confirm" in request.POST and preview.effects is not None:
            if request.POST.get("seen") != preview.seen:
                problems = (CHANGED_MEANWHILE,)
            else:
                problems = _carry_out(correction, record, answers, by)
                if not problems:
                    _say(request, correction, preview.effects)
                    return HttpResponseRedirect(back)
    elif not posted and form.asks_nothing:
        preview = rehearse(correction, record, {}, staff_actor(request))
    page = {
        **context,
        "title": correction.title,
        "correction": correction,
        "record": record,
        "form": form,
        "preview": preview,
        "pounds": [
            f"{each.name}: {in_pounds(each.before)} → {in_pounds(each.after)} ({in_pounds(each.difference)})"
            for each in (preview.effects.pounds if preview and preview.effects else ())
        ],
        "problems": problems or (preview.problems if preview else ()),
        "may_confirm": posted and form.is_valid() and preview is not None and bool(preview.effects),
        "back": back,
    }
    return render(request, "backoffice/correction.html", page)


CHANGED_MEANWHILE = Problem(
    "Changed",
    "changed_meanwhile",
    "The records have changed since you looked. Nothing was written. Check again what would change, and confirm.",
)


def _carry_out(correction: Correction, record: Any, answers: Answers, by: Actor) -> tuple[Problem, ...]:
    try:
        correction.run(record, answers, by)
    except Refused as refusal:
        return tuple(refusal.problems)
    except TooMuchContention:
        return (BUSY,)
    return ()


def _say(request: HttpRequest, correction: Correction, effects: Effects) -> None:
    if effects.nothing:
        messages.info(request, f"{correction.title}: nothing had to be changed.")
        return
    messages.success(request, f"{correction.title}: done.")
    result = effects.result
    for note in result.notes if isinstance(result, Corrected) else ():
        messages.info(request, note)
