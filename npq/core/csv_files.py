"""Reading CSV files that people made: every error names its line, and the header is line 1.

`read_csv` raises BadInput for what is wrong with the file (decisions.md §8, Loading). What is wrong with a row
is collected in the row, so that the caller decides whether one bad row spoils the file:

    rows = read_csv(path, required=["cohort", "deadline_date"], optional=["lead_provider"])
    for row in rows:
        deadline = row.read("deadline_date", iso_date)              # a blank cell is an error
        provider = row.read("lead_provider", lead_provider, None)   # a blank cell is None
        if row.faults: …
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from npq.core.commands import BadInput, Fault

Value = TypeVar("Value")

MOST_BYTES = 50_000_000
# How workbooks begin: those of today, which are archives, and those of old.
WORKBOOK_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs"}
REQUIRED: Any = object()


@dataclass
class CsvRow:
    """One row: the line it starts on, its cells without surrounding blanks, and what is wrong with them."""

    line: int
    cells: dict[str, str]
    faults: list[Fault] = field(default_factory=list)

    def read(self, column: str, parse: Callable[[str], Value], blank: Any = REQUIRED) -> Any:
        """The parsed cell; `blank` for a blank cell or an absent optional column.

        A blank cell without `blank`, and a cell that `parse` refuses (ValueError), add a fault and give None.
        """
        text = self.cells.get(column, "")
        if not text:
            if blank is REQUIRED:
                self.wrong(column, "blank", "is blank; it needs a value")
                return None
            return blank
        try:
            return parse(text)
        except ValueError as problem:
            self.wrong(column, "invalid", str(problem))
            return None

    def wrong(self, column: str, code: str, detail: str) -> None:
        """Adds a fault of this row."""
        self.faults.append(Fault(field=column, code=code, detail=detail, line=self.line))


@dataclass(frozen=True)
class CsvTable:
    """A CSV file as it was written: the header, and (line the record starts on, cells) of each record.

    `misshapen` are the records that do not fit the header, each with its fault.
    """

    header: list[str]
    records: list[tuple[int, list[str]]]
    misshapen: list[tuple[int, list[str], Fault]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The names of the columns: without surrounding blanks, in lower case."""
        return [name.strip().lower() for name in self.header]

    def whole(self) -> "CsvTable":
        """The table itself. Raises BadInput when it has misshapen records."""
        if self.misshapen:
            raise BadInput(*(fault for _, _, fault in self.misshapen))
        return self

    def rows(self, columns: Iterable[str]) -> list[CsvRow]:
        """The cells of some columns, row by row; a column that the file lacks is left out."""
        wanted = set(columns)
        return [
            CsvRow(line, {name: cell.strip() for name, cell in zip(self.names, cells, strict=True) if name in wanted})
            for line, cells in self.records
        ]


def read_csv(path: str | Path, *, required: Iterable[str], optional: Iterable[str] = ()) -> list[CsvRow]:
    """All rows of a CSV file with a header; columns in any order, others are ignored.

    Raises BadInput when the file cannot be read, is larger than MOST_BYTES, is not UTF-8, is no CSV, lacks a
    required column, names one twice, has a row with too many or too few cells, or has no rows.
    """
    required = list(required)
    return table_of(read_text(path), required=required).whole().rows({*required, *optional})


