"""`manage.py check_invariants`."""

from itertools import islice
from typing import Any

from django.core.management.base import CommandParser

from npq.backoffice.checks import every_invariant
from npq.core.commands import Fault, OpsCommand
from npq.core.parsing import argument, whole_number


class Command(OpsCommand):
    """Proves, on the live database, what must always be true."""

    help = "Checks what must always be true of the data; exit code 1 when any of it is broken."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--show", type=argument(whole_number), default=100, metavar="N", help="at most N breaches of each"
        )

    def run(self, *, show: int, **_: Any) -> None:
        invariants = list(every_invariant())
        for invariant in self.progress(invariants, label="checking"):
            breaches = iter(invariant.breaches())
            faults = [Fault(each.identifier, invariant.code, each.detail) for each in islice(breaches, max(show, 1))]
            self.report.row(
                id=invariant.code,
                result="broken" if faults else "holds",
                errors=faults,
                rule=invariant.sentence,
                breaches=len(faults) + sum(1 for _ in breaches),
            )
