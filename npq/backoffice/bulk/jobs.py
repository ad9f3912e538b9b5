"""From the upload to the confirmation: each step of a job that a person takes."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from npq.backoffice.bulk.catalogue import kind_of
from npq.backoffice.bulk.choices import CANCELLABLE, UNDER_WAY, WITHOUT_SUCCESS, JobState, RowState
from npq.backoffice.bulk.errors import (
    CheckedAgain,
    FileTooLarge,
    FileUploadedBefore,
    JobNotThere,
    NothingToDo,
    TooManyRows,
)
from npq.backoffice.bulk.kinds import Kind, RowKind
from npq.backoffice.bulk.models import BulkJob, BulkRow
from npq.backoffice.pages import shown
from npq.core.audit import Actor, acting_as, correcting
from npq.core.clock import wall_clock
from npq.core.commands import Fault
from npq.core.constraints import violation_means
from npq.core.csv_files import CsvTable, table_of, text_of
from npq.core.spreadsheets import uncell

BYTES_PER_KB = 1024
LONGEST_NAME = 200
NO_NAME = "file without a name"


def upload(
    *, kind: Kind, file_name: str, size: int, chunks: Iterable[bytes], by: Actor, again: bool = False
) -> BulkJob:
    """Stores the rows of a file to be checked.

    Raises BadInput for what is no such file (`npq.core.csv_files`), FileTooLarge before reading it, TooManyRows, and
    FileUploadedBefore when a file that asks for the same is under way or, unless it is to be done `again`, everything
    in it was done.
    """
    if size > settings.NPQ_BULK_MOST_BYTES:
        raise FileTooLarge(most=settings.NPQ_BULK_MOST_BYTES // BYTES_PER_KB)
    name = file_name[:LONGEST_NAME].strip() or NO_NAME
    table = _table(kind, text_of(b"".join(chunks), name))
    number = len(table.records) + len(table.misshapen)
    if number > settings.NPQ_BULK_MOST_ROWS:
        raise TooManyRows(rows=number, most=settings.NPQ_BULK_MOST_ROWS)
    digest = _digest(kind, table)
    with acting_as(by, "upload_bulk_change"):
        _refuse_known(kind, digest, again)
        # Should somebody upload the same at the same moment, the refusal is the same.
        with violation_means("bulk_job_one_of_a_file_under_way", _known_since_this_moment(name)):
            job = BulkJob.objects.create(
                kind=kind.name,
                file_name=name,
                digest=digest,
                header=table.header,
                uploaded_by=by.name,
                uploader=by.identifier,
            )
        BulkRow.objects.bulk_create(_rows(job, kind, table))
    return job


def _table(kind: Kind, text: str) -> CsvTable:
    """The rows of a file; what is done all together or not at all must be a whole table."""
    table = table_of(text, required=kind.required)
    if kind.all_or_nothing:
        table.whole()
    # A row that went out with its error comes back as it was.
    return replace(
        table,
        records=[(line, [uncell(cell) for cell in cells]) for line, cells in table.records],
        misshapen=[(line, [uncell(cell) for cell in cells], fault) for line, cells, fault in table.misshapen],
    )


def _digest(kind: Kind, table: CsvTable) -> str:
    """The same for files that ask for the same, whatever the order of rows and columns, and whatever else they hold."""
    names = sorted(kind.column_names)
    asked = [[row.cells.get(name, "") for name in names] for row in table.rows(names)]
    asked += [["", *cells] for _, cells, _ in table.misshapen]
    return hashlib.sha256(json.dumps(sorted(asked)).encode()).hexdigest()


def _known_since_this_moment(name: str) -> FileUploadedBefore:
    return FileUploadedBefore(uploaded_by="Somebody", file_name=name, day=shown(wall_clock()), job=None)


def _refuse_known(kind: Kind, digest: str, again: bool) -> None:
    earlier = BulkJob.objects.filter(kind=kind.name, digest=digest).exclude(state=JobState.CANCELLED).order_by("-id")
    for job in earlier:
        done = job.state == JobState.FINISHED and not again and not _left(job)
        if done or job.state in UNDER_WAY:
            raise FileUploadedBefore(
                uploaded_by=job.uploaded_by, file_name=job.file_name, day=shown(job.created_at), job=job
            )


def _left(job: BulkJob) -> bool:
    return job.rows.filter(state__in=WITHOUT_SUCCESS).exists()


def _rows(job: BulkJob, kind: Kind, table: CsvTable) -> list[BulkRow]:
    rows = [BulkRow(job=job, line=line, cells=cells) for line, cells in table.records]
    if isinstance(kind, RowKind):
        for key in kind.keys:
            _refuse_repeated(rows, key, table)
    misshapen = [(BulkRow(job=job, line=line, cells=cells), fault) for line, cells, fault in table.misshapen]
    for row, fault in misshapen:
        _refuse(row, fault)
    return rows + [row for row, _ in misshapen]


def _refuse_repeated(rows: list[BulkRow], key: tuple[str, ...], table: CsvTable) -> None:
    """A line that asks for what an earlier one asks for is refused: which of the two is meant, nobody can know."""
    first_lines: dict[tuple[str, ...], int] = {}
    for row, cells in zip(rows, table.rows(key), strict=True):
        values = tuple(" ".join(cells.cells.get(name, "").split()).lower() for name in key)
        first = first_lines.setdefault(values, row.line)
        if first != row.line and any(values) and not row.errors:
            _refuse(
                row, Fault("", "repeated", f"is the same as line {first} in {' and '.join(key)}. Keep one of the two.")
            )


def _refuse(row: BulkRow, fault: Fault) -> None:
    row.state, row.errors = RowState.REFUSED, [fault.for_json()]


def confirm(*, job_id: int, seen: str, by: Actor) -> BulkJob:
    """Lets a checked job be carried out in the name of `by`, for the reason that `by` gives.

    `seen` is when the file was checked, as it was shown. Raises ReasonMissing, JobNotThere, CheckedAgain, and
    NothingToDo when no row can be done (of a file that is loaded as a whole: when not all can).
    """
    with correcting(by, "confirm_bulk_change"):
        job = _lock(job_id, JobState.CHECKED)
        if seen != stamp_of(job):
            raise CheckedAgain
        if not may_be_confirmed(kind_of(job.kind), Counter(job.rows.values_list("state", flat=True))):
            raise NothingToDo
        job.state, job.reason, job.confirmed_at = JobState.CONFIRMED, by.reason, wall_clock()
        job.confirmed_by, job.confirmer = by.name, by.identifier
        job.save(update_fields=["state", "reason", "confirmed_at", "confirmed_by", "confirmer"])
    return job


def stamp_of(job: BulkJob) -> str:
    """When the file was checked, exactly: what is confirmed is what was shown."""
    return job.checked_at.isoformat() if job.checked_at else ""


def may_be_confirmed(kind: Kind, rows: Mapping[str, int]) -> bool:
    """Whether there is anything to do, given how many rows are in each state; all of them for a whole file."""
    ready = rows.get(RowState.READY, 0)
    return ready > 0 and (not kind.all_or_nothing or ready == sum(rows.values()))


def check_again(*, job_id: int, by: Actor) -> BulkJob:
    """Has every row of a job that is not confirmed checked anew. Raises JobNotThere."""
    with acting_as(by, "check_bulk_change_again"):
        job = _lock(job_id, JobState.CHECKED)
        job.state, job.check_begun_at, job.checked_at = JobState.CHECKING, None, None
        job.save(update_fields=["state", "check_begun_at", "checked_at"])
        # What the file itself makes impossible stays so.
        by_file = Q(errors__contains=[{"code": "repeated"}]) | Q(errors__contains=[{"code": "wrong_number_of_cells"}])
        job.rows.exclude(id__in=job.rows.filter(by_file).values("id")).update(state=RowState.WAITING)
    return job


def cancel(*, job_id: int, by: Actor) -> BulkJob:
    """Cancels a job before anything has been changed. Raises JobNotThere."""
    with acting_as(by, "cancel_bulk_change"):
        job = _lock(job_id, *CANCELLABLE)
        job.state, job.ended_at = JobState.CANCELLED, wall_clock()
        job.save(update_fields=["state", "ended_at"])
    return job


def stop(*, job_id: int, by: Actor) -> BulkJob:
    """Stops a job after the row it is at: what was done stays done, the rest is not. Raises JobNotThere."""
    with acting_as(by, "stop_bulk_change"):
        job = _lock(job_id, JobState.RUNNING)
        job.state, job.ended_at = JobState.STOPPED, wall_clock()
        job.save(update_fields=["state", "ended_at"])
    return job


def _lock(job_id: int, *states: JobState) -> BulkJob:
    assert transaction.get_connection().in_atomic_block
    job = BulkJob.objects.select_for_update(no_key=True).get(id=job_id)
    if job.state not in states:
        raise JobNotThere(state=job.get_state_display().lower())
    return job
