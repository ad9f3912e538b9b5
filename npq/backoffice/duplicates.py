"""The pages of possible duplicates: the list, and two people side by side to be merged or kept apart."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html

from npq.backoffice.catalogue.participants import compare_link
from npq.backoffice.comparing import side_by_side
from npq.backoffice.corrections import CorrectionForm, in_staff_words, staff_actor
from npq.backoffice.deciding import decide_not_the_same, take_back_decision
from npq.backoffice.look_alikes import NEWEST, left_with_retired, look_alikes
from npq.backoffice.models import NotTheSamePerson
from npq.backoffice.pages import Facts, Section, Table, link
from npq.backoffice.site_pages import SitePage
from npq.core.errors import Problem, Refused
from participants.models import Participant

MOST = 50
SEES = "participants.view_participant"
DECIDES = "participants.merge_participants"


def pair_link(first: Participant, second: Participant, text: str) -> str:
    """A link to the page of two people side by side."""
    address = reverse("admin:duplicate", args=[first.public_id, second.public_id])
    return format_html('<a href="{}">{}</a>', address, text)


def look_alikes_table(most: int = MOST, *, everybody: bool = False) -> Table:
    """Pairs of people who are probably one, as a section of a page."""
    found = look_alikes(most, everybody=everybody)
    return Table(
        "People who are probably one",
        ["Added first", "Added later", "In common", "TRN of either", "What to do"],
        [
            [
                link(each.first, each.first.full_name),
                link(each.second, each.second.full_name),
                ", ".join(each.signs),
                " and ".join(_trn(person) for person in (each.first, each.second)),
                pair_link(each.first, each.second, f"Compare {each.first.full_name} and {each.second.full_name}"),
            ]
            for each in found
        ],
        "Nobody looks like anybody else.",
    )


def _trn(person: Participant) -> str:
    if person.teacher_reference_number is None:
        return "none"
    return person.teacher_reference_number + ("" if person.teacher_reference_number_verified else " (not verified)")


def duplicates_page(request: HttpRequest) -> HttpResponse:
    """The list: at most fifty pairs, those with the strongest signs first."""
    leftovers = left_with_retired(MOST)
    decided = NotTheSamePerson.objects.select_related("first", "second").order_by("-id")[:MOST]
    everybody = "everybody" in request.GET
    sections: list[Section] = [look_alikes_table(everybody=everybody)]
    if leftovers:
        sections.append(
            Table(
                "Applications that a retired ID still holds",
                ["Application", "Retired ID", "Merged into", "What to do"],
                [
                    [
                        link(each),
                        link(each.participant),
                        link(each.participant.merged_into),
                        "Reassign the application to the participant that stays",
                    ]
                    for each in leftovers
                ],
            )
        )
    sections.append(
        Table(
            "Decided: not the same person",
            ["Added first", "Added later", "By", "When", "Reason", "Look again"],
            [
                [
                    link(each.first, each.first.full_name),
                    link(each.second, each.second.full_name),
                    each.decided_by,
                    each.created_at,
                    each.reason,
                    pair_link(each.first, each.second, "Compare again"),
                ]
                for each in decided
            ],
        )
    )
    context = {
        **admin.site.each_context(request),
        "title": "Possible duplicates",
        "most": MOST,
        "newest": f"{NEWEST:,}",
        "everybody": everybody,
        "sections": sections,
    }
    return render(request, "backoffice/duplicates.html", context)


def pair_page(request: HttpRequest, first: UUID, second: UUID) -> HttpResponse:
    """Two people side by side. POST: keeps them apart, or takes that decision back."""
    people = {each.public_id: each for each in Participant.objects.filter(public_id__in=[first, second])}
    if set(people) != {first, second}:
        raise Http404
    pair = sorted(people.values(), key=lambda each: each.id)
    if len(pair) != 2:
        raise Http404
    decides = request.user.has_perm(DECIDES)
    form = CorrectionForm({}, request.POST or None)
    problems: tuple[Problem, ...] = ()
    if request.method == "POST":
        if not decides:
            raise PermissionDenied
        if form.is_valid():
            problems = _decide(request, pair, form)
            if not problems:
                return HttpResponseRedirect(reverse("admin:duplicates"))
    retired = [each for each in pair if each.merged_into_id is not None]
    return render(
        request,
        "backoffice/duplicate.html",
        {
            **admin.site.each_context(request),
            "title": "Are these one person?",
            "sections": _sections(pair, may_merge=decides and not retired),
            "form": form,
            "problems": problems,
            "decided": NotTheSamePerson.objects.filter(first=pair[0], second=pair[1]).first(),
            "may_decide": decides and not retired,
            "retired": retired,
        },
    )


def _decide(request: HttpRequest, pair: list[Participant], form: forms.Form) -> tuple[Problem, ...]:
    by = staff_actor(request, form.cleaned_data["reason"])
    back = "take_back" in request.POST
    act: Any = take_back_decision if back else decide_not_the_same
    try:
        act(first_id=pair[0].id, second_id=pair[1].id, by=by)
    except Refused as refusal:
        return in_staff_words(refusal)
    done = "They are on the list again." if back else "Kept: they are not the same person."
    messages.success(request, done)
    return ()


def _sections(pair: list[Participant], *, may_merge: bool) -> list[Section]:
    first, second = pair
    sections: list[Section] = [side_by_side(first, second, ("Added first", "Added later"))]
    if may_merge:
        ways = [("Keep the one added first", compare_link(second, first))]
        ways.append(("Keep the one added later", compare_link(first, second)))
        sections.append(Facts("If they are one person", ways))
    return sections


PAGES = (
    SitePage("duplicates/", "duplicates", duplicates_page, SEES, "Possible duplicates"),
    SitePage("duplicates/<uuid:first>/<uuid:second>/", "duplicate", pair_page, SEES),
)
