"""The help says what is there: its words are those of the buttons, and its roles those that are declared."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.utils.text import capfirst

from npq.backoffice.bulk.catalogue import KINDS
from npq.backoffice.catalogue import CORRECTIONS
from npq.backoffice.help import roles_in_words
from npq.backoffice.navigating import LISTS
from npq.backoffice.roles import ROLES
from npq.backoffice.site_pages import site_pages
from npq.backoffice.staff_admin import HELPS
from tests.backoffice.conftest import ROLE_NAMES

TEXT = (settings.ROOT / "templates/backoffice/help.html").read_text()
# What else is pressed, and the template that has it.
ELSEWHERE = {
    "Find": "admin/base_site.html",
    "Show what will change": "backoffice/correction.html",
    "Show what will move": "backoffice/moving.html",
    "Show": "backoffice/statement/payment.html",
    "Check": "backoffice/gaps.html",
    "See the declarations on this statement": "backoffice/statement/declarations.html",
    "Print view for the lead provider": "backoffice/statement/files.html",
    "Download the assurance report (CSV)": "backoffice/statement/files.html",
    "Apply": "admin/change_list.html",
}


def marked(tag: str) -> set[str]:
    """The words of the how-tos that are marked."""
    return {re.sub(r"\s+", " ", unescape(each)) for each in re.findall(rf"<{tag}>(.*?)</{tag}>", TEXT, re.DOTALL)}


def sources() -> str:
    """All words of the back office but those of the help itself."""
    folders = ("npq/backoffice", "applications", "participants", "declarations", "finance/admin", "templates")
    files = [
        file
        for folder in folders
        for pattern in ("*.py", "*.html")
        for file in Path(settings.ROOT / folder).rglob(pattern)
        if file.name not in {"help.html", "help.py"}
    ]
    return "\n".join(file.read_text() for file in files)


def test_what_is_to_be_pressed_is_there_to_be_pressed() -> None:
    pressed = {each.title for each in CORRECTIONS} | {each.title for each in site_pages()} | set(LISTS)
    pressed |= {kind.title for kind in KINDS.values()} | ELSEWHERE.keys()
    pressed |= {capfirst(str(model._meta.verbose_name_plural)) for model in admin.site._registry}
    pressed |= {each.title for each in HELPS.values()} | {"Why it is paid, or is not", "Add staff account"}

    assert marked("b") - pressed == set()


@pytest.mark.parametrize("words", ELSEWHERE)
def test_what_other_templates_have_they_still_have(words: str) -> None:
    assert words in (settings.ROOT / "templates" / ELSEWHERE[words]).read_text()


def test_headings_and_words_are_those_of_the_pages() -> None:
    everything = sources()

    assert {words for words in marked("q") if words not in everything} == set()
    assert "Why it is paid, or is not" in everything


def test_every_role_is_told_as_it_is_declared() -> None:
    told = {role.name: role for role in roles_in_words()}

    assert set(told) == {role.name for role in ROLES}
    for role in ROLES:
        titles = {title for _, titles in told[role.name].corrects for title in titles}
        assert titles == {each.title for each in CORRECTIONS if each.name in role.corrects}
    assert "applications" in told["viewer"].sees
    assert told["viewer"].corrects == []
    assert "Undo acceptances" in told["caseworker"].in_bulk


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_the_own_role_stands_open(as_role: Callable[[str], Client], role: str) -> None:
    page = as_role(role).get("/admin/help/").content.decode()

    assert page.count("(your role)") == (1 if role else 0)
    assert set(re.findall(r'href="#([\w-]+)"', page)) <= set(re.findall(r'id="([\w-]+)"', page))
