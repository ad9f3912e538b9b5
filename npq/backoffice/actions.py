"""What a member of staff did, across all kinds of records: for themselves, and for access managers (§2.7).

Everybody reads their own. Of records that the reader's role may not see, only the action, the kind and the ID are told:
neither names nor figures, nor the reason, in which there may be either.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import F, Func, Model, QuerySet, TextField, Value
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from applications.models import Application, PlannedTransfer
from declarations.models import Declaration, DeliveryPartner, DeliveryPartnership, Outcome
from finance.models import Adjustment, ContractTerms, Export, LineItem, Milestone, PaymentRequest, Statement
from npq.backoffice.bulk.models import BulkJob
from npq.backoffice.decision_models import NotTheSamePerson
from npq.backoffice.filters import by_dates
from npq.backoffice.pages import address_of
from npq.backoffice.site_pages import SitePage
from npq.backoffice.timeline import Event, events_in
from npq.core.models import ApiToken, Change, Cohort, Course, LeadProvider, Message, MessageDecision
from npq.core.texts import is_readable
from participants.models import (
    Enrolment,
    Note,
    Participant,
    ParticipantIdChange,
    Schedule,
    ScheduleWindow,
    TrainingStatusChange,
)

SEES_OTHERS = "auth.view_user"
MOST = 100
Dates = by_dates("at", "done")


@dataclass(frozen=True)
class Shown:
    """Where a kind of record is shown: on the page of `on`, which is at the end of `path`, called by `names`."""

    kind: type[Model]
    on: type[Model]
    path: str
    names: tuple[Any, ...]

    @property
    def permission(self) -> str:
        """What it takes to see it."""
        return f"{self.on._meta.app_label}.view_{self.on._meta.model_name}"

    def found(self, ids: list[int]) -> QuerySet[Any, Any]:
        """Table, internal id, what it is called and the public id of its page; of those that still are."""
        called = Func(Value(", "), *self.names, function="CONCAT_WS", output_field=TextField())
        table = Value(self.kind._meta.db_table, output_field=TextField())
        rows = self.kind._default_manager.filter(**{"pk__in": ids, f"{self.path}public_id__isnull": False}).order_by()
        return rows.annotate(of_table=table, called=called, page=F(f"{self.path}public_id")).values_list(
            "of_table", "pk", "called", "page"
        )


def _month(path: str) -> Func:
    """`March 2026`, of the statement at the end of a path."""
    return Func(
        F(f"{path}year"),
        F(f"{path}month"),
        template="to_char(make_date(%(expressions)s, 1), 'FMMonth YYYY')",
        output_field=TextField(),
    )


def _shown(kind: type[Model], on: type[Model], path: str, *names: str) -> Shown:
    return Shown(kind, on, path, tuple(F(f"{path}{name}") for name in names))


def _on_statement(kind: type[Model], path: str) -> Shown:
    return Shown(kind, Statement, path, (F(f"{path}lead_provider__name"), _month(path)))


CASE = ("participant__full_name", "course__name")
CLAIM = ("enrolment__participant__full_name", "declaration_type")
SHOWN = (
    _shown(Participant, Participant, "", "full_name"),
    _shown(ParticipantIdChange, Participant, "participant__", "full_name"),
    _shown(NotTheSamePerson, Participant, "first__", "full_name"),
    _shown(Application, Application, "", *CASE),
    _shown(PlannedTransfer, Application, "application__", *CASE),
    _shown(Enrolment, Application, "application__", *CASE),
    _shown(TrainingStatusChange, Application, "enrolment__application__", *CASE),
    _shown(Note, Application, "application__", *CASE),
    _shown(Note, Participant, "participant__", "full_name"),
    _shown(Declaration, Declaration, "", *CLAIM),
    _shown(Outcome, Declaration, "declaration__", *CLAIM),
    _shown(LineItem, Declaration, "declaration__", *CLAIM),
    _shown(MessageDecision, Message, "message__", "to"),
    _on_statement(Statement, ""),
    _on_statement(PaymentRequest, "statement__"),
    _on_statement(Export, "statement__"),
    _shown(Adjustment, Adjustment, "", "statement__lead_provider__name", "description"),
    _shown(ContractTerms, ContractTerms, "", "lead_provider__name", "course__name"),
    _shown(LeadProvider, LeadProvider, "", "name"),
    _shown(DeliveryPartner, DeliveryPartner, "", "name"),
    _shown(DeliveryPartnership, DeliveryPartner, "delivery_partner__", "name"),
    _shown(ApiToken, ApiToken, "", "lead_provider__name", "label"),
    _shown(Course, Course, "", "name"),
    _shown(Cohort, Cohort, "", "start_year"),
    _shown(Schedule, Schedule, "", "identifier"),
    _shown(ScheduleWindow, Schedule, "schedule__", "identifier"),
    _shown(Milestone, Schedule, "schedule__", "identifier"),
    _shown(BulkJob, BulkJob, "", "file_name"),
)


@dataclass(frozen=True)
class Actions:
    """A page of what somebody did; `older` is the end of the page, where more follows. `goes_on` within one action."""

    events: list[Event]
    older: datetime | None
    goes_on: bool


def actions_of(user: User, changes: QuerySet[Change], may: Callable[[str], bool]) -> Actions:
    """The newest of a member of staff's changes among some, as far as a reader's permissions go; four queries at most.

    Changes of one action stay together, unless there are more of them than a page holds.
    """
    found = list(
        changes.filter(actor_kind="staff", actor_identifier=str(user.pk)).order_by("-at", "-id")[: MOST + 1],
    )
    rows, goes_on = _page(found)
    for row in rows:
        row.username = user.username  # type: ignore[attr-defined]
    _withhold(rows, may)
    _name(rows, may)
    return Actions(events_in(rows), rows[-1].at if len(rows) < len(found) else None, goes_on)


def _page(found: list[Change]) -> tuple[list[Change], bool]:
    if len(found) <= MOST:
        return found, False
    following = found[MOST]
    whole = [each for each in found[:MOST] if _action(each) != _action(following)]
    page = [each for each in whole or found[:MOST] if each.at > following.at]
    return page, not whole


def _action(change: Change) -> tuple[int, str]:
    return change.transaction, change.action


def _seen(table: str, may: Callable[[str], bool]) -> bool:
    kinds = [each for each in SHOWN if each.kind._meta.db_table == table]
    return bool(kinds) and all(may(each.permission) for each in kinds)


def _withhold(rows: list[Change], may: Callable[[str], bool]) -> None:
    """Takes out what the reader may not see. A reason may name whoever any part of its action is about."""
    seen = {table: _seen(table, may) for table in {each.table for each in rows}}
    withheld = {_action(each) for each in rows if not seen[each.table]}
    for each in rows:
        if _action(each) in withheld:
            each.reason = ""
        if not seen[each.table]:
            each.before = each.after = None
            each.about = each.record_public_id  # type: ignore[attr-defined]


def _name(rows: list[Change], may: Callable[[str], bool]) -> None:
    """Says of each row whom or what it is about, and where that is shown; one query."""
    wanted: dict[str, list[int]] = defaultdict(list)
    for each in rows:
        wanted[each.table].append(each.record_id)
    kinds = [each for each in SHOWN if each.kind._meta.db_table in wanted and _seen(each.kind._meta.db_table, may)]
    if not kinds:
        return
    # Where a kind of record has two places, it is shown in one of them.
    places = [(place, each) for place, each in enumerate(SHOWN) if each in kinds]
    first, *others = (
        each.found(wanted[each.kind._meta.db_table])
        .annotate(place=Value(place))
        .values_list("of_table", "pk", "called", "page", "place")
        for place, each in places
    )
    named = {(row[0], row[1]): row[2:] for row in first.union(*others, all=True)}
    for each in rows:
        if (each.table, each.record_id) in named:
            called, page, place = named[each.table, each.record_id]
            each.about = called  # type: ignore[attr-defined]
            each.address = address_of(SHOWN[place].on, page)  # type: ignore[attr-defined]


def own_page(request: HttpRequest) -> HttpResponse:
    """What the reader did."""
    return _answer(request, request.user, "What I did")  # type: ignore[arg-type]


def staff_page(request: HttpRequest, username: str) -> HttpResponse:
    """What a colleague did; 404 where nobody has that username."""
    user = User.objects.filter(username=username).first() if is_readable(username) else None
    if user is None:
        raise Http404
    return _answer(request, user, f"What {username} did", account=user)


def _answer(request: HttpRequest, user: User, title: str, account: User | None = None) -> HttpResponse:
    given = dict(request.GET.lists())
    dates = Dates(request, given, Change, None)
    changes = dates.queryset(request, Change.objects.all())
    before = request.GET.get("before", "")
    if before:
        changes = changes.filter(at__lt=_instant(before))
    actions = actions_of(user, changes, request.user.has_perm)
    narrowed = {name: text for name, text in dates.given.items() if text}
    context = {
        **admin.site.each_context(request),
        "title": title,
        "account": account,
        "dates": list(dates.choices(None)),
        "narrowed": bool(narrowed),
        "events": actions.events,
        "goes_on": actions.goes_on,
        "newest": f"?{urlencode(narrowed)}" if before else "",
        "older": f"?{urlencode({**narrowed, 'before': actions.older.isoformat()})}" if actions.older else "",
        "log": _log(user) if request.user.has_perm("backoffice.view_accessevent") else "",
    }
    return render(request, "backoffice/actions.html", context)


def _instant(text: str) -> datetime:
    """The end of the page before; 404 for what no page's link has."""
    try:
        instant = parse_datetime(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise Http404
    return instant


def _log(user: User) -> str:
    return f"{reverse('admin:backoffice_accessevent_changelist')}?{urlencode({'q': user.get_username()})}"


PAGES = (
    SitePage("actions/", "own_actions", own_page, None, "What I did"),
    SitePage("staff/<str:username>/actions/", "staff_actions", staff_page, SEES_OTHERS),
)
