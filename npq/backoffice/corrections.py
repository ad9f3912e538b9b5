"""Corrections: a named button, a page that shows what would change, a reason, and the service that does it.

A correction is declared once, in `npq.backoffice.catalogue`. Its page first rehearses the service, so that what is
shown is what it does: before and after, messages, pounds; a refusal is shown in its own words. Only a second
press, with a reason, writes; and it writes exactly what was shown, once, or nothing.
"""

import hashlib
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from django import forms
from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.text import capfirst

from npq.backoffice.models import Confirmation
from npq.backoffice.pages import Section
from npq.backoffice.wording import staff_words
from npq.core.audit import Actor
from npq.core.effects import Corrected, Effects
from npq.core.errors import Problem, Refused, TooMuchContention
from npq.core.listening import recorded
from npq.core.money import difference_in_pounds, in_pounds
from npq.core.rehearsal import what_would_change
from npq.core.texts import is_readable, uuid_or_none

logger = logging.getLogger(__name__)

LONGEST_REASON = 1000

Answers = dict[str, Any]
Fields = Callable[[Any], dict[str, forms.Field]]


def _no_fields(_: Any) -> dict[str, forms.Field]:
    return {}


def _nothing(_: Any) -> str:
    return ""


def _done(_: Any, __: Answers) -> str:
    return "done."


def _no_sections(_: Any, __: Answers) -> Sequence[Section]:
    return ()


@dataclass(frozen=True)
class Correction:
    """One thing staff may put right about a record of `model` (`applications.application`).

    `fields` gives what is asked for, `run` calls the one service. `not_possible` is a sentence that says why it
    cannot be done to a record whatever is answered, empty when it can; the service has the last word. `explains` is
    a sentence on its page, `beside` what there is to look at first, given the answers so far. `counts` are kinds of
    records of which it may change tens of thousands: its page says how many, and lists none. `done` is said once it
    is done, of the record as it was and the answers.
    """

    name: str
    title: str
    model: str
    role: Literal["caseworker", "finance", "finance approver", "configuration", "access manager"]
    run: Callable[[Any, Answers, Actor], Any]
    explains: str = ""
    fields: Fields = _no_fields
    not_possible: Callable[[Any], str] = _nothing
    beside: Callable[[Any, Answers], Sequence[Section]] = _no_sections
    counts: tuple[type[Model], ...] = ()
    done: Callable[[Any, Answers], str] = _done

    @property
    def permission(self) -> str:
        """The permission it takes: `applications.undo_acceptance`."""
        return f"{self.model.split('.', maxsplit=1)[0]}.{self.name}"

    def why_not(self, record: Any) -> str:
        """Why it is not possible, in the words of the pages; empty when it is."""
        return staff_words(self.not_possible(record))

    def form_for(self, record: Any, data: Any = None, initial: Any = None) -> "CorrectionForm":
        """The form of its page: its own fields, filled in from `initial`, and the reason."""
        return CorrectionForm(self.fields(record), data, initial)


def _missing(field: forms.Field) -> str:
    """Which answer is missing, in words: a summary of several that all say "This field is required." helps nobody."""
    return f"{'Choose' if isinstance(field, forms.ChoiceField) else 'Enter'} an answer to “{field.label}”."


class CorrectionForm(forms.Form):
    """What a correction asks for, and why it is made."""

    required_css_class = "required"

    def __init__(self, fields: dict[str, forms.Field], data: Any = None, initial: Any = None) -> None:
        super().__init__(data, label_suffix="", initial=initial)
        self.fields.update(fields)
        for field in fields.values():
            if field.error_messages["required"] == forms.Field.default_error_messages["required"]:
                field.error_messages["required"] = _missing(field)
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

    def answers(self) -> Answers:
        """What was answered readably so far, the reason aside."""
        return {name: value for name, value in getattr(self, "cleaned_data", {}).items() if name != "reason"}

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
    pounds = sorted((str(each.identifier), each.before, each.after) for each in effects.pounds)
    return hashlib.sha256(repr((_written(effects), pounds, effects.notes)).encode()).hexdigest()


