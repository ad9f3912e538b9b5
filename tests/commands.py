"""Runs a command as the command line would, without a process of its own."""

import contextlib
import io
import json
from dataclasses import dataclass
from typing import Any

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError


@dataclass(frozen=True)
class CommandRun:
    """How a command ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, read as JSON."""
        return json.loads(self.out)

    @property
    def errors(self) -> list[tuple[int | str | None, str, str]]:
        """(line or id, field, code) of every error in the JSON output."""
        return [
            (row.get("line", row.get("id")), error["field"], error["code"])
            for row in self.json["rows"]
            for error in row["errors"]
        ]


def run_command(command: str | BaseCommand, *arguments: object) -> CommandRun:
    """Runs `manage.py NAME ARGUMENTS…`: wrong arguments, refusals and failed rows end in an exit code."""
    out, err = io.StringIO(), io.StringIO()
    if isinstance(command, str):
        command = load_command_class(get_commands()[command], command)
    command._called_from_command_line = True
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            options = vars(command.create_parser("manage.py", "command").parse_args([str(each) for each in arguments]))
            positional = options.pop("args", ())
            command.execute(*positional, **options, stdout=out, stderr=err)
        except CommandError as problem:
            err.write(str(problem))
            code = problem.returncode
        except SystemExit as stop:
            code = int(stop.code or 0)
    return CommandRun(code, out.getvalue(), err.getvalue())
