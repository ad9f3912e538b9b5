"""`manage.py create_staff_user USERNAME --email … --role …`: the first account of a new back office, or one more."""

from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.core.validators import validate_email

from npq.backoffice.accounts import create_staff_account, make_password_link
from npq.backoffice.roles import ROLES
from npq.core.commands import BadInput, Fault, Mode, OpsCommand
from npq.core.errors import Refused


class Command(OpsCommand):
    """Makes an account without a password and prints the path of the page on which its holder sets one."""

    help = "Makes a staff account. With --apply it prints the path to set a password at: once, and for 24 hours."
    mode = Mode.APPLIES
    corrects_records = True

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email", required=True, help="their work address")
        parser.add_argument("--first-name", default="", metavar="NAME")
        parser.add_argument("--last-name", default="", metavar="NAME")
        parser.add_argument(
            "--role", action="append", default=[], choices=[role.name for role in ROLES], help="may be given repeatedly"
        )
        parser.add_argument("--superuser", action="store_true", help="may do everything")

    def run(
        self, *, username: str, email: str, first_name: str, last_name: str, role: list[str], superuser: bool, **_: Any
    ) -> None:
        _refuse_unreadable(username, email)
        try:
            user = create_staff_account(
                username=username,
                email=email,
                first_name=first_name,
                last_name=last_name,
                roles=list(Group.objects.filter(name__in=role)),
                superuser=superuser,
                by=self.actor,
            )
        except Refused as refusal:
            self.refused(refusal, id=username)
            return
        # A link to an account that is not kept would lead nowhere.
        path = make_password_link(user=user, by=self.actor) if self.applying else ""
        self.report.row(id=username, result="created", roles=role, set_password_at=path)


def _refuse_unreadable(username: str, email: str) -> None:
    for name, validate, text in (("username", UnicodeUsernameValidator(), username), ("email", validate_email, email)):
        try:
            validate(text)
        except ValidationError as problem:
            raise BadInput(Fault(name, "unreadable", " ".join(problem.messages))) from problem
