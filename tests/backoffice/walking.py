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
from npq.backoffice.pages import address_of
from npq.core.audit import Actor

# Routes that show nothing of their own, and why.
NO_PAGES = {
    "logout": "answers POST alone; a journey looks at what it shows",
    "jsi18n": "a script",
    "autocomplete": "closed: data for a script that no form of ours has",
    "view_on_site": "leads elsewhere, and no record of ours has such an address",
    "auth_group_history": "leads nowhere: nothing links to it, and the access log tells more",
    "auth_group_delete": "roles are declared in code",
    "auth_group_add": "roles are declared in code",
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

    @property
    def is_file(self) -> bool:
        """Whether it answers a file, for a person or a script, and no page."""
        return self.pattern.endswith((".csv", ".json")) or "/download/" in self.pattern

    @property
    def is_correction(self) -> bool:
        """Whether it is that of corrections, which are walked by name and not by record."""
        return self.name.endswith("_correct")

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


Records = dict[str, Any]


def _of(kind: str, name: str, *more: Any) -> Callable[[Records], str]:
    """The address of a page of a record, by its public id."""
    return lambda records: reverse(f"admin:{name}", args=[records[kind].public_id, *more])


def _of_staff(name: str, *more: str) -> Callable[[Records], str]:
    return lambda records: reverse(f"admin:{name}", args=[records["auth/user"].username, *more])


def _two_people(records: Records) -> str:
    pair = records["participants/participant"], records["second person"]
    return reverse("admin:duplicate", args=[each.public_id for each in pair])


# The addresses of routes with arguments, given the records of `world()`.
ADDRESSES: dict[str, Callable[[Records], str]] = {
    "app_list": lambda _: "/admin/applications/",
    "auth_group_change": lambda _: reverse("admin:auth_group_change", args=[Group.objects.order_by("name")[0].pk]),
    "auth_user_change": _of_staff("auth_user_change"),
    "auth_user_edit": _of_staff("auth_user_edit"),
    "auth_user_help": _of_staff("auth_user_help", "reset-second-factor"),
    "bulk_errors": _of("bulk_job", "bulk_errors"),
    "backoffice_bulkjob_change": _of("bulk_job", "backoffice_bulkjob_change"),
    "bulk_progress": _of("bulk_job", "bulk_progress"),
    "bulk_rows": _of("bulk_job", "bulk_rows"),
    "declaration_payment": _of("declarations/declaration", "declaration_payment"),
    "duplicate": _two_people,
    "finance_statement_download": _of("finance/statement", "finance_statement_download", "payment"),
    "finance_statement_expected": _of("finance/statement", "finance_statement_expected"),
    "finance_statement_lines": _of("finance/statement", "finance_statement_lines"),
    "finance_statement_print": _of("finance/statement", "finance_statement_print", "provider"),
    "gaps_of_provider": _of("core/leadprovider", "gaps_of_provider"),
    "partners_of_provider": _of("core/leadprovider", "partners_of_provider"),
    "staff_actions": _of_staff("staff_actions"),
    "set_password": lambda records: make_password_link(user=records["auth/user"], by=Actor.system("a test")),
}


def address(route: Route, records: Records) -> str:
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
