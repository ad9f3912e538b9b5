"""From the upload to the confirmation: each step of a job that a person takes."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

from django.conf import settings
from django.db import transaction

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

BYTES_PER_KB = 1024
LONGEST_NAME = 200


def upload(*, kind: Kind, file_name: str, size: int, chunks: Iterable[bytes], by: Actor) -> BulkJob:
    """Stores the rows of a file to be checked.

    Raises BadInput for what is no such file (`npq.core.csv_files`), FileTooLarge before reading it, TooManyRows, and
    FileUploadedBefore when the same file is under way or everything in it was done.
    """
    if size > settings.NPQ_BULK_MOST_BYTES:
        raise FileTooLarge(most=settings.NPQ_BULK_MOST_BYTES // BYTES_PER_KB)
    content = b"".join(chunks)
    digest = hashlib.sha256(content).hexdigest()
    name = file_name[:LONGEST_NAME]
    table = table_of(text_of(content, name), required=kind.required)
    if len(table.records) > settings.NPQ_BULK_MOST_ROWS:
        raise TooManyRows(rows=len(table.records), most=settings.NPQ_BULK_MOST_ROWS)
    with acting_as(by, f"upload_{kind.name}_in_bulk"):
        _refuse_known(kind, digest)
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


def _known_since_this_moment(name: str) -> FileUploadedBefore:
    return FileUploadedBefore(uploaded_by="Somebody", file_name=name, day=shown(wall_clock()), job=None)


def _refuse_known(kind: Kind, digest: str) -> None:
    earlier = BulkJob.objects.filter(kind=kind.name, digest=digest).exclude(state=JobState.CANCELLED).order_by("-id")
    for job in earlier:
        if job.state in UNDER_WAY or (job.state == JobState.FINISHED and not _left(job)):
            raise FileUploadedBefore(
                uploaded_by=job.uploaded_by, file_name=job.file_name, day=shown(job.created_at), job=job
            )


def _left(job: BulkJob) -> bool:
    return job.rows.filter(state__in=WITHOUT_SUCCESS).exists()


def _rows(job: BulkJob, kind: Kind, table: CsvTable) -> list[BulkRow]:
    rows = [BulkRow(job=job, line=line, cells=cells) for line, cells in table.records]
    if isinstance(kind, RowKind):
        _refuse_repeated(rows, kind, table)
    return rows


def _refuse_repeated(rows: list[BulkRow], kind: RowKind, table: CsvTable) -> None:
    """A line that asks for what an earlier one asks for is refused: which of the two is meant, nobody can know."""
    first_lines: dict[tuple[str, ...], int] = {}
    for row, cells in zip(rows, table.rows(kind.key), strict=True):
        key = tuple(" ".join(cells.cells.get(name, "").split()).lower() for name in kind.key)
        first = first_lines.setdefault(key, row.line)
        if first != row.line and any(key):
            names = " and ".join(kind.key)
            detail = f"is the same as line {first} in {names}. Keep one of the two."
            row.state, row.errors = RowState.REFUSED, [Fault("", "repeated", detail).for_json()]


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
        job.state, job.checked_at = JobState.CHECKING, None
        job.save(update_fields=["state", "checked_at"])
        repeated = job.rows.filter(errors__contains=[{"code": "repeated"}])
        job.rows.exclude(id__in=repeated.values("id")).update(state=RowState.WAITING)
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
