"""A file's life, from the upload to the result, told by the kind that undoes acceptances."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from applications.choices import ApplicationStatus
from npq.backoffice.bulk.choices import JobState
from npq.backoffice.bulk.models import BulkJob, BulkRow
from npq.core.clock import wall_clock
from npq.core.models import Change
from tests.backoffice.bulk.uploading import REASON, Office, codes, csv_file, states
from tests.factories import ApplicationFactory, BulkJobFactory, BulkRowFactory, EnrolmentFactory, ParticipantFactory


@pytest.fixture
def caseworker(office: Callable[[str, str], Office]) -> Office:
    return office("caseworker", "undo_acceptance")


def five_rows() -> tuple[list[Any], bytes]:
    """Three acceptances to undo, and two rows that cannot be done: not accepted, unknown."""
    accepted = [ApplicationFactory(accepted=True) for _ in range(3)]
    pending = ApplicationFactory()
    ids = [accepted[0].public_id, pending.public_id, accepted[1].public_id, uuid.uuid4(), accepted[2].public_id]
    return accepted, csv_file(["id", "note"], *([each, "=1+1"] for each in ids))


def test_checking_shows_what_would_happen_and_changes_nothing(caseworker: Office) -> None:
    accepted, content = five_rows()

    job = caseworker.checked(content)

    page = caseworker.page(job)
    assert job.state == JobState.CHECKED
    assert states(job) == ["ready", "refused", "ready", "refused", "ready"]
    assert codes(job) == [[], ["no_acceptance_to_undo"], [], ["invalid"], []]
    assert "3 rows can be done, 2 rows cannot" in page
    assert "Application: status Accepted → Pending" in page
    assert accepted[0].participant.full_name in page
    assert "No statement changes" in page
    for one in accepted:
        one.refresh_from_db()
        assert one.status == ApplicationStatus.ACCEPTED
    assert not Change.objects.filter(action__startswith="undo_acceptance").exists()


def test_confirming_does_the_good_rows_and_accounts_for_the_others(caseworker: Office) -> None:
    accepted, content = five_rows()

    job = caseworker.do(content)

    assert job.state == JobState.FINISHED
    assert states(job) == ["done", "refused", "done", "refused", "done"]
    for one in accepted:
        one.refresh_from_db()
        assert one.status == ApplicationStatus.PENDING
    page = caseworker.page(job)
    assert "3 rows done, 2 rows not done because of errors" in page
    assert REASON in page
    rows = caseworker.file(job, "errors")
    assert [list(row) for row in rows] == [["id", "note", "error"]] * 2
    assert "there is no acceptance to undo" in rows[0]["error"]
    assert rows[1]["error"].startswith("id: no application has the ID")
    # A formula is text by the time a spreadsheet opens it.
    assert {row["note"] for row in rows} == {"'=1+1"}
    everything = caseworker.file(job, "rows")
    assert [row["line"] for row in everything] == ["2", "3", "4", "5", "6"]
    assert [row["result"] for row in everything] == ["Done", "Cannot be done", "Done", "Cannot be done", "Done"]


def test_whoever_confirms_acts_and_the_trail_says_that_it_was_in_bulk(caseworker: Office) -> None:
    accepted, content = five_rows()

    job = caseworker.do(content)

    found = Change.objects.filter(table="applications_application", record_id=accepted[1].id)
    change = found.latest("id")
    assert (change.action, change.actor_kind, change.actor_name) == ("undo_acceptance_in_bulk", "staff", "Sam Reyes")
    assert change.reason == f"{REASON} (bulk change {job.public_id}, line 4)"
    page = caseworker.client.get(f"/admin/applications/application/{accepted[1].public_id}/").content.decode()
    assert "Undo acceptance in bulk" in page
    assert "by Sam Reyes (staff, caseworker)" in page
    steps = list(Change.objects.filter(table="backoffice_bulkjob").order_by("id").values_list("action", flat=True))
    assert steps == [
        "upload_bulk_change",
        "begin_bulk_check",
        "check_bulk_change",
        "confirm_bulk_change",
        "begin_bulk_change",
        "finish_bulk_change",
    ]


def test_no_confirmation_without_a_reason(caseworker: Office) -> None:
    accepted, content = five_rows()
    job = caseworker.checked(content)

    answer = caseworker.act(job, "confirm", reason=" ", seen=job.checked_at.isoformat() if job.checked_at else "")

    assert answer.status_code == 200
    assert "Give the reason for this correction." in answer.content.decode()
    job.refresh_from_db()
    assert (job.state, job.reason) == (JobState.CHECKED, "")
    accepted[0].refresh_from_db()
    assert accepted[0].status == ApplicationStatus.ACCEPTED


def test_what_was_checked_anew_is_not_confirmed_unseen(caseworker: Office) -> None:
    _, content = five_rows()
    job = caseworker.checked(content)
    seen = job.checked_at.isoformat() if job.checked_at else ""
    caseworker.act(job, "check")

    answer = caseworker.act(job, "confirm", reason=REASON, seen=seen)

    assert "The file has been checked again since you looked." in answer.content.decode()
    job.refresh_from_db()
    assert job.state == JobState.CHECKED


def test_a_record_that_changed_since_the_check_is_refused_when_its_turn_comes(caseworker: Office) -> None:
    accepted, content = five_rows()
    job = caseworker.checked(content)
    other = caseworker.do(csv_file(["id"], [accepted[0].public_id]))
    assert other.state == JobState.FINISHED

    job = caseworker.confirm(job)

    # It is so already by now, which is another thing than was shown.
    assert states(job) == ["unchanged", "refused", "done", "refused", "done"]
    assert BulkRow.objects.get(job=job, line=2).differs
    assert "Something else than was shown" in caseworker.page(job)


def test_checking_again_says_how_it_is_now(caseworker: Office) -> None:
    one = ApplicationFactory()
    job = caseworker.checked(csv_file(["id"], [one.public_id], [one.public_id]))
    assert states(job) == ["refused", "refused"]
    EnrolmentFactory(application=one)

    caseworker.act(job, "check")

    job.refresh_from_db()
    assert (job.state, states(job)) == (JobState.CHECKED, ["ready", "refused"])
    assert codes(job) == [[], ["repeated"]]


def test_a_check_of_long_ago_says_so(caseworker: Office) -> None:
    job = caseworker.checked(csv_file(["id"], [ApplicationFactory(accepted=True).public_id]))
    words = "Check it again to see what it does now."
    assert words not in caseworker.page(job)

    BulkJob.objects.update(checked_at=wall_clock() - timedelta(hours=25))

    assert words in caseworker.page(job)


def test_a_job_that_runs_can_be_stopped_and_the_rest_taken_along(caseworker: Office) -> None:
    job = BulkJobFactory(state=JobState.RUNNING)
    BulkRowFactory(job=job, cells=["a"], state="done")
    BulkRowFactory(job=job, cells=["b"], state="ready")
    assert "Stop after the current row" in caseworker.page(job)

    caseworker.act(job, "stop")

    page = caseworker.page(job)
    assert "Stopped: 1 row done, 0 rows not done because of errors, 1 not reached" in page
    assert "Download the rows that were not done" in page
    assert caseworker.file(job, "errors") == [
        {"id": "b", "error": "Not done: the job ended before it reached this row."}
    ]


def test_nothing_to_do_cannot_be_confirmed(caseworker: Office) -> None:
    job = caseworker.checked(csv_file(["id"], [uuid.uuid4()]))

    page = caseworker.page(job)
    answer = caseworker.act(job, "confirm", reason=REASON, seen=job.checked_at.isoformat() if job.checked_at else "")

    assert "0 rows can be done, 1 row cannot" in page
    assert "Confirm: do the rows" not in page
    assert "There is nothing that can be done." in answer.content.decode()


def test_a_cancelled_job_changes_nothing_and_is_over(caseworker: Office) -> None:
    _, content = five_rows()
    job = caseworker.checked(content)
    seen = job.checked_at.isoformat() if job.checked_at else ""

    caseworker.act(job, "cancel")
    answer = caseworker.act(job, "confirm", reason=REASON, seen=seen)

    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert "This is no longer possible: the job is cancelled." in answer.content.decode()
    assert "Cancelled. Nothing was changed" in caseworker.page(job)


def test_lines_about_the_same_person_are_named(caseworker: Office) -> None:
    person = ParticipantFactory()
    both = [ApplicationFactory(accepted=True, participant=person, course__identifier=name) for name in COURSES]

    job = caseworker.checked(csv_file(["id"], *([one.public_id] for one in both)))

    assert "Lines 2 and 3 are about the same person." in caseworker.page(job)


COURSES = ("npq-headship", "npq-executive-leadership")


def test_a_line_that_repeats_another_is_refused_naming_it(caseworker: Office) -> None:
    one = ApplicationFactory(accepted=True)

    job = caseworker.checked(csv_file(["ID"], [one.public_id], [f" {str(one.public_id).upper()} "]))

    assert states(job) == ["ready", "refused"]
    assert "is the same as line 2 in id" in caseworker.page(job)


def test_rows_that_have_nothing_to_do_are_counted_apart(caseworker: Office) -> None:
    undone = ApplicationFactory(accepted=True)
    caseworker.do(csv_file(["id"], [undone.public_id]))

    job = caseworker.checked(csv_file(["id"], [undone.public_id], [ApplicationFactory(accepted=True).public_id]))

    page = caseworker.page(job)
    assert "<dt>Can be done</dt><dd>2</dd>" in page
    assert "<dt>Of these, nothing to do: it is so already</dt><dd>1</dd>" in page
    assert "2 rows can be done (1 with nothing to do), 0 rows cannot" in page
    assert "1 row done, 1 row with nothing to do, 0 rows not done because of errors" in caseworker.page(
        caseworker.confirm(job)
    )


def test_a_great_many_statements_are_added_up_and_not_all_listed(caseworker: Office) -> None:
    job = BulkJobFactory(state=JobState.CHECKED)
    pounds = [{"id": str(uuid.uuid4()), "name": f"statement {number}", "difference": "1.50"} for number in range(25)]
    BulkRowFactory(job=job, state="ready", pounds=pounds)

    page = caseworker.page(job)

    assert page.count("<div>statement ") == 20
    assert "and 5 more statements" in page
    assert "In all: +£37.50" in page


def test_a_row_with_a_wrong_cell_says_whom_it_is_about(caseworker: Office) -> None:
    one = ApplicationFactory(accepted=True)

    job = caseworker.checked(csv_file(["id", "restore_siblings"], [one.public_id, "perhaps"]))

    row = BulkRow.objects.get(job=job)
    assert (row.state, row.name, row.about) == ("refused", one.participant.full_name, one.public_id)
    assert row.sentences == ["restore_siblings: 'perhaps' is not true or false (also yes or no, 1 or 0)"]


def test_the_pages_work_with_nothing_uploaded(caseworker: Office) -> None:
    assert "No file has been uploaded yet." in caseworker.client.get("/admin/bulk/").content.decode()
    assert "No file has been uploaded yet." in caseworker.client.get(caseworker.address).content.decode()
    assert "Bulk changes" in caseworker.client.get("/admin/").content.decode()


def test_what_a_page_costs_does_not_grow_with_the_rows(caseworker: Office, django_assert_max_num_queries: Any) -> None:
    _, content = five_rows()
    job = caseworker.do(content)
    BulkRow.objects.bulk_create(
        BulkRow(job=job, line=line, cells=["x", "y"], state="failed", errors=[]) for line in range(100, 1000)
    )

    with django_assert_max_num_queries(12):
        caseworker.page(job)
    with django_assert_max_num_queries(12):
        caseworker.client.get("/admin/bulk/")
