"""`manage.py export_statement ID --kind assurance|payment [--out FILE]`."""

from typing import Any
from uuid import UUID

from django.core.management import CommandParser

from finance.choices import ExportKind
from finance.management.finding import statement_by_id
from finance.management.showing import named
from finance.management.writing import check_target, write_out
from finance.queries.exports import exported
from finance.services.record_export import record_export
from npq.core.commands import Mode, OpsCommand
from npq.core.parsing import argument, public_id


class Command(OpsCommand):
    help = (
        "Writes a statement's assurance report or payment as CSV, to standard output or to a file that only you may "
        "read. Who takes it out is recorded."
    )
    mode = Mode.ACTS
    says_when_empty = False

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=argument(public_id), help="the statement's ID")
        parser.add_argument("--kind", choices=[ExportKind.ASSURANCE.value, ExportKind.PAYMENT.value], required=True)
        parser.add_argument("--out", metavar="FILE", help="write here; an existing file is replaced")

    def run(self, *, id: UUID, kind: str, out: str | None, **_: Any) -> None:  # noqa: A002  the name of the argument
        statement = statement_by_id(id)
        check_target(out, as_json=self.as_json)
        file = exported(statement, ExportKind(kind))
        record_export(kind=ExportKind(kind), rows=file.number, by=self.actor, statement=statement)
        write_out(file.chunks(), out, self.stdout)
        if out is not None:
            self.report.row(id=id, result="exported", **named(statement), kind=kind, rows=file.number, file=out)
