"""Walks the back office: every route of its URL configuration, so that no test of all pages can forget one.

Where a route takes arguments somebody has to say which: `ADDRESSES` makes what a page needs and gives its address.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import URLPattern, URLResolver, reverse

from npq.backoffice.accounts import make_password_link
from npq.backoffice.bulk.choices import BulkKind
from npq.backoffice.pages import address_of
from npq.core.audit import Actor

# Routes that show nothing of their own, and why.
NO_PAGES = {
    "logout": "answers POST alone, and shows the sign-in page",
    "jsi18n": "a script",
    "autocomplete": "data for a script, and no form of ours asks for it",
    "view_on_site": "leads elsewhere, and no record of ours has such an address",
    "auth_group_history": "leads nowhere: nothing links to it, and the access log tells more",
    "auth_group_delete": "roles are declared in code",
    "auth_group_add": "roles are declared in code",
    "bulk_progress": "data for a script",
    "bulk_errors": "a file",
    "bulk_rows": "a file",
    **{f"bulk_{kind}_template": "a file" for kind in BulkKind.values},
    "finance_statement_download": "answers POST alone, with a file",
}


@dataclass(frozen=True)
class Route:
    """A named route below /admin/."""

    name: str
    pattern: str

    @property
    def takes_arguments(self) -> bool:
        """Whether its address names something."""
        return "<" in self.pattern

    def __str__(self) -> str:
        return self.name


def routes() -> list[Route]:
    """Every route of the site that has a name; those without one only redirect or are not found."""
    return [Route(name, path) for name, path in _walk(admin.site.get_urls(), "") if name]


def _walk(patterns: list[Any], prefix: str) -> Iterator[tuple[str | None, str]]:
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _walk(entry.url_patterns, path)
        elif isinstance(entry, URLPattern):
            yield entry.name, path


def record_kinds() -> dict[str, Any]:
    """The models with lists and pages of our own kind, by `app/model`."""
    return {
        f"{model._meta.app_label}/{model._meta.model_name}": model
        for model in admin.site._registry
        if model._meta.app_label != "auth"
    }


def _of_staff(name: str, *more: str) -> Callable[[dict[str, Any]], str]:
    return lambda records: reverse(f"admin:{name}", args=[records["auth/user"].username, *more])


def _of_statement(page: str) -> Callable[[dict[str, Any]], str]:
    return lambda records: f"/admin/finance/statement/{records['finance/statement'].public_id}/{page}"


# The addresses of routes with arguments, given the records of `world()` and a member of staff.
ADDRESSES: dict[str, Callable[[dict[str, Any]], str]] = {
    "auth_user_change": _of_staff("auth_user_change"),
    "auth_user_edit": _of_staff("auth_user_edit"),
    "auth_user_help": _of_staff("auth_user_help", "reset-second-factor"),
    "set_password": lambda records: make_password_link(user=records["auth/user"], by=Actor.system("a test")),
    "auth_group_change": lambda _: reverse("admin:auth_group_change", args=[Group.objects.order_by("name")[0].pk]),
    "gaps_of_provider": lambda records: f"/admin/providers/{records['core/leadprovider'].public_id}/gaps/",
    "partners_of_provider": lambda records: f"/admin/providers/{records['core/leadprovider'].public_id}/partners/",
    "bulk_job": lambda records: reverse("admin:bulk_job", args=[records["bulk_job"].public_id]),
    "app_list": lambda _: "/admin/applications/",
    "finance_statement_lines": _of_statement("lines/"),
    "finance_statement_expected": _of_statement("expected/"),
    "finance_statement_print": _of_statement("print/dfe/"),
}


def address(route: Route, records: dict[str, Any]) -> str:
    """Where a route is to be looked at. Fails for a new one until ADDRESSES says how."""
    if route.name in ADDRESSES:
        return ADDRESSES[route.name](records)
    kind = re.fullmatch(r"(\w+/\w+)/<uuid:public_id>/", route.pattern)
    if kind:
        assert kind[1] in records, f"Say in tests/backoffice/world.py how a record of {kind[1]} is made"
        record = records[kind[1]]
        return address_of(record, record.public_id)
    assert not route.takes_arguments, f"Say in tests/backoffice/walking.py how the address of {route.name} is made"
    return f"/admin/{route.pattern}"


def is_correction(route: Route) -> bool:
    """Whether a route is that of corrections, which are walked by name and not by record."""
    return route.name.endswith("_correct")
