"""The page of the nightly checks: each rule, whether it held, and the first records that break it."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import JSONField
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from npq.backoffice.models import CheckKind, CheckResult
from npq.backoffice.pages import Table
from npq.backoffice.site_pages import SitePage
from npq.backoffice.tags import tag
from npq.core.texts import uuid_or_none

SEES = "backoffice.view_checkresult"
# What the kinds lead to takes more than to see the rules.
ALSO_TAKES = {
    CheckKind.CONTRACTS: "finance.view_contractterms",
    CheckKind.DUPLICATES: "participants.view_participant",
}


# The pairs of a result that need nobody any more: one of the two was merged, or staff said that they are two people.
SETTLED = """
(SELECT coalesce(jsonb_agg(found ->> 0), '[]') FROM (
   SELECT jsonb_array_elements(first) AS found WHERE kind = 'duplicates') AS pair
 JOIN participants_participant AS one ON one.public_id = nullif(split_part(found ->> 0, ' ', 1), '')::uuid
 JOIN participants_participant AS other ON other.public_id = nullif(split_part(found ->> 0, ' ', 2), '')::uuid
 WHERE one.merged_into_id IS NOT NULL OR other.merged_into_id IS NOT NULL
   OR EXISTS (SELECT FROM backoffice_notthesameperson AS decided
              WHERE decided.first_id = least(one.id, other.id) AND decided.second_id = greatest(one.id, other.id)))
"""


def newest_results(*order: str) -> list[CheckResult]:
    """What each check found last, without the people who have been merged, or told apart, since; one query."""
    settled = RawSQL(SETTLED, (), JSONField())  # noqa: S611 a constant, which takes nothing in
    results: list[Any] = list(CheckResult.objects.annotate(settled=settled).order_by(*order))
    for result in results:
        found = [each for each in result.first if each[0] not in result.settled]
        result.found -= len(result.first) - len(found)
        result.first = found
    return results


def found_rows(results: Iterable[CheckResult], most: int) -> tuple[Sequence[str], list[list[Any]]]:
    """The heads and the first rows of what some checks found."""
    rows = [_row(result, identifier, words) for result in results for identifier, words in result.first]
    return ["Where", "What"], rows[:most]


def _row(result: CheckResult, identifier: str, words: str) -> list[Any]:
    """A link to the record, or to both, where there is one; and what is wrong with it."""
    ids = identifier.split(" ")
    if not all(uuid_or_none(each) for each in ids):
        return [identifier, words]
    if result.kind == CheckKind.DUPLICATES and len(ids) == 2:
        names, _, common = words.partition(": ")
        return [_link(reverse("admin:duplicate", args=ids), f"Compare {names}"), capfirst(common)]
    return [_link(f"{reverse('admin:find')}?{urlencode({'q': identifier})}", identifier), words]


def _link(address: str, text: str) -> str:
    return format_html('<a href="{}">{}</a>', address, text)


def checks_page(request: HttpRequest) -> HttpResponse:
    """Every check with its newest result."""
    results = [each for each in newest_results("-found", "code") if _sees(request, each)]
    broken = [each for each in results if each.found]
    every = Table(
        "Every check",
        ["What must hold", "Result", "Found", "Last checked"],
        [[each.sentence, tag("Broken" if each.found else "Holds"), _number(each), each.checked_at] for each in results],
        "The checks have not run yet: they are part of the nightly run.",
    )
    sections = [Table(f"Broken: {each.sentence}".rstrip("."), *found_rows([each], len(each.first))) for each in broken]
    context = {**admin.site.each_context(request), "title": "Checks of the data", "sections": [*sections, every]}
    return render(request, "backoffice/checks.html", context)


def _sees(request: HttpRequest, result: CheckResult) -> bool:
    also = ALSO_TAKES.get(CheckKind(result.kind))
    return also is None or bool(request.user.has_perm(also))


def _number(result: CheckResult) -> str:
    return f"{result.found} or more" if result.at_least else str(result.found)


PAGES = (SitePage("checks/", "checks", checks_page, SEES, "Checks of the data"),)
