"""What is told of a job: how far it is, what it would do and what it did. A handful of queries, whatever its size."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from math import ceil
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Q, QuerySet, Sum
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst

from npq.backoffice.bulk.catalogue import kind_of
from npq.backoffice.bulk.checking import NOTHING
from npq.backoffice.bulk.choices import WITHOUT_SUCCESS, JobState, RowState
from npq.backoffice.bulk.models import BulkJob, BulkRow
from npq.backoffice.pages import Facts, Table
from npq.core.clock import wall_clock
from npq.core.money import difference_in_pounds

MOST_ROWS_SHOWN = 50
MOST_SHARED_SHOWN = 20
MOST_STATEMENTS_SHOWN = 20
# What stands in each column of a row, by the column's head.
Columns = dict[str, Callable[[BulkRow], Any]]


@dataclass(frozen=True)
class Numbers:
    """How many rows are in each state, and how many messages theirs come to.

    `differing` did not do what was shown; `needless` have nothing to do.
    """

    rows: dict[str, int]
    messages: int
    differing: int
    needless: int

    @classmethod
    def of(cls, job: BulkJob) -> "Numbers":
        """The numbers of a job, in one query."""
        told = Count("id", filter=Q(differs=True))
        needless = Count("id", filter=Q(said=[NOTHING]))
        found = (
            job.rows.values("state")
            .annotate(number=Count("id"), sent=Sum("messages"), differing=told, needless=needless)
            .order_by()
        )
        by_state = {each["state"]: each for each in found}
        # A row that failed in the end sent nothing, whatever was expected of it.
        sending = [each for state, each in by_state.items() if state not in WITHOUT_SUCCESS]
        return cls(
            {state: each["number"] for state, each in by_state.items()},
            sum(each["sent"] for each in sending),
            sum(each["differing"] for each in by_state.values()),
            sum(each["needless"] for each in sending),
        )

    def __getitem__(self, state: RowState) -> int:
        return self.rows.get(state, 0)

    @property
    def all(self) -> int:
        """All rows of the file."""
        return sum(self.rows.values())

    @property
    def left(self) -> int:
        """Rows that nothing has been decided about."""
        return self[RowState.READY] + self[RowState.WAITING]

    @property
    def unsuccessful(self) -> int:
        """Rows with errors."""
        return sum(self[state] for state in WITHOUT_SUCCESS)

    @property
    def successful(self) -> int:
        """Rows that are as the file wants them."""
        return self[RowState.DONE] + self[RowState.UNCHANGED]


def rows_in_words(number: int) -> str:
    """`1 row`, `3 rows`."""
    return f"{number} row" if number == 1 else f"{number} rows"


def nothing_can_be_loaded(job: BulkJob, numbers: Numbers) -> bool:
    """Whether the file is done all together or not at all, and has rows with errors."""
    return job.state == JobState.CHECKED and bool(numbers.unsuccessful) and kind_of(job.kind).all_or_nothing


def shows_good_rows(job: BulkJob, numbers: Numbers) -> bool:
    """Whether there are rows to show that do something, or did."""
    nothing_yet = job.state in (JobState.CHECKING, JobState.CANCELLED)
    return not nothing_yet and not nothing_can_be_loaded(job, numbers)


def headline(job: BulkJob, numbers: Numbers) -> str:
    """Where the job stands, in a sentence that never sounds better than it is."""
    ready, bad = numbers[RowState.READY], numbers.unsuccessful
    if job.state == JobState.CHECKING:
        checked = numbers.all - numbers[RowState.WAITING]
        left = time_left(job.check_begun_at, checked, numbers[RowState.WAITING]) or ", waiting to start"
        return f"{checked} of {rows_in_words(numbers.all)} checked{left}"
    if job.state == JobState.CHECKED:
        if nothing_can_be_loaded(job, numbers):
            return f"Nothing can be loaded: {rows_in_words(bad)} of {numbers.all} must be put right first"
        needless = f" ({numbers.needless} with nothing to do)" if numbers.needless else ""
        return f"{rows_in_words(ready)} can be done{needless}, {rows_in_words(bad)} cannot"
    if job.state == JobState.CONFIRMED:
        return f"{rows_in_words(ready)} will be done soon"
    if job.state == JobState.CANCELLED:
        return "Cancelled. Nothing was changed"
    unchanged = (
        f"{rows_in_words(numbers[RowState.UNCHANGED])} with nothing to do, " if numbers[RowState.UNCHANGED] else ""
    )
    done = f"{rows_in_words(numbers[RowState.DONE])} done, {unchanged}{rows_in_words(bad)} not done because of errors"
    if job.state == JobState.RUNNING:
        return f"{done}, {ready} to go{time_left(job.started_at, numbers.successful + numbers[RowState.FAILED], ready)}"
    return f"Stopped: {done}, {ready} not reached" if job.state == JobState.STOPPED else done


def time_left(since: datetime | None, done: int, left: int) -> str:
    """How long it still takes to do the rows left, if they take as long as those done since then: `, about …`."""
    if since is None:
        return ""
    if not done:
        return ", just begun"
    minutes = ceil((wall_clock() - since).total_seconds() * left / done / 60)
    return f", about {minutes} minutes left" if minutes > 1 else ", less than a minute left"


def facts_of(job: BulkJob, numbers: Numbers) -> Facts:
    """What a person weighs before confirming, and looks at afterwards."""
    words: list[tuple[str, Any]] = [("Rows in the file", numbers.all)]
    if nothing_can_be_loaded(job, numbers):
        return Facts(
            "Summary", [*words, ("Without errors", numbers[RowState.READY]), ("With errors", numbers.unsuccessful)]
        )
    before = job.state in (JobState.CHECKED, JobState.CONFIRMED)
    if before:
        words.append(("Can be done", numbers[RowState.READY]))
        if numbers.needless:
            words.append(("Of these, nothing to do: it is so already", numbers.needless))
        words.append(("Cannot be done", numbers.unsuccessful))
    else:
        words.append(("Done", numbers[RowState.DONE]))
        rest = [
            ("Nothing to do: it was so already", numbers[RowState.UNCHANGED]),
            ("Refused when the file was checked", numbers[RowState.REFUSED]),
            ("Could be done when checked, refused when done", numbers[RowState.FAILED]),
            ("Still to do" if job.state == JobState.RUNNING else "Not reached", numbers.left),
            ("Did something else than was shown", numbers.differing),
        ]
        words += [each for each in rest if each[1]]
    words.append(("Messages to participants", numbers.messages))
    return Facts("Summary", [*words, ("Money, when the file was checked", _money(job))])


def _money(job: BulkJob) -> Any:
    differences: dict[str, Decimal] = defaultdict(Decimal)
    moved = job.rows.exclude(pounds=[]).exclude(state__in=WITHOUT_SUCCESS).order_by("line")
    for pounds in moved.values_list("pounds", flat=True):
        for each in pounds:
            differences[each["name"]] += Decimal(each["difference"])
    moving = {name: difference for name, difference in differences.items() if difference}
    if not moving:
        return "No statement changes"
    lines = [
        f"{name}: {difference_in_pounds(difference)}"
        for name, difference in islice(moving.items(), MOST_STATEMENTS_SHOWN)
    ]
    if len(moving) > len(lines):
        lines.append(f"and {len(moving) - len(lines)} more statements")
    if len(moving) > 1:
        lines.append(f"In all: {difference_in_pounds(sum(moving.values(), Decimal()))}")
    return format_html_join("", "<div>{}</div>", ((line,) for line in lines))


def shared_people(job: BulkJob) -> list[str]:
    """The lines that are about the same person: each was checked as if the others were not done."""
    found = (
        job.rows.filter(state=RowState.READY, person__isnull=False)
        .values("person")
        .annotate(number=Count("id"), lines=ArrayAgg("line", order_by="line"))
        .filter(number__gt=1)
        .order_by("lines")[:MOST_SHARED_SHOWN]
    )
    return [f"Lines {', '.join(map(str, each['lines'][:-1]))} and {each['lines'][-1]}" for each in found]


def rows_without_success(job: BulkJob, address: str) -> Table:
    """The first rows with errors, and why."""
    rows = job.rows.filter(state__in=WITHOUT_SUCCESS)
    return _rows_table("Rows with errors", job, rows, address, {"Why": lambda row: _sentences(row.sentences)})


def rows_with_success(job: BulkJob, address: str) -> Table:
    """The first rows that can be done or were done, and what they do."""
    rows = job.rows.exclude(state__in=WITHOUT_SUCCESS)
    if job.state in (JobState.CHECKED, JobState.CONFIRMED):
        # The pounds of a file that is loaded as a whole are no row's.
        sums = _no_sums if kind_of(job.kind).all_or_nothing else _sums
        title, what = "Rows that can be done", "What will change"
    else:
        sums, title, what = _no_sums, "Rows without errors", "What changed"
    columns: Columns = {
        what: lambda row: _sentences([*_said(row), *sums(row)]),
        "State": lambda row: row.get_state_display(),
    }
    return _rows_table(title, job, rows, address, columns)


def _rows_table(title: str, job: BulkJob, rows: QuerySet[BulkRow], address: str, columns: Columns) -> Table:
    """The first of some rows; what is loaded as a whole is about no record that is there already."""
    columns = {"About": lambda row: _about(row, address), **columns}
    if kind_of(job.kind).all_or_nothing:
        del columns["About"]
    body = [[row.line, *(cell(row) for cell in columns.values())] for row in rows.order_by("line")[:MOST_ROWS_SHOWN]]
    return Table(title, ["Line", *columns], body)


def _said(row: BulkRow) -> Sequence[str]:
    return ["Something else than was shown:", *row.said] if row.differs else row.said


def _sums(row: BulkRow) -> list[str]:
    return [f"{capfirst(each['name'])}: {difference_in_pounds(Decimal(each['difference']))}" for each in row.pounds]


def _no_sums(_: BulkRow) -> list[str]:
    return []


def _about(row: BulkRow, address: str) -> Any:
    if row.about is None:
        return row.name or "not known"
    identifier = str(row.about)
    if not address:
        return f"{row.name} {identifier}".strip()
    href = address.replace(NO_ID, identifier)
    return format_html('{} <a href="{}">{}</a>', row.name, href, identifier)


NO_ID = "00000000-0000-0000-0000-000000000000"


def _sentences(sentences: Sequence[str]) -> Any:
    return format_html_join("", "<div>{}</div>", ((each,) for each in sentences))
