"""Effective eligibility and its reason (api.md §2.1.1; decisions.md §1.16; §8, Applications): the table, by the API."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from applications.models import Application
from npq.core.models import LeadProvider
from participants.models import Participant
from tests.conftest import ApiClient
from tests.factories import ApplicationFactory, CohortFactory, CourseFactory, EnrolmentFactory, ParticipantFactory

pytestmark = pytest.mark.django_db

EARLIER = datetime(2022, 10, 1, tzinfo=UTC)
NOW = datetime(2023, 10, 1, tzinfo=UTC)
LATER = datetime(2024, 10, 1, tzinfo=UTC)

ELIGIBLE = (True, None)
PREVIOUSLY_FUNDED = (False, "previously-funded")
ESTABLISHMENT = (False, "establishment-ineligible")

Shown = Callable[[Application], tuple[bool, str | None]]


@pytest.fixture
def person() -> Participant:
    return ParticipantFactory()


@pytest.fixture
def shown(api: ApiClient) -> Shown:
    """(eligible_for_funding, ineligible_for_funding_reason) as the API shows an application."""

    def shown(application: Application) -> tuple[bool, str | None]:
        record = api.get("v3", f"/npq-applications/{application.public_id}").json()["data"]["attributes"]
        return record["eligible_for_funding"], record["ineligible_for_funding_reason"]

    return shown


@pytest.fixture
def application(provider: LeadProvider, person: Participant) -> Application:
    """The pending application that is looked at."""
    return ApplicationFactory(lead_provider=provider, participant=person)


def other(person: Participant, **facts: Any) -> Application:
    """An earlier acceptance of the person on the same course, withdrawn so that it leaves room for another."""
    enrolment = {"training_status": "withdrawn", "accepted_at": EARLIER, **facts.pop("enrolment", {})}
    made = ApplicationFactory(participant=person, cohort=CohortFactory(start_year=2022), **facts)
    EnrolmentFactory(application=made, **enrolment)
    return made


# Alone


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({}, ELIGIBLE),
        ({"eligible_for_funding": False}, ESTABLISHMENT),
        ({"funding_eligibility_status_code": "marked_ineligible_by_policy"}, ELIGIBLE),
        (
            {"eligible_for_funding": False, "funding_eligibility_status_code": "marked_ineligible_by_policy"},
            ESTABLISHMENT,
        ),
        ({"eligible_for_funding": False, "funding_eligibility_status_code": "marked_funded_by_policy"}, ELIGIBLE),
        (
            {"eligible_for_funding": False, "funding_eligibility_status_code": "previously_funded"},
            ESTABLISHMENT,
        ),
    ],
)
def test_an_application_alone(
    facts: dict[str, Any], wanted: tuple[bool, str | None], provider: LeadProvider, shown: Shown
) -> None:
    assert shown(ApplicationFactory(lead_provider=provider, **facts)) == wanted


# With another application of the same person


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({}, PREVIOUSLY_FUNDED),
        ({"funded_place": True}, PREVIOUSLY_FUNDED),
        ({"funded_place": False}, ELIGIBLE),
        ({"eligible_for_funding": False}, ELIGIBLE),
        ({"enrolment": {"undone_at": NOW}}, ELIGIBLE),
        ({"enrolment": {"training_status": "withdrawn"}}, PREVIOUSLY_FUNDED),
        ({"enrolment": {"training_status": "deferred"}}, PREVIOUSLY_FUNDED),
        ({"enrolment": {"training_status": "active"}}, PREVIOUSLY_FUNDED),
    ],
)
def test_another_acceptance_counts_when_it_was_funded(
    facts: dict[str, Any],
    wanted: tuple[bool, str | None],
    person: Participant,
    application: Application,
    shown: Shown,
) -> None:
    other(person, **facts)

    assert shown(application) == wanted


def test_pending_and_rejected_ones_do_not_count(person: Participant, application: Application, shown: Shown) -> None:
    ApplicationFactory(participant=person)
    ApplicationFactory(participant=person, rejected=True)

    assert shown(application) == ELIGIBLE


def test_an_undone_acceptance_of_its_own_does_not_count(application: Application, shown: Shown) -> None:
    EnrolmentFactory(application=application, accepted_at=EARLIER, undone_at=NOW)

    assert shown(application) == ELIGIBLE


def test_another_persons_does_not_count_not_even_by_trn(
    person: Participant, application: Application, shown: Shown
) -> None:
    other(ParticipantFactory(teacher_reference_number=person.teacher_reference_number))

    assert shown(application) == ELIGIBLE


def test_another_course_does_not_count(person: Participant, application: Application, shown: Shown) -> None:
    other(person, course=CourseFactory(specialist=True))

    assert shown(application) == ELIGIBLE


@pytest.mark.parametrize(("before", "now"), [("aso", "ehco"), ("ehco", "aso"), ("aso", "aso")])
def test_aso_and_ehco_count_for_each_other(
    before: str, now: str, person: Participant, provider: LeadProvider, shown: Shown
) -> None:
    other(person, course=CourseFactory(**{before: True}))
    application = ApplicationFactory(lead_provider=provider, participant=person, course=CourseFactory(**{now: True}))

    assert shown(application) == PREVIOUSLY_FUNDED


def test_cohort_and_provider_do_not_matter(person: Participant, application: Application, shown: Shown) -> None:
    other(person, lead_provider=application.lead_provider)

    assert shown(application) == PREVIOUSLY_FUNDED


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({"eligible_for_funding": False}, PREVIOUSLY_FUNDED),
        ({"funding_eligibility_status_code": "marked_funded_by_policy"}, ELIGIBLE),
        ({"funding_eligibility_status_code": "marked_funded_by_policy", "eligible_for_funding": False}, ELIGIBLE),
    ],
)
def test_previous_funding_goes_first_and_policy_over_all(
    facts: dict[str, Any],
    wanted: tuple[bool, str | None],
    person: Participant,
    provider: LeadProvider,
    shown: Shown,
) -> None:
    other(person)

    assert shown(ApplicationFactory(lead_provider=provider, participant=person, **facts)) == wanted


# Earlier and later acceptances


@pytest.mark.parametrize(
    ("accepted_at", "wanted"),
    [(EARLIER, PREVIOUSLY_FUNDED), (NOW - timedelta(microseconds=1), PREVIOUSLY_FUNDED), (LATER, ELIGIBLE)],
)
def test_an_accepted_application_looks_at_earlier_acceptances_only(
    accepted_at: datetime,
    wanted: tuple[bool, str | None],
    person: Participant,
    application: Application,
    shown: Shown,
) -> None:
    other(person, enrolment={"accepted_at": accepted_at})
    EnrolmentFactory(application=application, accepted_at=NOW)

    assert shown(application) == wanted


def test_of_two_accepted_at_one_instant_the_first_stored_is_earlier(
    person: Participant, provider: LeadProvider, shown: Shown
) -> None:
    first = other(person, lead_provider=provider, enrolment={"accepted_at": NOW})
    second = ApplicationFactory(lead_provider=provider, participant=person)
    EnrolmentFactory(application=second, accepted_at=NOW)

    assert (shown(first), shown(second)) == (ELIGIBLE, PREVIOUSLY_FUNDED)


def test_a_second_acceptance_leaves_the_first_one_eligible(
    person: Participant, provider: LeadProvider, shown: Shown
) -> None:
    first = other(person, lead_provider=provider)

    EnrolmentFactory(application=ApplicationFactory(participant=person), accepted_at=LATER)

    assert shown(first) == ELIGIBLE
