"""Carrying out a confirmed job: each row once, whatever happens to whoever does it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib.auth.models import User

from npq.backoffice.bulk.checking import (
    csv_rows,
    errors_of,
    faults_of,
    refuse_together,
    said_of_lines,
    seen_in,
    what_it_says,
)
from npq.backoffice.bulk.choices import JobState, RowState
from npq.backoffice.bulk.kinds import FileKind, Kind, RowKind
from npq.backoffice.bulk.models import BulkJob, BulkRow
from npq.core.audit import Actor, acting_as
from npq.core.clock import wall_clock
from npq.core.commands import BadInput
from npq.core.effects import Effects
from npq.core.errors import TooMuchContention
from npq.core.listening import recorded

ATTEMPTS = 3
# Where roles and their permissions are; whoever is switched off has none.
ROLES_BACKEND = "django.contrib.auth.backends.ModelBackend"


class DoneByAnother(Exception):
    """Somebody else marked the row while it was being done here: what was done here is undone."""


def run(job: BulkJob, kind: Kind) -> None:
    """Does every row that can be done, in the order of the file, until none is left or the job is stopped.

    It stops by itself when whoever confirmed it may no longer do what it does.
    """
    with acting_as(_confirmer_of(job), "begin_bulk_change"):
        begun = BulkJob.objects.filter(id=job.id, state=JobState.CONFIRMED)
        begun.update(state=JobState.RUNNING, started_at=wall_clock())
    if isinstance(kind, FileKind):
        if _may_go_on(job, kind):
            _do_together(job, kind)
    else:
        assert isinstance(kind, RowKind)
        while (row := _next(job)) is not None and _may_go_on(job, kind):
            _do(job, kind, row)
    with acting_as(_confirmer_of(job), "finish_bulk_change"):
        BulkJob.objects.filter(id=job.id, state=JobState.RUNNING).update(state=JobState.FINISHED, ended_at=wall_clock())


def _may_go_on(job: BulkJob, kind: Kind) -> bool:
    """Whether whoever confirmed the job may still do what it does; stops it otherwise."""
    if User.objects.with_perm(kind.permission, backend=ROLES_BACKEND).filter(id=job.confirmer).exists():
        return True
    reason = f"{job.confirmed_by}, who confirmed it, may not do this any longer"
    with acting_as(Actor.system(reason=reason), "stop_bulk_change"):
        running = BulkJob.objects.filter(id=job.id, state=JobState.RUNNING)
        running.update(state=JobState.STOPPED, ended_at=wall_clock())
    return False


def _confirmer_of(job: BulkJob, *, line: int | None = None, in_bulk: bool = False) -> Actor:
    where = f"bulk change {job.public_id}" + (f", line {line}" if line else "")
    reason = f"{job.reason} ({where})"
    return Actor.staff(job.confirmed_by, identifier=job.confirmer, reason=reason, in_bulk=in_bulk)


def _next(job: BulkJob) -> BulkRow | None:
    return job.rows.filter(state=RowState.READY, job__state=JobState.RUNNING).order_by("line").first()


def _do(job: BulkJob, kind: RowKind, row: BulkRow) -> None:
    by = _confirmer_of(job, line=row.line, in_bulk=True)

    def settle(effects: Effects) -> None:
        """Within the service's transaction, as the last it does."""
        state = RowState.UNCHANGED if effects.nothing else RowState.DONE
        differs = bool(row.seen) and row.seen != seen_in(effects)
        if not _mark(row, state=state, differs=differs, errors=[], **what_it_says(effects)):
            raise DoneByAnother

    (cells,) = csv_rows(job, kind, [row])
    try:
        order = kind.read(cells)
        if order is None or cells.faults:
            _mark(row, state=RowState.FAILED, errors=faults_of(cells.faults))
            return
        notes = _with_patience(partial(_carried_out, order.carry_out, by, settle))
    except DoneByAnother:
        return
    except Exception as problem:  # noqa: BLE001  judged there
        _mark(row, state=RowState.FAILED, errors=errors_of(problem))
        return
    # A service that had nothing to write, and so nothing to undo it with, has not come to its last statement.
    _mark(row, state=RowState.UNCHANGED, errors=[], **what_it_says(Effects()))
    if notes:
        row.refresh_from_db()
        row.said = [*row.said, *notes]
        row.save(update_fields=["said"])


def _carried_out(carry_out: Callable[[Actor], Any], by: Actor, settle: Callable[[Effects], None]) -> tuple[str, ...]:
    with recorded(settle) as effects:
        effects.result = carry_out(by)
    return effects.notes


def _with_patience(call: Callable[[], Any]) -> Any:
    """Tries again what others were in the way of."""
    for _ in range(ATTEMPTS - 1):
        try:
            return call()
        except TooMuchContention:
            continue
    return call()


def _mark(row: BulkRow, **values: Any) -> bool:
    """Notes how a row ended, unless that is noted already; returns whether it was noted here."""
    return bool(BulkRow.objects.filter(id=row.id, state=RowState.READY).update(**values))


def _do_together(job: BulkJob, kind: FileKind) -> None:
    ready = job.rows.filter(state=RowState.READY)
    rows = list(ready.order_by("line"))
    if not rows:
        return

    def settle(_: Effects) -> None:
        if ready.filter(job__state=JobState.RUNNING).update(state=RowState.DONE) != len(rows):
            raise DoneByAnother

    try:
        with recorded(settle) as effects:
            effects.result = kind.load(csv_rows(job, kind, rows), _confirmer_of(job, in_bulk=True))
    except DoneByAnother:
        return
    except BadInput as bad:
        refuse_together(rows, bad, RowState.FAILED)
        return
    except Exception as problem:  # noqa: BLE001  judged there
        ready.update(state=RowState.FAILED, errors=errors_of(problem))
        return
    said = said_of_lines(effects.result)
    changed = {each.line for each in effects.result.rows if each.changed}
    for row in rows:
        row.differs = row.said != said.get(row.line, [])
        row.said = said.get(row.line, [])
        row.state = RowState.DONE if row.line in changed else RowState.UNCHANGED
        row.save(update_fields=["differs", "said", "state"])
