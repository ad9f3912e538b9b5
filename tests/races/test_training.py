"""Two actions on one person's training at once: consistent rows, one clear refusal where only one may win.

Each race has a control without locks that shows the damage.
"""

from collections.abc import Callable
from typing import Any

import pytest

from applications.models import Application
from declarations.choices import DeclarationState
from npq.core.choices import CohortFunding
from npq.core.models import LeadProvider, Message
from participants.models import Enrolment, TrainingStatusChange
from tests.conftest import ApiClient, errors_of
from tests.factories import (
    CohortFactory,
    ContractTermsFactory,
    DeclarationFactory,
    EnrolmentFactory,
    ScheduleFactory,
)
from tests.races.racing import intrude_after, meet_after, race, without_locks

pytestmark = pytest.mark.django_db(transaction=True)
Racer = Callable[[], Any]


@pytest.fixture
def enrolment(provider: LeadProvider) -> Enrolment:
    made = EnrolmentFactory(application__lead_provider=provider)
    DeclarationFactory(enrolment=made, state=DeclarationState.ELIGIBLE)
    return made


@pytest.fixture
def undeclared(provider: LeadProvider) -> Enrolment:
    return EnrolmentFactory(application__lead_provider=provider)


def act(api: ApiClient, enrolment: Enrolment, action: str, **attributes: str) -> Racer:
    path = f"/participants/npq/{enrolment.participant.public_id}/{action}"
    return lambda: answer_of(api.put("v3", path, {"course_identifier": enrolment.course.identifier, **attributes}))


def answer_of(response: Any) -> tuple[int, list[str]]:
    return response.status_code, [code for _, code in errors_of(response)] if response.status_code == 422 else []


def answers(*racers: Racer) -> list[tuple[int, list[str]]]:
    ends = race(*racers)
    for end in ends:
        if end.error:
            raise end.error
    return sorted(end.value for end in ends)


def history(enrolment: Enrolment) -> list[str]:
    """The statuses after the acceptance's, oldest first."""
    rows = TrainingStatusChange.objects.filter(enrolment=enrolment).order_by("id")
    return list(rows.values_list("status", flat=True))[1:]


# Withdraw against withdraw


def test_one_withdrawal_wins(api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch) -> None:
    meet_after(monkeypatch, "participants.services.withdraw._check")
    withdraw = act(api, enrolment, "withdraw", reason="other")

    assert answers(withdraw, withdraw) == [(200, []), (422, ["already_withdrawn"])]
    assert history(enrolment) == ["withdrawn"]
    assert Message.objects.count() == 1


def test_without_locks_one_is_withdrawn_twice(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, "participants.services.withdraw._check")
    withdraw = act(api, enrolment, "withdraw", reason="other")

    assert answers(withdraw, withdraw) == [(200, []), (200, [])]
    assert history(enrolment) == ["withdrawn", "withdrawn"]


# Defer against withdraw


def test_a_withdrawal_during_a_deferral_comes_after_it(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    withdrawal = intrude_after(
        monkeypatch, "participants.services.defer._check", act(api, enrolment, "withdraw", reason="other")
    )

    assert act(api, enrolment, "defer", reason="other")() == (200, [])
    assert withdrawal().value == (200, [])
    assert history(enrolment) == ["deferred", "withdrawn"]
    assert Enrolment.objects.get(id=enrolment.id).training_status == "withdrawn"


def test_a_deferral_during_a_withdrawal_is_refused(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deferral = intrude_after(
        monkeypatch, "participants.services.withdraw._check", act(api, enrolment, "defer", reason="other")
    )

    assert act(api, enrolment, "withdraw", reason="other")() == (200, [])
    assert deferral().value == (422, ["already_withdrawn"])
    assert history(enrolment) == ["withdrawn"]


def test_without_locks_somebody_withdrawn_is_deferred(
    api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    withdrawal = intrude_after(
        monkeypatch, "participants.services.defer._check", act(api, enrolment, "withdraw", reason="other")
    )

    assert act(api, enrolment, "defer", reason="other")() == (200, [])
    assert withdrawal().value == (200, [])
    assert history(enrolment) == ["withdrawn", "deferred"]
    assert Enrolment.objects.get(id=enrolment.id).training_status == "deferred"


# Change schedule against change schedule

SPRING = "npq-leadership-spring"


@pytest.fixture
def cohorts(undeclared: Enrolment) -> None:
    """2024 is capped, 2026 is unfunded: nobody may move from the latter to the former."""
    for year, funding in ((2023, CohortFunding.FULL), (2024, CohortFunding.CAPPED), (2026, CohortFunding.UNFUNDED)):
        cohort = CohortFactory(start_year=year, funding=funding)
        ScheduleFactory(cohort=cohort, identifier=SPRING)
        ContractTermsFactory(lead_provider=undeclared.lead_provider, cohort=cohort, course=undeclared.course)


def change(api: ApiClient, enrolment: Enrolment, year: str) -> Racer:
    return act(api, enrolment, "change-schedule", schedule_identifier=SPRING, cohort=year)


CHECKED = "participants.services.change_schedule._check"


@pytest.mark.usefixtures("cohorts")
def test_one_change_to_the_same_schedule_wins(
    api: ApiClient, undeclared: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet_after(monkeypatch, CHECKED)

    found = answers(change(api, undeclared, "2023"), change(api, undeclared, "2023"))

    assert found == [(200, []), (422, ["schedule_unchanged"])]


@pytest.mark.usefixtures("cohorts")
def test_without_locks_both_change_to_the_same_schedule(
    api: ApiClient, undeclared: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, CHECKED)

    assert answers(change(api, undeclared, "2023"), change(api, undeclared, "2023")) == [(200, []), (200, [])]


@pytest.mark.usefixtures("cohorts")
def test_a_change_of_cohort_waits_for_the_other(
    api: ApiClient, undeclared: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_unfunded = intrude_after(monkeypatch, CHECKED, change(api, undeclared, "2026"))

    assert change(api, undeclared, "2024")() == (200, [])
    assert to_unfunded().value == (200, [])
    assert place_of(undeclared) == (2026, 2026, False)


@pytest.mark.usefixtures("cohorts")
def test_without_locks_an_unfunded_place_becomes_a_funded_one(
    api: ApiClient, undeclared: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    to_unfunded = intrude_after(monkeypatch, CHECKED, change(api, undeclared, "2026"))

    assert change(api, undeclared, "2024")() == (200, [])
    assert to_unfunded().value == (200, [])
    assert place_of(undeclared) == (2024, 2024, True)


def place_of(enrolment: Enrolment) -> tuple[int, int, bool | None]:
    application = Application.objects.select_related("cohort", "enrolment__cohort").get(id=enrolment.application_id)
    assert application.enrolment is not None
    return application.enrolment.cohort.start_year, application.cohort.start_year, application.funded_place
