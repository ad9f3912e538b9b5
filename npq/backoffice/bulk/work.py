"""Whoever works on a job holds its lock: a page for a small file, `manage.py run_bulk_jobs` for the rest."""

import contextlib

from django.conf import settings

from npq.backoffice.bulk.catalogue import kind_of
from npq.backoffice.bulk.checking import check
from npq.backoffice.bulk.choices import DUE, JobState
from npq.backoffice.bulk.models import BulkJob
from npq.backoffice.bulk.running import run
from npq.core.commands import Failed, only_run


def due_jobs() -> list[BulkJob]:
    """The jobs there is something to do for, the oldest first."""
    return list(BulkJob.objects.filter(state__in=DUE).order_by("id"))


def work_at_once(job: BulkJob) -> None:
    """Works on a job now when it is small enough for a page to wait for it; others are left to the command."""
    if job.rows.count() <= settings.NPQ_BULK_ROWS_AT_ONCE:
        work_on(job.id)


def work_on(job_id: int) -> bool:
    """Does what there is to do for a job; returns False when somebody else is at it."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(only_run(f"bulk change {job_id}"))
        except Failed:
            return False
        job = BulkJob.objects.get(id=job_id)
        kind = kind_of(job.kind)
        if job.state == JobState.CHECKING:
            check(job, kind)
        elif job.state in DUE:
            run(job, kind)
        return True
