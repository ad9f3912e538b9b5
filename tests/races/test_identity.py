"""People becoming one, by a merge or a TRN, while somebody accepts: never two enrolments on one course.

Each race has a control without locks that shows the damage.
"""

from collections.abc import Callable
from typing import Any

import pytest

from applications.models import Application
from npq.core.audit import Actor
from npq.core.models import LeadProvider
from participants.models import Enrolment, Participant
from participants.queries import INVARIANTS
from participants.services import change_trn, merge_participants, verify_trn
from tests.conftest import ApiClient, errors_of
from tests.factories import (
    ApplicationFactory,
    EnrolmentFactory,
    ParticipantFactory,
    ScheduleWindowFactory,
)
from tests.races.racing import kinds, meet_after, race, without_locks

pytestmark = pytest.mark.django_db(transaction=True)
ACCEPT_CHECKED = "applications.services.accept._check"
TRN = "9123456"


class Accepted422(Exception):
    """The answer to an acceptance was a 422."""


@pytest.fixture
def somebody(rival_provider: LeadProvider) -> Participant:
    """Enrolled with the rival provider, without a TRN."""
    person = ParticipantFactory(without_trn=True)
    enrolled = EnrolmentFactory(application__participant=person, application__lead_provider=rival_provider)
    ScheduleWindowFactory(schedule=enrolled.schedule)
    return person


@pytest.fixture
def application(provider: LeadProvider, somebody: Participant) -> Application:
    """Somebody else's application to the provider for the course that `somebody` is enrolled on."""
    person = ParticipantFactory(teacher_reference_number=TRN)
    return ApplicationFactory(participant=person, lead_provider=provider)


def accept(api: ApiClient, application: Application) -> Callable[[], Any]:
    def run() -> None:
        response = api.post("v3", f"/npq-applications/{application.public_id}/accept")
        if response.status_code == 422:
            raise Accepted422(errors_of(response))
        assert response.status_code == 200, response.content

    return run


def broken() -> list[str]:
    return [invariant.code for invariant in INVARIANTS if list(invariant.breaches())]


# Merge against accept


def merge(actor: Actor, retired: Participant, survivor: Participant) -> Callable[[], Any]:
    return lambda: merge_participants(retired_id=retired.id, survivor_id=survivor.id, by=actor)


def test_merge_against_accept_on_one_course(
    api: ApiClient, actor: Actor, application: Application, somebody: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet_after(monkeypatch, ACCEPT_CHECKED, "participants.services.merge._check")

    ends = race(accept(api, application), merge(actor, application.participant, somebody))

    assert kinds(ends) in (["BothOnCourse", "done"], ["Accepted422", "done"])
    assert Enrolment.objects.holding_the_course().filter(participant=somebody).count() == 1
    assert broken() == []


def test_without_locks_merge_and_accept_leave_it_to_the_constraints(
    api: ApiClient, actor: Actor, application: Application, somebody: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both checks pass; the deferred foreign key, which keeps an application's person its enrolment's, breaks one."""
    without_locks(monkeypatch)
    meet_after(monkeypatch, ACCEPT_CHECKED, "participants.services.merge._check")

    ends = race(accept(api, application), merge(actor, application.participant, somebody))

    assert kinds(ends)[-1] == "done"
    assert kinds(ends)[0] in ("AssertionError", "IntegrityError", "OperationalError")


def test_merge_against_accept_without_conflict(
    api: ApiClient, actor: Actor, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The enrolment ends up with the survivor, whoever comes first."""
    survivor = ParticipantFactory(without_trn=True)
    meet_after(monkeypatch, ACCEPT_CHECKED, "participants.services.merge._check")

    ends = race(accept(api, application), merge(actor, application.participant, survivor))

    assert kinds(ends) == ["done", "done"]
    assert Enrolment.objects.get(application=application).participant == survivor
    assert broken() == []


# Change TRN against accept


Giving = Callable[[Participant], Callable[[], Any]]


@pytest.fixture(params=["changed", "verified"])
def give(request: pytest.FixtureRequest, actor: Actor) -> Giving:
    """Gives somebody the verified TRN: as a new number, or by verifying the one they have."""

    def make(person: Participant) -> Callable[[], Any]:
        if request.param == "changed":
            return lambda: change_trn(participant_id=person.id, teacher_reference_number=TRN, by=actor)
        Participant.objects.filter(id=person.id).update(teacher_reference_number=TRN)
        return lambda: verify_trn(participant_id=person.id, by=actor)

    return make


TRN_CHECKED = "participants.services.change_trn._check"


def test_change_trn_against_the_other_holders_acceptance(
    api: ApiClient, give: Giving, application: Application, somebody: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet_after(monkeypatch, ACCEPT_CHECKED, TRN_CHECKED)

    ends = race(accept(api, application), give(somebody))

    assert kinds(ends) in (["TrnHolderOnCourse", "done"], ["Accepted422", "done"])
    assert broken() == []


def test_without_locks_one_trn_is_accepted_twice(
    api: ApiClient, give: Giving, application: Application, somebody: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, ACCEPT_CHECKED, TRN_CHECKED)

    ends = race(accept(api, application), give(somebody))

    assert kinds(ends) == ["done", "done"]
    assert broken() == ["one_enrolment_per_person_and_course"]


# One TRN for two people whom no lock of a row connects


@pytest.fixture
def another(provider: LeadProvider) -> Participant:
    person = ParticipantFactory(without_trn=True)
    EnrolmentFactory(application__participant=person, application__lead_provider=provider)
    return person


def test_one_trn_for_two_people_on_one_course(
    give: Giving, somebody: Participant, another: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet_after(monkeypatch, TRN_CHECKED)

    ends = race(give(somebody), give(another))

    assert kinds(ends) == ["TrnHolderOnCourse", "done"]
    assert broken() == []


def test_without_the_lock_on_the_trn_both_get_it(
    give: Giving, somebody: Participant, another: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("participants.queries._lock_trns", lambda trns: None)
    meet_after(monkeypatch, TRN_CHECKED)

    ends = race(give(somebody), give(another))

    assert kinds(ends) == ["done", "done"]
    assert broken() == ["one_enrolment_per_person_and_course"]
