"""The files that a bulk change hands out: a template, the rows with errors, all rows."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from npq.backoffice.bulk.choices import WITHOUT_SUCCESS, RowState
from npq.backoffice.bulk.kinds import Kind
from npq.backoffice.bulk.models import BulkJob, BulkRow
from npq.core.spreadsheets import csv_chunks

NOT_REACHED = "Not done: the job ended before it reached this row."


def template(kind: Kind) -> Iterator[str]:
    """The header, and one invented row."""
    return csv_chunks(kind.column_names, [[column.example for column in kind.columns]])


def rows_to_put_right(job: BulkJob) -> QuerySet[BulkRow]:
    """The rows that were not done."""
    return job.rows.filter(state__in=[*WITHOUT_SUCCESS, RowState.READY, RowState.WAITING]).order_by("line")


def to_put_right(job: BulkJob, rows: QuerySet[BulkRow]) -> Iterator[str]:
    """Rows as they were uploaded, each with its error: put right, they can be uploaded again."""
    header, keep = _without(job.header, {"error"})
    return csv_chunks([*header, "error"], ([*keep(row.cells), _why(row)] for row in rows.iterator()))


def all_rows(job: BulkJob) -> Iterator[str]:
    """Every row as it was uploaded, with its line, what became of it and why."""
    header, keep = _without(job.header, {"line", "result", "what", "error"})
    rows = (
        [row.line, *keep(row.cells), row.get_state_display(), "; ".join(row.said), " ".join(row.sentences)]
        for row in job.rows.order_by("line").iterator()
    )
    return csv_chunks(["line", *header, "result", "what", "error"], rows)


def _why(row: BulkRow) -> str:
    return " ".join(row.sentences) or NOT_REACHED


def _without(header: list[str], names: set[str]) -> tuple[list[str], Any]:
    """The header without some columns (an earlier result, uploaded again), and what leaves them out of a row."""
    kept = [number for number, name in enumerate(header) if name.strip().lower() not in names]
    return [header[number] for number in kept], lambda cells: [cells[number] for number in kept]
