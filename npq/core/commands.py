"""`OpsCommand`: the base of every command that operations staff and scripts run (decisions.md §6, §8).

    class Command(OpsCommand):
        help = "Takes back a wrong acceptance."
        mode = Mode.APPLIES            # READS (default), ACTS (writes at once) or APPLIES (has --apply)
        corrects_records = True        # --actor and --reason are required with --apply
        exclusive = True               # a second run at the same time is refused

        def add_options(self, parser):
            parser.add_argument("id", type=argument(public_id))      # npq.core.parsing

        def run(self, *, id, **options):
            try:
                undo_acceptance(application_id=…, by=self.actor, now=clock.now())
            except Refused as refusal:
                self.refused(refusal, id=id)
            else:
                self.report.row(id=id, result="undone", schedule="npq-leadership-spring")

What the base does:

* `--format table|json`; `--actor`, `--reason` unless the command only reads; `--apply` for `Mode.APPLIES`;
  `--progress` forces the bar of `self.progress(items, total=…)`, which otherwise shows on a terminal only.
* `self.actor` is who writes (`Actor.command`); without --actor the name of the login.
* Without `--apply`, `run` happens within `rehearsal()`: services run in full, refuse what they would refuse and
  keep nothing, and the output says so. `self.applying` tells which it is; a command rarely needs to ask.
* `self.report.row(id=… or line=…, result="…", errors=[Fault, …], **columns)` adds a row of output. A row with
  errors has failed. `effects=what_would_change(…)` shows below it what changes (`npq.core.effects`).
  `self.refused(refusal, id=… or line=…)` adds the failed row of a `Refused`.
  Results are counted under their own name; `self.report.count("offered", 12)` adds another count.
* `raise BadInput("sentence")` or `BadInput(Fault(…), …)`: the input makes no sense; every error is shown.
* `self.say("…")` writes a line for people (standard error); tables and JSON alone go to standard output.
* A command whose JSON has another form overrides `document()`; one whose table has, `table()`.
* Exit codes: 0 done; 1 some rows failed, or the command raised `Failed`; 2 bad input, wrong arguments included.
* What had been done when a run breaks off is printed before the error.

JSON: `{"command", "applied", "counts": {…}, "rows": [{"line" or "id", "result", "errors": [{"field", "code",
"detail"}], …}]}`. CSV files: `npq.core.csv_files`. In tests: `tests.commands.run_command`.
"""

import contextlib
import getpass
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError, connection
from tqdm import tqdm

from npq.core.audit import Actor, rehearsal
from npq.core.effects import Effects
from npq.core.errors import Refused

Item = TypeVar("Item")


class Mode(Enum):
    """What a command does to the data."""

    READS = "reads"
    ACTS = "acts"
    APPLIES = "applies"


@dataclass(frozen=True)
class Fault:
    """One error of one row: the field it is about, a stable code and a sentence."""

    field: str
    code: str
    detail: str
    line: int | None = None

    def for_json(self) -> dict[str, str]:
        """The three keys that scripts read."""
        return {"field": self.field, "code": self.code, "detail": self.detail}

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.field + ': ' if self.field else ''}{self.detail}"


class Failed(CommandError):
    """The command could not do all of its work: exit code 1."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, returncode=1)


class BadInput(CommandError):
    """The input makes no sense and nothing was done: exit code 2. Takes sentences or `Fault`s."""

    def __init__(self, *errors: Fault | str) -> None:
        self.faults = [Fault(field="", code="bad_input", detail=e) if isinstance(e, str) else e for e in errors]
        super().__init__("\n".join(str(fault) for fault in self.faults), returncode=2)


@dataclass
class Row:
    """One row of output."""

    key: str
    value: Any
    result: str
    errors: list[Fault] = field(default_factory=list)
    columns: dict[str, Any] = field(default_factory=dict)
    effects: Effects | None = None

    def for_json(self) -> dict[str, Any]:
        """The row as scripts read it."""
        errors = [fault.for_json() for fault in self.errors]
        effects = self.effects.for_json() if self.effects else {}
        return {self.key: self.value, "result": self.result, "errors": errors, **self.columns, **effects}

    def below(self) -> list[str]:
        """What stands below the row in a table: its errors and its effects."""
        return [str(fault) for fault in self.errors] + (self.effects.lines() if self.effects else [])


class Report:
    """What a command has to tell: rows and counts."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._counts: dict[str, int] = {}

    def row(
        self,
        *,
        result: str,
        id: Any = None,  # noqa: A002  the key that scripts read
        line: int | None = None,
        errors: Iterable[Fault] = (),
        effects: Effects | None = None,
        **columns: Any,
    ) -> None:
        """Adds a row about a record (`id`) or a line of a file (`line`); with errors it has failed."""
        key, value = ("line", line) if line is not None else ("id", id)
        self.rows.append(Row(key, value, result, list(errors), columns, effects))
        self.count(result, 1)

    def count(self, name: str, number: int) -> None:
        """Adds to a count; rows are counted under their result without being asked."""
        self._counts[name] = self._counts.get(name, 0) + number

    @property
    def counts(self) -> dict[str, int]:
        """How many, by result and by whatever the command counted."""
        return dict(self._counts)

    @property
    def failed(self) -> int:
        """How many rows failed."""
        return sum(bool(row.errors) for row in self.rows)


