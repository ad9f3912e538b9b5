"""`import_applications`: good rows are kept, bad ones are told by line, field and reason (decisions.md §5, §6, §8)."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from applications.management.commands import import_applications
from applications.models import Application
from applications.services.submission import FIELDS
from npq.core.errors import TooMuchContention
from npq.core.models import Change, LeadProvider
from participants.models import Participant
from tests.applications.submissions import smallest
from tests.commands import CommandRun, run_command
from tests.factories import CohortFactory, CourseFactory, ParticipantFactory, ParticipantIdChangeFactory

# Each batch is a transaction of its own, as it is on the command line.
pytestmark = pytest.mark.django_db(transaction=True)

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def reference_data(provider: LeadProvider) -> None:
    CourseFactory()
    CohortFactory()


@pytest.fixture
def json_lines(tmp_path: Path) -> Write:
    def write(*rows: Any, name: str = "file.jsonl") -> Path:
        lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
        path = tmp_path / name
        path.write_bytes(b"\n".join(lines) + b"\n")
        return path

    return write


@pytest.fixture
def csv_file(tmp_path: Path) -> Write:
    def write(*rows: dict[str, Any], name: str = "file.csv") -> Path:
        path = tmp_path / name
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(dict.fromkeys(key for row in rows for key in row)))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def run(path: Path, *options: str) -> CommandRun:
    return run_command("import_applications", path, "--format", "json", *options)


def results(done: CommandRun) -> list[tuple[int, str]]:
    return [(row["line"], row["result"]) for row in done.json["rows"]]


def test_good_rows_are_kept_and_bad_ones_told(json_lines: Write) -> None:
    path = json_lines(
        smallest(),
        smallest(email="nonsense", cohort=1999),
        b"",
        b"{ not json",
        b"[]",
        b'{"full_name": "\xff"}',
        b'{"full_name": "\\u0000"}',
        smallest(),
    )

    done = run(path, "--apply")

    assert done.code == 1
    assert done.json["counts"] == {"created": 2, "refused": 5}
    assert done.errors == [
        (2, "email", "email_malformed"),
        (2, "cohort", "unknown_cohort"),
        (4, "", "malformed_json"),
        (5, "", "not_an_object"),
        (6, "", "malformed_json"),
        (7, "", "unreadable_text"),
    ]
    assert "request" not in " ".join(error["detail"] for row in done.json["rows"][2:] for error in row["errors"])
    assert [line for line, result in results(done) if result == "created"] == [1, 8]
    assert Application.objects.count() == 2


def test_all_good_is_exit_code_0(json_lines: Write) -> None:
    done = run(json_lines(smallest(), smallest()), "--apply")

    assert done.code == 0
    assert done.json["applied"] is True
    assert "2 rows in" in done.err
    assert "rows a second" in done.err


def test_loading_again_changes_nothing(json_lines: Write) -> None:
    path = json_lines(smallest(), smallest())
    run(path, "--apply")
    before = [*Application.objects.values(), *Participant.objects.values()]

    done = run(path, "--apply")

    assert done.code == 0
    assert done.json["counts"] == {"unchanged": 2}
    assert [*Application.objects.values(), *Participant.objects.values()] == before


@pytest.mark.parametrize("options", [[], ["--apply"]])
def test_a_row_that_repeats_or_contradicts_another(json_lines: Write, options: list[str]) -> None:
    row = smallest()

    done = run(json_lines(row, row, {**row, "email": "other@example.org"}), *options)

    assert results(done) == [(1, "created"), (2, "unchanged"), (3, "refused")]
    assert done.errors == [(3, "id", "application_contradicted")]


@pytest.mark.parametrize("options", [[], ["--apply"]])
def test_rows_of_another_transaction_are_compared_too(
    json_lines: Write, options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_applications, "ROWS_PER_TRANSACTION", 1)
    row = smallest()

    done = run(json_lines(row, row, {**row, "email": "other@example.org"}), *options)

    assert results(done) == [(1, "created"), (2, "unchanged"), (3, "refused")]


def test_without_apply_nothing_is_written(json_lines: Write) -> None:
    path = json_lines(smallest(), smallest(email="nonsense"))

    done = run(path)

    assert done.code == 1
    assert done.json["applied"] is False
    assert done.json["counts"] == {"created": 1, "refused": 1}
    assert not Application.objects.exists()
    assert not Participant.objects.exists()


def test_the_table_shows_what_was_refused(json_lines: Write) -> None:
    done = run_command("import_applications", json_lines(smallest(), smallest(email="nonsense")))

    assert done.out.splitlines() == [
        "line  result",
        "----  -------",
        "2     refused",
        "    email: '#/email' must be one email address, such as name@school.example.org.",
        "1 created, 1 refused",
        "Nothing was written. Run it again with --apply to do this.",
    ]


def test_the_answer_names_the_survivor(json_lines: Write) -> None:
    survivor = ParticipantFactory()
    retired = ParticipantFactory(merged_into=survivor)
    ParticipantIdChangeFactory(participant=survivor, from_participant_id=retired.public_id)

    done = run(json_lines(smallest(participant_id=str(retired.public_id))), "--apply")

    [row] = done.json["rows"]
    assert row["participant_id"] == str(survivor.public_id)
    assert row["application_id"] == str(Application.objects.get().public_id)


def test_the_trail_names_each_row_and_who_loaded_it(json_lines: Write) -> None:
    run(json_lines(smallest(), smallest()), "--apply", "--actor", "Ada", "--reason", "Back-load of 2023")

    found = Change.objects.filter(table="applications_application")
    assert (
        list(found.values_list("action", "actor_kind", "actor_name", "actor_identifier", "reason"))
        == [("receive_application", "command", "Ada", "import_applications", "Back-load of 2023")] * 2
    )


# CSV


def test_csv(csv_file: Write) -> None:
    path = csv_file(
        smallest(
            eligible_for_funding="YES",
            works_in_school="0",
            lead_mentor="",
            previous_names="Priya Reed; P. Reed ;",
            cohort="2023",
            employer_name=' Northbeck, "the" Council ',
            teacher_reference_number="",
            unheard_of="ignored",
        )
    )

    done = run(path, "--apply")

    assert done.code == 0
    assert results(done) == [(2, "created")]
    application = Application.objects.get()
    assert (application.eligible_for_funding, application.works_in_school, application.lead_mentor) == (
        True,
        False,
        None,
    )
    assert application.employer_name == 'Northbeck, "the" Council'
    assert application.participant.previous_names == ["Priya Reed", "P. Reed"]
    assert application.participant.teacher_reference_number is None


def test_csv_and_json_lines_are_the_same_content(csv_file: Write, json_lines: Write) -> None:
    row = smallest(previous_names=["Priya Reed"], senco_start_date="2025-09-01")
    run(json_lines(row), "--apply")

    done = run(csv_file({**row, "previous_names": "Priya Reed"}), "--apply")

    assert done.json["counts"] == {"unchanged": 1}


def test_csv_rows_are_told_by_the_line_they_start_on(csv_file: Write) -> None:
    path = csv_file(
        smallest(full_name="Priya\nOkafor"), smallest(email="nonsense"), smallest(eligible_for_funding="perhaps")
    )

    done = run(path, "--apply")

    assert done.errors == [(4, "email", "email_malformed"), (5, "eligible_for_funding", "field_not_boolean")]


def test_a_broken_csv_row_spoils_no_other(csv_file: Write) -> None:
    path = csv_file(smallest(), smallest())
    header, first, second = path.read_bytes().splitlines()
    path.write_bytes(
        b"\r\n".join(
            [b"\xef\xbb\xbf" + header, first + b",", b"", second.replace(b"Priya", b"\xff"), b'a"b,"c"d', first, b""]
        )
    )

    done = run(path, "--apply")

    assert done.errors == [
        (2, "", "wrong_number_of_cells"),
        (4, "full_name", "field_unreadable"),
        (5, "", "not_csv"),
    ]
    assert results(done)[-1] == (6, "created")


# Bad input


def test_a_missing_column(csv_file: Write) -> None:
    row = smallest()
    del row["email"], row["cohort"]

    done = run(csv_file(row), "--apply")

    assert done.code == 2
    assert done.errors == [(1, "email", "column_missing"), (1, "cohort", "column_missing")]


def test_a_column_named_twice(csv_file: Write) -> None:
    path = csv_file(smallest())
    header, row = path.read_text().splitlines()
    path.write_text(f"{header},EMAIL\n{row},x@example.org\n")

    done = run(path)

    assert (done.code, done.errors) == (2, [(1, "email", "column_repeated")])


@pytest.mark.parametrize("content", [b"", b"\n\n", ",".join(FIELDS).encode() + b"\n"])
def test_a_csv_file_without_rows(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)

    done = run(path)

    assert (done.code, [code for _, _, code in done.errors]) == (2, ["no_rows"])


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_json_file_without_rows(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(content)

    assert run(path).code == 2


@pytest.mark.parametrize(
    ("name", "code"),
    [("file.json", "unknown_extension"), ("file", "unknown_extension"), ("none.jsonl", "file_unreadable")],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "file").write_text("x")

    done = run(tmp_path / name, "--apply")

    assert (done.code, done.errors) == (2, [(None, "file", code)])


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "dir.csv").mkdir()

    assert run(tmp_path / "dir.csv").code == 2


def test_busy_people_are_told_and_the_rest_goes_on(json_lines: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_applications, "ROWS_PER_TRANSACTION", 2)
    receive = import_applications.receive_applications

    def busy_at_first(**arguments: Any) -> Any:
        monkeypatch.setattr(import_applications, "receive_applications", receive)
        raise TooMuchContention

    monkeypatch.setattr(import_applications, "receive_applications", busy_at_first)

    done = run(json_lines(smallest(), b"{", smallest()), "--apply")

    assert done.errors == [(1, "", "records_busy"), (2, "", "malformed_json")]
    assert results(done)[-1] == (3, "created")
