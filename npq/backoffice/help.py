"""The staff help: how to answer and put right what is asked most often, who may do what, and what words mean.

The how-tos are a template; who may do what is read off the declared roles, so that it cannot say anything else.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from npq.backoffice.bulk.catalogue import KINDS
from npq.backoffice.catalogue import CORRECTIONS
from npq.backoffice.roles import ROLES, Role
from npq.backoffice.site_pages import SitePage, site_pages


@dataclass(frozen=True)
class RoleInWords:
    """A role: which records it may look at, which corrections it may make, of one record and in bulk, and its pages."""

    name: str
    sees: list[str]
    corrects: list[tuple[str, list[str]]]
    in_bulk: list[str]
    pages: list[str]


def roles_in_words() -> Iterator[RoleInWords]:
    """Every role, as it is declared."""
    for role in ROLES:
        may = role.permissions()
        yield RoleInWords(
            name=role.name,
            sees=_records(role),
            corrects=list(_corrections(may)),
            in_bulk=[kind.title for kind in KINDS.values() if kind.permission in may],
            pages=[
                each.title
                for each in site_pages()
                if each.title and (each.permission is None or each.permission in may)
            ],
        )


def _records(role: Role) -> list[str]:
    """The kinds of records with a list of their own that a role may look at."""
    with_list = {model._meta.label_lower for model in admin.site._registry}
    return sorted(
        str(apps.get_model(label)._meta.verbose_name_plural) for label in role.sees if label.lower() in with_list
    )


def _corrections(may: set[str]) -> Iterator[tuple[str, list[str]]]:
    """The titles of the corrections among some permissions, by the kind of record they are made of."""
    for model in dict.fromkeys(each.model for each in CORRECTIONS):
        titles = [each.title for each in CORRECTIONS if each.model == model and each.permission in may]
        if titles:
            yield str(apps.get_model(model)._meta.verbose_name).capitalize(), titles


def help_page(request: HttpRequest) -> HttpResponse:
    """The one page of help."""
    context = {
        **admin.site.each_context(request),
        "title": "Help",
        "roles": list(roles_in_words()),
        "own_roles": set(request.user.groups.values_list("name", flat=True)),
    }
    return render(request, "backoffice/help.html", context)


PAGES = (SitePage("help/", "help", help_page),)
