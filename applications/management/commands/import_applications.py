"""`manage.py import_applications FILE [--apply]`."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.management import CommandParser

from applications.errors import ApplicationContradicted
from applications.management.deliveries import Delivery, count_lines, read_deliveries
from applications.services import receive_applications
from applications.services.receive import Receipt
from applications.services.submission import Reference
from npq.core import clock
from npq.core.commands import BadInput, Fault, Mode, OpsCommand, as_table
from npq.core.errors import Refused, TooMuchContention

ROWS_PER_TRANSACTION = 500


class Command(OpsCommand):
    help = (
        "Loads applications from a file of JSON lines (.jsonl) or CSV (.csv), in the schema of the registration "
        "service. Good rows are stored and bad ones reported with their line, field and reason; a row that was "
        "loaded before is left unchanged, so that a corrected file can simply be loaded again."
    )
    mode = Mode.APPLIES

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the file; the lines of its rows are counted from 1, a CSV header included")

    def run(self, *, file: str, **_: Any) -> None:
        self.reference = Reference()
        self.rehearsed: dict[UUID, str] = {}
        started = clock.wall_clock()
        deliveries = self.progress(read_deliveries(file), total=count_lines(file) or None, label="applications")
        for batch in _batches(deliveries):
            self._receive(batch)
        rows = len(self.report.rows)
        if not rows:
            raise BadInput(Fault("file", "no_rows", f"{file} has no rows"))
        seconds = (clock.wall_clock() - started).total_seconds()
        self.say(f"{rows} rows in {seconds:.1f} seconds: {rows / max(seconds, 0.001):.0f} rows a second.")

    def table(self) -> str:
        """The rows that were refused: of the others the counts say enough."""
        return as_table([row for row in self.report.rows if row.errors])

    def _receive(self, batch: list[Delivery]) -> None:
        readable = [delivery.content for delivery in batch if delivery.fault is None]
        try:
            found = iter(
                receive_applications(contents=readable, by=self.actor, now=clock.now(), reference=self.reference)
            )
        except TooMuchContention:
            busy = Fault("", "records_busy", "Others kept changing the same people. Load the file again.")
            for delivery in batch:
                self.report.row(line=delivery.line, result="refused", errors=[delivery.fault or busy])
            return
        for delivery in batch:
            if delivery.fault is not None:
                self.report.row(line=delivery.line, result="refused", errors=[delivery.fault])
            else:
                self._tell(delivery.line, next(found))

    def _tell(self, line: int, found: Receipt | Refused) -> None:
        if isinstance(found, Refused):
            self.refused(found, line=line)
            return
        created = found.created
        if created and not self.applying:
            # Nothing was kept of the rows before, so what repeats one of them is found here.
            digest = _digest(found)
            created = found.id not in self.rehearsed
            if self.rehearsed.setdefault(found.id, digest) != digest:
                self.refused(ApplicationContradicted("id", fields="some of its fields"), line=line)
                return
        result = "created" if created else "unchanged"
        self.report.row(line=line, result=result, application_id=found.id, participant_id=found.participant_id)


def _batches(deliveries: Iterable[Delivery]) -> Iterator[list[Delivery]]:
    waiting = iter(deliveries)
    while batch := list(islice(waiting, ROWS_PER_TRANSACTION)):
        yield batch


def _digest(receipt: Receipt) -> str:
    return hashlib.sha256(json.dumps(receipt.content, sort_keys=True).encode()).hexdigest()
