"""Loading the data the project is shipped with: providers, courses, cohorts, schedules, default windows, milestones."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, models

from finance.models import Milestone
from npq.core.audit import Actor, acting_as
from npq.core.choices import CohortFunding, CourseGroup
from npq.core.commands import BadInput, Fault
from npq.core.csv_files import CsvRow, read_csv
from npq.core.models import Cohort, Course, LeadProvider, year_and_suffix
from npq.core.parsing import boolean, iso_date, one_of, text, whole_number
from participants.models import Schedule, ScheduleWindow

SHIPPED = Path(settings.ROOT) / "npq" / "reference_data"
DECLARATION_TYPES = ("started", "retained-1", "retained-2", "completed")


@dataclass
class Loaded:
    """What became of the rows of one file."""

    name: str
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0


def load_reference_data(*, by: Actor, directory: Path = SHIPPED) -> list[Loaded]:
    """Makes the reference tables hold what the files of `directory` say, in one transaction.

    A row equal to what is stored is not written. Rows the files do not name stay, except default windows of a
    cohort and course group that they do name. Raises BadInput naming file and line; then nothing is stored.
    """
    with acting_as(by, "load_reference_data"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('npq reference data', 0))")
        files = _Files(directory)
        return [
            files.store("lead_providers.csv", LeadProvider, ["code"], _lead_provider),
            files.store("courses.csv", Course, ["identifier"], _course),
            files.store("cohorts.csv", Cohort, ["start_year", "suffix"], _cohort),
            files.store("schedules.csv", Schedule, ["cohort_id", "identifier"], _schedule(files)),
            _store_windows(files),
            files.store("milestones.csv", Milestone, ["schedule_id", "declaration_type"], _milestone(files)),
        ]


class _Files:
    """The files of one directory, and what had to be looked up while reading them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def read(self, file: str, columns: Iterable[str], values_of: Callable[[CsvRow], Any]) -> list[dict[str, Any]]:
        """The values of every row; raises BadInput with the file's name before each error."""
        try:
            rows = read_csv(self.directory / file, required=columns)
            values = [values_of(row) for row in rows]
            faults = [fault for row in rows for fault in row.faults]
            if faults:
                raise BadInput(*faults)
        except BadInput as bad:
            raise BadInput(
                *(Fault(f"{file} {fault.field}".strip(), fault.code, fault.detail, fault.line) for fault in bad.faults)
            ) from bad
        return values

    def store(self, file: str, model: type[models.Model], key: list[str], reader: "Reader") -> Loaded:
        """Creates and changes rows of a model, found by the fields of `key`, until they are as the file says."""
        loaded = Loaded(file.removesuffix(".csv"))
        stored = {_key(row, key): row for row in model._default_manager.all()}
        for values in self.read(file, reader.columns, reader.values_of):
            _store_row(model, stored.get(tuple(values[name] for name in key)), values, loaded)
        return loaded

    def cohort(self, row: CsvRow) -> Cohort | None:
        """The cohort a row names."""
        cohorts = {cohort.identifier: cohort for cohort in Cohort.objects.all()}
        found = row.read("cohort", one_of(cohorts))
        return cohorts.get(found)


@dataclass(frozen=True)
class Reader:
    """The columns of a file and how a row becomes a model's values."""

    columns: tuple[str, ...]
    values_of: Callable[[CsvRow], dict[str, Any]]


_lead_provider = Reader(("code", "name"), lambda row: {"code": row.read("code", text), "name": row.read("name", text)})

_course = Reader(
    ("identifier", "name", "short_code", "group", "family", "position"),
    lambda row: {
        "identifier": row.read("identifier", text),
        "name": row.read("name", text),
        "short_code": row.read("short_code", text),
        "group": row.read("group", one_of(CourseGroup.values)),
        "family": row.read("family", text),
        "position": row.read("position", whole_number),
    },
)


def _cohort_values(row: CsvRow) -> dict[str, Any]:
    start_year, suffix = row.read("cohort", year_and_suffix) or (None, None)
    return {
        "start_year": start_year,
        "suffix": suffix,
        "funding": row.read("funding", one_of(CohortFunding.values)),
        "registration_start_date": row.read("registration_start_date", iso_date, None),
    }


