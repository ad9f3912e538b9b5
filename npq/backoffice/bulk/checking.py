"""Checking a job: every row is rehearsed, and what it would do is kept to be shown."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError

from npq.backoffice.bulk.choices import JobState, RowState
from npq.backoffice.bulk.kinds import FileKind, Kind, Loaded, RowKind
from npq.backoffice.bulk.models import BulkJob, BulkRow
from npq.backoffice.corrections import BUSY, fingerprint
from npq.core.audit import Actor, acting_as
from npq.core.clock import wall_clock
from npq.core.commands import BadInput, Fault
from npq.core.csv_files import CsvRow, CsvTable
from npq.core.effects import EMPTY, Effects, Pounds, RecordChange
from npq.core.errors import Problem, Refused, TooMuchContention
from npq.core.rehearsal import AmountsBefore, what_would_change
from npq.core.texts import uuid_or_none

NOTHING = "Nothing: it is so already."
# So many rows are checked before any of them is stored; large statements take long to add up.
ROWS_TOGETHER = 20
logger = logging.getLogger(__name__)

UNEXPECTED = Fault(
    "",
    "unexpected",
    "A fault in the service kept this row from being done. Nothing of it was kept. Tell whoever runs the service.",
)


def check(job: BulkJob, kind: Kind) -> None:
    """Checks the rows that are not checked yet, and says that the job is checked unless it was cancelled meanwhile."""
    by = uploader_of(job)
    with acting_as(by, "begin_bulk_check"):
        BulkJob.objects.filter(id=job.id, check_begun_at=None).update(check_begun_at=wall_clock())
    if isinstance(kind, FileKind):
        _check_together(job, kind, by)
    else:
        assert isinstance(kind, RowKind)
        waiting = job.rows.filter(state=RowState.WAITING, job__state=JobState.CHECKING).order_by("line")
        while rows := list(waiting[:ROWS_TOGETHER]):
            for row, found in zip(rows, _rehearsed_together(kind, job, rows, by), strict=True):
                _store(row, found)
    with acting_as(by, "check_bulk_change"):
        BulkJob.objects.filter(id=job.id, state=JobState.CHECKING).update(
            state=JobState.CHECKED, checked_at=wall_clock()
        )


def uploader_of(job: BulkJob) -> Actor:
    """Whoever uploaded it."""
    return Actor.staff(job.uploaded_by, identifier=job.uploader)


def csv_rows(job: BulkJob, kind: Kind, rows: Sequence[BulkRow]) -> list[CsvRow]:
    """Stored rows as the commands read them from a file."""
    return CsvTable(job.header, [(row.line, row.cells) for row in rows]).rows(kind.column_names)


def _rehearsed_together(kind: RowKind, job: BulkJob, rows: Sequence[BulkRow], by: Actor) -> list[dict[str, Any]]:
    """What comes of each row by itself. What statements come to without any is read once; each time, if it moves."""
    before = AmountsBefore()
    found = [_rehearsed(kind, job, row, by, before) for row in rows]
    return found if before.holds() else [_rehearsed(kind, job, row, by, AmountsBefore()) for row in rows]


def _rehearsed(kind: RowKind, job: BulkJob, row: BulkRow, by: Actor, before: AmountsBefore) -> dict[str, Any]:
    (cells,) = csv_rows(job, kind, [row])
    about: dict[str, Any] = {}
    try:
        order = kind.read(cells)
        if order is not None:
            about = {"about": order.about, "person": order.person, "name": order.name}
        if order is None or cells.faults:
            return {**about, "state": RowState.REFUSED, "errors": faults_of(cells.faults)}
        effects = what_would_change(partial(order.carry_out, by), before=before)
    except Exception as problem:  # noqa: BLE001  judged there
        return {**about, "state": RowState.REFUSED, "errors": errors_of(problem)}
    return {
        **about,
        "state": RowState.READY,
        "errors": [],
        **what_it_says(effects),
        "pounds": pounds_of(effects.pounds),
    }


def _check_together(job: BulkJob, kind: FileKind, by: Actor) -> None:
    rows = list(job.rows.order_by("line"))
    try:
        effects = what_would_change(lambda: kind.load(csv_rows(job, kind, rows), by))
    except BadInput as bad:
        refuse_together(rows, bad, RowState.REFUSED)
        return
    except Exception as problem:  # noqa: BLE001  judged there
        for row in rows:
            _store(row, {"state": RowState.REFUSED, "errors": errors_of(problem)})
        return
    loaded: Loaded = effects.result
    said = said_of_lines(loaded)
    for number, row in enumerate(rows):
        # The pounds are the file's, not a row's: they stand with its first.
        pounds = pounds_of(loaded.pounds) if number == 0 else []
        _store(row, {"state": RowState.READY, "errors": [], "said": said.get(row.line, []), "pounds": pounds})


def refuse_together(rows: Sequence[BulkRow], bad: BadInput, state: RowState) -> None:
    """Notes the faults of a file that is loaded as a whole; rows without any have nothing to put right."""
    for row in rows:
        errors = faults_of(fault for fault in bad.faults if fault.line in (row.line, None))
        _store(row, {"state": state if errors else RowState.READY, "errors": errors})


def said_of_lines(loaded: Loaded) -> dict[int, list[str]]:
    """What became of each line: a line may stand for several records."""
    said: dict[int, list[str]] = {}
    for each in loaded.rows:
        said.setdefault(each.line, []).append(each.said)
    return said


def what_it_says(effects: Effects) -> dict[str, Any]:
    """What is kept of effects to be shown, and to compare with what happens in the end."""
    lines = [*map(_change_in_words, effects.changes), *map(_message_in_words, effects.messages), *effects.notes]
    return {"said": lines or [NOTHING], "messages": len(effects.messages), "seen": seen_in(effects)}


def _change_in_words(change: RecordChange) -> str:
    """A record that changes, without the ids that say nothing to anybody."""
    told = [each for each in change.told if not _is_an_id(each.before_in_words) and not _is_an_id(each.after_in_words)]
    if change.operation == "update":
        words = [f"{each.label} {each.before_in_words} → {each.after_in_words}" for each in told]
    else:
        words = [f"{each.label} {each.after_in_words}" for each in told if each.after_in_words != EMPTY]
    what = {"insert": "New ", "update": "", "delete": "Deleted "}[change.operation] + change.record
    return f"{what[:1].upper()}{what[1:]}: {', '.join(words)}" if words else f"{what[:1].upper()}{what[1:]}"


def _is_an_id(words: str) -> bool:
    return uuid_or_none(words) is not None


def _message_in_words(message: Any) -> str:
    return f"Message to {message.to}: {message.get_kind_display()}"


def seen_in(effects: Effects) -> str:
    """A fingerprint of what happens to records and is said to people, whatever else was done to the figures before."""
    return fingerprint(Effects(changes=effects.changes, messages=effects.messages))


def pounds_of(pounds: Sequence[Pounds]) -> list[dict[str, str]]:
    """Figures that move, as they are kept."""
    return [
        {"id": str(each.identifier), "name": each.name, "difference": str(each.difference)}
        for each in pounds
        if each.difference
    ]


def faults_of(faults: Iterable[Fault]) -> list[dict[str, str]]:
    """What is wrong with cells, each named in its sentence, as it is kept."""
    return [{**fault.for_json(), "detail": str(replace(fault, line=None))} for fault in faults]


def errors_of(problem: Exception) -> list[dict[str, str]]:
    """Why a row was not done: a refusal in its own words. Raises the problem when the database is out of reach."""
    if isinstance(problem, Refused):
        return [_as_fault(each).for_json() for each in problem.problems_for_staff]
    if isinstance(problem, TooMuchContention):
        return [_as_fault(BUSY).for_json()]
    if isinstance(problem, OperationalError | InterfaceError):
        raise problem
    logger.error("a row of a bulk change failed", exc_info=problem)
    return [UNEXPECTED.for_json()]


def _as_fault(problem: Problem) -> Fault:
    # Providers send their answers as JSON; whoever has a file looks for a column.
    return Fault(problem.title, problem.code, problem.detail.replace("'#/", "'"))


def _store(row: BulkRow, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))
