"""`manage.py send_messages`."""

import sys
from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from applications.services import send_message_again
from npq.core.clock import wall_clock
from npq.core.commands import Failed, Fault, Mode, OpsCommand
from npq.core.couriers import CourierDown, courier
from npq.core.delivery import deliver_due, due_messages
from npq.core.errors import MessageNotFailed
from npq.core.failed_messages import failed_messages


class Command(OpsCommand):
    """Drains the outbox."""

    help = "Delivers every message that is due: through GOV.UK Notify when a key is set, else by e-mail."
    mode = Mode.ACTS

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--retry-failed",
            action="store_true",
            help="first put messages that failed for good back in the queue, to the address their application has now",
        )

    def run(self, *, retry_failed: bool, **_: Any) -> None:
        if retry_failed:
            waiting = list(failed_messages().order_by("id").values_list("id", flat=True))
            self.report.count("queued again", sum(self._queued_again(each) for each in waiting))
        # The console backend's letters must not mix with JSON.
        stream = sys.stderr if self.as_json else None
        try:
            deliveries = deliver_due(courier(stream))
            for delivery in self.progress(deliveries, total=due_messages(wall_clock()).count(), label="sending"):
                message, failed = delivery.message, delivery.result == "failed"
                self.report.row(
                    id=message.public_id,
                    result=delivery.result,
                    errors=[Fault("to", "undeliverable", delivery.detail)] if failed else [],
                    kind=message.kind,
                    to=message.to,
                    detail=delivery.detail,
                )
        except CourierDown as problem:
            raise Failed(f"{problem}. The messages left stay in the queue.") from problem

    def _queued_again(self, message_id: int) -> bool:
        by = replace(self.actor, reason=self.actor.reason or "asked for with --retry-failed")
        try:
            send_message_again(message_id=message_id, by=by)
        except MessageNotFailed:  # a person has decided about it in the meantime
            return False
        return True
