"""The first page: what needs a person today, as far as a member of staff may see it (issue: back office, first page).

Each kind costs one query of at most MOST_COUNTED records. What would mean reading whole tables (the rules, the gaps,
people who look alike) is found at night by `npq.backoffice.checks`; its results are read here, in one query for all.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import slugify

from applications.models import Application
from finance.choices import StatementState
from finance.models import Statement
from npq.backoffice.bulk.catalogue import KINDS
from npq.backoffice.bulk.choices import BulkKind, JobState
from npq.backoffice.bulk.models import BulkJob
from npq.backoffice.checks_pages import found_rows, newest_results
from npq.backoffice.models import CheckKind
from npq.backoffice.pages import Table, link, shown
from npq.backoffice.token_table import tokens_that_need_attention
from npq.core import clock
from npq.core.choices import MessageState
from npq.core.failed_messages import failed_messages
from npq.core.money import in_pounds

MOST_SHOWN = 10
MOST_COUNTED = 100
DAYS_OF_JOBS = 7


@dataclass(frozen=True)
class Waiting:
    """One kind of thing that waits: the first of them as a table, how many there are, and where all of them are.

    `more` says that there are more than `count`; `todo` who does what about them, `note` what else is to be known.
    `acts` is the permission of those who do; without one it is everybody who sees them.
    """

    table: Table
    count: int
    todo: str
    more: bool = False
    see_all: str = ""
    note: str = ""
    acts: str = ""

    @property
    def anchor(self) -> str:
        """What the list of kinds jumps to."""
        return slugify(self.table.title)

    @property
    def number(self) -> str:
        """How many, in words."""
        return f"more than {self.count}" if self.more else str(self.count)


def waiting(request: HttpRequest) -> list[Waiting]:
    """Everything that waits: first for this member of staff, then for colleagues; what waits for nobody comes last."""
    kinds = [each for permission, kind in KINDS_OF_WAITING if _sees(request, permission) for each in kind(request)]
    return sorted(kinds, key=lambda each: (each.count == 0, bool(each.acts) and not _sees(request, each.acts)))


def _sees(request: HttpRequest, permission: str) -> bool:
    return bool(request.user.has_perm(permission))


def _of(records: Sequence[Any], table: Table, see_all: str, todo: str, acts: str = "") -> Waiting:
    """As many as were read; one more than MOST_COUNTED stands for more."""
    more = len(records) > MOST_COUNTED
    return Waiting(table, min(len(records), MOST_COUNTED), todo, more=more, see_all=see_all, acts=acts)


def _list(label: str, **query: str) -> str:
    return f"{reverse(f'admin:{label}_changelist')}?{urlencode(query)}"


def _statements(request: HttpRequest) -> Iterator[Waiting]:
    payable = Statement.objects.filter(state=StatementState.PAYABLE).select_related(
        "lead_provider", "cohort", "payment_request"
    )
    # Twice, so that either kind may be more than is counted.
    found = list(payable.defer("payment").order_by("payment_date", "id")[: 2 * (MOST_COUNTED + 1)])
    asked = [each for each in found if hasattr(each, "payment_request")]
    to_ask = [each for each in found if not hasattr(each, "payment_request")]
    yield _of(
        asked,
        Table(
            "Payments that wait for a second person",
            ["Statement", "Lead provider", "Cohort", "Payment date", "Total asked for", "Asked for by", "When"],
            [
                [
                    *_statement(each),
                    in_pounds(each.payment_request.total),
                    _asker(request, each.payment_request),
                    each.payment_request.updated_at,
                ]
                for each in asked[:MOST_SHOWN]
            ],
            "No payment waits to be authorised.",
        ),
        _list("finance_statement", payment="second-person"),
        "A finance approver who did not ask opens the statement, compares the total and authorises it.",
        "finance.approve_payment",
    )
    yield _of(
        to_ask,
        Table(
            "Statements to check and ask payment for",
            ["Statement", "Lead provider", "Cohort", "Payment date"],
            [_statement(each) for each in to_ask[:MOST_SHOWN]],
            "No statement waits to be checked.",
        ),
        _list("finance_statement", payment="to-ask"),
        "Finance opens the statement, checks its figures and asks for payment.",
        "finance.request_payment",
    )


def _statement(statement: Statement) -> list[Any]:
    return [
        link(statement, statement.name),
        statement.lead_provider.name,
        str(statement.cohort),
        statement.payment_date,
    ]


def _asker(request: HttpRequest, asked: Any) -> str:
    """Who asked; somebody else has to authorise."""
    own = asked.requester == str(request.user.pk)
    return f"{asked.requested_by} (you: somebody else authorises)" if own else str(asked.requested_by)


def _checks(request: HttpRequest) -> Iterator[Waiting]:
    results = newest_results("code")
    for kind, title, permission, empty, todo, acts in CHECKS:
        if not _sees(request, permission):
            continue
        ours = [each for each in results if each.kind == kind]
        note = f"Last checked {shown(min(each.checked_at for each in ours))}." if ours else NEVER_CHECKED
        yield Waiting(
            Table(title, *found_rows(ours, MOST_SHOWN), empty if ours else "Nothing is known yet."),
            sum(each.found for each in ours),
            todo,
            more=any(each.at_least for each in ours),
            see_all=reverse("admin:duplicates" if kind == CheckKind.DUPLICATES else "admin:checks"),
            note=note,
            acts=acts,
        )


CHECKS = (
    (
        CheckKind.RULE,
        "Broken rules of the data",
        "backoffice.view_checkresult",
        "Every rule holds.",
        "Open the record and put it right, or tell the people who run the service.",
        "",
    ),
    (
        CheckKind.CONTRACTS,
        "Gaps in contracts and statements",
        "finance.view_contractterms",
        "There are no gaps.",
        "The role configuration loads what is missing, in bulk.",
        KINDS[BulkKind.LOAD_CONTRACTS].permission,
    ),
    (
        CheckKind.DUPLICATES,
        "People who may have two participant IDs",
        "participants.view_participant",
        "Nobody looks like anybody else.",
        "A caseworker compares the two, then merges them or says that they are two people.",
        "participants.merge_participants",
    ),
)
NEVER_CHECKED = "The checks have not run yet: they are part of the nightly run."


def _messages(_: HttpRequest) -> Iterator[Waiting]:
    failed = list(failed_messages().order_by("-id")[: MOST_COUNTED + 1])
    yield _of(
        failed,
        Table(
            "Messages that could not be sent",
            ["Message", "To", "Why", "Made"],
            [
                [link(each, each.get_kind_display()), each.to, each.last_error, each.created_at]
                for each in failed[:MOST_SHOWN]
            ],
            "Every message has been sent or is on its way.",
        ),
        _list("core_message", state=MessageState.FAILED),
        "A caseworker puts the email right on the application and sends the message again, or marks it as dealt with.",
        "core.send_message_again",
    )


def _applications(_: HttpRequest) -> Iterator[Waiting]:
    days = settings.NPQ_APPLICATION_WAITS_DAYS
    since = clock.now() - timedelta(days=days)
    pending = Application.objects.pending().filter(created_at__lt=since)
    old = list(
        pending.select_related("participant", "course", "lead_provider").order_by("created_at")[: MOST_COUNTED + 1]
    )
    yield _of(
        old,
        Table(
            f"Applications that have waited longer than {days} days",
            ["Application", "Course", "Lead provider", "Received"],
            [
                [link(each, each.participant.full_name), each.course.name, each.lead_provider.name, each.created_at]
                for each in old[:MOST_SHOWN]
            ],
            "No application has waited that long.",
        ),
        _list("applications_application", status="pending", cohort="all", to=f"{clock.uk_date(since):%Y-%m-%d}"),
        "A caseworker asks the lead provider to accept or reject them.",
        "applications.change_lead_provider",
    )


def _jobs(request: HttpRequest) -> Iterator[Waiting]:
    kinds = [kind.name for kind in KINDS.values() if _sees(request, kind.permission)]
    recent = Q(state=JobState.STOPPED, created_at__gt=clock.wall_clock() - timedelta(days=DAYS_OF_JOBS))
    found = BulkJob.objects.filter(recent | Q(state=JobState.CHECKED), kind__in=kinds).order_by("-id")
    jobs = list(found[: MOST_COUNTED + 1])
    yield _of(
        jobs,
        Table(
            "Bulk changes to confirm, or that stopped",
            ["Bulk change", "State", "Uploaded by", "When"],
            [
                [
                    link(each, str(each)),
                    each.get_state_display(),
                    each.uploaded_by,
                    each.created_at,
                ]
                for each in jobs[:MOST_SHOWN]
            ],
            "No bulk change waits for anybody.",
        ),
        reverse("admin:bulk"),
        "Open it, then confirm it, cancel it or upload the file again.",
    )


def _tokens(_: HttpRequest) -> Iterator[Waiting]:
    table = tokens_that_need_attention(clock.wall_clock(), MOST_COUNTED + 1)
    rows = list(table.body)
    yield _of(
        rows,
        Table(table.title, table.heads, rows[:MOST_SHOWN], table.empty),
        _list("core_apitoken", revoked="no"),
        "An access manager issues a new token before an old one ends, and revokes what nobody uses.",
        "core.add_apitoken",
    )


# What it takes to see each kind, in the order in which they are shown.
KINDS_OF_WAITING: tuple[tuple[str, Callable[[HttpRequest], Iterator[Waiting]]], ...] = (
    ("finance.view_statement", _statements),
    ("backoffice.view_checkresult", _checks),
    ("core.view_message", _messages),
    ("applications.view_application", _applications),
    ("backoffice.view_bulkjob", _jobs),
    ("core.view_apitoken", _tokens),
)