_cohort = Reader(("cohort", "funding", "registration_start_date"), _cohort_values)


def _schedule(files: _Files) -> Reader:
    def values_of(row: CsvRow) -> dict[str, Any]:
        cohort = files.cohort(row)
        identifier = row.read("identifier", text) or ""
        return {
            "cohort_id": cohort and cohort.id,
            "identifier": identifier,
            "name": schedule_name(identifier),
            "course_group": row.read("course_group", one_of(CourseGroup.values)),
            "starts_on": row.read("first_day", iso_date),
            "allowed_declaration_types": row.read("declaration_types", _declaration_types),
        }

    return Reader(("cohort", "identifier", "course_group", "first_day", "declaration_types"), values_of)


def _milestone(files: _Files) -> Reader:
    def values_of(row: CsvRow) -> dict[str, Any]:
        schedules = {each.identifier: each for each in Schedule.objects.filter(cohort=files.cohort(row))}
        schedule = schedules.get(row.read("schedule", one_of(schedules)) or "")
        return {
            "schedule_id": schedule and schedule.id,
            "declaration_type": row.read(
                "declaration_type", one_of(schedule.allowed_declaration_types if schedule else DECLARATION_TYPES)
            ),
            "deadline_date": row.read("last_day", iso_date),
        }

    return Reader(("cohort", "schedule", "declaration_type", "last_day"), values_of)


def schedule_name(identifier: str) -> str:
    """A schedule's name for people: `npq-aso-december` is `NPQ ASO December`."""
    acronyms = {"npq", "aso", "ehco"}
    return " ".join(word.upper() if word in acronyms else word.capitalize() for word in identifier.split("-"))


def _declaration_types(value: str) -> list[str]:
    return [one_of(DECLARATION_TYPES)(word.strip()) for word in value.split(";")]


def _store_row(model: type[models.Model], row: Any, values: dict[str, Any], loaded: Loaded) -> None:
    if row is None:
        model._default_manager.create(**values)
        loaded.created += 1
        return
    different = [name for name, value in values.items() if getattr(row, name) != value]
    if not different:
        loaded.unchanged += 1
        return
    for name in different:
        setattr(row, name, values[name])
    row.save(update_fields=different)
    loaded.changed += 1


def _key(row: models.Model, names: list[str]) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)


WINDOW_KEY = ["cohort_id", "course_group", "first_day", "every_year"]
WINDOW_COLUMNS = ("cohort", "course_group", "schedule", "first_day", "last_day", "every_year")


def _store_windows(files: _Files) -> Loaded:
    """Windows are stored as sets: those of a cohort and course group become exactly the file's."""
    loaded = Loaded("schedule_windows")

    def values_of(row: CsvRow) -> dict[str, Any]:
        cohort = files.cohort(row)
        group = row.read("course_group", one_of(CourseGroup.values))
        schedules = {each.identifier: each for each in Schedule.objects.filter(cohort=cohort, course_group=group)}
        return {
            "cohort_id": cohort and cohort.id,
            "course_group": group,
            "first_day": row.read("first_day", iso_date, None),
            "last_day": row.read("last_day", iso_date, None),
            "every_year": row.read("every_year", boolean),
            "schedule_id": getattr(schedules.get(row.read("schedule", one_of(schedules)) or ""), "id", None),
        }

    wanted = files.read("schedule_windows.csv", WINDOW_COLUMNS, values_of)
    named = {(values["cohort_id"], values["course_group"]) for values in wanted}
    keys = {tuple(values[name] for name in WINDOW_KEY) for values in wanted}
    stored = {_key(row, WINDOW_KEY): row for row in ScheduleWindow.objects.all()}
    for key, row in list(stored.items()):
        if key[:2] in named and key not in keys:
            row.delete()
            loaded.removed += 1
    for values in wanted:
        _store_row(ScheduleWindow, stored.get(tuple(values[name] for name in WINDOW_KEY)), values, loaded)
    return loaded