def table_of(text: str, *, required: Iterable[str]) -> CsvTable:
    """The table that a text is. Raises BadInput as `read_csv` does, but for rows with too many or too few cells.

    Blank cells beyond the header's last are dropped, and those that spreadsheets leave out at the end of a row are
    filled in, unless a required column is among them.
    """
    required = list(required)
    records = _records(text)
    header_line, header = next(records, (1, []))
    table = CsvTable(header, [])
    if not set(required) <= set(table.names):
        _check_separator(header, required, header_line)
    check_header(table.names, required, header_line)
    needed = max((number for number, name in enumerate(table.names, start=1) if name in required), default=0)
    for line, cells in records:
        fitting = _fitted(cells, needed, len(header))
        if len(fitting) == len(header):
            table.records.append((line, fitting))
        else:
            detail = f"has {len(cells)} cell{'' if len(cells) == 1 else 's'} where the header has {len(header)}"
            if len(cells) > len(header):
                detail += "; a cell with a comma in it needs quotation marks around it"
            table.misshapen.append((line, cells, Fault("", "wrong_number_of_cells", detail, line)))
    if not table.records and not table.misshapen:
        raise BadInput(Fault(field="", code="no_rows", detail="the file has a header and no rows", line=header_line))
    return table


def _fitted(cells: list[str], needed: int, wanted: int) -> list[str]:
    """A record with as many cells as wanted, where nothing is lost or guessed by that; as it is otherwise."""
    if len(cells) > wanted and not any(cell.strip() for cell in cells[wanted:]):
        return cells[:wanted]
    if needed <= len(cells) < wanted:
        return cells + [""] * (wanted - len(cells))
    return cells


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file (a byte order mark is dropped); raises BadInput when it cannot be had."""
    file = Path(path)
    try:
        if file.is_file() and file.stat().st_size > MOST_BYTES:
            raise BadInput(
                Fault(field="", code="file_too_large", detail=f"{path} is larger than {MOST_BYTES // 1_000_000} MB")
            )
        content = file.read_bytes()
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise BadInput(Fault(field="", code="file_unreadable", detail=f"{path} cannot be read: {reason}")) from problem
    return text_of(content, str(path))


def text_of(content: bytes, name: str) -> str:
    """The text of what a UTF-8 file holds (a byte order mark is dropped); raises BadInput when it is none."""
    if content.startswith(WORKBOOK_STARTS):
        detail = f"{name} is a workbook, not CSV; save it as CSV UTF-8 (comma delimited) and try again"
        raise BadInput(Fault(field="", code="workbook", detail=detail))
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        detail = "is not UTF-8; save the file as CSV UTF-8 (comma delimited) and try again"
        raise BadInput(Fault(field="", code="not_utf8", detail=detail, line=line)) from problem
    if "\0" in decoded:
        line = decoded.count("\n", 0, decoded.index("\0")) + 1
        raise BadInput(Fault(field="", code="not_text", detail="holds a NUL character; is this a CSV file?", line=line))
    if not decoded.strip():
        raise BadInput(Fault(field="", code="file_empty", detail=f"{name} is empty", line=1))
    return decoded


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line the record starts on, cells) of every record that is not blank."""
    # Without newline="" a cell would lose its own line breaks; str.splitlines breaks at more than line breaks.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            detail = f"is not CSV: {problem}"
            raise BadInput(Fault(field="", code="not_csv", detail=detail, line=line)) from problem
        if any(cell.strip() for cell in cells):
            yield line, cells


def _check_separator(header: list[str], required: list[str], line: int) -> None:
    """Raises BadInput when the header would do if its cells were separated by something else."""
    for separator, plural in OTHER_SEPARATORS.items():
        names = {name.strip().lower() for name in ",".join(header).split(separator)}
        if set(required) <= names:
            detail = f"the columns are separated by {plural}; save the file with commas between them and try again"
            raise BadInput(Fault(field="", code="wrong_separator", detail=detail, line=line))


def check_header(names: list[str], required: list[str], line: int) -> None:
    """Raises BadInput when a header, in lower case, lacks a required column or names one twice."""
    repeated = [name for name, times in Counter(names).items() if times > 1 and name]
    faults = [
        Fault(field=name, code="column_missing", detail="is missing from the header", line=line)
        for name in required
        if name not in names
    ]
    faults += [
        Fault(field=name, code="column_repeated", detail="is twice in the header", line=line) for name in repeated
    ]
    if faults:
        raise BadInput(*faults)
