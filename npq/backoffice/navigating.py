"""The navigation on every page: the first page, the lists staff use most, and help."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

LISTS = {
    "Applications": "applications.application",
    "Participants": "participants.participant",
    "Declarations": "declarations.declaration",
    "Statements": "finance.statement",
    "API tokens": "core.apitoken",
    "Staff accounts": "auth.user",
}


@dataclass(frozen=True)
class Section:
    """A link of the navigation; `current` is `page` on that very page, `true` on those below it, else empty."""

    title: str
    address: str
    current: str


def navigation(request: HttpRequest) -> list[Section]:
    """The sections that a member of staff may open."""
    entries: list[tuple[str, str]] = [("Home", reverse("admin:index"))]
    if request.user.is_authenticated:
        entries += [
            (title, reverse(f"admin:{label.replace('.', '_')}_changelist"))
            for title, label in LISTS.items()
            if _sees(request.user, label)
        ]
    entries.append(("Help", reverse("admin:help")))
    return [Section(title, address, _current(request.path, address)) for title, address in entries]


def _sees(user: Any, label: str) -> bool:
    return bool(user.has_perm(label.replace(".", ".view_")))


def _current(path: str, address: str) -> str:
    if path == address:
        return "page"
    return "true" if path.startswith(address) and address != reverse("admin:index") else ""
