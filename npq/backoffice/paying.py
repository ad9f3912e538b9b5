"""Why a declaration is paid, or is not: what the provider can read of it, on a page of its own."""

from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html

from declarations.models import Declaration
from finance.models import Statement
from finance.queries.explanation import explain_payment
from npq.backoffice.pages import Facts, Section, Table, link
from npq.backoffice.parts import state_of
from npq.backoffice.site_pages import SitePage
from npq.core import clock


def payment_link(declaration: Declaration) -> str:
    """A link to the page."""
    address = reverse("admin:declaration_payment", args=[declaration.public_id])
    return format_html('<a href="{}">Why it is paid, or is not</a>', address)


def payment_page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The amounts and the statements, or everything that stands in the way with what would change it."""
    found = Declaration.objects.select_related(
        "enrolment__participant", "enrolment__application__cohort", "course", "cohort", "lead_provider"
    )
    declaration = found.filter(public_id=public_id).first()
    if declaration is None:
        raise Http404
    return render(
        request,
        "backoffice/payment.html",
        {
            **admin.site.each_context(request),
            "title": "Why the declaration is paid, or is not",
            "sections": _sections(declaration),
        },
    )


def _sections(declaration: Declaration) -> list[Section]:
    told = explain_payment(declaration, day=clock.today())
    person = declaration.enrolment.participant
    kind = f"{declaration.get_declaration_type_display()}, {declaration.course.name} ({declaration.public_id})"
    return [
        Facts(
            "Payment",
            [
                ("Declaration", link(declaration, kind)),
                ("Participant", link(person, person.full_name)),
                ("Lead provider", link(declaration.lead_provider, declaration.lead_provider.name)),
                ("State", state_of(declaration)),
                ("Paid, or will be", told.payable),
                ("Output payment", told.amount),
                ("Targeted delivery funding", told.targeted_delivery_funding),
                ("On the statement", _statement(told.statement_id)),
                ("Taken back on the statement", _statement(told.clawback_statement_id)),
            ],
        ),
        Table(
            "What stands in the way",
            ["What the provider is told", "Code"],
            [[each.detail, each.code] for each in told.reasons],
            "Nothing: it is paid, or will be.",
        ),
    ]


def _statement(public_id: UUID | None) -> str | None:
    if public_id is None:
        return None
    statement = Statement.objects.get(public_id=public_id)
    return link(statement, statement.name)


PAGES = (SitePage("payments/<uuid:public_id>/", "declaration_payment", payment_page, "declarations.view_declaration"),)
