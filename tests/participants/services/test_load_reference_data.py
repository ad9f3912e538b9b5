"""The shipped reference data: what it says, and that loading it again changes nothing."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from finance.models import Milestone
from npq.core.audit import Actor
from npq.core.models import Change, Cohort, Course, LeadProvider
from participants.models import Schedule, ScheduleWindow
from participants.queries import default_schedule
from participants.services.load_reference_data import SHIPPED, load_reference_data
from tests.commands import run_command

pytestmark = pytest.mark.django_db

BY = Actor.system("a test")
TABLES = [LeadProvider, Course, Cohort, Schedule, ScheduleWindow, Milestone]


@pytest.fixture
def loaded(db: Any) -> None:
    load_reference_data(by=BY)


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """A copy of the shipped files, to be changed."""
    return shutil.copytree(SHIPPED, tmp_path / "data")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_eight_providers(loaded: None) -> None:
    assert list(LeadProvider.objects.order_by("code").values_list("code", flat=True)) == [
        "ambition",
        "best-practice-network",
        "church-of-england",
        "llse",
        "national-institute-of-teaching",
        "school-led-network",
        "teach-first",
        "ucl",
    ]


def test_the_twelve_courses_with_group_code_and_family(loaded: None) -> None:
    courses = Course.objects.order_by("position").values_list("identifier", "short_code", "group")

    assert list(courses) == [
        ("npq-leading-teaching", "NPQLT", "specialist"),
        ("npq-leading-behaviour-culture", "NPQLBC", "specialist"),
        ("npq-leading-teaching-development", "NPQLTD", "specialist"),
        ("npq-leading-literacy", "NPQLL", "specialist"),
        ("npq-leading-primary-mathematics", "NPQLPM", "specialist"),
        ("npq-senior-leadership", "NPQSL", "leadership"),
        ("npq-headship", "NPQH", "leadership"),
        ("npq-executive-leadership", "NPQEL", "leadership"),
        ("npq-early-years-leadership", "NPQEYL", "leadership"),
        ("npq-senco", "NPQSENCO", "leadership"),
        ("npq-additional-support-offer", "ASO", "support"),
        ("npq-early-headship-coaching-offer", "EHCO", "ehco"),
    ]
    assert Course.objects.values("family").distinct().count() == 11
    assert Course.objects.filter(short_code__in=["ASO", "EHCO"]).values("family").distinct().count() == 1


def test_the_seven_cohorts(loaded: None) -> None:
    cohorts = Cohort.objects.order_by("start_year", "suffix")

    assert {str(cohort): cohort.funding for cohort in cohorts} == {
        "2021a": "full",
        "2022a": "full",
        "2023a": "full",
        "2024a": "capped",
        "2025a": "capped",
        "2026a": "unfunded",
        "2026b": "capped",
    }
    assert {str(c): c.registration_start_date for c in cohorts if c.registration_start_date} == {
        "2023a": date(2023, 4, 3),
        "2024a": date(2024, 4, 3),
    }


FIRST_DAYS = {
    # cohort: autumn, spring, EHCO november, december, march, june (domain.md §4.3)
    "2021a": ["2021-11-01", "2022-01-01", None, None, None, "2022-06-01"],
    "2022a": ["2022-10-01", "2023-01-01", "2022-10-01", "2022-12-01", "2023-03-01", "2023-06-01"],
    "2023a": ["2023-10-01", "2024-01-01", "2023-11-01", "2023-12-01", "2024-03-01", "2024-06-01"],
    "2024a": ["2024-10-01", "2025-01-01", "2024-11-01", "2024-12-01", "2025-03-01", "2025-06-01"],
    "2025a": ["2025-08-01", "2025-02-01", "2025-11-01", "2025-12-01", "2026-03-01", "2026-06-01"],
    "2026a": [None, "2026-02-01", None, None, "2026-03-01", None],
    "2026b": ["2026-08-01", None, "2026-11-01", "2026-12-01", "2027-03-01", "2027-06-01"],
}


@pytest.mark.parametrize("cohort", FIRST_DAYS)
def test_the_first_day_of_every_schedule(loaded: None, cohort: str) -> None:
    names = [
        *("npq-{group}-autumn", "npq-{group}-spring"),
        *("npq-ehco-november", "npq-ehco-december", "npq-ehco-march", "npq-ehco-june"),
    ]
    expected = {
        name.format(group=group): day
        for name, day in zip(names, FIRST_DAYS[cohort], strict=True)
        for group in ("leadership", "specialist")
        if day
    }
    if cohort == "2021a":
        expected |= {
            "npq-aso-november": "2021-11-01",
            "npq-aso-december": "2021-12-01",
            "npq-aso-march": "2022-03-01",
            "npq-aso-june": "2022-06-01",
        }

    schedules = Schedule.objects.filter(cohort__start_year=int(cohort[:4]), cohort__suffix=cohort[4])

    assert {schedule.identifier: str(schedule.starts_on) for schedule in schedules} == expected


def test_specialist_schedules_lack_the_second_retained_declaration(loaded: None) -> None:
    for schedule in Schedule.objects.all():
        types = ["started", "retained-1", "retained-2", "completed"]
        if schedule.course_group == "specialist":
            types.remove("retained-2")
        assert schedule.allowed_declaration_types == types
        assert schedule.course_group in schedule.identifier.replace("aso", "support")


DEFAULTS = [
    # The customer's rule for 2021: on or before 25 December 2021 autumn, after it spring, for good.
    ("2021a", "npq-headship", "2021-09-01", "npq-leadership-autumn"),
    ("2021a", "npq-headship", "2021-12-24", "npq-leadership-autumn"),
    ("2021a", "npq-headship", "2021-12-25", "npq-leadership-autumn"),
    ("2021a", "npq-headship", "2021-12-26", "npq-leadership-spring"),
    ("2021a", "npq-headship", "2022-05-10", "npq-leadership-spring"),
    ("2021a", "npq-leading-teaching", "2021-12-25", "npq-specialist-autumn"),
    ("2021a", "npq-leading-teaching", "2021-12-26", "npq-specialist-spring"),
    ("2021a", "npq-leading-teaching", "2023-11-10", "npq-specialist-spring"),
    ("2021a", "npq-additional-support-offer", "2021-11-10", "npq-aso-december"),
    ("2021a", "npq-additional-support-offer", "2022-08-10", "npq-aso-december"),
    ("2021a", "npq-early-headship-coaching-offer", "2021-11-10", "npq-ehco-june"),
    ("2021a", "npq-early-headship-coaching-offer", "2024-11-10", "npq-ehco-june"),
    ("2022a", "npq-additional-support-offer", "2022-11-10", None),
    # The calendar: 3 April to 25 December autumn, else spring.
    ("2022a", "npq-headship", "2022-06-01", "npq-leadership-autumn"),
    ("2022a", "npq-headship", "2022-12-25", "npq-leadership-autumn"),
    ("2022a", "npq-headship", "2022-12-26", "npq-leadership-spring"),
    ("2022a", "npq-headship", "2023-01-01", "npq-leadership-spring"),
    ("2022a", "npq-headship", "2023-04-02", "npq-leadership-spring"),
    ("2022a", "npq-headship", "2023-04-03", "npq-leadership-autumn"),
    ("2023a", "npq-leading-literacy", "2023-12-25", "npq-specialist-autumn"),
    ("2023a", "npq-leading-literacy", "2023-12-31", "npq-specialist-spring"),
    ("2023a", "npq-leading-literacy", "2024-02-29", "npq-specialist-spring"),
    ("2023a", "npq-leading-literacy", "2024-04-03", "npq-specialist-autumn"),
    # 2024: autumn throughout its registration year, then the calendar.
    ("2024a", "npq-headship", "2024-06-27", "npq-leadership-autumn"),
    ("2024a", "npq-headship", "2024-06-28", "npq-leadership-autumn"),
    ("2024a", "npq-headship", "2025-01-10", "npq-leadership-autumn"),
    ("2024a", "npq-headship", "2025-06-06", "npq-leadership-autumn"),
    ("2024a", "npq-headship", "2026-01-10", "npq-leadership-spring"),
    ("2024a", "npq-leading-teaching", "2024-02-10", "npq-specialist-spring"),
    ("2024a", "npq-leading-teaching", "2025-03-10", "npq-specialist-autumn"),
    # 2025: spring while 2024's year ran, autumn from August.
    ("2025a", "npq-headship", "2025-01-10", "npq-leadership-spring"),
    ("2025a", "npq-headship", "2024-06-28", "npq-leadership-spring"),
    ("2025a", "npq-headship", "2025-06-06", "npq-leadership-spring"),
    ("2025a", "npq-headship", "2025-06-07", "npq-leadership-autumn"),
    ("2025a", "npq-headship", "2025-08-01", "npq-leadership-autumn"),
    ("2025a", "npq-headship", "2026-01-10", "npq-leadership-autumn"),
    ("2025a", "npq-headship", "2026-04-30", "npq-leadership-autumn"),
    ("2025a", "npq-headship", "2027-01-10", "npq-leadership-spring"),
    ("2025a", "npq-senco", "2026-04-02", "npq-leadership-autumn"),
    ("2025a", "npq-leading-teaching", "2025-05-10", "npq-specialist-spring"),
    ("2025a", "npq-leading-teaching", "2025-12-28", "npq-specialist-autumn"),
    ("2026a", "npq-headship", "2025-12-01", "npq-leadership-spring"),
    ("2026a", "npq-leading-teaching", "2026-07-10", "npq-specialist-spring"),
    ("2026a", "npq-early-headship-coaching-offer", "2026-02-10", "npq-ehco-march"),
    ("2026a", "npq-early-headship-coaching-offer", "2026-10-10", "npq-ehco-march"),
    ("2026b", "npq-headship", "2026-06-10", "npq-leadership-autumn"),
    ("2026b", "npq-leading-teaching", "2027-01-10", "npq-specialist-autumn"),
    # EHCO: by the month, relative to the cohort's year; anything outside is June.
    ("2022a", "npq-early-headship-coaching-offer", "2022-08-31", "npq-ehco-june"),
    ("2022a", "npq-early-headship-coaching-offer", "2022-09-01", "npq-ehco-november"),
    ("2022a", "npq-early-headship-coaching-offer", "2022-11-30", "npq-ehco-november"),
    ("2022a", "npq-early-headship-coaching-offer", "2022-12-01", "npq-ehco-december"),
    ("2022a", "npq-early-headship-coaching-offer", "2023-02-28", "npq-ehco-december"),
    ("2022a", "npq-early-headship-coaching-offer", "2023-03-01", "npq-ehco-march"),
    ("2022a", "npq-early-headship-coaching-offer", "2023-05-31", "npq-ehco-march"),
    ("2022a", "npq-early-headship-coaching-offer", "2023-06-01", "npq-ehco-june"),
    ("2022a", "npq-early-headship-coaching-offer", "2023-09-30", "npq-ehco-june"),
    ("2022a", "npq-early-headship-coaching-offer", "2023-10-01", "npq-ehco-june"),
    ("2023a", "npq-early-headship-coaching-offer", "2024-02-29", "npq-ehco-december"),
    ("2023a", "npq-early-headship-coaching-offer", "2024-03-01", "npq-ehco-march"),
    ("2024a", "npq-early-headship-coaching-offer", "2024-10-10", "npq-ehco-november"),
    ("2025a", "npq-early-headship-coaching-offer", "2026-05-31", "npq-ehco-march"),
    ("2026b", "npq-early-headship-coaching-offer", "2027-02-28", "npq-ehco-december"),
    ("2026b", "npq-early-headship-coaching-offer", "2027-06-01", "npq-ehco-june"),
]


def test_the_default_schedule_of_every_rule(loaded: None) -> None:
    courses = {course.identifier: course for course in Course.objects.all()}
    cohorts = {str(cohort): cohort for cohort in Cohort.objects.all()}

    found = []
    for cohort, course, day, _ in DEFAULTS:
        schedule = default_schedule(courses[course], cohorts[cohort], date.fromisoformat(day))
        found.append((cohort, course, day, schedule and schedule.identifier))

    assert found == DEFAULTS


def test_every_day_has_exactly_one_default_and_dated_windows_never_overlap(loaded: None) -> None:
    groups: dict[tuple[str, str], list[ScheduleWindow]] = {}
    for window in ScheduleWindow.objects.select_related("cohort"):
        groups.setdefault((str(window.cohort), window.course_group), []).append(window)
    scheduled = {(str(s.cohort), s.course_group) for s in Schedule.objects.select_related("cohort")}

    assert set(groups) == scheduled
    for windows in groups.values():
        day = date(2021, 1, 1)
        while day < date(2029, 1, 1):
            dated = sum(window.covers(day) for window in windows if not window.every_year)
            yearly = sum(window.covers(day) for window in windows if window.every_year)
            assert dated <= 1
            assert yearly <= 1
            assert dated + yearly >= 1
            day += timedelta(days=1)


def test_milestones_are_of_the_types_their_schedule_allows(loaded: None) -> None:
    for milestone in Milestone.objects.select_related("schedule"):
        assert milestone.declaration_type in milestone.schedule.allowed_declaration_types
    autumn = Milestone.objects.filter(schedule__identifier="npq-specialist-autumn", schedule__cohort__start_year=2024)
    assert list(autumn.order_by("deadline_date").values_list("declaration_type", "deadline_date")) == [
        ("started", date(2024, 11, 25)),
        ("retained-1", date(2025, 5, 26)),
        ("completed", date(2026, 2, 21)),
    ]


def test_a_second_load_changes_nothing(loaded: None) -> None:
    before = [list(model.objects.order_by("id").values()) for model in TABLES]
    changes = Change.objects.count()

    again = load_reference_data(by=BY)

    assert [list(model.objects.order_by("id").values()) for model in TABLES] == before
    assert Change.objects.count() == changes
    assert {file.name: (file.created, file.changed, file.removed) for file in again} == dict.fromkeys(
        ["lead_providers", "courses", "cohorts", "schedules", "schedule_windows", "milestones"], (0, 0, 0)
    )


def test_what_the_files_do_not_name_stays(loaded: None) -> None:
    mine = LeadProvider.objects.create(code="newcomer", name="Newcomer")

    load_reference_data(by=BY)

    assert LeadProvider.objects.filter(id=mine.id).exists()


def test_a_changed_file_changes_only_its_rows(loaded: None, copy: Path) -> None:
    replace(copy / "cohorts.csv", "2026a,unfunded,", "2026a,unfunded,2025-10-01")
    changes = Change.objects.count()

    load_reference_data(by=BY, directory=copy)

    (change,) = Change.objects.order_by("id")[changes:]
    assert (change.table, change.after) == ("core_cohort", {"registration_start_date": "2025-10-01"})
    assert (change.actor_kind, change.action) == ("system", "load_reference_data")


def test_windows_become_exactly_the_files(loaded: None, copy: Path) -> None:
    replace(copy / "schedule_windows.csv", "2021a,leadership,npq-leadership-spring,2021-12-26", "2021a,leadership,"
            "npq-leadership-spring,2022-01-01")  # fmt: skip

    files = load_reference_data(by=BY, directory=copy)

    days = ScheduleWindow.objects.filter(cohort__start_year=2021, course_group="leadership").order_by("first_day")
    assert list(days.values_list("first_day", flat=True)) == [date(2022, 1, 1), None]
    (windows,) = [file for file in files if file.name == "schedule_windows"]
    assert (windows.created, windows.removed) == (1, 1)


@pytest.mark.parametrize(
    ("file", "old", "new", "error"),
    [
        ("courses.csv", "NPQH,leadership", "NPQH,management", (8, "courses.csv group", "invalid")),
        ("cohorts.csv", "2022a,full", "22a,full", (3, "cohorts.csv cohort", "invalid")),
        ("schedules.csv", "2021-11-01", "1/11/2021", (2, "schedules.csv first_day", "invalid")),
        ("schedules.csv", "started;retained-1;retained-2", "started;kept", (2, "schedules.csv declaration_types",
                                                                             "invalid")),
        ("schedule_windows.csv", "2021a,support,npq-aso-december", "2021a,support,npq-aso-may",
         (6, "schedule_windows.csv schedule", "invalid")),
        ("milestones.csv", "2021a,npq-specialist-autumn,retained-1", "2021a,npq-specialist-autumn,retained-2",
         (7, "milestones.csv declaration_type", "invalid")),
        ("lead_providers.csv", "code,name", "code,title", (1, "lead_providers.csv name", "column_missing")),
    ],
)  # fmt: skip
def test_a_mistake_names_file_and_line_and_nothing_is_stored(
    db: Any, copy: Path, file: str, old: str, new: str, error: tuple[int, str, str]
) -> None:
    replace(copy / file, old, new)

    run = run_command("load_reference_data", "--directory", copy, "--format", "json")

    assert run.code == 2
    assert run.errors[0] == error
    assert not any(model.objects.exists() for model in TABLES)


def test_the_command_reports_each_file(db: Any) -> None:
    run = run_command("load_reference_data", "--format", "json", "--actor", "Ada")

    assert run.code == 0
    assert {row["id"]: row["created"] for row in run.json["rows"]} == {
        "lead_providers": 8,
        "courses": 12,
        "cohorts": 7,
        "schedules": 50,
        "schedule_windows": 58,
        "milestones": 127,
    }
    assert set(Change.objects.values_list("actor_name", flat=True)) == {"Ada"}
