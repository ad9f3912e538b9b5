"""The site's pages that belong to no single record: each is declared by the module that serves it, in its `PAGES`.

A page is a plain view. What it takes to open it is part of its declaration, so that it is checked in one place
and the permission matrix can be read off.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

# By name: the modules need the site, which reads this list when it makes its routes.
MODULES: tuple[str, ...] = (
    "finance.admin.moving",
    "finance.admin.gaps",
    "npq.backoffice.bulk.pages",
    "npq.backoffice.duplicates",
    "npq.backoffice.checks_pages",
    "npq.backoffice.help",
    "npq.backoffice.issuing",
    "npq.backoffice.paying",
    "npq.backoffice.provider_admin",
    "npq.backoffice.transfers",
    "npq.backoffice.actions",
)


@dataclass(frozen=True)
class SitePage:
    """A page under the admin's root.

    `route` is Django's path syntax (`bulk/<uuid:public_id>/`), `name` the address's name within `admin:`,
    `permission` what it takes to open it (None: any member of staff). With a `title` it is listed on the first page.
    """

    route: str
    name: str
    view: Callable[..., HttpResponseBase]
    permission: str | None = None
    title: str = ""

    def opens_for(self, user: Any) -> bool:
        """Whether a member of staff may open it."""
        return self.permission is None or bool(user.has_perm(self.permission))

    def guarded(self, request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        """The view, for whoever may open it. Raises PermissionDenied for others."""
        if not self.opens_for(request.user):
            raise PermissionDenied
        return self.view(request, **arguments)


def site_pages() -> Iterator[SitePage]:
    """Every page, of every module that declares some."""
    for name in MODULES:
        yield from import_module(name).PAGES


def menu_of(request: HttpRequest) -> list[tuple[SitePage, str]]:
    """The pages to list for a member of staff, with their addresses."""
    return [
        (each, reverse(f"admin:{each.name}")) for each in site_pages() if each.title and each.opens_for(request.user)
    ]
