"""Removing what was uploaded once it has served: what people typed and who it was about, never that it was done."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q

from npq.backoffice.bulk.choices import JobState
from npq.backoffice.bulk.models import BulkJob, BulkRow
from npq.core.audit import Actor, acting_as
from npq.core.clock import wall_clock

NOT_CONFIRMED = (JobState.CHECKING, JobState.CHECKED)


def strip_old_bulk_rows(*, by: Actor) -> int:
    """Removes the cells, names and sentences of jobs that ended NPQ_BULK_DAYS_KEPT days ago; returns how many jobs.

    Jobs that nobody has confirmed for so long are cancelled first. States, public ids and pounds stay.
    """
    now = wall_clock()
    oldest = now - timedelta(days=settings.NPQ_BULK_DAYS_KEPT)
    with acting_as(by, "strip_old_bulk_rows"):
        jobs = BulkJob.objects.select_for_update(no_key=True).filter(stripped_at=None).order_by("id")
        forgotten = Q(state__in=NOT_CONFIRMED, created_at__lt=oldest)
        found = list(jobs.filter(Q(ended_at__lt=oldest) | forgotten))
        for job in found:
            if job.state in NOT_CONFIRMED:
                job.state, job.ended_at = JobState.CANCELLED, now
            job.stripped_at = now
            job.save(update_fields=["state", "ended_at", "stripped_at"])
        BulkRow.objects.filter(job__in=found).update(cells=[], name="", said=[], errors=[], seen="")
    return len(found)
