"""What a kind of bulk change is: the columns it reads and the service it calls. `catalogue` lists the kinds.

A kind reads a row into an `Order`, adding faults to the row where a cell cannot be read; the order calls the one
service that does one, and is not carried out when there are faults: then it says whom they are about. All rules are the
service's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from npq.backoffice.bulk.choices import BulkKind
from npq.backoffice.bulk.models import permission_for
from npq.core.audit import Actor
from npq.core.csv_files import CsvRow
from npq.core.effects import Pounds

Role = Literal["caseworker", "finance", "configuration"]


@dataclass(frozen=True)
class Column:
    """A column of the file: what it holds, in words, and an example."""

    name: str
    meaning: str
    example: str
    required: bool = True


@dataclass(frozen=True)
class Order:
    """What a row asks for: about which record (its public id and a name for people), and how it is done."""

    about: UUID | None
    name: str
    carry_out: Callable[[Actor], Any]
    person: UUID | None = None


@dataclass(frozen=True)
class LoadedRow:
    """What became, or would become, of a line of a file that is loaded as a whole."""

    line: int
    said: str
    changed: bool


@dataclass(frozen=True)
class Loaded:
    """What a file that is loaded as a whole does: to each line, and to figures in pounds."""

    rows: Sequence[LoadedRow]
    pounds: Sequence[Pounds] = ()


@dataclass(frozen=True)
class Kind:
    """What all kinds have. `explains` says what it does; `rules` are read before a file is made."""

    name: BulkKind
    role: Role
    explains: str
    columns: tuple[Column, ...]
    rules: tuple[str, ...] = ()
    # What its rows are about, to link to: `applications.application`.
    model: str = field(default="", kw_only=True)

    @property
    def title(self) -> str:
        """Its name for people."""
        return str(self.name.label)

    @property
    def permission(self) -> str:
        """What it takes."""
        return permission_for(self.name)

    @property
    def required(self) -> list[str]:
        """The columns that the header must have."""
        return [column.name for column in self.columns if column.required]

    @property
    def column_names(self) -> list[str]:
        """All columns that are read."""
        return [column.name for column in self.columns]

    @property
    def all_or_nothing(self) -> bool:
        """Whether one bad row keeps the others from being done."""
        return isinstance(self, FileKind)


@dataclass(frozen=True)
class RowKind(Kind):
    """Each row is done for itself. No two rows may be equal in all the columns of one of the `keys`."""

    read: Callable[[CsvRow], Order | None] = field(kw_only=True)
    keys: tuple[tuple[str, ...], ...] = field(kw_only=True)


@dataclass(frozen=True)
class FileKind(Kind):
    """All rows are done together or none is. `load` raises BadInput with the faults of every row."""

    load: Callable[[Sequence[CsvRow], Actor], Loaded] = field(kw_only=True)