def _written(effects: Effects) -> tuple[Any, ...]:
    """The rows and messages, to be compared: all that a service knows of while it writes."""
    new = {(change.model, change.record_id) for change in effects.changes if change.operation == "insert"}
    shown = [
        (
            change.record,
            change.operation,
            str(change.identifier) if change.operation != "insert" else "",
            sorted(
                (each.name, str(each.before), "" if isinstance(each.after, datetime) else str(each.after))
                for each in change.fields
                if (type(each.after), getattr(each.after, "pk", None)) not in new
            ),
        )
        for change in effects.changes
    ]
    said = sorted((message.kind, message.to) for message in effects.messages)
    return sorted(shown), sorted(effects.counted.items()), said


def rehearse(correction: Correction, record: Any, answers: Answers, by: Actor) -> Preview:
    """What the correction would do, or why it would be refused; writes nothing."""
    try:
        return Preview(
            effects=what_would_change(lambda: correction.run(record, answers, by), counted=correction.counts)
        )
    except NOT_DONE as error:
        return Preview(problems=_why_not_done(error))


def in_staff_words(refusal: Refused) -> tuple[Problem, ...]:
    """A refusal's problems, in the words of the pages."""
    return tuple(replace(each, detail=staff_words(each.detail)) for each in refusal.problems_for_staff)


def _why_not_done(error: Exception) -> tuple[Problem, ...]:
    """What to tell staff. What no rule foresaw, and only records that contradict each other bring about, is logged."""
    if isinstance(error, Refused):
        return in_staff_words(error)
    if isinstance(error, TooMuchContention):
        return (BUSY,)
    logger.error("a correction could not be made", exc_info=error)
    return (GONE if isinstance(error, ObjectDoesNotExist) else CONTRADICTORY,)


NOT_DONE = (Refused, TooMuchContention, ObjectDoesNotExist, IntegrityError)
BUSY = Problem("Busy", "busy", "Somebody else is changing the same records. Nothing was written. Try again.")


GONE = Problem(
    "Gone",
    "record_gone",
    "A record that this depends on is not there any more. Nothing was written. Go back and look again. If this "
    "happens again, tell the developers.",
)
CONTRADICTORY = Problem(
    "Contradictory",
    "records_contradict",
    "The database refused this, because records would contradict each other. Nothing was written. Look at “Checks of "
    "the data”, and tell the developers.",
)
CHANGED_MEANWHILE = Problem(
    "Changed",
    "changed_meanwhile",
    "The records have changed since you looked. Nothing was written. Check again what would change, and confirm.",
)
CONFIRMED_BEFORE = "You have confirmed this already, and it was done once."


def correction_page(
    request: HttpRequest, correction: Correction, record: Model, *, back: str, context: dict[str, Any]
) -> HttpResponse:
    """GET: the form. POST: what it would change. POST with `confirm`: does it, unless something else would change."""
    posted = request.method == "POST"
    form = correction.form_for(record, request.POST if posted else None, request.GET.dict())
    preview: Preview | None = None
    problems: tuple[Problem, ...] = ()
    answers: Answers = {}
    if confirmed_before(request):
        return done_before(request, back)
    if not posted:
        answers = _answers_in_address(correction, record, request)
    why = correction.why_not(record)
    if why:
        # Also of what is posted: somebody else may have been there since the page was opened.
        form = correction.form_for(record)
        preview = Preview(problems=(Problem(correction.title, correction.name, why),))
    elif posted and form.is_valid():
        answers = form.answers()
        by = staff_actor(request, form.cleaned_data["reason"])
        preview = rehearse(correction, record, answers, by)
        if "confirm" in request.POST and preview.effects is not None:
            try:
                problems = _confirm(request, correction, record, answers, by, preview)
            except _ConfirmedBefore:
                return done_before(request, back)
            if not problems:
                _say(request, correction, preview.effects, correction.done(record, answers))
                return HttpResponseRedirect(back)
            # What was shown is no longer what would be done, or cannot be done any more.
            preview = rehearse(correction, record, answers, by)
            problems = preview.problems or problems
    elif not posted and form.asks_nothing:
        preview = rehearse(correction, record, {}, staff_actor(request))
    if confirmed_before(request):
        # A second press, which waited for the first one and found it done.
        return done_before(request, back)
    page = {
        **context,
        "title": correction.title,
        "correction": correction,
        "record": record,
        "form": form,
        "preview": preview,
        "pounds": [
            f"{capfirst(each.name)}: {in_pounds(each.before)} → {in_pounds(each.after)} "
            f"({difference_in_pounds(each.difference)})"
            for each in (preview.effects.pounds if preview and preview.effects else ())
        ],
        "in_all": _in_all(preview.effects) if preview and preview.effects else "",
        "problems": problems or (preview.problems if preview else ()),
        # Where nothing can be done whatever is answered, or nothing is asked, there is nothing to fill in.
        "closed": bool(why) or (not posted and preview is not None and bool(preview.problems)),
        "beside": correction.beside(record, answers),
        "may_confirm": posted and preview is not None and bool(preview.effects),
        "confirmation": uuid.uuid4(),
        "back": back,
    }
    return render(request, "backoffice/correction.html", page)


