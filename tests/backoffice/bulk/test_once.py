"""A row is done once: whoever is killed, whoever else is at it, whatever the others do."""

import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from applications.choices import ApplicationStatus, ReasonForRejection
from applications.models import Application
from npq.backoffice.bulk import casework, checking, running, work
from npq.backoffice.bulk.catalogue import kind_of
from npq.backoffice.bulk.choices import JobState
from npq.backoffice.bulk.jobs import confirm, stamp_of, stop, upload
from npq.backoffice.bulk.models import BulkJob, BulkRow
from npq.backoffice.bulk.work import work_on
from npq.core.audit import Actor, acting_as
from npq.core.choices import MessageKind
from npq.core.commands import only_run
from npq.core.models import Change, Message
from participants.queries import lock_application
from tests.backoffice.bulk.uploading import REASON, csv_file, states
from tests.commands import CommandRun, run_command
from tests.factories import ApplicationFactory
from tests.races.racing import kinds, meet_after, race, without_locks

pytestmark = pytest.mark.django_db(transaction=True)

BY = Actor.staff("Sam Reyes", identifier="1", reason=REASON)


@pytest.fixture(autouse=True)
def sam(transactional_db: Any) -> User:
    """Whoever confirms: somebody who may."""
    return User.objects.create(id=1, username="sam", is_staff=True, is_superuser=True)


class Killed(BaseException):
    """What becomes of a process that is killed: nothing after it runs."""


def confirmed(number: int, kind: str = "reject_application") -> BulkJob:
    """A job with so many rows to do."""
    ids = [ApplicationFactory().public_id for _ in range(number)]
    content = csv_file(["id"], *([each] for each in ids))
    job = upload(kind=kind_of(kind), file_name="file.csv", size=1, chunks=[content], by=BY)
    work_on(job.id)
    job.refresh_from_db()
    return confirm(job_id=job.id, seen=stamp_of(job), by=BY)


def times_done() -> dict[int, int]:
    """How often each application was rejected, by the trail."""
    done = Change.objects.filter(action="reject_application_in_bulk", table="applications_application")
    found: dict[int, int] = {}
    for record in done.filter(after__status="rejected").values_list("record_id", flat=True):
        found[record] = found.get(record, 0) + 1
    return found


def killed_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, calls: int, *, before: bool = False) -> None:
    """Kills the process right after, or right before, a function is called for the so-manieth time."""
    original: Callable[..., Any] = getattr(owner, name)
    made: Iterator[int] = iter(range(1, 1000))

    def called(*args: Any, **more: Any) -> Any:
        last = next(made) == calls
        if last and before:
            raise Killed
        found = original(*args, **more)
        if last:
            raise Killed
        return found

    monkeypatch.setattr(owner, name, called)


@pytest.mark.parametrize(
    ("owner", "name", "calls", "before"),
    [
        (running, "_next", 3, False),  # between two rows
        # Each row is marked within its service, and once more in vain.
        (running, "_mark", 3, True),  # within the second row, all written but the mark
        (running, "_mark", 3, False),  # within the second row, all written and not committed
        (running, "_carried_out", 2, False),  # after the second row was committed, before anything else
    ],
)
def test_a_killed_worker_leaves_the_rest_to_the_next_and_nothing_twice(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, calls: int, before: bool
) -> None:
    job = confirmed(4)
    with monkeypatch.context() as during:
        killed_at(during, owner, name, calls, before=before)
        with pytest.raises(Killed):
            work_on(job.id)
    job.refresh_from_db()
    assert job.state == JobState.RUNNING
    assert states(job).count("done") == len(times_done()) < 4

    run = run_command("run_bulk_jobs")

    assert run.code == 0
    job.refresh_from_db()
    assert (job.state, states(job)) == (JobState.FINISHED, ["done"] * 4)
    assert sorted(times_done().values()) == [1, 1, 1, 1]
    assert Message.objects.count() == 4


