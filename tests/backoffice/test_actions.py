"""What a member of staff did: all kinds of records, the newest first, as far as the reader's role goes."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from declarations.choices import DeclarationState
from npq.backoffice import actions
from npq.backoffice.pages import address_of
from npq.core.audit import Actor, acting_as
from npq.core.models import Change
from tests.backoffice.world import world
from tests.factories import AdjustmentFactory, ApplicationFactory, DeclarationFactory, ParticipantFactory

pytestmark = pytest.mark.django_db


def done_by(user: User, action: str, *records: Any, **values: Any) -> None:
    """Writes to records as a member of staff would have it written."""
    by = Actor.staff(user.get_full_name(), identifier=str(user.pk), reason="Priya Reed asked for it")
    with acting_as(by, action):
        for record in records:
            type(record).objects.filter(pk=record.pk).update(**values)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(client: Client, query: str = "", address: str = "/admin/actions/") -> str:
    answer = client.get(address + query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_it_says_what_was_done_to_whom_when_and_why(staff: Callable[..., User]) -> None:
    user, person = staff("caseworker"), ParticipantFactory(full_name="Ada Okonkwo")
    declaration = DeclarationFactory(enrolment=ApplicationFactory(accepted=True, participant=person).enrolment)
    done_by(user, "change_name", person, full_name="Ada Obi")
    done_by(user, "void_declaration_in_bulk", declaration, state=DeclarationState.VOIDED)

    page = page_of(signed_in(user))

    assert page.index("Void declaration in bulk") < page.index("Change name")
    assert f'<a href="{address_of(person, person.public_id)}">Participant (Ada Obi)</a>' in page
    assert f'<a href="{address_of(declaration, declaration.public_id)}">Declaration (Ada Obi, started)</a>' in page
    assert "<td>Ada Okonkwo</td><td>Ada Obi</td>" in page
    assert "by Sam Reyes (staff, caseworker)" in page
    assert "Reason: Priya Reed asked for it" in page


def test_what_colleagues_of_the_same_name_and_commands_did_is_not_among_it(staff: Callable[..., User]) -> None:
    user, other, person = staff("caseworker"), staff("caseworker", "sam.reyes.2"), ParticipantFactory()
    done_by(other, "merge_people", person, full_name="Ada Obi")
    with acting_as(Actor.command("Sam Reyes", command=str(user.pk)), "change_by_command"):
        type(person).objects.filter(pk=person.pk).update(full_name="Ada Reed")

    page = page_of(signed_in(user))

    assert "Nothing has been recorded." in page


def test_access_managers_read_of_others_without_names_figures_or_reasons(staff: Callable[..., User]) -> None:
    user, person = staff("caseworker"), ParticipantFactory(full_name="Ada Okonkwo")
    adjustment = AdjustmentFactory(description="Refund for Ada")
    done_by(user, "change_name", person, full_name="Ada Obi")
    done_by(user, "change_adjustment", adjustment, amount="17.25")

    page = page_of(signed_in(staff("access manager")), address="/admin/staff/caseworker/actions/")

    assert "Change name" in page
    assert "Change adjustment" in page
    assert f"Participant ({person.public_id})" in page
    for withheld in ("Ada", "17.25", "Priya Reed", "/participants/participant/"):
        assert withheld not in page


def test_of_an_action_that_touched_something_withheld_the_reason_is_withheld(staff: Callable[..., User]) -> None:
    user, application = staff("configuration"), ApplicationFactory()
    done_by(user, "put_right", application.lead_provider, name="New Name")
    by = Actor.staff("Sam Reyes", identifier=str(user.pk), reason="Ada Obi asked for it")
    with acting_as(by, "put_both_right"):
        type(application.course).objects.filter(pk=application.course.pk).update(name="Shown")
        type(application).objects.filter(pk=application.pk).update(email="ada@example.org")

    page = page_of(signed_in(user))

    assert "Shown" in page
    assert "ada@example.org" not in page
    assert "Ada Obi" not in page
    assert "Reason: Priya Reed asked for it" in page


def test_what_is_gone_is_still_told(staff: Callable[..., User]) -> None:
    user, adjustment = staff("finance"), AdjustmentFactory(description="Travel")
    by = Actor.staff("Sam Reyes", identifier=str(user.pk), reason="Twice")
    with acting_as(by, "remove_adjustment"):
        adjustment.delete()

    page = page_of(signed_in(user))

    assert "Adjustment: deleted" in page
    assert str(adjustment.public_id) not in page
    assert "<td>Travel</td><td>nothing</td>" in page


def test_days_narrow_it_and_a_wrong_one_finds_nothing_and_says_so(staff: Callable[..., User]) -> None:
    user = staff("caseworker")
    done_by(user, "change_name", ParticipantFactory(), full_name="Ada Obi")
    client = signed_in(user)

    assert "Change name" in page_of(client, "?from=1 1 2020")
    assert "Nothing has been recorded on these days." in page_of(client, "?to=1 January 2020")
    wrong = page_of(client, "?from=yesterday")
    assert 'aria-invalid="true"' in wrong
    assert "Change name" not in wrong


def test_pages_follow_each_other_and_lose_nothing(staff: Callable[..., User], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST", 5)
    user, people = staff("caseworker"), ParticipantFactory.create_batch(3)
    for number in range(4):
        done_by(user, f"action_{number}", *people, full_name=f"Ada {number}")
    client, query, pages = signed_in(user), "", []

    while query is not None:
        page = page_of(client, query)
        pages.append(re.findall(r"<strong>(Action \d)</strong>.*?What changed in (\d) records", page))
        older = re.search(r'href="([^"]*)" rel="next"', page)
        query = older[1].replace("&amp;", "&") if older else None

    assert pages == [[(f"Action {number}", "3")] for number in (3, 2, 1, 0)]


def test_an_action_greater_than_a_page_goes_on_on_the_next(
    staff: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MOST", 2)
    user = staff("caseworker")
    done_by(user, "change_all", *ParticipantFactory.create_batch(3), full_name="Ada Obi")

    found = actions.actions_of(user, Change.objects.all(), lambda _: True)
    rest = actions.actions_of(user, Change.objects.filter(at__lt=found.older), lambda _: True)

    assert found.goes_on
    assert [len(each.steps) for each in (*found.events, *rest.events)] == [2, 1]
    assert rest.older is None


@pytest.mark.parametrize("before", ["x", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "\x00"])
def test_an_address_that_no_page_links_to_is_not_found(as_role: Callable[[str], Client], before: str) -> None:
    assert as_role("viewer").get("/admin/actions/", {"before": before}).status_code == 404


@pytest.mark.parametrize("username", ["nobody", "%00"])
def test_nobody_of_that_name(as_role: Callable[[str], Client], username: str) -> None:
    assert as_role("access manager").get(f"/admin/staff/{username}/actions/").status_code == 404


def test_records_of_many_kinds_take_few_queries_and_lead_to_pages(
    admin_user: User, admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    world()
    for each in Change.objects.order_by("id"):
        each.pk, each.actor_kind, each.actor_identifier = None, "staff", str(admin_user.pk)
        each.action = f"change_{each.table}"
        each.save(force_insert=True)

    with django_assert_max_num_queries(12):
        page = page_of(admin_client)

    links = set(re.findall(r'<a href="(/admin/\w+/\w+/[0-9a-f-]{36}/)"', page))
    assert len(links) > 5
    assert {admin_client.get(each).status_code for each in links} == {200}


def test_an_index_finds_them() -> None:
    found = Change.objects.filter(actor_kind="staff", actor_identifier="7").order_by("-at", "-id")[:101]

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    assert "change_by_staff" in found.explain()
