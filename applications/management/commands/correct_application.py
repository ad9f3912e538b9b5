"""`manage.py correct_application ACTION ID [VALUE] [--apply]`, or `--file FILE.csv` with the columns id and value."""

from argparse import RawDescriptionHelpFormatter
from datetime import date
from typing import Any

from django.core.management.base import CommandParser, DjangoHelpFormatter

from applications.management.corrections import CORRECTIONS, Correction, Options, Order, application_named
from applications.models import Application
from npq.core import clock
from npq.core.commands import BadInput, Fault, Mode, OpsCommand
from npq.core.csv_files import read_csv
from npq.core.errors import Refused, TooMuchContention
from npq.core.parsing import argument, iso_date
from npq.core.rehearsal import what_would_change


class ActionsListed(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the list of actions a list."""


def listed(name: str, correction: Correction) -> str:
    """An action in the help: its name, its value and what it does."""
    return f"  {name} {correction.value}".rstrip() + f"\n      {correction.meaning}"


ACTIONS = "\n".join(listed(name, correction) for name, correction in CORRECTIONS.items())


class Command(OpsCommand):
    """Each correction is a service; it is rehearsed first, so that what it changes is shown either way."""

    help = (
        "Corrects applications. Shows every record that changes, before and after, the messages that go out and\n"
        "what becomes of statements in pounds. What is corrected already is left as it is. The actions, each with\n"
        f"its VALUE:\n{ACTIONS}"
    )
    mode = Mode.APPLIES
    corrects_records = True

    def add_options(self, parser: CommandParser) -> None:
        parser.formatter_class = ActionsListed
        parser.add_argument("action", choices=list(CORRECTIONS), metavar="ACTION", help="what to correct, see above")
        parser.add_argument("id", nargs="?", metavar="ID", help="the application's id")
        parser.add_argument("value", nargs="?", metavar="VALUE", help="the new value, for actions that have one")
        parser.add_argument("--file", metavar="FILE.csv", help="many at once: columns id and value; good rows are kept")
        parser.add_argument("--restore-siblings", action="store_true", help="undo-acceptance: restore what it rejected")
        parser.add_argument("--schedule", metavar="IDENTIFIER", help="course, cohort: the schedule to take")
        parser.add_argument("--on", type=argument(iso_date), metavar="DATE", help="lead-provider: a day to come")

    def run(
        self,
        *,
        action: str,
        id: str | None,  # noqa: A002  the argument's name
        value: str | None,
        file: str | None,
        restore_siblings: bool,
        schedule: str | None,
        on: date | None,
        **_: Any,
    ) -> None:
        correction = CORRECTIONS[action]
        options = Options(restore_siblings, schedule, on)
        check_options(action, options)
        if (file is None) == (id is None) or (file and value):
            raise BadInput("give either the ID of one application, or --file with many")
        if file is not None:
            self._correct_file(file, correction, options)
            return
        assert id is not None
        application = read(application_named, "id", id)
        self._correct(application, read_value(action, value), correction, options, id=application.public_id)

    def _correct_file(self, file: str, correction: Correction, options: Options) -> None:
        columns = ["id", "value"] if correction.read else ["id"]
        for row in self.progress(read_csv(file, required=columns)):
            application = row.read("id", application_named)
            value = row.read("value", correction.read) if correction.read else None
            if row.faults:
                self.report.row(line=row.line, result="failed", errors=row.faults, application_id=row.cells["id"])
                continue
            columns_shown = {"application_id": application.public_id}
            self._correct(application, value, correction, options, line=row.line, **columns_shown)

    def _correct(
        self, application: Application, value: Any, correction: Correction, options: Options, **shown: Any
    ) -> None:
        order = Order(application, value, options, self.actor, clock.now())
        try:
            effects = what_would_change(lambda: correction.make(order))
            if self.applying:
                correction.make(order)
        except Refused as refusal:
            self.refused(refusal, **shown)
            return
        except TooMuchContention:
            self.report.row(result="failed", errors=[Fault("", "busy", "the records are busy; try again")], **shown)
            return
        self.report.row(result="unchanged" if effects.nothing else "corrected", effects=effects, **shown)


def check_options(action: str, options: Options) -> None:
    """Raises BadInput for an option that the action does not take."""
    given = [name for name, value in vars(options).items() if value]
    wrong = [name for name in given if name not in CORRECTIONS[action].options]
    if wrong:
        flags = [f"--{name.replace('_', '-')}" for name in wrong]
        raise BadInput(*(Fault(flag, "not_for_action", f"{action} does not take {flag}") for flag in flags))


def read_value(action: str, text: str | None) -> Any:
    """The value of a correction of one application; raises BadInput when it is missing, superfluous or unreadable."""
    correction = CORRECTIONS[action]
    if correction.read is None:
        if text is not None:
            raise BadInput(Fault("value", "superfluous", f"{action} takes no value"))
        return None
    if text is None:
        raise BadInput(Fault("value", "required", f"{action} needs a value: {correction.value}"))
    return read(correction.read, "value", text)


def read(parse: Any, field: str, text: str) -> Any:
    """A parsed argument; raises BadInput naming the field when it cannot be read."""
    try:
        return parse(text.strip())
    except ValueError as problem:
        raise BadInput(Fault(field, "invalid", str(problem))) from problem
