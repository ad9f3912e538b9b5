"""What staff see of a statement: the list, the page, its declarations, prints and files (backoffice.md §2.4)."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.urls.resolvers import URLPattern
from django.views.decorators.http import require_POST

from finance.admin.files import download
from finance.admin.lists import MissingList, lines_shown
from finance.admin.statement_page import AUDIENCES, May, StatementView, printed_sections, sections_of, title_of
from finance.api.outputs import STATEMENT, STATEMENT_PAYMENT, statement_payment
from finance.choices import ExportKind, StatementState
from finance.models import Statement
from npq.backoffice.access_log import record_download
from npq.backoffice.filters import (
    ALL,
    Choice,
    Conditions,
    by_cohort,
    by_lead_provider,
    by_month,
    by_truth,
    by_words,
    choice,
)
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Page, Text, address_of
from npq.backoffice.provider_view import as_answered, as_provider_sees, provider_views
from npq.backoffice.tags import tag
from npq.backoffice.timeline import Event
from npq.core import clock
from npq.core.money import in_pounds

SEES_PEOPLE = "participants.view_participant"


def after(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


class When(Choice):
    """This month and the next, unless somebody asks for others or searches."""

    def chosen(self) -> str:
        if self.value() or self.asked:
            return self.value() or ALL
        return "now"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.asked = bool(request.GET)
        super().__init__(request, params, model, model_admin)


def _when() -> Conditions:
    this = clock.today().replace(day=1)
    last = after(this)
    before = Q(year__lt=this.year) | Q(year=this.year, month__lt=this.month)
    behind = Q(year__gt=last.year) | Q(year=last.year, month__gt=last.month)
    return [
        ("now", "Now and next", ~before & ~behind),
        ("earlier", "Earlier", before),
        ("later", "Later", behind),
    ]


def _payment() -> Conditions:
    payable = Q(state=StatementState.PAYABLE)
    return [
        ("to-ask", "To be asked for", payable & Q(payment_request__isnull=True)),
        ("second-person", "Waiting for a second person", payable & Q(payment_request__isnull=False)),
        ("paid", "Authorised", Q(state=StatementState.PAID)),
    ]


@admin.register(Statement)
class StatementAdmin(InspectAdmin):
    """The list and the pages of statements."""

    tasks = ("bulk", "contract_gaps", "move_declarations")
    list_display = (
        "month_name",
        "lead_provider",
        "cohort",
        "status",
        "payment_run",
        "deadline_date",
        "payment_date",
        "so_far",
        "public_id",
    )
    list_filter = (
        choice("when", "when", _when, When),
        by_month("month", "statement month", lambda year, month: Q(year=year, month=month)),
        by_words("state", "status", StatementState.choices),
        choice("payment", "payment", _payment),
        by_truth("payment_run", "payment run", "output_fee"),
        by_lead_provider(),
        by_cohort(),
    )
    list_select_related = ("lead_provider", "cohort", "payment_request")
    search_help_text = "A statement ID"
    ordering = ("-payment_date", "lead_provider__name", "cohort__start_year", "id")

    @admin.display(description="statement")
    def month_name(self, statement: Statement) -> str:
        """The month in words."""
        return statement.name

    @admin.display(description="status")
    def status(self, statement: Statement) -> str:
        """Its state, as a tag."""
        return tag(statement.get_state_display())

    @admin.display(description="payment run")
    def payment_run(self, statement: Statement) -> str:
        """Whether declarations are paid in the month."""
        return "Yes" if statement.output_fee else "No"

    @admin.display(description="payment")
    def so_far(self, statement: Statement) -> str:
        """Where it is on the way to being paid."""
        if statement.state == StatementState.PAID:
            return f"{in_pounds(statement.total or 0)} authorised"
        request = getattr(statement, "payment_request", None)
        if request is not None:
            return f"{in_pounds(request.total)} asked for by {request.requested_by}"
        return "to be asked for" if statement.state == StatementState.PAYABLE else "not yet"

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., HttpResponseBase]] = {
            "lines/": self.lines_view,
            "expected/": self.expected_view,
            "print/<slug:audience>/": self.print_view,
            "download/<slug:kind>/": require_POST(self.download_view),
        }
        own = [
            path(f"<uuid:public_id>/{route}", self.admin_site.admin_view(view), name=f"finance_statement_{name}")
            for route, view in views.items()
            for name in [route.split("/", maxsplit=1)[0]]
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; of a chosen month the one statement that fits is opened at once (backoffice.md §2.4)."""
        response = super().changelist_view(request, extra_context)
        month = request.GET.get("month", ALL)
        found = getattr(response, "context_data", {}).get("cl")
        if found is None or month in ("", ALL):
            return response
        if found.result_count == 1:
            only = found.result_list[0]
            return HttpResponseRedirect(address_of(only, only.public_id))
        if found.result_count == 0:
            messages.info(request, "No statement matches for that month, so statements of other months are shown.")
            others = request.GET.copy()
            others["month"] = ALL
            return HttpResponseRedirect(f"?{others.urlencode()}")
        return response

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # The frozen payment is long, and no column of the list.
        return super().get_queryset(request).defer("payment")

    def records(self) -> QuerySet[Any]:
        statements = Statement.objects.select_related("lead_provider", "cohort", "payment_request")
        return statements.annotate(**provider_views(STATEMENT))

    def page_for(self, request: HttpRequest, record: Any) -> Page:
        view = StatementView(record)
        record.view = view
        user = request.user
        may = May(
            see_people=user.has_perm(SEES_PEOPLE),
            adjust=record.state != StatementState.PAID and user.has_perm("finance.change_adjustment"),
        )
        sections = [*sections_of(view, may=may), as_the_provider_sees_it(view)]
        return Page(title=title_of(record), tag=record.get_state_display(), sections=sections)

    def about(self, record: Any) -> str:
        return title_of(record)

    def events_of(self, record: Any) -> list[Event]:
        events: list[Event] = record.view.events()
        return events

    # Its further pages -----------------------------------------------------------------------------

    def print_view(self, request: HttpRequest, public_id: UUID, audience: str) -> HttpResponse:
        """The statement on paper, for its provider or for DfE. Who takes it out is recorded, as for a file."""
        record = self.found(request, public_id)
        if audience not in AUDIENCES:
            raise Http404
        record_download(request, f"Statement {record.public_id}, print {AUDIENCES[audience]}")
        # Providers know a cohort by its year alone.
        title = title_of(record) if audience == "dfe" else f"{record.lead_provider.name}, {record.name}"
        context = {
            "title": title,
            "statement": record,
            "audience": audience,
            "sections": printed_sections(StatementView(record), audience),
            "printed_at": clock.wall_clock(),
        }
        return render(request, "backoffice/statement/print.html", context)

    def lines_view(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        """Its declarations, a page at a time: all, those paid, those taken back, those voided."""
        record = self.found_with_people(request, public_id)
        context = {**self.context(request), "record": record, **lines_shown(record, request.GET)}
        return render(
            request, "backoffice/statement/lines.html", {**context, "title": f"Declarations: {title_of(record)}"}
        )

    def expected_view(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        """Whose declarations remain."""
        record = self.found_with_people(request, public_id)
        context = {**self.context(request), "record": record, "missing": MissingList(record, request.GET)}
        context["title"] = f"Remaining: {title_of(record)}"
        return render(request, "backoffice/statement/expected.html", context)

    def download_view(self, request: HttpRequest, public_id: UUID, kind: str) -> HttpResponseBase:
        """A file of it; who takes it out is recorded."""
        if kind == ExportKind.ASSURANCE:
            record = self.found_with_people(request, public_id)
        elif kind == ExportKind.PAYMENT:
            record = self.found(request, public_id)
        else:
            raise Http404
        return download(request, record, ExportKind(kind))

    def found_with_people(self, request: HttpRequest, public_id: UUID) -> Statement:
        """The statement, for whoever may also see the people on it. Raises PermissionDenied for others."""
        if not request.user.has_perm(SEES_PEOPLE):
            raise PermissionDenied
        record: Statement = self.found(request, public_id)
        return record


def as_the_provider_sees_it(view: StatementView) -> Text:
    """The statement and its payment as the API answers them; earlier versions know neither."""
    statement, version = view.statement, max(STATEMENT_PAYMENT)
    payment = as_answered(statement_payment(version, statement, view.figures))
    shown = as_provider_sees(STATEMENT, statement)
    title = f"API {version}, its payment, to {statement.lead_provider.name}"
    return Text(shown.title, [*shown.texts, (title, payment)])
