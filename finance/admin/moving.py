"""Moving declarations from one month to another, for one provider or for all of a cohort, when a timetable changes."""

import hashlib
import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from declarations.choices import DeclarationType
from finance.errors import NothingToMove
from finance.models import LineItem, Statement
from finance.services.effects import Effect
from finance.services.move_declarations import Move, Moved, move_declarations
from npq.backoffice.catalogue.fields import ByPublicId, course_words
from npq.backoffice.catalogue.money import LINES
from npq.backoffice.corrections import (
    CorrectionForm,
    confirmation_of,
    confirmed_before,
    first_to_confirm,
    staff_actor,
)
from npq.backoffice.pages import Table, link
from npq.backoffice.site_pages import SitePage
from npq.backoffice.wording import staff_words
from npq.core import clock
from npq.core.audit import Actor, rehearsal
from npq.core.effects import Effects
from npq.core.errors import Refused, TooMuchContention
from npq.core.listening import recorded
from npq.core.models import Cohort, Course, LeadProvider
from npq.core.money import in_pounds
from npq.core.parsing import year_month

logger = logging.getLogger(__name__)

# Each declaration that moves is one line that moves.
LINE_ITEMS = str(LineItem._meta.verbose_name_plural)
CHANGED = "The declarations have changed since you looked. Nothing was moved. Look again."
BUSY = "Somebody else is changing the same records. Nothing was moved. Try again."
NOTHING = "nothing to move"
FAILED = "Something went wrong on our side. Nothing was moved. Tell the developers."
CONFIRMED_BEFORE = "You have already confirmed this, and it is done only once. To see what is left to move, look again."


def _fields() -> dict[str, forms.Field]:
    months = [("", "Choose a month"), *_months()]
    return {
        "cohort": ByPublicId(
            ((each, str(each)) for each in Cohort.objects.order_by("-start_year", "-suffix")), "Cohort"
        ),
        "from_month": forms.ChoiceField(label="From the statement of", choices=months),
        "to_month": forms.ChoiceField(
            label="To the statement of", choices=months, help_text="Open, with a deadline that has not passed."
        ),
        "lead_provider": _narrowing(
            ((each, each.name) for each in LeadProvider.objects.order_by("name")), "lead provider"
        ),
        "course": _narrowing(
            ((each, course_words(each)) for each in Course.objects.order_by("position", "id")), "course"
        ),
        "declaration_type": forms.ChoiceField(
            label="Only of this type", choices=[("", "Every type"), *DeclarationType.choices], required=False
        ),
    }


def _narrowing(records: Iterable[tuple[Any, str]], kind: str) -> ByPublicId:
    found = ByPublicId(records, f"Only of this {kind}", required=False)
    found.choices = [
        ("", f"Every {kind}"),
        *((identifier, words) for identifier, words in found.widget.choices if identifier),
    ]
    return found


def _months() -> list[tuple[str, str]]:
    found = Statement.objects.order_by("-year", "-month").values_list("year", "month").distinct()
    return [(f"{year}-{month:02d}", f"{date(year, month, 1):%B %Y}") for year, month in found]


class MovingForm(CorrectionForm):
    """What to move, and why."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(_fields(), data)

    def clean(self) -> dict[str, Any]:
        """Refuses a move onto the same month."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if given.get("from_month") and given.get("from_month") == given.get("to_month"):
            self.add_error("to_month", "Choose another month than the one they are moved from.")
        return given

    def moves(self) -> list[Move]:
        """One move for each provider that has a statement in the first month, or for the one that was chosen."""
        given = self.cleaned_data
        months = {name: date(*year_month(given[name]), 1) for name in ("from_month", "to_month")}
        chosen = given["lead_provider"]
        providers = [chosen] if chosen else _providers(given["cohort"], months["from_month"])
        return [
            Move(each, given["cohort"], months["from_month"], months["to_month"], given["course"], _kind(given))
            for each in providers
        ]


def _kind(given: dict[str, Any]) -> str | None:
    return given["declaration_type"] or None


def _providers(cohort: Cohort, month: date) -> list[LeadProvider]:
    statements = Statement.objects.filter(cohort=cohort, year=month.year, month=month.month)
    return list(LeadProvider.objects.filter(id__in=statements.values("lead_provider")).order_by("name"))


