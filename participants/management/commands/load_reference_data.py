"""`manage.py load_reference_data`."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from npq.core.commands import Mode, OpsCommand
from participants.services.load_reference_data import SHIPPED, load_reference_data


class Command(OpsCommand):
    """Loads what the project is shipped with."""

    help = "Loads lead providers, courses, cohorts, schedules and default windows. Loading again changes nothing."
    mode = Mode.ACTS

    def add_options(self, parser: CommandParser) -> None:
        parser.add_argument("--directory", type=Path, default=SHIPPED, help="where the CSV files are")

    def run(self, *, directory: Path, **_: Any) -> None:
        for loaded in load_reference_data(by=self.actor, directory=directory):
            self.report.row(
                id=loaded.name,
                result="loaded",
                created=loaded.created,
                changed=loaded.changed,
                unchanged=loaded.unchanged,
                removed=loaded.removed,
            )
