"""The contract of every ops command: output, exit codes, rehearsals, the audit trail."""

from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError, connection

from npq.core.audit import acting_as
from npq.core.commands import BadInput, Fault, Mode, OpsCommand, as_table, in_words, only_run
from npq.core.errors import Refused
from npq.core.models import Change, Course
from npq.core.parsing import argument, iso_date
from tests.commands import run_command
from tests.factories import CourseFactory

pytestmark = pytest.mark.django_db


class NameTaken(Refused):
    """For the test only."""

    title = "name"
    code = "test_name_taken"
    detail = "The name {name} is taken. Choose another."


class RenameCourses(OpsCommand):
    """Renames courses: `taken` is refused, `nonsense` is bad input, `crash` breaks off."""

    mode = Mode.APPLIES
    corrects_records = True
    exclusive = True

    def add_options(self, parser: Any) -> None:
        parser.add_argument("names", nargs="+")
        parser.add_argument("--on", type=argument(iso_date))

    def run(self, *, names: list[str], **_: Any) -> None:
        for name in self.progress(names, label="renaming"):
            if name == "nonsense":
                raise BadInput(Fault("name", "nonsense", "is nonsense", line=7), "and so is the rest")
            if name == "crash":
                raise ZeroDivisionError
            if name == "down":
                raise OperationalError("the server went away\nDETAIL")
            if name == "taken":
                self.refused(NameTaken(name=name), id=name, price=Decimal("1.50"))
                continue
            with acting_as(self.actor, "rename_course"):
                Course.objects.update(name=name)
            self.report.row(id=name, result="renamed", price=Decimal("2.00"))


class Look(OpsCommand):
    """Only reads."""

    def run(self, **_: Any) -> None:
        self.report.row(id=1, result="seen")


@pytest.fixture
def course() -> Course:
    return CourseFactory(name="Before")


WHO = ("--actor", "Ada", "--reason", "asked to")


def test_without_apply_everything_is_done_and_nothing_kept(course: Course) -> None:
    run = run_command(RenameCourses(), "After")

    course.refresh_from_db()
    assert (run.code, course.name) == (0, "Before")
    assert "renamed" in run.out
    assert "Nothing was written. Run it again with --apply" in run.out


def test_apply_writes_and_the_trail_says_who_and_why(course: Course) -> None:
    run = run_command(RenameCourses(), "After", "--apply", *WHO)

    course.refresh_from_db()
    change = Change.objects.filter(record_id=course.id, operation="update").get()
    assert (run.code, course.name) == (0, "After")
    assert "Nothing was written" not in run.out
    assert (change.actor_kind, change.actor_name, change.reason) == ("command", "Ada", "asked to")
    assert change.actor_identifier == RenameCourses().name


@pytest.mark.parametrize("given", [(), ("--actor", "Ada"), ("--reason", "asked to"), ("--actor", " ", "--reason", "x")])
def test_a_correction_needs_a_name_and_a_reason(course: Course, given: tuple[str, ...]) -> None:
    run = run_command(RenameCourses(), "After", "--apply", *given)

    course.refresh_from_db()
    assert (run.code, course.name) == (2, "Before")
    assert "is required with --apply" in run.err


def test_json_has_the_published_form_and_failed_rows_end_in_1(course: Course) -> None:
    run = run_command(RenameCourses(), "taken", "After", "--apply", *WHO, "--format", "json")

    assert run.code == 1
    assert run.json == {
        "command": RenameCourses().name,
        "applied": True,
        "counts": {"refused": 1, "renamed": 1},
        "rows": [
            {
                "id": "taken",
                "result": "refused",
                "errors": [
                    {"field": "name", "code": "test_name_taken", "detail": "The name taken is taken. Choose another."}
                ],
                "price": "1.50",
            },
            {"id": "After", "result": "renamed", "errors": [], "price": "2.00"},
        ],
    }
    assert "1 of 2 failed." in run.err


def test_bad_input_ends_in_2_and_names_every_error(course: Course) -> None:
    run = run_command(RenameCourses(), "nonsense")

    assert run.code == 2
    assert "line 7: name: is nonsense\nand so is the rest" in run.err


def test_bad_input_as_json(course: Course) -> None:
    run = run_command(RenameCourses(), "nonsense", "--format", "json", "--apply", *WHO)

    assert (run.code, run.json["applied"]) == (2, False)
    assert run.errors == [(7, "name", "nonsense"), (None, "", "bad_input")]


@pytest.mark.parametrize("arguments", [(), ("x", "--on", "31/12/2024"), ("x", "--format", "xml"), ("x", "--wrong")])
def test_wrong_arguments_end_in_2(arguments: tuple[str, ...]) -> None:
    run = run_command(RenameCourses(), *arguments)

    assert run.code == 2
    assert "usage:" in run.err


def test_a_wrong_argument_is_explained() -> None:
    assert "write it as YYYY-MM-DD" in run_command(RenameCourses(), "x", "--on", "31/12/2024").err


def test_what_was_done_before_a_crash_is_shown(course: Course, capsys: Any) -> None:
    command = RenameCourses()

    with pytest.raises(ZeroDivisionError):
        run_command(command, "After", "crash", "--apply", *WHO)

    assert [row.value for row in command.report.rows] == ["After"]


def test_a_database_that_is_away_is_one_sentence(course: Course) -> None:
    run = run_command(RenameCourses(), "down")

    assert (run.code, run.err) == (1, "The database cannot be used: the server went away")


def test_overlapping_runs_are_refused(course: Course) -> None:
    runs: list[Any] = []

    def second() -> None:
        runs.append(run_command(RenameCourses(), "After"))
        connection.close()

    with only_run(RenameCourses().name):
        thread = Thread(target=second)
        thread.start()
        thread.join()
    afterwards = run_command(RenameCourses(), "After")

    assert runs[0].code == 1
    assert "is at work" in runs[0].err
    assert afterwards.code == 0


def test_the_lock_is_given_back_after_a_failure(course: Course) -> None:
    run_command(RenameCourses(), "nonsense")

    assert run_command(RenameCourses(), "After").code == 0


def test_an_empty_answer_is_said() -> None:
    class LookAtNothing(Look):
        def run(self, **_: Any) -> None:
            """Finds nothing."""

    assert run_command(LookAtNothing()).out == "Nothing found.\n"


def test_a_reading_command_takes_no_apply() -> None:
    assert run_command(Look()).code == 0
    assert run_command(Look(), "--apply").code == 2


def test_the_bar_shows_on_request_only(course: Course) -> None:
    assert "renaming" in run_command(RenameCourses(), "After", "--progress").err
    assert "renaming" not in run_command(RenameCourses(), "After").err


def test_the_table_is_aligned_and_errors_stand_below_their_row() -> None:
    command = RenameCourses()
    run_command(command, "taken")

    assert as_table(command.report.rows).splitlines() == [
        "id     result   price",
        "-----  -------  -----",
        "taken  refused  1.50",
        "    name: The name taken is taken. Choose another.",
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        (date(2024, 9, 1), "2024-09-01"),
        (datetime(2024, 9, 1, 12, tzinfo=UTC), "2024-09-01T12:00:00+00:00"),
        (Decimal("-0.50"), "-0.50"),
        (["a", 1], "a, 1"),
        ({"a": True}, "a: yes"),
    ],
)
def test_values_in_words(value: Any, words: str) -> None:
    assert in_words(value) == words
