"""The files that a bulk change hands out: a template, the rows with errors, all rows."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from npq.backoffice.bulk.catalogue import kind_of
from npq.backoffice.bulk.choices import WITHOUT_SUCCESS, JobState, RowState
from npq.backoffice.bulk.kinds import Kind
from npq.backoffice.bulk.models import BulkJob, BulkRow
from npq.core.spreadsheets import csv_chunks

NOT_REACHED = "Not done: the job ended before it reached this row."
NOTHING_WRONG = "Nothing is wrong with this row. Others kept the file from being loaded."


def template(kind: Kind) -> Iterator[str]:
    """The header, and one invented row."""
    return csv_chunks(kind.column_names, [[column.example for column in kind.columns]])


def rows_to_put_right(job: BulkJob) -> QuerySet[BulkRow]:
    """The rows with errors, and those that must come along: not reached, or of a file that is loaded as a whole."""
    along = kind_of(job.kind).all_or_nothing or job.state == JobState.STOPPED
    states = [*WITHOUT_SUCCESS, *((RowState.READY, RowState.WAITING) if along else ())]
    return job.rows.filter(state__in=states).order_by("line")


def to_put_right(job: BulkJob, rows: QuerySet[BulkRow]) -> Iterator[str]:
    """Rows as they were uploaded, each with its error: put right, they can be uploaded again."""
    header, keep = _without(job.header, {"error"})
    clean = NOTHING_WRONG if kind_of(job.kind).all_or_nothing else NOT_REACHED
    body = ([*keep(row.cells), _why(row) or clean, *_beyond(job.header, row.cells)] for row in rows.iterator())
    return csv_chunks([*header, "error"], body)


def all_rows(job: BulkJob) -> Iterator[str]:
    """Every row as it was uploaded, with its line, what became of it and why."""
    header, keep = _without(job.header, {"line", "result", "what", "error"})
    rows = (
        [
            row.line,
            *keep(row.cells),
            row.get_state_display(),
            "; ".join(row.said),
            _why(row),
            *_beyond(job.header, row.cells),
        ]
        for row in job.rows.order_by("line").iterator()
    )
    return csv_chunks(["line", *header, "result", "what", "error"], rows)


def _why(row: BulkRow) -> str:
    """What is wrong with a row, in one cell."""
    return " ".join(sentence if sentence.endswith(".") else f"{sentence}." for sentence in row.sentences)


def _without(header: list[str], names: set[str]) -> tuple[list[str], Any]:
    """The header without some columns (an earlier result, uploaded again), and what leaves them out of a row."""
    kept = [number for number, name in enumerate(header) if name.strip().lower() not in names]
    return (
        [header[number] for number in kept],
        lambda cells: [cells[number] if number < len(cells) else "" for number in kept],
    )


def _beyond(header: list[str], cells: list[str]) -> list[str]:
    """What a row has more than the header: it goes out as it came, behind everything else."""
    return cells[len(header) :]