def test_a_worker_that_is_killed_while_checking_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [ApplicationFactory().public_id for _ in range(3)]
    content = csv_file(["id"], *([each] for each in ids))
    job = upload(kind=kind_of("reject_application"), file_name="f.csv", size=1, chunks=[content], by=BY)
    with monkeypatch.context() as during:
        killed_at(during, checking, "_store", 2)
        with pytest.raises(Killed):
            work_on(job.id)
    assert states(job) == ["ready", "ready", "waiting"]

    run_command("run_bulk_jobs")

    job.refresh_from_db()
    assert (job.state, states(job)) == (JobState.CHECKED, ["ready"] * 3)
    assert not times_done()


def test_two_workers_do_each_row_once() -> None:
    job = confirmed(6)

    ends = race(lambda: work_on(job.id), lambda: work_on(job.id))

    assert kinds(ends) == ["done", "done"]
    assert states(job) == ["done"] * 6
    assert sorted(times_done().values()) == [1] * 6


def test_two_workers_do_each_row_once_even_if_the_lock_of_the_job_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    job = confirmed(6)
    meet(monkeypatch)
    _forget_what_was_decided(monkeypatch)

    ends = race(lambda: work_on(job.id), lambda: work_on(job.id))

    assert kinds(ends) == ["done", "done"]
    assert states(job) == ["done"] * 6
    assert sorted(times_done().values()) == [1] * 6
    assert Message.objects.count() == 6


def test_without_the_mark_and_the_locks_they_do_them_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what the mark is for."""
    job = confirmed(2)
    meet(monkeypatch)
    without_locks(monkeypatch)
    monkeypatch.setattr(running, "_mark", lambda row, **values: BulkRow.objects.filter(id=row.id).update(**values))
    _forget_what_was_decided(monkeypatch)

    race(lambda: work_on(job.id), lambda: work_on(job.id))

    assert Message.objects.count() > 2


def _forget_what_was_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the service reject again what it has rejected: it is not what keeps a row from being done twice."""

    def reject(*, application_id: int, by: Actor, now: datetime, reason: ReasonForRejection, **_: Any) -> None:
        with acting_as(by, "reject_application"):
            application, _people = lock_application(application_id, held_by=None)
            application.status = ApplicationStatus.PENDING
            application.reject(reason, now)
            application.tell_participant(MessageKind.APPLICATION_REJECTED)

    monkeypatch.setattr(casework, "reject_application", reject)


def meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the job's lock away, and has both workers choose the same row before either does it."""
    monkeypatch.setattr(work, "only_run", lambda name: nullcontext())
    meet_after(monkeypatch, "npq.backoffice.bulk.running._next")


def test_a_job_that_somebody_works_on_is_left_to_them() -> None:
    job = confirmed(1)
    held, released = threading.Event(), threading.Event()

    def at_work() -> None:
        with only_run(f"bulk change {job.id}"):
            held.set()
            released.wait(60)

    def another() -> CommandRun:
        held.wait(60)
        try:
            return run_command("run_bulk_jobs", "--format", "json")
        finally:
            released.set()

    _, end = race(at_work, another)

    assert (end.value.code, end.value.json["counts"]) == (0, {"left to another": 1})
    assert states(job) == ["ready"]


def test_stopping_keeps_what_was_done_and_reaches_no_further_row(monkeypatch: pytest.MonkeyPatch) -> None:
    job = confirmed(3)
    original = running._do

    def do_and_stop(*arguments: Any) -> None:
        original(*arguments)
        stop(job_id=job.id, by=BY)

    monkeypatch.setattr(running, "_do", do_and_stop)
    work_on(job.id)

    job.refresh_from_db()
    assert (job.state, states(job)) == (JobState.STOPPED, ["done", "ready", "ready"])


def test_a_row_that_goes_wrong_unexpectedly_is_told_and_the_others_are_done(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = confirmed(3)
    second = BulkRow.objects.get(job=job, line=3)
    reject = Application.reject

    def fail(self: Application, *args: Any) -> None:
        if self.public_id == second.about:
            raise ZeroDivisionError
        reject(self, *args)

    monkeypatch.setattr(Application, "reject", fail)
    work_on(job.id)

    job.refresh_from_db()
    assert (job.state, states(job)) == (JobState.FINISHED, ["done", "failed", "done"])
    assert BulkRow.objects.get(job=job, line=3).errors[0]["code"] == "unexpected"
    assert "a row of a bulk change failed" in caplog.text
    assert len(times_done()) == 2
