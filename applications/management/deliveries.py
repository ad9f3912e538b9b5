"""Files of applications: JSON lines and CSV, read row by row so that a bad row spoils no other.

A row is what the registration service would post: one flat object (decisions.md §5). In CSV a blank cell is null,
booleans are written as in every file of ours and lists are separated by `;` (decisions.md §8, Loading).
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from applications.services.submission import BOOLEANS, FIELDS, LISTS, REQUIRED
from npq.api.errors import MalformedJson, NotAnObject, UnreadableText
from npq.api.requests import parse_json
from npq.core.commands import BadInput, Fault
from npq.core.csv_files import check_header
from npq.core.parsing import boolean

LONGEST_CELL = 1_000_000

# What is wrong with a line, where the API speaks of a request.
WRONG_LINE = {
    MalformedJson: "is not JSON; write one JSON object on each line, encoded as UTF-8",
    NotAnObject: "is not one flat JSON object that holds the fields of one application",
    UnreadableText: "holds a NUL character or broken Unicode; remove it",
}


@dataclass(frozen=True)
class Delivery:
    """One row: the line it starts on, and its fields or what is wrong with the row as a whole."""

    line: int
    content: Mapping[str, Any]
    fault: Fault | None = None


def read_deliveries(path: str) -> Iterator[Delivery]:
    """The rows of a file; its extension says what it is.

    Raises BadInput for a file that cannot be read, another extension, and a CSV header that lacks a required column.
    """
    file = Path(path)
    reader = {".jsonl": _json_lines, ".csv": _csv_rows}.get(file.suffix.lower())
    if reader is None:
        raise BadInput(Fault("file", "unknown_extension", f"{path} must end in .jsonl (JSON lines) or .csv"))
    try:
        yield from reader(file)
    except OSError as problem:
        raise BadInput(Fault("file", "file_unreadable", f"{path} cannot be read: {problem.strerror}")) from problem


def count_lines(path: str) -> int:
    """How many lines a file has, for a progress bar; 0 when it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    except OSError:
        return 0


def _json_lines(file: Path) -> Iterator[Delivery]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                content = parse_json(line)
                if content is None:
                    continue
                if not isinstance(content, dict):
                    raise NotAnObject
            except (MalformedJson, NotAnObject, UnreadableText) as refusal:
                yield Delivery(number, {}, Fault("", refusal.code, WRONG_LINE[type(refusal)]))
            else:
                yield Delivery(number, content)


def _csv_rows(file: Path) -> Iterator[Delivery]:
    csv.field_size_limit(LONGEST_CELL)
    # A byte that is not UTF-8 becomes half a character, which its field then refuses.
    with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        reader = csv.reader(lines, strict=True)
        header: list[str] | None = None
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as problem:
                yield Delivery(number, {}, Fault("", "not_csv", f"is not CSV: {problem}"))
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [name.strip().lower() for name in cells]
                check_header(header, list(REQUIRED), number)
            else:
                yield _csv_delivery(number, header, cells)


def _csv_delivery(line: int, header: list[str], cells: list[str]) -> Delivery:
    if len(cells) != len(header):
        detail = f"has {len(cells)} cells where the header has {len(header)}"
        return Delivery(line, {}, Fault("", "wrong_number_of_cells", detail))
    named = zip(header, cells, strict=True)
    return Delivery(line, {name: _value(name, cell.strip()) for name, cell in named if name in FIELDS})


def _value(name: str, cell: str) -> Any:
    """The cell as the JSON value it stands for; what cannot be one stays text, and its field refuses it."""
    if not cell:
        return None
    if name in LISTS:
        return [part.strip() for part in cell.split(";") if part.strip()]
    if name in BOOLEANS:
        try:
            return boolean(cell)
        except ValueError:
            return cell
    return cell
