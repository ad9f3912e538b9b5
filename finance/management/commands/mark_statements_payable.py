"""`manage.py mark_statements_payable [--as-of DATE] [--apply]`: every statement whose deadline has passed."""

from datetime import date
from typing import Any

from django.core.management.base import CommandParser

from finance.management.showing import add_marked
from finance.services.mark_payable import mark_statements_payable
from npq.core import clock
from npq.core.commands import Mode, OpsCommand
from npq.core.parsing import argument, iso_date


class Command(OpsCommand):
    help = "Makes every open statement payable whose deadline has passed, each in a transaction of its own."
    mode = Mode.APPLIES

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--as-of", type=argument(iso_date), metavar="DATE", help="instead of today's UK date")

    def run(self, *, as_of: date | None, **_: Any) -> None:
        marked = mark_statements_payable(as_of=as_of or clock.today(), by=self.actor, now=clock.now())
        for each in self.progress(marked, label="statements"):
            add_marked(self, each)
