"""What is no file for a bulk change is refused in words, and nothing of it is stored."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from applications.choices import ApplicationStatus
from declarations.models import DeliveryPartner
from npq.backoffice.bulk.catalogue import KINDS
from npq.backoffice.bulk.choices import JobState
from npq.backoffice.bulk.models import BulkJob, BulkRow
from tests.backoffice.bulk.uploading import Office, codes, csv_file, states
from tests.factories import ApplicationFactory, CohortFactory, EnrolmentFactory, LeadProviderFactory
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
        (b"identifier\n" + ROW, ">line 1: id: is missing from the header<"),
        (b"id,ID\n" + ROW + b"," + ROW, ">line 1: id: is twice in the header<"),
        (b"id,name\n" + ROW + b",Zo\xeb", "line 2: is not UTF-8; save the file as CSV UTF-8 (comma delimited) and"),
        (b"\xff\xfei\x00d\x00\n\x00", "is not UTF-8"),
        (b"PK\x03\x04" + b"\x00" * 30, "file.csv is a workbook, not CSV; save it as CSV UTF-8 (comma delimited) and"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "file.csv is a workbook, not CSV"),
        (b"restore_siblings;id\nno;" + ROW, ">line 1: the columns are separated by semicolons; save the file with"),
        (b"id\tnote\n" + ROW + b"\tx", "the columns are separated by tabs"),
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


def test_many_faults_are_told_up_to_a_number(office: Callable[[str, str], Office]) -> None:
    header = ",".join(column.name for column in KINDS["load_statements"].columns)

    answer = office("configuration", "load_statements").upload(f"{header}\n".encode() + b"1,2\n" * 30)

    page = answer.content.decode()

    assert page.count("has 2 cells where the header has 7") == 20
    assert "and 10 more" in page


def test_cells_that_a_spreadsheet_leaves_out_or_adds_at_the_end_do_no_harm(caseworker: Office) -> None:
    ids = [str(ApplicationFactory(accepted=True).public_id) for _ in range(3)]
    content = f"id,restore_siblings\r\n{ids[0]}\r\n{ids[1]},no,,\r\n{ids[2]},yes\r\n,,\r\n".encode()

    assert states(caseworker.checked(content)) == ["ready", "ready", "ready"]


def test_what_only_looks_like_the_end_of_a_line_is_none(caseworker: Office) -> None:
    ids = [str(ApplicationFactory(accepted=True).public_id) for _ in range(3)]
    content = f'note,id\na\u2028b\x0bc\x85d,{ids[0]}\r\n"e\r\n\r\nf",{ids[1]}\n,{ids[2]}\n'.encode()

    job = caseworker.checked(content)

    assert list(job.rows.order_by("line").values_list("line", "state")) == [(2, "ready"), (3, "ready"), (6, "ready")]
    assert [row["note"] for row in caseworker.file(job, "rows")] == ["a\u2028b\x0bc\x85d", "e\r\n\r\nf", ""]


def test_a_row_that_does_not_fit_the_header_is_refused_and_the_others_are_done(caseworker: Office) -> None:
    good = ApplicationFactory(accepted=True)
    content = f"note,id\nOkafor, Priya,{ROW.decode()}\nok,{good.public_id}\nshort\n".encode()

    job = caseworker.checked(content)
    caseworker.act(job, "check")
    job = caseworker.confirm(job)

    rows = list(BulkRow.objects.filter(job=job).order_by("line"))
    assert [(row.line, row.state) for row in rows] == [(2, "refused"), (3, "done"), (4, "refused")]
    assert codes(job) == [["wrong_number_of_cells"], [], ["wrong_number_of_cells"]]
    long, short = caseworker.file(job, "errors")
    assert long == {
        "note": "Okafor",
        "id": " Priya",
        "error": "has 3 cells where the header has 2; a cell with a comma in it needs quotation marks around it.",
        None: [ROW.decode()],
    }
    assert short == {"note": "short", "id": "", "error": "has 1 cell where the header has 2."}
    assert len(caseworker.file(job, "rows")) == 3


def test_the_files_handed_out_open_in_a_spreadsheet_with_every_letter(caseworker: Office) -> None:
    job = caseworker.checked(f"id,note\n{ROW.decode()},Zoë\n".encode())

    for address in ("errors.csv", "rows.csv"):
        content = b"".join(caseworker.client.get(caseworker.address_of(job) + address).streaming_content)
        assert content.startswith("\ufeff".encode())
        assert "Zoë" in content.decode()


def test_a_cell_made_harmless_comes_back_as_it_was(office: Callable[[str, str], Office]) -> None:
    cohort = CohortFactory()
    clerk = office("configuration", "pair_delivery_partner")
    first = clerk.checked(csv_file(["name", "lead_provider", "cohort"], ["+Learning", "nobody", cohort]))
    (row,) = clerk.file(first, "errors")
    assert row["name"] == "'+Learning"

    clerk.do(csv_file(list(row), [row["name"], LeadProviderFactory().code, row["cohort"], row["error"]]))

    assert DeliveryPartner.objects.get().name == "+Learning"


def test_the_file_of_errors_has_no_row_that_can_be_done(caseworker: Office) -> None:
    good, unknown = ApplicationFactory(accepted=True), uuid.uuid4()
    job = caseworker.checked(csv_file(["id"], [good.public_id], [unknown]))

    assert [row["id"] for row in caseworker.file(job, "errors")] == [str(unknown)]


def test_the_file_of_errors_of_what_is_loaded_as_a_whole_is_whole(office: Callable[[str, str], Office]) -> None:
    cohort, provider = CohortFactory(), LeadProviderFactory()
    clerk = office("configuration", "load_statements")
    header = [column.name for column in KINDS["load_statements"].columns]
    row = [provider.code, cohort, 2026, 3, "2026-02-25", "2026-03-25", "yes"]

    job = clerk.checked(csv_file(header, row, [*row[:3], 13, "25/02/2026", *row[5:]]))

    good, bad = clerk.file(job, "errors")
    assert good["error"] == "Nothing is wrong with this row. Others kept the file from being loaded."
    assert bad["error"].startswith("month: must be from 1 to 12. deadline_date: '25/02/2026' is not a date; ")
    page = clerk.page(job)
    assert "Download the rows with what is wrong with them" in page
    assert '<th scope="col">About</th>' not in page


def test_a_file_without_a_name_can_be_spoken_of(caseworker: Office) -> None:
    assert caseworker.upload(csv_file(["id"], [uuid.uuid4()]), "  ").status_code == 302

    assert BulkJob.objects.get().file_name == "file without a name"


# The same file again ---------------------------------------------------------------------------------


def test_a_file_that_was_done_is_recognised_and_named(caseworker: Office) -> None:
    content = csv_file(["id"], [ApplicationFactory(accepted=True).public_id])
    job = caseworker.do(content)

    answer = caseworker.upload(content, "renamed.csv")

    page = answer.content.decode()
    assert "Sam Reyes uploaded a file with the same rows, file.csv, on " in page
    assert f'href="{caseworker.address_of(job)}"' in page
    assert BulkJob.objects.count() == 1


def test_a_file_that_waits_to_be_confirmed_is_not_uploaded_twice(caseworker: Office) -> None:
    content = csv_file(["id"], [uuid.uuid4()])
    caseworker.checked(content)

    page = caseworker.upload(content, again="on").content.decode()

    assert "uploaded a file with the same rows" in page
    assert "Do it again" not in page


@pytest.mark.parametrize("change", ["line ends", "order of rows", "order of columns", "quotes", "another column"])
def test_the_same_rows_are_recognised_however_they_were_saved(caseworker: Office, change: str) -> None:
    one, two = (str(ApplicationFactory(accepted=True).public_id) for _ in range(2))
    caseworker.do(f"id,restore_siblings\n{one},no\n{two},no\n".encode())

    again = {
        "line ends": f"\ufeffid,restore_siblings\r\n{one},no\r\n{two},no\r\n,\r\n",
        "order of rows": f"id,restore_siblings\n{two},no\n{one},no\n",
        "order of columns": f"restore_siblings,id\nno,{one}\nno,{two}\n",
        "quotes": f'"ID",restore_siblings\n" {one}",no\n{two},"no"\n',
        "another column": f"id,note,restore_siblings\n{one},x,no\n{two},,no\n",
    }[change]

    assert "uploaded a file with the same rows" in caseworker.upload(again.encode()).content.decode()
    assert BulkJob.objects.count() == 1


def test_other_cells_are_another_file(caseworker: Office) -> None:
    one, two = (str(ApplicationFactory(accepted=True).public_id) for _ in range(2))
    caseworker.do(csv_file(["id"], [one]))

    assert states(caseworker.checked(csv_file(["id"], [two]))) == ["ready"]
    assert states(caseworker.checked(csv_file(["id"], [one], [uuid.uuid4()]))) == ["ready", "refused"]


def test_what_was_done_may_be_done_once_more_by_whoever_says_so(caseworker: Office) -> None:
    application = ApplicationFactory(accepted=True)
    content = csv_file(["id"], [application.public_id])
    caseworker.do(content)
    application.refresh_from_db()
    application.status = ApplicationStatus.PENDING
    EnrolmentFactory(application=application)
    asked = caseworker.upload(content)
    assert "Do it again" in asked.content.decode()

    answer = caseworker.upload(content, again="on")

    assert answer.status_code == 302
    assert states(BulkJob.objects.latest("id")) == ["ready"]


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
