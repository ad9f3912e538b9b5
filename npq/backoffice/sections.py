"""A page made of sections alone, beside a record's own page."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from npq.backoffice.pages import Section, address_of


def found_or_404(model: type[Any], public_id: UUID) -> Any:
    """The record of a public id; raises Http404 when there is none."""
    found = model._default_manager.filter(public_id=public_id).first()
    if found is None:
        raise Http404
    return found


def sections_page(request: HttpRequest, title: str, sections: Iterable[Section], *, back: Model) -> HttpResponse:
    """The sections under a title, with the way back to the record they belong to."""
    context = {
        **admin.site.each_context(request),
        "title": title,
        "sections": list(sections),
        "opts": back._meta,
        "back": address_of(back, back.public_id),  # type: ignore[attr-defined]
        "record": back,
    }
    return render(request, "backoffice/sections.html", context)
