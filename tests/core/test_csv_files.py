"""Reading CSV files that people made: every error names its line."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from npq.core import csv_files
from npq.core.commands import BadInput
from npq.core.csv_files import read_csv
from npq.core.parsing import amount, boolean, exact_decimal, iso_date, one_of, public_id, whole_number, year_month


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def to_file(content: str | bytes) -> Path:
        path = tmp_path / "file.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file


def faults_of(path: Path | str, required: list[str]) -> list[tuple[int | None, str, str]]:
    with pytest.raises(BadInput) as caught:
        read_csv(path, required=required)
    return [(fault.line, fault.field, fault.code) for fault in caught.value.faults]


def test_columns_in_any_order_extra_ones_ignored_blank_lines_skipped(write: Any) -> None:
    rows = read_csv(write('\ufeffB, A ,extra\n1," x "\n'.replace('"\n', '",z\n') + "\n3,y,z\n"), required=["a", "b"])

    assert [(row.line, row.cells) for row in rows] == [(2, {"b": "1", "a": "x"}), (4, {"b": "3", "a": "y"})]


def test_a_row_after_a_cell_with_line_breaks_keeps_its_line_number(write: Any) -> None:
    rows = read_csv(write('a,b\n"one\ntwo",x\n2,y\n'), required=["a"])

    assert [row.line for row in rows] == [2, 4]


def test_blank_cells_at_the_end_may_be_left_out_or_be_too_many(write: Any) -> None:
    rows = read_csv(write("a,b,c\n1\n1,2\n1,2,3,,\n1,2,3\n"), required=["a"], optional=["b", "c"])

    assert [list(row.cells.values()) for row in rows] == [
        ["1", "", ""],
        ["1", "2", ""],
        ["1", "2", "3"],
        ["1", "2", "3"],
    ]


@pytest.mark.parametrize("letter", ["\u2028", "\x0b", "\x0c", "\x1c", "\x85"])
def test_only_line_breaks_end_a_row(write: Any, letter: str) -> None:
    rows = read_csv(write(f"a,b\n1{letter}1,2\n3,4\r\n5,6\r7,8"), required=["a", "b"])

    assert [(row.line, row.cells["b"]) for row in rows] == [(2, "2"), (3, "4"), (4, "6"), (5, "8")]


def test_absent_optional_columns_read_as_blank(write: Any) -> None:
    (row,) = read_csv(write("a\n1\n"), required=["a"], optional=["b"])

    assert (row.read("b", boolean, False), row.faults) == (False, [])


def test_cells_that_cannot_be_read_are_faults_of_the_row(write: Any) -> None:
    (row,) = read_csv(write("day,price,flag\n2024-13-01,,maybe\n"), required=["day", "price", "flag"])

    assert [row.read("day", iso_date), row.read("price", amount), row.read("flag", boolean)] == [None] * 3
    assert [(fault.line, fault.field, fault.code) for fault in row.faults] == [
        (2, "day", "invalid"),
        (2, "price", "blank"),
        (2, "flag", "invalid"),
    ]


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ("", [(1, "", "file_empty")]),
        ("  \n \n", [(1, "", "file_empty")]),
        ("a,b\n", [(1, "", "no_rows")]),
        ("a\n1\n", [(1, "b", "column_missing")]),
        ("x\n1\n", [(1, "a", "column_missing"), (1, "b", "column_missing")]),
        ("a,b,a\n1,2,3\n", [(1, "a", "column_repeated")]),
        ("a,b\n1\n1,2\n1,2,3\n", [(2, "", "wrong_number_of_cells"), (4, "", "wrong_number_of_cells")]),
        ("b;a\n1;2\n", [(1, "", "wrong_separator")]),
        ("b\ta\n1\t2\n", [(1, "", "wrong_separator")]),
        (b"PK\x03\x04\x00", [(None, "", "workbook")]),
        ('a,b\n1,2\n"1,2\n', [(3, "", "not_csv")]),
        (b"a,b\n1,2\n\xff,2\n", [(3, "", "not_utf8")]),
        (b"a,b\n1,\x00\n", [(2, "", "not_text")]),
    ],
)
def test_what_is_wrong_with_a_file(write: Any, content: str | bytes, faults: list[Any]) -> None:
    assert faults_of(write(content), ["a", "b"]) == faults


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert faults_of(tmp_path / "none.csv", ["a"]) == [(None, "", "file_unreadable")]
    assert faults_of(tmp_path, ["a"]) == [(None, "", "file_unreadable")]


def test_a_file_that_is_too_large(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "MOST_BYTES", 5)

    assert faults_of(write("a,b\n1,2\n"), ["a"]) == [(None, "", "file_too_large")]


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (boolean, "TRUE", True),
        (boolean, "Yes", True),
        (boolean, "1", True),
        (boolean, "false", False),
        (boolean, "NO", False),
        (boolean, "0", False),
        (iso_date, "2024-02-29", date(2024, 2, 29)),
        (year_month, "2024-09", (2024, 9)),
        (amount, "-120.5", Decimal("-120.5")),
        (amount, "0", Decimal(0)),
        (exact_decimal, "0.125", Decimal("0.125")),
        (whole_number, "007", 7),
        (one_of(["a", "b"]), "b", "b"),
    ],
)
def test_values_that_can_be_read(parse: Any, text: str, value: Any) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (boolean, "y"),
        (boolean, ""),
        (iso_date, "20240229"),
        (iso_date, "2023-02-29"),
        (iso_date, "29/02/2024"),
        (year_month, "2024-13"),
        (year_month, "2024-9"),
        (amount, "1.005"),
        (amount, "£1"),
        (amount, "1,000"),
        (amount, "1e3"),
        (amount, "NaN"),
        (amount, "."),
        (amount, "1."),
        (amount, "--1"),
        (amount, "٣"),
        (amount, "9" * 30),
        (whole_number, "-1"),
        (whole_number, "1.0"),
        (whole_number, "9" * 30),
        (public_id, "2f4c8b1e"),
        (public_id, "{2f4c8b1e-0000-4000-8000-00000000000}"),
        (one_of(["a", "b"]), "c"),
    ],
)
def test_values_that_cannot_be_read(parse: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse(text)
