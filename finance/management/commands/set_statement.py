"""`manage.py set_statement ID [--deadline-date D] [--payment-date D] [--output-fee true|false] [--apply]`."""

from datetime import date
from typing import Any
from uuid import UUID

from django.core.management import CommandParser

from finance.management.finding import statement_by_id
from finance.management.showing import changes_in_words, named
from finance.services.set_statement import set_statement
from npq.core.commands import BadInput, Mode, OpsCommand
from npq.core.errors import Refused
from npq.core.parsing import argument, boolean, iso_date, public_id


class Command(OpsCommand):
    help = "Changes an open statement's dates, or whether it takes declarations."
    mode = Mode.APPLIES

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=argument(public_id), help="the statement's ID")
        parser.add_argument("--deadline-date", type=argument(iso_date), help="last day, inclusive, for declarations")
        parser.add_argument("--payment-date", type=argument(iso_date))
        parser.add_argument("--output-fee", type=argument(boolean), help="whether it takes declarations: true or false")

    def run(
        self,
        *,
        id: UUID,  # noqa: A002  the name of the argument
        deadline_date: date | None,
        payment_date: date | None,
        output_fee: bool | None,
        **_: Any,
    ) -> None:
        if deadline_date is None and payment_date is None and output_fee is None:
            raise BadInput("nothing to change; give --deadline-date, --payment-date or --output-fee")
        statement = statement_by_id(id)
        columns = named(statement)
        try:
            changes = set_statement(
                statement_id=statement.id,
                deadline_date=deadline_date,
                payment_date=payment_date,
                output_fee=output_fee,
                by=self.actor,
            )
        except Refused as refusal:
            self.refused(refusal, id=id, **columns)
            return
        result = "updated" if changes else "unchanged"
        self.report.row(id=id, result=result, **columns, changes=changes_in_words(changes))
