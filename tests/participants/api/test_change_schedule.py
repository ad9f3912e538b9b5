"""PUT change-schedule: every row of its table (api.md §5.3, domain.md §3.10, decisions.md §1.17), in each version."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from applications.models import Application
from declarations.choices import LIVE_STATES, DeclarationState, DeclarationType
from finance.models import ContractTerms
from npq.core.choices import CohortFunding
from npq.core.models import Change, Cohort, Message
from participants.choices import TrainingStatus
from participants.models import Enrolment, Schedule, TrainingStatusChange
from tests.conftest import errors_of
from tests.factories import CohortFactory, ContractTermsFactory, DeclarationFactory, ScheduleFactory
from tests.participants.api.conftest import Actions

pytestmark = pytest.mark.django_db
every_version = pytest.mark.parametrize("version", ["v1", "v2", "v3"])
SPRING = "npq-leadership-spring"
AUTUMN = "npq-leadership-autumn"


def offer(enrolment: Enrolment, cohort: Cohort, identifier: str = SPRING, **facts: Any) -> Schedule:
    """A schedule in a cohort where the provider has a contract for the course."""
    terms = {"lead_provider": enrolment.lead_provider, "cohort": cohort, "course": enrolment.course}
    if not ContractTerms.objects.filter(**terms).exists():
        ContractTermsFactory(**terms)
    return ScheduleFactory(cohort=cohort, identifier=identifier, **facts)


@pytest.fixture
def spring(enrolment: Enrolment) -> Schedule:
    return offer(enrolment, enrolment.cohort, starts_on=date(2024, 1, 1))


def now_on(enrolment: Enrolment) -> tuple[str, str, str]:
    """Schedule, the enrolment's cohort and the application's."""
    fresh = Enrolment.objects.select_related("schedule", "cohort", "application__cohort").get(id=enrolment.id)
    return fresh.schedule.identifier, fresh.cohort.identifier, fresh.application.cohort.identifier


def move_to_cohort(enrolment: Enrolment, cohort: Cohort, funded_place: bool | None) -> None:
    """The enrolment as if it had been accepted in another cohort."""
    schedule = offer(enrolment, cohort, AUTUMN)
    Enrolment.objects.filter(id=enrolment.id).update(cohort=cohort, schedule=schedule)
    Application.objects.filter(id=enrolment.application_id).update(cohort=cohort, funded_place=funded_place)


# What succeeds


@every_version
@pytest.mark.parametrize(
    "cohort", [{}, {"cohort": "2023"}, {"cohort": 2023}, {"cohort": "2023a"}, {"cohort": None}, {"cohort": ""}]
)
def test_the_schedule_changes(
    version: str, cohort: dict[str, Any], act: Actions, enrolment: Enrolment, spring: Schedule
) -> None:
    response = act(version, "change-schedule", schedule_identifier=SPRING, **cohort)

    assert response.status_code == 200, response.content
    assert now_on(enrolment) == (SPRING, "2023a", "2023a")
    if version != "v1":
        (shown,) = response.json()["data"]["attributes"]["npq_enrolments"]
        assert (shown["schedule_identifier"], shown["cohort"]) == (SPRING, "2023")


@every_version
def test_it_is_possible_while_deferred(version: str, act: Actions, enrolment: Enrolment, spring: Schedule) -> None:
    Enrolment.objects.update(training_status=TrainingStatus.DEFERRED)

    assert act(version, "change-schedule", schedule_identifier=SPRING).status_code == 200


@every_version
@pytest.mark.parametrize("cohort", ["2022", 2022, "2022a", " 2022A "])
def test_enrolment_and_application_change_cohort_together(
    version: str, cohort: Any, act: Actions, enrolment: Enrolment
) -> None:
    """Only the cohort changes: the schedule of the same name is found there."""
    offer(enrolment, CohortFactory(start_year=2022), AUTUMN)

    response = act(version, "change-schedule", schedule_identifier=AUTUMN, cohort=cohort)

    assert response.status_code == 200, response.content
    assert now_on(enrolment) == (AUTUMN, "2022a", "2022a")


@every_version
def test_neither_history_nor_message(version: str, act: Actions, enrolment: Enrolment, spring: Schedule) -> None:
    before = TrainingStatusChange.objects.count()

    act(version, "change-schedule", schedule_identifier=SPRING)

    assert TrainingStatusChange.objects.count() == before
    assert not Message.objects.exists()
    change = Change.objects.get(table="participants_enrolment", operation="update")
    assert (change.action, change.actor_kind) == ("change_schedule", "token")


# Which cohort a year means


@every_version
@pytest.mark.parametrize(
    ("own", "cohort", "expected"),
    [
        ("2023a", "2026", "2026c"),  # the latest suffix that has the schedule
        ("2023a", "2026a", "2026a"),
        ("2026b", "2026", "2026b"),  # its own cohort, though a later one has the schedule
        ("2026b", None, "2026b"),
        ("2026b", "2026c", "2026c"),
    ],
)
def test_a_year_means_one_cohort(
    version: str, own: str, cohort: str | None, expected: str, act: Actions, enrolment: Enrolment
) -> None:
    for suffix in "abcd":
        made = CohortFactory(start_year=2026, suffix=suffix, funding=CohortFunding.FULL)
        offer(enrolment, made, SPRING if suffix != "d" else "npq-leadership-summer")
    if own != "2023a":
        move_to_cohort(enrolment, Cohort.objects.get(start_year=2026, suffix=own[4]), None)

    response = act(version, "change-schedule", schedule_identifier=SPRING, **({"cohort": cohort} if cohort else {}))

    assert response.status_code == 200, response.content
    assert now_on(enrolment) == (SPRING, expected, expected)


# The schedule


@every_version
@pytest.mark.parametrize(
    "given", [{}, {"schedule_identifier": None}, {"schedule_identifier": " "}, {"schedule_identifier": 3}]
)
def test_a_schedule_must_be_named(
    version: str, given: dict[str, Any], act: Actions, enrolment: Enrolment, spring: Schedule
) -> None:
    response = act(version, "change-schedule", **given)

    assert response.status_code == 422
    assert errors_of(response) == [("schedule_identifier", "schedule_missing")]
    assert SPRING in response.json()["errors"][0]["detail"]


@every_version
@pytest.mark.parametrize(
    "given", [{"schedule_identifier": "npq-leadership-summer"}, {"cohort": "2022"}, {"cohort": 2049}]
)
def test_the_cohort_must_have_the_schedule(
    version: str, given: dict[str, Any], act: Actions, enrolment: Enrolment, spring: Schedule
) -> None:
    """Reported on the schedule, even where the year is what does not fit."""
    CohortFactory(start_year=2022)

    response = act(version, "change-schedule", **{"schedule_identifier": SPRING, **given})

    assert response.status_code == 422
    assert errors_of(response) == [("schedule_identifier", "schedule_not_found")]
    assert now_on(enrolment) == (AUTUMN, "2023a", "2023a")


@every_version
@pytest.mark.parametrize("cohort", ["abc", "20", "2023ab", "20233", True, 2023.5, ["2023"], {"year": 2023}, "٢٠٢٣"])
def test_a_cohort_must_be_readable(
    version: str, cohort: Any, act: Actions, enrolment: Enrolment, spring: Schedule
) -> None:
    response = act(version, "change-schedule", schedule_identifier=SPRING, cohort=cohort)

    assert response.status_code == 422
    assert errors_of(response) == [("cohort", "cohort_not_readable")]


@every_version
def test_the_same_schedule_is_refused(version: str, act: Actions, enrolment: Enrolment) -> None:
    offer(enrolment, enrolment.cohort, AUTUMN)

    response = act(version, "change-schedule", schedule_identifier=AUTUMN)

    assert response.status_code == 422
    assert errors_of(response) == [("schedule_identifier", "schedule_unchanged")]


@every_version
def test_a_schedule_of_another_group_is_refused(version: str, act: Actions, enrolment: Enrolment) -> None:
    offer(enrolment, enrolment.cohort, "npq-specialist-autumn", course_group="specialist")

    response = act(version, "change-schedule", schedule_identifier="npq-specialist-autumn")

    assert response.status_code == 422
    assert errors_of(response) == [("schedule_identifier", "schedule_not_for_course")]


@every_version
@pytest.mark.parametrize("lacking", ["lead_provider", "cohort", "course", "everything"])
def test_a_contract_is_needed(version: str, lacking: str, act: Actions, enrolment: Enrolment, spring: Schedule) -> None:
    ContractTerms.objects.all().delete()
    if lacking != "everything":
        terms = {"lead_provider": enrolment.lead_provider, "cohort": enrolment.cohort, "course": enrolment.course}
        terms.pop(lacking)
        others = {"cohort": {"cohort__start_year": 2022}, "course": {"course__specialist": True}}
        ContractTermsFactory(**terms, **others.get(lacking, {}))

    response = act(version, "change-schedule", schedule_identifier=SPRING)

    assert response.status_code == 422
    assert errors_of(response) == [("cohort", "no_contract_for_cohort_and_course")]


@every_version
def test_the_contract_is_the_new_cohorts(version: str, act: Actions, enrolment: Enrolment, spring: Schedule) -> None:
    ScheduleFactory(cohort=CohortFactory(start_year=2022), identifier=SPRING)

    response = act(version, "change-schedule", schedule_identifier=SPRING, cohort="2022")

    assert errors_of(response) == [("cohort", "no_contract_for_cohort_and_course")]


@every_version
def test_a_withdrawn_participant_keeps_the_schedule(
    version: str, act: Actions, enrolment: Enrolment, spring: Schedule
) -> None:
    Enrolment.objects.update(training_status=TrainingStatus.WITHDRAWN)

    response = act(version, "change-schedule", schedule_identifier=SPRING)

    assert errors_of(response) == [("participant_id", "already_withdrawn")]


# Declarations


@every_version
@pytest.mark.parametrize("state", DeclarationState.values)
@pytest.mark.parametrize("wrong", ["date", "type"])
def test_live_declarations_must_fit_the_new_schedule(
    version: str, state: str, wrong: str, act: Actions, enrolment: Enrolment, spring: Schedule
) -> None:
    spring.allowed_declaration_types = ["started", "completed"] if wrong == "type" else spring.allowed_declaration_types
    spring.save()
    DeclarationFactory(
        enrolment=enrolment,
        declaration_type=DeclarationType.RETAINED_1,
        declaration_date=datetime(2024, 1, 1, tzinfo=UTC)
        if wrong == "type"
        else datetime(2023, 12, 31, 23, tzinfo=UTC),
        state=state,
        ineligible_reason="duplicate_declaration" if state == "ineligible" else None,
    )

    response = act(version, "change-schedule", schedule_identifier=SPRING)

    if state in LIVE_STATES:
        assert response.status_code == 422
        assert errors_of(response) == [("schedule_identifier", "schedule_invalidates_declarations")]
        assert now_on(enrolment) == (AUTUMN, "2023a", "2023a")
    else:
        assert response.status_code == 200


@every_version
@pytest.mark.parametrize(
    ("first_day", "declared", "fits"),
    [
        (date(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), True),
        (date(2024, 1, 1), datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (date(2024, 6, 1), datetime(2024, 5, 31, 23, tzinfo=UTC), True),  # midnight in the UK
        (date(2024, 6, 1), datetime(2024, 5, 31, 22, 59, 59, tzinfo=UTC), False),
    ],
)
def test_the_first_day_begins_at_midnight_uk_time(
    version: str, first_day: date, declared: datetime, fits: bool, act: Actions, enrolment: Enrolment, spring: Schedule
) -> None:
    spring.starts_on = first_day
    spring.save()
    DeclarationFactory(enrolment=enrolment, declaration_date=declared)

    assert (act(version, "change-schedule", schedule_identifier=SPRING).status_code == 200) is fits


@every_version
@pytest.mark.parametrize("state", DeclarationState.values)
def test_live_declarations_hold_the_cohort(version: str, state: str, act: Actions, enrolment: Enrolment) -> None:
    offer(enrolment, CohortFactory(start_year=2022), SPRING)
    DeclarationFactory(
        enrolment=enrolment, state=state, ineligible_reason="duplicate_declaration" if state == "ineligible" else None
    )

    response = act(version, "change-schedule", schedule_identifier=SPRING, cohort="2022")

    if state in LIVE_STATES:
        assert response.status_code == 422
        assert errors_of(response) == [("cohort", "cohort_has_declarations")]
        assert now_on(enrolment) == (AUTUMN, "2023a", "2023a")
    else:
        assert response.status_code == 200


# Funding

FUNDED = {"full": CohortFunding.FULL, "capped": CohortFunding.CAPPED, "unfunded": CohortFunding.UNFUNDED}


@every_version
@pytest.mark.parametrize(
    ("source", "target", "place", "eligible", "result"),
    [
        ("full", "full", None, True, None),
        ("full", "capped", None, True, True),
        ("full", "capped", None, False, False),
        ("full", "unfunded", None, True, False),
        ("capped", "capped", True, True, True),
        ("capped", "capped", False, True, False),
        ("capped", "unfunded", True, True, False),
        ("capped", "full", True, True, "cohort_without_cap"),
        ("unfunded", "unfunded", False, True, False),
        ("unfunded", "full", False, True, "cohort_funded"),
        ("unfunded", "capped", False, True, "cohort_funded"),
    ],
)
def test_the_funded_place_follows_the_cohort(
    version: str,
    source: str,
    target: str,
    place: bool | None,
    eligible: bool,
    result: Any,
    act: Actions,
    enrolment: Enrolment,
) -> None:
    Application.objects.update(eligible_for_funding=eligible)
    move_to_cohort(enrolment, CohortFactory(start_year=2030, funding=FUNDED[source]), place)
    offer(enrolment, CohortFactory(start_year=2031, funding=FUNDED[target]), AUTUMN)

    response = act(version, "change-schedule", schedule_identifier=AUTUMN, cohort="2031")

    application = Application.objects.get(id=enrolment.application_id)
    if isinstance(result, str):
        assert response.status_code == 422
        assert errors_of(response) == [("cohort", result)]
        assert (application.cohort.start_year, application.funded_place) == (2030, place)
    else:
        assert response.status_code == 200, response.content
        assert (application.cohort.start_year, application.funded_place) == (2031, result)


@every_version
def test_the_funded_place_stays_within_the_cohort(version: str, act: Actions, enrolment: Enrolment) -> None:
    capped = CohortFactory(start_year=2030, funding=CohortFunding.CAPPED)
    move_to_cohort(enrolment, capped, False)
    offer(enrolment, capped, SPRING)

    assert act(version, "change-schedule", schedule_identifier=SPRING).status_code == 200

    assert Application.objects.get(id=enrolment.application_id).funded_place is False


@every_version
def test_several_refusals_come_together(version: str, act: Actions, enrolment: Enrolment, spring: Schedule) -> None:
    DeclarationFactory(enrolment=enrolment, declaration_date=datetime(2023, 11, 1, tzinfo=UTC))
    Enrolment.objects.update(training_status=TrainingStatus.WITHDRAWN)

    assert errors_of(act(version, "change-schedule", schedule_identifier=SPRING)) == [
        ("participant_id", "already_withdrawn"),
        ("schedule_identifier", "schedule_invalidates_declarations"),
    ]
    assert errors_of(act(version, "change-schedule", course_identifier="npq-nothing")) == [
        ("course_identifier", "course_not_recognised"),
        ("schedule_identifier", "schedule_missing"),
    ]