class OpsCommand(BaseCommand):
    """See the module's docstring."""

    mode: ClassVar[Mode] = Mode.READS
    # False for a command whose standard output is the file it was asked for.
    says_when_empty: ClassVar[bool] = True
    corrects_records: ClassVar[bool] = False
    exclusive: ClassVar[bool] = False
    requires_system_checks: list[str] = []

    report: Report
    actor: Actor
    applying: bool

    # What a subclass writes ---------------------------------------------------------------------

    def add_options(self, parser: CommandParser) -> None:
        """Adds the command's own arguments."""

    def run(self, *args: Any, **options: Any) -> None:
        """Does the work: one service call per item, one report row per item."""
        raise NotImplementedError

    def document(self) -> dict[str, Any]:
        """What `--format json` prints."""
        return {
            "command": self.name,
            "applied": self.applying,
            "counts": self.report.counts,
            "rows": [row.for_json() for row in self.report.rows],
        }

    def table(self) -> str:
        """What `--format table` prints."""
        return as_table(self.report.rows)

    # What a subclass uses -----------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The command's name."""
        return type(self).__module__.rsplit(".", 1)[-1]

    def refused(
        self,
        refusal: Refused,
        *,
        id: Any = None,  # noqa: A002  the key that scripts read
        line: int | None = None,
        **columns: Any,
    ) -> None:
        """Adds the failed row of something a rule refused."""
        faults = [Fault(problem.title, problem.code, problem.detail) for problem in refusal.problems]
        self.report.row(id=id, line=line, result="refused", errors=faults, **columns)

    def failed(
        self,
        problem: Exception,
        *,
        id: Any = None,  # noqa: A002  the key that scripts read
        line: int | None = None,
        **columns: Any,
    ) -> None:
        """Adds the failed row of whatever went wrong with one item: a refusal in its words, or something unexpected."""
        if isinstance(problem, Refused):
            self.refused(problem, id=id, line=line, **columns)
            return
        fault = Fault("", "unexpected", repr(problem))
        self.report.row(id=id, line=line, result="failed", errors=[fault], **columns)

    def progress(self, items: Iterable[Item], *, total: int | None = None, label: str = "") -> Iterator[Item]:
        """Goes through the items, with a bar on standard error when a person is looking or asked for it."""
        shown = self._progress_asked or sys.stderr.isatty()
        return iter(tqdm(items, total=total, desc=label or None, disable=not shown, file=sys.stderr, leave=False))

    def say(self, sentence: str) -> None:
        """A line for people, on standard error."""
        self.stderr.write(sentence, self.style.NOTICE)

    # What the base does -------------------------------------------------------------------------

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_options(parser)
        parser.add_argument("--format", choices=["table", "json"], default="table", help="how to print what was done")
        parser.add_argument("--progress", action="store_true", help="show a progress bar even without a terminal")
        if self.mode is Mode.READS:
            return
        required = " (required with --apply)" if self.corrects_records else ""
        parser.add_argument("--actor", default="", help=f"who does this, for the audit trail{required}")
        parser.add_argument("--reason", default="", help=f"why, for the audit trail{required}")
        if self.mode is Mode.APPLIES:
            parser.add_argument("--apply", action="store_true", help="write; without it, only say what would happen")

    def handle(self, **options: Any) -> None:
        for ours in ("verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks"):
            options.pop(ours, None)
        self.report = Report()
        self._progress_asked = options.pop("progress")
        self.as_json = options.pop("format") == "json"
        actor, reason = options.pop("actor", "").strip(), options.pop("reason", "").strip()
        self.applying = options.pop("apply", self.mode is Mode.ACTS)
        self.actor = Actor.command(actor or login_name(), reason=reason, command=self.name)
        try:
            self._check_audit(actor, reason)
            with contextlib.ExitStack() as stack:
                if self.exclusive:
                    stack.enter_context(only_run(self.name))
                if self.mode is Mode.APPLIES and not self.applying:
                    stack.enter_context(rehearsal())
                self.run(**options)
        except BadInput as bad:
            self._show_bad_input(bad)
            raise
        except BaseException as problem:
            if self.report.rows:
                self._show()
            raise_in_words(problem)
            raise
        self._show()
        if self.report.failed:
            raise Failed(f"{self.report.failed} of {len(self.report.rows)} failed.")

    def _check_audit(self, actor: str, reason: str) -> None:
        if self.corrects_records and self.applying:
            missing = [name for name, given in (("--actor", actor), ("--reason", reason)) if not given]
            faults = [Fault(name, "required", f"{name} is required with --apply") for name in missing]
            if faults:
                raise BadInput(*faults)

    def _show(self) -> None:
        if self.as_json:
            self.stdout.write(as_json(self.document()))
            return
        table = self.table()
        if table:
            self.stdout.write(table)
        if not table and not self.report.counts and self.says_when_empty:
            self.stdout.write("Nothing found." if self.mode is Mode.READS else "Nothing to do.")
        if self.report.counts:
            self.stdout.write(", ".join(f"{number} {name}" for name, number in self.report.counts.items()))
        if self.mode is Mode.APPLIES and not self.applying:
            self.stdout.write("Nothing was written. Run it again with --apply to do this.")

    def _show_bad_input(self, bad: BadInput) -> None:
        self.applying = False
        self.report = Report()
        if self.as_json:
            for line in dict.fromkeys(fault.line for fault in bad.faults):
                errors = [fault for fault in bad.faults if fault.line == line]
                self.report.row(line=line, result="bad_input", errors=errors)
            self.stdout.write(as_json(OpsCommand.document(self)))


