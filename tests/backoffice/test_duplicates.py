"""People who are probably one: found, compared, merged, or kept apart by a decision that holds."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from npq.backoffice.deciding import OnePersonAlready, decide_not_the_same, take_back_decision
from npq.backoffice.look_alikes import look_alikes
from npq.backoffice.models import NotTheSamePerson
from npq.backoffice.pages import address_of
from npq.core.audit import Actor
from npq.core.models import Change
from participants.errors import PersonRetired
from tests.backoffice.conftest import ROLE_NAMES
from tests.factories import ApplicationFactory, NotTheSamePersonFactory, ParticipantFactory

LIST = "/admin/duplicates/"
BY = Actor.staff("Sam Reyes", identifier="7", reason="Twins, as both schools confirm")
BORN = date(1985, 3, 9)
SEEING = {"viewer", "caseworker", "finance", "finance approver"}


def pairs() -> list[tuple[Any, Any, tuple[str, ...]]]:
    """What is found, as it can be compared; among so few people the newest are everybody."""
    newest, everybody = (
        [(each.first, each.second, each.signs) for each in look_alikes(everybody=way)] for way in (False, True)
    )
    assert newest == everybody
    return newest


def same_trn() -> tuple[Any, Any]:
    """Two people with one TRN, of whom one is not verified."""
    first = ParticipantFactory(teacher_reference_number="9111111")
    return first, ParticipantFactory(teacher_reference_number="9111111", teacher_reference_number_verified=False)


def address_of_pair(first: Any, second: Any) -> str:
    """The page of two people."""
    return f"{LIST}{first.public_id}/{second.public_id}/"


@pytest.mark.django_db
@pytest.mark.parametrize("verified", [True, False])
def test_one_trn_is_found_verified_or_not(verified: bool) -> None:
    facts = {"teacher_reference_number": "9111111", "teacher_reference_number_verified": verified}
    first, second = ParticipantFactory(**facts), ParticipantFactory(**facts)
    ParticipantFactory()

    assert pairs() == [(first, second, ("The same TRN",))]


@pytest.mark.django_db
def test_one_name_and_date_of_birth_are_found_in_any_case() -> None:
    first = ParticipantFactory(full_name="Priya Okafor", date_of_birth=BORN)
    second = ParticipantFactory(full_name="PRIYA OKAFOR", date_of_birth=BORN)
    ParticipantFactory(full_name="Priya Okafor", date_of_birth=date(1985, 3, 10))
    ParticipantFactory(full_name="Priya Okafor", date_of_birth=None)

    assert pairs() == [(first, second, ("The same name and date of birth",))]


@pytest.mark.django_db
def test_one_email_on_the_applications_of_two_is_found_but_not_of_one() -> None:
    first = ApplicationFactory(email="priya@example.org").participant
    ApplicationFactory(email="priya@example.org", participant=first)
    second = ApplicationFactory(email="Priya@example.org").participant

    assert pairs() == [(first, second, ("The same email on applications",))]


@pytest.mark.django_db
def test_a_shared_mailbox_says_nothing() -> None:
    ApplicationFactory.create_batch(11, email="office@school.example.org")

    assert pairs() == []


@pytest.mark.django_db
@pytest.mark.parametrize("facts", [{"without_trn": True}, {"teacher_reference_number": "0000000"}])
def test_no_trn_and_nobodys_trn_are_nothing_in_common(facts: dict[str, Any]) -> None:
    ParticipantFactory.create_batch(2, teacher_reference_number_verified=False, **facts)

    assert pairs() == []


@pytest.mark.django_db
def test_those_with_most_in_common_come_first_and_the_list_is_bounded() -> None:
    ApplicationFactory.create_batch(2, email="shared@example.org")
    facts = {"full_name": "Priya Okafor", "date_of_birth": BORN, "teacher_reference_number": "9111111"}
    first, second = ParticipantFactory(**facts), ParticipantFactory(**facts)

    found = look_alikes(1)

    assert [(each.first, each.second) for each in found] == [(first, second)]
    assert found[0].signs == ("The same TRN", "The same name and date of birth")
    assert len(look_alikes(10)) == 2


def test_the_newest_are_compared_with_all_and_everybody_on_request(
    as_role: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("npq.backoffice.look_alikes.NEWEST", 1)
    old = same_trn()
    new = ParticipantFactory(full_name="Priya Okafor", date_of_birth=BORN, without_trn=True)
    ParticipantFactory(full_name="Priya Okafor", date_of_birth=BORN)
    client = as_role("viewer")

    newest, everybody = (client.get(LIST + query).content.decode() for query in ("", "?everybody=yes"))

    assert str(new.public_id) in newest
    assert address_of_pair(*old) not in newest
    assert address_of_pair(*old) in everybody


@pytest.mark.django_db
def test_whoever_has_been_merged_is_not_found() -> None:
    first = ParticipantFactory(teacher_reference_number="9111111")
    ParticipantFactory(teacher_reference_number="9111111", teacher_reference_number_verified=False, merged_into=first)

    assert pairs() == []


@pytest.mark.django_db(transaction=True)
def test_a_decision_holds_whichever_way_round_until_it_is_taken_back() -> None:
    first, second = same_trn()

    assert decide_not_the_same(first_id=second.id, second_id=first.id, by=BY)
    assert not decide_not_the_same(first_id=first.id, second_id=second.id, by=BY)
    assert pairs() == []
    kept = NotTheSamePerson.objects.get()
    assert (kept.first, kept.second, kept.decided_by, kept.reason) == (first, second, "Sam Reyes", BY.reason)
    assert Change.objects.get(table="backoffice_notthesameperson").reason == BY.reason

    assert take_back_decision(first_id=second.id, second_id=first.id, by=BY)
    assert not take_back_decision(first_id=second.id, second_id=first.id, by=BY)
    assert len(pairs()) == 1


@pytest.mark.django_db(transaction=True)
def test_nobody_is_kept_apart_from_themselves_or_from_a_retired_id() -> None:
    person = ParticipantFactory()
    retired = ParticipantFactory(merged_into=person)

    with pytest.raises(OnePersonAlready):
        decide_not_the_same(first_id=person.id, second_id=person.id, by=BY)
    with pytest.raises(PersonRetired):
        decide_not_the_same(first_id=retired.id, second_id=ParticipantFactory().id, by=BY)
    assert not NotTheSamePerson.objects.exists()


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_the_pages_open_for_those_who_see_people_and_decide_for_caseworkers(
    as_role: Callable[[str], Client], role: str
) -> None:
    first, second = same_trn()
    client, address = as_role(role), address_of_pair(first, second)
    sees = 200 if role in SEEING else 403

    assert client.get(LIST).status_code == sees
    page = client.get(address)
    assert page.status_code == sees
    assert ("They are not the same person" in page.content.decode()) is (role == "caseworker")
    assert ("Compare and merge" in page.content.decode()) is (role == "caseworker")
    decided = client.post(address, {"reason": "Twins"}).status_code
    assert decided == (302 if role == "caseworker" else 403)
    assert NotTheSamePerson.objects.exists() is (role == "caseworker")


def test_the_list_leads_to_the_pair_and_the_pair_to_the_merge_filled_in(as_role: Callable[[str], Client]) -> None:
    first, second = same_trn()
    ApplicationFactory(participant=second, accepted=True)
    client = as_role("caseworker")

    listed = client.get(LIST).content.decode()
    pair = client.get(address_of_pair(first, second)).content.decode()
    merge = f"{address_of(second, second.public_id)}merge_participants/?survivor={first.public_id}"
    page = client.get(merge).content.decode()

    assert address_of_pair(first, second) in listed
    assert merge in pair
    assert f"{address_of(first, first.public_id)}merge_participants/?survivor={second.public_id}" in pair
    assert f'value="{first.public_id}"' in page
    assert "Both side by side" in page
    assert "9111111 (not verified)" in page
    assert "Nobody is left" not in page


def test_a_decision_takes_a_reason_and_is_shown_and_taken_back(as_role: Callable[[str], Client]) -> None:
    first, second = same_trn()
    client, address = as_role("caseworker"), address_of_pair(second, first)

    without = client.post(address, {"reason": " "}).content.decode()
    assert "Give the reason for this correction." in without
    assert not NotTheSamePerson.objects.exists()

    client.post(address, {"reason": "Twins, as both schools confirm"})
    assert "Twins, as both schools confirm" in client.get(LIST).content.decode()
    assert "Nobody looks like anybody else." in client.get(LIST).content.decode()
    assert "Take back the decision" in client.get(address).content.decode()
    assert "Decide not the same person" in client.get(address_of(first, first.public_id)).content.decode()

    client.post(address, {"reason": "The second school was wrong", "take_back": "yes"})
    assert address_of_pair(first, second) in client.get(LIST).content.decode()


def test_what_a_retired_id_still_holds_is_listed(as_role: Callable[[str], Client]) -> None:
    survivor = ParticipantFactory()
    left = ApplicationFactory(participant=ParticipantFactory(merged_into=survivor))

    page = as_role("viewer").get(LIST).content.decode()

    assert str(left.public_id) in page
    assert str(survivor.public_id) in page


@pytest.mark.parametrize("way", ["same", "unknown"])
def test_a_pair_is_two_people_who_exist(as_role: Callable[[str], Client], way: str) -> None:
    first, second = ParticipantFactory(), ParticipantFactory()
    other = first if way == "same" else ParticipantFactory.build()

    assert as_role("caseworker").get(address_of_pair(second if way == "unknown" else first, other)).status_code == 404


def test_the_list_costs_the_same_however_much_there_is(as_role: Callable[[str], Client]) -> None:
    client, costs = as_role("viewer"), []
    for number in (1, 20):
        for _ in range(number):
            same = ParticipantFactory()
            ParticipantFactory(teacher_reference_number=same.teacher_reference_number)
            NotTheSamePersonFactory()
        with CaptureQueriesContext(connection) as caught:
            assert client.get(LIST).status_code == 200
        costs.append(len(caught))

    assert costs[0] == costs[1] <= 12
