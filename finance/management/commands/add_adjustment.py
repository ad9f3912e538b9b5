"""`manage.py add_adjustment ID --amount AMOUNT --description TEXT [--apply]`."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from finance.management.finding import statement_by_id
from finance.management.showing import named
from finance.queries.calculation import figures_of
from finance.services.adjust import add_adjustment
from npq.core.commands import Mode, OpsCommand
from npq.core.errors import Refused
from npq.core.money import shown
from npq.core.parsing import amount, argument, public_id


class Command(OpsCommand):
    help = "Adds a signed amount, with a reason that the provider reads, to a statement that has not been paid."
    mode = Mode.APPLIES

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=argument(public_id), help="the statement's ID")
        parser.add_argument(
            "--amount",
            type=argument(amount),
            required=True,
            metavar="AMOUNT",
            help="pounds and pence; what is taken off as --amount=-120.50",
        )
        parser.add_argument("--description", required=True, help="the reason, which the provider reads")

    def run(self, *, id: UUID, amount: Decimal, description: str, **_: Any) -> None:  # noqa: A002
        statement = statement_by_id(id)
        before = figures_of(statement).shown_total
        try:
            add_adjustment(statement_id=statement.id, amount=amount, description=description, by=self.actor)
        except Refused as refusal:
            self.refused(refusal, id=id, **named(statement))
            return
        self.report.row(
            id=id,
            result="adjusted",
            **named(statement),
            amount=shown(amount),
            description=description.strip(),
            total_before=before,
            total_after=before + amount,
        )
