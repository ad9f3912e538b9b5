"""`manage.py run_daily [--as-of DATE] [--apply]`: everything that is due, in one run a day."""

from datetime import date
from typing import Any

from django.core.management.base import CommandParser

from applications.services import carry_out_transfers
from finance.management.showing import add_marked
from finance.services.mark_payable import mark_statements_payable
from npq.backoffice.bulk.housekeeping import strip_old_bulk_rows
from npq.backoffice.checks import run_checks
from npq.backoffice.housekeeping import remove_old_access_log, remove_old_confirmations
from npq.core import clock
from npq.core.commands import Mode, OpsCommand
from npq.core.housekeeping import (
    remove_expired_sessions,
    remove_old_call_numbers,
    remove_old_login_attempts,
    remove_old_rate_counters,
    remove_old_refused_requests,
)
from npq.core.parsing import argument, iso_date

HOUSEKEEPING = (
    remove_old_rate_counters,
    remove_old_call_numbers,
    remove_old_refused_requests,
    remove_expired_sessions,
    remove_old_login_attempts,
    strip_old_bulk_rows,
    remove_old_confirmations,
    remove_old_access_log,
    # Last: it tells how everything is left.
    run_checks,
)


class Command(OpsCommand):
    """Safe to run twice, to miss a night and to run late: each step looks for whatever is due by now."""

    help = "Does everything that is due: makes statements payable, transfers what is planned, removes what has served."
    mode = Mode.APPLIES
    exclusive = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--as-of", type=argument(iso_date), metavar="DATE", help="instead of today's UK date")

    def run(self, *, as_of: date | None, **_: Any) -> None:
        self._make_statements_payable(as_of or clock.today())
        self._carry_out_transfers(as_of or clock.today())
        for step in HOUSEKEEPING:
            number = step(by=self.actor)
            self.report.row(id=step.__name__, result="done", step="housekeeping", number=number)

    def _make_statements_payable(self, as_of: date) -> None:
        step = "mark_statements_payable"
        for marked in mark_statements_payable(as_of=as_of, by=self.actor, now=clock.now()):
            add_marked(self, marked, step=step)

    def _carry_out_transfers(self, as_of: date) -> None:
        for done in carry_out_transfers(as_of=as_of, by=self.actor, now=clock.now()):
            identifier = done.planned.application.public_id
            columns: dict[str, Any] = {"step": "carry_out_transfers", "lead_provider": done.planned.lead_provider.code}
            if done.problem is not None:
                self.failed(done.problem, id=identifier, **columns)
            else:
                self.report.row(id=identifier, result=done.result, **columns)
