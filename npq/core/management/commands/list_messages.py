"""`manage.py list_messages`."""

from typing import Any

from django.core.management.base import CommandParser

from npq.core.commands import OpsCommand
from npq.core.outbox import messages


class Command(OpsCommand):
    """Lists what participants were told."""

    help = "Lists messages to participants, oldest first, with the values filled in."

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--to", metavar="EMAIL", help="only those to this address")

    def run(self, *, to: str | None, **_: Any) -> None:
        for message in messages(to=to).iterator():
            self.report.row(
                id=message.public_id,
                result=message.state,
                kind=message.kind,
                to=message.to,
                state=message.state,
                created_at=message.created_at,
                sent_at=message.sent_at,
                attempts=message.attempts,
                last_error=message.last_error,
                values=message.personalisation,
            )
