"""Two requests that decide about one person at once: one success, one clear 422, siblings consistent.

Each race has a control without locks that shows the damage. The unique index on enrolments keeps part of the rule
on its own, so where it does, one test runs without the locks and the control without the index as well.
"""

from collections.abc import Callable
from typing import Any

import pytest

from applications.models import Application
from npq.core.models import LeadProvider, Message
from participants.models import Enrolment
from tests.conftest import ApiClient, errors_of
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    ParticipantFactory,
    ScheduleFactory,
    ScheduleWindowFactory,
)
from tests.races.racing import meet_after, race, without_index, without_locks

pytestmark = pytest.mark.django_db(transaction=True)

CHECKED = "applications.services.accept._check"
INDEX = "enrolment_one_per_person_and_course_family"
Racer = Callable[[], Any]


@pytest.fixture(autouse=True)
def schedule() -> None:
    ScheduleWindowFactory(schedule=ScheduleFactory(cohort=CohortFactory()))


@pytest.fixture
def mine(provider: LeadProvider) -> Application:
    return ApplicationFactory(lead_provider=provider)


@pytest.fixture
def theirs(rival_provider: LeadProvider, mine: Application) -> Application:
    """The same person's application to the rival provider."""
    return ApplicationFactory(lead_provider=rival_provider, participant=mine.participant)


@pytest.fixture
def twins(rival_provider: LeadProvider, mine: Application) -> Application:
    """An application of another participant with the same verified TRN to the rival provider."""
    twin = ParticipantFactory(teacher_reference_number=mine.participant.teacher_reference_number)
    return ApplicationFactory(lead_provider=rival_provider, participant=twin)


def decide(api: ApiClient, application: Application, verb: str) -> Racer:
    return lambda: api.post("v3", f"/npq-applications/{application.public_id}/{verb}")


def answers(*racers: Racer) -> list[tuple[int, list[str]]]:
    """(status, codes) of each answer, the better one first; an exception is a failed test."""
    ends = race(*racers)
    for end in ends:
        if end.error:
            raise end.error
    found = [end.value for end in ends]
    return sorted(
        (answer.status_code, [code for _, code in errors_of(answer)] if answer.status_code in (400, 422) else [])
        for answer in found
    )


# Two providers, one participant


def test_two_providers_accept_one_participant(
    api: ApiClient, rival_api: ApiClient, mine: Application, theirs: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet_after(monkeypatch, CHECKED)

    found = answers(decide(api, mine, "accept"), decide(rival_api, theirs, "accept"))

    # The loser's own application was rejected by the winner's acceptance.
    assert found == [(200, []), (422, ["application_already_rejected"])]
    assert_one_won(mine, theirs)


def test_the_index_alone_keeps_one_participant_from_two_acceptances(
    api: ApiClient, rival_api: ApiClient, mine: Application, theirs: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, CHECKED)

    found = answers(decide(api, mine, "accept"), decide(rival_api, theirs, "accept"))

    assert found == [(200, []), (422, ["participant_already_accepted_on_course"])]
    assert_one_won(mine, theirs)


def test_without_locks_and_index_one_participant_is_accepted_twice_or_the_racers_deadlock(
    api: ApiClient, rival_api: ApiClient, mine: Application, theirs: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, CHECKED)

    with without_index(INDEX):
        found = answers(decide(api, mine, "accept"), decide(rival_api, theirs, "accept"))

        assert (500, []) in found or Enrolment.objects.holding_the_course().count() == 2


def assert_one_won(*applications: Application) -> None:
    found = Application.objects.filter(id__in=[each.id for each in applications])
    accepted = found.get(status="accepted")
    rejected = found.get(status="rejected")
    assert rejected.reason_for_rejection == "other_application_in_this_cohort_accepted"
    assert Enrolment.objects.get().application_id == accepted.id
    kinds = dict(Message.objects.values_list("application_public_id", "kind"))
    assert kinds == {
        accepted.public_id: "application_accepted",
        rejected.public_id: "application_rejected_automatically",
    }


# Two providers, two participants with one verified TRN


def test_two_providers_accept_two_participants_with_one_verified_trn(
    api: ApiClient, rival_api: ApiClient, mine: Application, twins: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet_after(monkeypatch, CHECKED)

    found = answers(decide(api, mine, "accept"), decide(rival_api, twins, "accept"))

    assert found == [(200, []), (422, ["participant_already_accepted_on_course"])]
    assert sorted(Application.objects.values_list("status", flat=True)) == ["accepted", "pending"]
    assert Enrolment.objects.count() == 1
    assert Message.objects.count() == 1


def test_without_locks_both_with_one_verified_trn_are_accepted(
    api: ApiClient, rival_api: ApiClient, mine: Application, twins: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, CHECKED)

    found = answers(decide(api, mine, "accept"), decide(rival_api, twins, "accept"))

    assert found == [(200, []), (200, [])]
    assert Enrolment.objects.holding_the_course().count() == 2


# One application, accepted twice


def test_one_application_is_accepted_twice(api: ApiClient, mine: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    meet_after(monkeypatch, CHECKED)

    found = answers(decide(api, mine, "accept"), decide(api, mine, "accept"))

    assert found == [(200, []), (422, ["application_already_accepted"])]
    assert Enrolment.objects.count() == 1
    assert Message.objects.count() == 1


def test_the_index_alone_keeps_one_application_from_two_acceptances(
    api: ApiClient, mine: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, CHECKED)

    found = answers(decide(api, mine, "accept"), decide(api, mine, "accept"))

    assert found == [(200, []), (422, ["participant_already_accepted_on_course"])]
    assert Enrolment.objects.count() == 1


def test_without_locks_and_indexes_one_application_has_two_enrolments(
    api: ApiClient, mine: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, CHECKED)

    with without_index(INDEX), without_index("enrolment_one_standing_per_application"):
        race(decide(api, mine, "accept"), decide(api, mine, "accept"))

        assert Enrolment.objects.count() == 2


# Accept against reject


def test_accept_against_reject(api: ApiClient, mine: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    meet_after(monkeypatch, CHECKED, "applications.services.reject.lock_application")

    found = answers(decide(api, mine, "accept"), decide(api, mine, "reject"))

    mine.refresh_from_db()
    if mine.status == "accepted":
        assert found == [(200, []), (422, ["accepted_application_cannot_be_rejected"])]
    else:
        assert found == [(200, []), (422, ["application_already_rejected"])]
    assert Enrolment.objects.count() == (mine.status == "accepted")
    assert Message.objects.count() == 1


def test_without_locks_accept_against_reject_breaks(
    api: ApiClient, mine: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, CHECKED, "applications.services.reject.lock_application")

    found = answers(decide(api, mine, "accept"), decide(api, mine, "reject"))

    assert (500, []) in found
