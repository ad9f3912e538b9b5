"""`manage.py authorise_statement ID --expect-total AMOUNT [--apply]`: payable to paid."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from finance.management.finding import statement_by_id
from finance.management.showing import named
from finance.services.authorise import authorise_statement
from npq.core import clock
from npq.core.commands import Mode, OpsCommand
from npq.core.errors import Refused
from npq.core.parsing import amount, argument, public_id


class Command(OpsCommand):
    help = "Pays a payable statement, if it comes to the total that was seen; from then on it is frozen."
    mode = Mode.APPLIES

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=argument(public_id), help="the statement's ID")
        parser.add_argument(
            "--expect-total",
            type=argument(amount),
            required=True,
            metavar="AMOUNT",
            help="the total that show_statement shows; write a negative one as --expect-total=-120.00",
        )

    def run(self, *, id: UUID, expect_total: Decimal, **_: Any) -> None:  # noqa: A002  the name of the argument
        statement = statement_by_id(id)
        try:
            authorised = authorise_statement(
                statement_id=statement.id, expect_total=expect_total, by=self.actor, now=clock.now()
            )
        except Refused as refusal:
            self.refused(refusal, id=id, **named(statement))
            return
        self.report.row(
            id=id,
            result=authorised.result,
            **named(statement),
            total=authorised.total,
            declarations=authorised.declarations,
        )
