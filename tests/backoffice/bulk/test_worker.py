"""Files a page does not wait for, and what becomes of what was uploaded."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from npq.backoffice.bulk import work
from npq.backoffice.bulk.choices import JobState
from npq.backoffice.bulk.housekeeping import strip_old_bulk_rows
from npq.backoffice.bulk.models import BulkJob, BulkRow
from npq.core.audit import Actor
from npq.core.clock import wall_clock
from npq.core.models import Change
from npq.sandbox.server import do_bulk_changes
from tests.backoffice.bulk.uploading import Office, csv_file, states
from tests.commands import run_command
from tests.factories import ApplicationFactory, BulkJobFactory, BulkRowFactory


@pytest.fixture
def large(settings: Any, office: Callable[[str, str], Office]) -> Office:
    """Somebody whose files are all too large for a page to wait for."""
    settings.NPQ_BULK_ROWS_AT_ONCE = 0
    return office("caseworker", "undo_acceptance")


def content_for(*applications: Any) -> bytes:
    return csv_file(["id"], *([one.public_id] for one in applications))


def test_a_large_file_is_checked_and_done_by_the_command_and_the_page_says_how_far(large: Office) -> None:
    job = large.checked(content_for(ApplicationFactory(accepted=True), ApplicationFactory()))
    waiting = large.page(job)
    address = f"{large.address_of(job)}progress.json"
    said = "0 of 2 rows checked, waiting to start"
    assert large.client.get(address).json() == {"state": "checking", "said": said}
    assert said in waiting
    assert ">Refresh</a>" in waiting
    assert "Rows that can be done" not in waiting
    assert "bulk.js" in waiting

    first = run_command("run_bulk_jobs", "--format", "json")
    job = large.confirm(job)
    confirmed = large.client.get(address).json()
    second = run_command("run_bulk_jobs", "--format", "json")

    assert first.json["rows"][0] == {
        "id": str(job.public_id),
        "result": "checked",
        "errors": [],
        "kind": "undo_acceptance",
        "file": "file.csv",
    }
    assert confirmed == {"state": "confirmed", "said": "1 row will be done soon"}
    assert second.json["counts"] == {"finished": 1}
    assert states(job) == ["done", "refused"]
    assert large.client.get(address).json()["said"] == "1 row done, 1 row not done because of errors"
    assert run_command("run_bulk_jobs").code == 0


def told(large: Office, job: BulkJob) -> str:
    """What the page says of how far a job is."""
    return str(large.client.get(f"{large.address_of(job)}progress.json").json()["said"])


def test_the_page_says_about_how_long_it_still_takes(large: Office) -> None:
    job = large.checked(csv_file(["id"], *([uuid.uuid4()] for _ in range(10))))
    BulkJob.objects.update(check_begun_at=wall_clock() - timedelta(seconds=100))
    assert told(large, job) == "0 of 10 rows checked, just begun"

    BulkRow.objects.filter(job=job, line__lte=5).update(state="ready")
    # 4 rows took 100 seconds: the 6 that are left will take 150.
    assert told(large, job) == "4 of 10 rows checked, about 3 minutes left"
    BulkRow.objects.filter(job=job, line__lte=10).update(state="ready")
    assert told(large, job) == "9 of 10 rows checked, less than a minute left"

    BulkJob.objects.update(state=JobState.RUNNING, started_at=wall_clock() - timedelta(seconds=100))
    BulkRow.objects.filter(job=job).update(state="ready")
    BulkRow.objects.filter(job=job, line=2).update(state="done")
    BulkRow.objects.filter(job=job, line=3).update(state="failed")
    BulkRow.objects.filter(job=job, line=4).update(state="refused")
    said = "1 row done, 2 rows not done because of errors, 7 to go, about 6 minutes left"
    assert told(large, job) == said


def test_how_long_a_second_check_takes_is_not_reckoned_from_the_first(large: Office) -> None:
    job = large.checked(content_for(ApplicationFactory(accepted=True)))
    run_command("run_bulk_jobs")
    job.refresh_from_db()
    assert job.check_begun_at is not None

    large.act(job, "check")

    assert told(large, job) == "0 of 1 row checked, waiting to start"


@pytest.mark.parametrize("way", ["switched off", "another role"])
def test_a_job_stops_when_whoever_confirmed_it_may_no_longer_do_it(large: Office, way: str) -> None:
    job = large.checked(content_for(ApplicationFactory(accepted=True)))
    run_command("run_bulk_jobs")
    job = large.confirm(job)
    confirmer = User.objects.get(id=job.confirmer)
    if way == "switched off":
        confirmer.is_active = False
        confirmer.save()
    else:
        confirmer.groups.clear()

    run_command("run_bulk_jobs")

    job.refresh_from_db()
    assert (job.state, states(job)) == (JobState.STOPPED, ["ready"])
    stopped = Change.objects.filter(table="backoffice_bulkjob", action="stop_bulk_change").get()
    assert "may not do this any longer" in stopped.reason
    director = User.objects.create(username="director", is_staff=True, is_superuser=True)
    large.client.force_login(director)
    assert "Sam Reyes, who confirmed it, may not do this any longer" in large.page(job)


def test_the_sandbox_does_them_by_itself(large: Office) -> None:
    job = large.checked(content_for(ApplicationFactory(accepted=True)))

    do_bulk_changes()
    large.confirm(job)
    do_bulk_changes()

    assert states(job) == ["done"]


def test_one_broken_job_does_not_keep_the_others_from_their_turn(
    large: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = BulkJobFactory(state=JobState.CHECKING)
    job = large.checked(content_for(ApplicationFactory(accepted=True)))
    check = work.check

    def fail(which: BulkJob, *more: Any) -> None:
        if which.id == broken.id:
            raise ZeroDivisionError
        check(which, *more)

    monkeypatch.setattr(work, "check", fail)

    run = run_command("run_bulk_jobs", "--format", "json")

    assert run.code == 1
    assert [row["result"] for row in run.json["rows"]] == ["failed", "checked"]
    assert states(job) == ["ready"]


def test_a_job_may_be_cancelled_while_it_is_checked(large: Office) -> None:
    job = large.checked(content_for(ApplicationFactory(accepted=True)))

    large.act(job, "cancel")
    run_command("run_bulk_jobs")

    job.refresh_from_db()
    assert (job.state, states(job)) == (JobState.CANCELLED, ["waiting"])


# What was uploaded goes in time ------------------------------------------------------------------------

BY = Actor.system("nightly")


def old(days: int, **facts: Any) -> BulkJob:
    """A job that was uploaded, and ended if it did, so many days ago, with one refused row."""
    then = wall_clock() - timedelta(days=days)
    job = BulkJobFactory(created_at=then, **facts)
    if job.state in (JobState.FINISHED, JobState.CANCELLED):
        BulkJob.objects.filter(id=job.id).update(ended_at=then)
    BulkRowFactory(
        job=job,
        cells=["Zoe"],
        name="Zoe Marlowe",
        said=["Message to zoe@example.org"],
        errors=[{"field": "id", "code": "invalid", "detail": "'Zoe' is not an ID"}],
        state="refused",
        about=None,
    )
    return job


@pytest.mark.django_db
def test_what_was_uploaded_is_removed_and_the_account_stays(office: Callable[[str, str], Office]) -> None:
    job, young = old(31, state=JobState.FINISHED), old(29, state=JobState.FINISHED)

    assert strip_old_bulk_rows(by=BY) == 1
    assert strip_old_bulk_rows(by=BY) == 0

    row = BulkRow.objects.get(job=job)
    assert (row.cells, row.name, row.said, row.errors, row.state) == ([], "", [], [], "refused")
    assert BulkRow.objects.get(job=young).name == "Zoe Marlowe"
    job.refresh_from_db()
    assert job.uploaded_by == "Sam Reyes"
    clerk = office("caseworker", "undo_acceptance")
    page = clerk.page(job)
    assert "0 rows done, 1 row not done because of errors" in page
    assert "What was uploaded was removed on" in page
    assert clerk.client.get(f"{clerk.address_of(job)}rows.csv").status_code == 404
    assert Change.objects.filter(table="backoffice_bulkjob", action="strip_old_bulk_rows").count() == 1
    assert "Zoe" not in str(list(Change.objects.values_list("before", "after")))


@pytest.mark.django_db
@pytest.mark.parametrize("state", [JobState.CHECKING, JobState.CHECKED])
def test_what_nobody_confirmed_is_cancelled_then(state: JobState) -> None:
    job = old(31, state=state)

    strip_old_bulk_rows(by=BY)

    job.refresh_from_db()
    assert (job.state, BulkRow.objects.get(job=job).cells) == (JobState.CANCELLED, [])


@pytest.mark.django_db
def test_what_is_being_done_is_left_alone() -> None:
    old(31, state=JobState.RUNNING)

    assert strip_old_bulk_rows(by=BY) == 0
