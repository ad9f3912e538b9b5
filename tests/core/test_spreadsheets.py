"""CSV for spreadsheets: what a cell looks like, and that no text is run as a formula."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from npq.core.spreadsheets import ROWS_PER_CHUNK, cell, csv_chunks, uncell


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (12, "12"),
        (Decimal("-185.55"), "-185.55"),
        (date(2025, 1, 25), "2025-01-25"),
        (datetime(2025, 6, 1, 0, 30, 15, 999, tzinfo=timezone(timedelta(hours=1))), "2025-05-31T23:30:15Z"),
        ("Priya Okafor", "Priya Okafor"),
        ("O'Neill", "O'Neill"),
    ],
)
def test_a_cell(value: object, text: str) -> None:
    assert cell(value) == text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])
def test_a_text_that_would_be_a_formula_is_marked_as_text(start: str) -> None:
    assert cell(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


def test_commas_quotes_and_line_ends_stay_in_their_cell() -> None:
    (text,) = csv_chunks(["a", "b"], [('Okafor, "P"', "two\nlines")])

    assert text == 'a,b\r\n"Okafor, ""P""","two\nlines"\r\n'


def test_rows_are_written_as_they_come() -> None:
    taken = []

    def rows():
        for number in range(ROWS_PER_CHUNK + 1):
            taken.append(number)
            yield (number,)

    chunks = csv_chunks(["n"], rows())

    next(chunks)
    assert len(taken) == ROWS_PER_CHUNK
    assert next(chunks) == f"{ROWS_PER_CHUNK}\r\n"


def test_no_rows_leave_the_header() -> None:
    assert list(csv_chunks(["a", "b"], [])) == ["a,b\r\n"]
    assert cell(datetime(2025, 1, 1, tzinfo=UTC)) == "2025-01-01T00:00:00Z"


def test_a_heading_that_came_from_somebody_is_no_formula_either() -> None:
    (text,) = csv_chunks(["=1+1", "b"], [])

    assert text == "'=1+1,b\r\n"


@pytest.mark.parametrize("text", ["=1+1", "+Learning", "-", "@hub", "plain", "'quoted'", "o'clock", "", "'"])
def test_a_cell_comes_back_as_it_went_out(text: str) -> None:
    assert uncell(cell(text)) == text