def login_name() -> str:
    """Who is logged in, for the audit trail of a command run without --actor."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


@contextlib.contextmanager
def only_run(name: str) -> Iterator[None]:
    """Holds the lock of a name for the block; raises Failed when another process holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"npq {name}"])
        (held,) = cursor.fetchone()
    if not held:
        raise Failed(f"Another run of {name} is at work. Wait until it has finished.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"npq {name}"])


def raise_in_words(problem: BaseException) -> None:
    """Turns the two database errors that operations staff meet into a sentence; leaves others alone."""
    if isinstance(problem, OperationalError):
        raise Failed(f"The database cannot be used: {str(problem).strip().splitlines()[0]}") from problem
    if isinstance(problem, ProgrammingError) and getattr(problem.__cause__, "sqlstate", "") == "42P01":
        raise Failed("The database lacks a table. Run `manage.py migrate` first.") from problem


def as_json(document: Any) -> str:
    """JSON for scripts: amounts as text with their decimals, instants in ISO format."""
    return json.dumps(document, indent=2, ensure_ascii=False, default=in_words)


def as_table(rows: list[Row]) -> str:
    """Rows in aligned columns under a heading, each error on a line of its own below its row."""
    if not rows:
        return ""
    columns = list(dict.fromkeys(name for row in rows for name in (row.key, "result", *row.columns)))
    heads = [name.replace("_", " ") for name in columns]
    bodies = [[in_words(_cell(row, name)) for name in columns] for row in rows]
    widths = [max(len(text) for text in texts) for texts in zip(heads, *bodies, strict=True)]
    lines = [_line(heads, widths), _line(["-" * width for width in widths], widths)]
    for row, body in zip(rows, bodies, strict=True):
        lines.append(_line(body, widths))
        lines.extend(f"    {line}" for line in row.below())
    return "\n".join(lines)


def _cell(row: Row, name: str) -> Any:
    if name == row.key:
        return row.value
    return row.result if name == "result" else row.columns.get(name)


def _line(texts: list[str], widths: list[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()


def in_words(value: Any) -> str:
    """A value as text: dates in ISO format, nothing for None, yes and no for booleans."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date | UUID | Decimal | int | str):
        return str(value)
    if isinstance(value, list | tuple | set):
        return ", ".join(in_words(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {in_words(each)}" for name, each in value.items())
    return str(value)
