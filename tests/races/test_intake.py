"""Deliveries at once: one 201 and one 200 for the same, one 201 and one 409 for a contradiction, and no 500."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from applications.models import Application
from applications.services import receive_applications
from npq.core.audit import Actor
from npq.core.choices import TokenScope
from npq.core.models import ApiToken
from participants.models import Participant
from participants.queries import lock_people
from tests.applications.api.test_intake import Intake
from tests.applications.submissions import smallest
from tests.conftest import NOW
from tests.factories import (
    ApiTokenFactory,
    CohortFactory,
    CourseFactory,
    LeadProviderFactory,
    ParticipantFactory,
)
from tests.races.racing import meet_after, race, without_index, without_locks

pytestmark = pytest.mark.django_db(transaction=True)

LOOKED = "applications.services.receive._Batch._known"
LOCKED = "applications.services.receive._Batch._lock_people"


@pytest.fixture
def intake() -> Intake:
    LeadProviderFactory(code="ambition")
    CourseFactory()
    CohortFactory()
    secret = ApiToken.new_secret()
    ApiTokenFactory(lead_provider=None, scope=TokenScope.REGISTRATION, secret=secret)
    return Intake(secret)


def statuses(*racers: Callable[[], Any]) -> list[int]:
    ends = race(*racers)
    for end in ends:
        if end.error:
            raise end.error
    return sorted(end.value.status_code for end in ends)


def test_the_same_id_with_a_new_person(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    meet_after(monkeypatch, LOOKED)
    sent = smallest()

    assert statuses(*[lambda: intake.deliver(sent)] * 2) == [200, 201]
    assert (Application.objects.count(), Participant.objects.count()) == (1, 1)


def test_the_same_id_with_a_known_person(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    meet_after(monkeypatch, LOOKED)
    sent = smallest(participant_id=str(ParticipantFactory().public_id))

    assert statuses(*[lambda: intake.deliver(sent)] * 2) == [200, 201]
    assert Application.objects.count() == 1


def test_the_index_alone_keeps_the_same_id_from_two_rows(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, LOCKED)
    sent = smallest(participant_id=str(ParticipantFactory().public_id))

    assert statuses(*[lambda: intake.deliver(sent)] * 2) == [200, 201]
    assert Application.objects.count() == 1


def test_without_looking_again_the_same_id_is_a_500(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, LOCKED)
    monkeypatch.setattr("applications.services.receive.violated_constraint", lambda _: None)
    sent = smallest(participant_id=str(ParticipantFactory().public_id))

    assert statuses(*[lambda: intake.deliver(sent)] * 2) == [201, 500]


def test_without_locks_and_index_the_same_id_makes_two_rows(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, LOCKED)
    sent = smallest(participant_id=str(ParticipantFactory().public_id))

    with without_index("applications_application_public_id_key"):
        assert statuses(*[lambda: intake.deliver(sent)] * 2) == [201, 201]
        assert Application.objects.count() == 2


def test_a_contradiction_about_different_people(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    meet_after(monkeypatch, LOCKED)
    identifier = str(uuid.uuid4())
    first, second = smallest(id=identifier), smallest(id=identifier)

    assert statuses(lambda: intake.deliver(first), lambda: intake.deliver(second)) == [201, 409]
    assert (Application.objects.count(), Participant.objects.count()) == (1, 1)


def test_two_applications_of_one_new_person(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    meet_after(monkeypatch, LOOKED)
    person = str(uuid.uuid4())
    first = smallest(participant_id=person, full_name="Priya Reed")
    second = smallest(participant_id=person, full_name="Priya Okafor")

    assert statuses(lambda: intake.deliver(first), lambda: intake.deliver(second)) == [201, 201]
    found = Participant.objects.get()
    assert {found.full_name, *found.previous_names} == {"Priya Reed", "Priya Okafor"}


def test_two_verified_trns_of_one_person(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    meet_after(monkeypatch, LOOKED)
    person = ParticipantFactory(without_trn=True)
    deliveries = [verified(person, trn) for trn in ("9000001", "9000002")]

    assert statuses(*[lambda sent=sent: intake.deliver(sent) for sent in deliveries]) == [201, 422]
    assert Application.objects.count() == 1


def test_without_locks_one_verified_trn_overwrites_the_other(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, LOCKED)
    person = ParticipantFactory(without_trn=True)
    deliveries = [verified(person, trn) for trn in ("9000001", "9000002")]

    assert statuses(*[lambda sent=sent: intake.deliver(sent) for sent in deliveries]) == [201, 201]


def verified(person: Participant, trn: str) -> dict[str, Any]:
    return smallest(
        participant_id=str(person.public_id), teacher_reference_number=trn, teacher_reference_number_validated=True
    )


def test_batches_about_the_same_people_in_opposite_order(intake: Intake) -> None:
    people = [str(ParticipantFactory(full_name="Priya Reed").public_id) for _ in range(20)]
    people += [str(uuid.uuid4()) for _ in range(20)]
    batches = [[smallest(participant_id=person) for person in order] for order in (people, people[::-1])]

    ends = race(
        *[
            lambda batch=batch: receive_applications(contents=batch, by=Actor.system("a test"), now=NOW)
            for batch in batches * 2
        ]
    )

    assert [end.kind for end in ends] == ["done"] * 4
    assert sum(receipt.created for end in ends for receipt in end.value) == Application.objects.count() == 80


def test_a_person_merged_between_look_up_and_lock_is_looked_up_again(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    survivor, person = ParticipantFactory(), ParticipantFactory()
    to_patch = "applications.services.receive.lock_people"

    def merge_first(*people: Any, **trns: Any) -> Any:
        monkeypatch.setattr(to_patch, lock_people)
        race(lambda: Participant.objects.filter(id=person.id).update(merged_into=survivor))
        return lock_people(*people, **trns)

    monkeypatch.setattr(to_patch, merge_first)

    response = intake.deliver(smallest(participant_id=str(person.public_id)))

    assert response.json()["data"]["participant_id"] == str(survivor.public_id)
    assert Application.objects.get().participant == survivor
