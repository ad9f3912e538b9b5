"""`manage.py archive_staff_user USERNAME`: switches an account off; it is never deleted."""

from typing import Any

from django.core.management.base import CommandParser

from npq.backoffice.accounts import account_named, archive_staff_account
from npq.core.commands import Mode, OpsCommand
from npq.core.errors import Refused


class Command(OpsCommand):
    """The account's name stays readable in the audit trail; an access manager can switch it on again."""

    help = "Switches a staff account off and signs it out everywhere."
    mode = Mode.APPLIES
    corrects_records = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def run(self, *, username: str, **_: Any) -> None:
        try:
            archived = archive_staff_account(user=account_named(username), by=self.actor)
        except Refused as refusal:
            self.refused(refusal, id=username)
            return
        self.report.row(id=username, result="archived" if archived else "archived before")
