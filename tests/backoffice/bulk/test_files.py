"""What is no file for a bulk change is refused in words, and nothing of it is stored."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from npq.backoffice.bulk.choices import JobState
from npq.backoffice.bulk.models import BulkJob, BulkRow
from tests.backoffice.bulk.uploading import Office, csv_file, states
from tests.factories import ApplicationFactory
from tests.races.racing import kinds, race


@pytest.fixture
def caseworker(office: Callable[[str, str], Office]) -> Office:
    return office("caseworker", "undo_acceptance")


ROW = b"65589ad4-956a-49c3-aaea-78c60258bbce"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"\n \n", "file.csv is empty"),
        (b"id\n", "the file has a header and no rows"),
        (b"identifier\n" + ROW, "line 1: id: the header lacks the column id"),
        (b"id,ID\n" + ROW + b"," + ROW, "line 1: id: the header names the column id twice"),
        (b"id,name\n" + ROW + b",Zo\xeb", "line 2: is not UTF-8; save the file as UTF-8 and try again"),
        (b"\xff\xfei\x00d\x00\n\x00", "is not UTF-8"),
        (b"id,name\n" + ROW, "line 2: has 1 cells where the header has 2"),
        (b'id\n"' + ROW + b'"x', "line 2: is not CSV"),
        (b"id\n" + ROW + b"\x00", "holds a NUL character"),
    ],
)
def test_what_is_no_such_file_is_refused(caseworker: Office, content: bytes, said: str) -> None:
    answer = caseworker.upload(content)

    page = answer.content.decode()
    assert answer.status_code == 200
    assert said in page.replace("&#x27;", "'")
    assert "<title>Error: Undo acceptances" in page
    assert not BulkJob.objects.exists()


def test_no_file_at_all(caseworker: Office) -> None:
    assert "Choose a CSV file." in caseworker.client.post(caseworker.address, {"file": "text"}).content.decode()


def test_a_byte_order_mark_blanks_and_capitals_in_the_header_do_no_harm(caseworker: Office) -> None:
    application = ApplicationFactory(accepted=True)
    content = f"\ufeff Note , ID \r\n,{application.public_id}\r\n".encode()

    job = caseworker.do(content)

    assert states(job) == ["done"]


def test_as_many_rows_as_allowed_and_not_one_more(caseworker: Office, settings: Any) -> None:
    settings.NPQ_BULK_MOST_ROWS = 2
    rows = [[uuid.uuid4()] for _ in range(3)]

    refused = caseworker.upload(csv_file(["id"], *rows))
    job = caseworker.checked(csv_file(["id"], *rows[:2]))

    assert "The file has 3 rows. Upload at most 2 in one file." in refused.content.decode()
    assert job.rows.count() == 2


def test_a_file_that_is_too_large_is_refused_unread(caseworker: Office, settings: Any) -> None:
    settings.NPQ_BULK_MOST_BYTES = 2048

    answer = caseworker.upload(b"\xff" * 2049)

    assert "The file is larger than 2 KB." in answer.content.decode()


def test_many_faults_are_told_up_to_a_number(caseworker: Office) -> None:
    page = caseworker.upload(b"id,x\n" + b"1\n" * 30).content.decode()

    assert page.count("has 1 cells where the header has 2") == 20
    assert "and 10 more" in page


# The same file again ---------------------------------------------------------------------------------


def test_a_file_that_was_done_is_recognised_and_named(caseworker: Office) -> None:
    content = csv_file(["id"], [ApplicationFactory(accepted=True).public_id])
    job = caseworker.do(content)

    answer = caseworker.upload(content, "renamed.csv")

    page = answer.content.decode()
    assert "Sam Reyes uploaded the same file as file.csv on " in page
    assert f'href="{caseworker.address_of(job)}"' in page
    assert BulkJob.objects.count() == 1


def test_a_file_that_waits_to_be_confirmed_is_not_uploaded_twice(caseworker: Office) -> None:
    content = csv_file(["id"], [uuid.uuid4()])
    caseworker.checked(content)

    assert "uploaded the same file" in caseworker.upload(content).content.decode()


def test_a_file_that_was_cancelled_or_had_errors_may_come_again(caseworker: Office) -> None:
    application = ApplicationFactory(accepted=True)
    content = csv_file(["id"], [application.public_id], [uuid.uuid4()])
    caseworker.act(caseworker.checked(content), "cancel")

    first = caseworker.do(content)
    again = caseworker.do(content)

    assert states(first) == ["done", "refused"]
    # What was done is left as it is.
    assert states(again) == ["unchanged", "refused"]


def test_the_same_file_for_another_kind_is_another_file(
    caseworker: Office, office: Callable[[str, str], Office]
) -> None:
    content = csv_file(["id"], [uuid.uuid4()])
    caseworker.checked(content)

    job = Office(caseworker.client, "reject_application").checked(content)

    assert job.state == JobState.CHECKED


def test_the_file_of_errors_put_right_is_another_file(caseworker: Office) -> None:
    pending = ApplicationFactory()
    first = caseworker.do(csv_file(["id"], [ApplicationFactory(accepted=True).public_id], [pending.public_id]))
    (row,) = caseworker.file(first, "errors")
    right = ApplicationFactory(accepted=True)

    again = caseworker.do(csv_file(list(row), [right.public_id, row["error"]]))

    assert (states(again), again.header) == (["done"], ["id", "error"])


@pytest.mark.django_db(transaction=True)
def test_the_same_file_from_two_people_at_the_same_moment_is_taken_once() -> None:
    from npq.backoffice.bulk.catalogue import kind_of
    from npq.backoffice.bulk.jobs import upload
    from npq.core.audit import Actor

    content = csv_file(["id"], [uuid.uuid4()])

    def once(name: str) -> Callable[[], BulkJob]:
        by = Actor.staff(name, identifier=name)
        return lambda: upload(kind=kind_of("undo_acceptance"), file_name="f.csv", size=1, chunks=[content], by=by)

    ends = race(once("1"), once("2"))

    assert kinds(ends) == ["FileUploadedBefore", "done"]
    assert (BulkJob.objects.count(), BulkRow.objects.count()) == (1, 1)