@dataclass
class Result:
    """What became, or would become, of one provider's move."""

    move: Move
    declarations: int = 0
    effects: list[Effect] = field(default_factory=list)
    problem: str = ""

    def row(self) -> list[Any]:
        """As a row of the table."""
        source, target = (_pounds(each) for each in self.effects) if self.effects else ("unchanged", "unchanged")
        return [self.move.lead_provider.name, self.problem or self.declarations, source, target]


def _pounds(effect: Effect) -> str:
    before = in_pounds(effect.after if effect.before is None else effect.before)
    return link(effect.statement, f"{before} → {in_pounds(effect.after)}")


def _carried_out(move: Move, by: Actor, expected: int | None = None) -> Result:
    """Moves one provider's declarations; refuses to move another number than was `expected`.

    Whatever goes wrong is said of this provider: others may have been moved before it.
    """

    def as_expected(effects: Effects) -> None:
        if expected is not None and effects.counted.get(LINE_ITEMS, 0) != expected:
            raise _AnotherNumber

    try:
        with recorded(as_expected, counted=LINES):
            moved: Moved = move_declarations(move=move, by=by, day=clock.today())
    except NothingToMove:
        return Result(move, problem=NOTHING)
    except Refused as refusal:
        return Result(move, problem=staff_words(refusal.sentence_for_staff))
    except TooMuchContention:
        return Result(move, problem=BUSY)
    except _AnotherNumber:
        return Result(move, problem=CHANGED)
    except Exception:
        logger.exception("the declarations of %s cannot be moved", move.lead_provider.code)
        return Result(move, problem=FAILED)
    return Result(move, moved.declarations, moved.effects)


class _AnotherNumber(Exception):
    """Other declarations than were shown would move; stops the service before it commits."""


def _as_shown(result: Result, by: Actor) -> Result:
    """Moves what was shown of a provider; what it refused then is said again."""
    return _carried_out(result.move, by, result.declarations) if result.declarations else result


def _rehearsed(moves: list[Move], by: Actor) -> list[Result]:
    with rehearsal():
        return [_carried_out(each, by) for each in moves]


def _fingerprint(results: list[Result]) -> str:
    shown = [
        (each.move, each.declarations, each.problem, [(e.before, e.after) for e in each.effects]) for each in results
    ]
    return hashlib.sha256(repr(shown).encode()).hexdigest()


@require_http_methods(["GET", "POST"])
def moving_page(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST: what would move, provider by provider. POST with `confirm`: moves exactly that, once."""
    here = HttpResponseRedirect(reverse("admin:move_declarations"))
    if confirmed_before(request):
        messages.info(request, CONFIRMED_BEFORE)
        return here
    form = MovingForm(request.POST if request.method == "POST" else None)
    results: list[Result] = []
    problem = ""
    if form.is_bound and form.is_valid():
        by = staff_actor(request, form.cleaned_data["reason"])
        results = _rehearsed(form.moves(), by)
        if "confirm" in request.POST:
            page = confirmation_of(request)
            if page and request.POST.get("seen") == _fingerprint(results):
                if first_to_confirm(page):
                    _tell(request, [_as_shown(each, by) for each in results])
                else:
                    messages.info(request, CONFIRMED_BEFORE)
                return here
            problem = CHANGED
    context = {
        **admin.site.each_context(request),
        "title": "Move declarations to another month",
        "form": form,
        "problem": problem,
        "shown": form.is_bound and form.is_valid(),
        "seen": _fingerprint(results),
        "confirmation": uuid.uuid4(),
        "number": sum(each.declarations for each in results),
        "table": Table(
            "What will move",
            ["Lead provider", "Declarations", "Total of the first month", "Total of the second month"],
            [each.row() for each in results],
            "No provider of the cohort has a statement in that month.",
        ),
    }
    return render(request, "backoffice/moving.html", context)


def _tell(request: HttpRequest, results: list[Result]) -> None:
    for each in results:
        name = each.move.lead_provider.name
        if each.declarations:
            noun = "declaration" if each.declarations == 1 else "declarations"
            messages.success(request, f"{name}: {each.declarations} {noun} moved.")
        elif each.problem != NOTHING:
            messages.error(request, f"{name}: no declarations moved. {each.problem}")


PAGES = (
    SitePage(
        "move-declarations/",
        "move_declarations",
        moving_page,
        "finance.move_declarations",
        "Move declarations to another month",
    ),
)
