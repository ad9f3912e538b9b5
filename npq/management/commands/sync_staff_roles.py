"""`manage.py sync_staff_roles`: makes the staff groups and their permissions as they are declared."""

from typing import Any

from npq.backoffice.roles import sync_staff_roles
from npq.core.commands import Mode, OpsCommand


class Command(OpsCommand):
    """Safe to run at any time: what is as declared already is left alone."""

    help = "Makes the staff groups of the back office, with the permissions each is meant to have."
    mode = Mode.ACTS
    exclusive = True

    def run(self, **_: Any) -> None:
        for name, number in sync_staff_roles().items():
            self.report.row(id=name, result="as declared", permissions=number)