def _in_all(effects: Effects) -> str:
    return "" if effects.in_all is None else difference_in_pounds(effects.in_all)


def done_before(request: HttpRequest, back: str) -> HttpResponse:
    """The answer to a second press of the same button: it was done."""
    messages.info(request, CONFIRMED_BEFORE)
    return HttpResponseRedirect(back)


def _answers_in_address(correction: Correction, record: Any, request: HttpRequest) -> Answers:
    """The answers that a link to the page brought along, as far as they can be read."""
    if not request.GET:
        return {}
    form = correction.form_for(record, request.GET)
    form.is_valid()
    return form.answers()


def confirmation_of(request: HttpRequest) -> uuid.UUID | None:
    """The number of the page that is confirmed; None where nothing readable says which."""
    return uuid_or_none(request.POST.get("confirmation", ""))


def confirmed_before(request: HttpRequest) -> bool:
    """Whether this very page was confirmed, and what it showed was done."""
    identifier = confirmation_of(request)
    return identifier is not None and Confirmation.objects.filter(public_id=identifier).exists()


def first_to_confirm(page: uuid.UUID) -> bool:
    """Takes down that a page is confirmed, for what is done in several transactions; False the second time."""
    try:
        with transaction.atomic():
            Confirmation.objects.create(public_id=page)
    except IntegrityError:
        return False
    return True


def _confirm(
    request: HttpRequest, correction: Correction, record: Any, answers: Answers, by: Actor, preview: Preview
) -> tuple[Problem, ...]:
    """Does what was shown, once; returns why not otherwise, and then nothing was written.

    Raises _ConfirmedBefore when the same page was confirmed at the same time.
    """
    identifier = confirmation_of(request)
    if preview.effects is None or identifier is None or request.POST.get("seen") != preview.seen:
        return (CHANGED_MEANWHILE,)
    expected = _written(preview.effects)

    def as_shown(effects: Effects) -> None:
        # Inside the service's own transaction: it is written together with what was confirmed, or not at all.
        try:
            with transaction.atomic():
                Confirmation.objects.create(public_id=identifier)
        except IntegrityError as error:
            raise _ConfirmedBefore from error
        if _written(effects) != expected:
            raise _SomethingElse

    try:
        with recorded(as_shown, counted=correction.counts):
            correction.run(record, answers, by)
    except NOT_DONE as error:
        if confirmed_before(request):
            raise _ConfirmedBefore from error
        return _why_not_done(error)
    except _SomethingElse:
        return (CHANGED_MEANWHILE,)
    return ()


class _ConfirmedBefore(Exception):
    """Another request has confirmed the same page; stops the service before it commits."""


class _SomethingElse(Exception):
    """It would write something else than was shown; stops the service before it commits."""


def _say(request: HttpRequest, correction: Correction, effects: Effects, done: str) -> None:
    if effects.nothing:
        messages.info(request, f"{correction.title}: nothing had to be changed.")
        return
    messages.success(request, f"{correction.title}: {done}")
    result = effects.result
    for note in result.notes if isinstance(result, Corrected) else ():
        messages.info(request, note)
