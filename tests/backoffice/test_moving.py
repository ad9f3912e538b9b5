"""Moving declarations of a whole cohort: shown provider by provider, then exactly that is moved."""

import html
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client

from finance.admin import moving
from finance.models import LineItem
from finance.services.move_declarations import Move
from npq.backoffice.models import Confirmation
from npq.core.audit import Actor
from npq.core.clock import today
from npq.core.models import Change
from tests.backoffice.test_money_pages import words_of
from tests.factories import LeadProviderFactory
from tests.finance.books import Books

pytestmark = pytest.mark.django_db

HEADSHIP, TEACHING = "npq-headship", "npq-leading-teaching"
YEAR = today().year + 1
ADDRESS = "/admin/move-declarations/"


@pytest.fixture
def both() -> list[Books]:
    """Two providers with declarations in January and a statement in April; a third that is paid in January."""
    made = []
    for code in ("alpha", "beta", "gamma"):
        books = Books(LeadProviderFactory(code=code))
        books.terms(HEADSHIP)
        books.terms(TEACHING)
        january = books.statement(YEAR, 1)
        books.statement(YEAR, 4)
        books.declare(january, HEADSHIP)
        made.append(books)
    books.pay(january)
    made[0].declare(made[0].lead_provider.statement_set.get(month=1), TEACHING)
    return made


def answers(books: Books, **more: Any) -> dict[str, Any]:
    return {
        "reason": "The timetable changed",
        "cohort": books.cohort.public_id,
        "from_month": f"{YEAR}-01",
        "to_month": f"{YEAR}-04",
        **more,
    }


def post(client: Client, data: dict[str, Any]) -> str:
    response = client.post(ADDRESS, data, follow=True)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def confirming(client: Client, data: dict[str, Any]) -> dict[str, Any]:
    """What the page that shows what will move posts when it is confirmed."""
    page = post(client, data)
    found = {each: re.search(rf'name="{each}" value="([\w-]+)"', page) for each in ("seen", "confirmation")}
    return {**data, "confirm": "yes", **{each: match[1] for each, match in found.items() if match}}


def confirmed(client: Client, data: dict[str, Any]) -> str:
    return post(client, confirming(client, data))


def moved() -> list[tuple[str, int]]:
    """(provider, month) of every line."""
    return sorted(LineItem.objects.values_list("lead_provider__code", "statement__month"))


def test_each_provider_is_shown_with_its_pounds_and_nothing_is_written(
    as_role: Callable[[str], Client], both: list[Books]
) -> None:
    before, changes = moved(), Change.objects.count()

    page = words_of(post(as_role("finance"), answers(both[0])))

    # 2 fees of 618.50 and 1 to 2 declarations; alpha's second course has another rate.
    assert "Alpha 2 " in page
    assert "Beta 1 £1,422.55 → £1,237.00 £1,237.00 → £1,422.55" in page
    assert "Gamma The statement of January" in page
    assert "Confirm: move 3 declarations" in page
    assert (moved(), Change.objects.count()) == (before, changes)


def test_what_was_shown_is_moved_and_who_refuses_holds_up_nobody(
    as_role: Callable[[str], Client], both: list[Books]
) -> None:
    page = words_of(confirmed(as_role("finance"), answers(both[0])))

    assert moved() == [("alpha", 4), ("alpha", 4), ("beta", 4), ("gamma", 1)]
    assert "Alpha: 2 declarations moved." in page
    assert "Gamma: no declarations moved. The statement of January" in page
    change = Change.objects.latest("id")
    assert (change.action, change.actor_kind, change.reason) == ("move_declarations", "staff", "The timetable changed")


def test_one_provider_and_one_course_may_be_chosen(as_role: Callable[[str], Client], both: list[Books]) -> None:
    chosen = answers(both[0], lead_provider=both[0].lead_provider.public_id, course=both[0].course(TEACHING).public_id)

    confirmed(as_role("finance"), chosen)

    assert moved() == [("alpha", 1), ("alpha", 4), ("beta", 1), ("gamma", 1)]


def test_what_has_changed_since_it_was_looked_at_is_not_moved(
    as_role: Callable[[str], Client], both: list[Books]
) -> None:
    client, data = as_role("finance"), answers(both[0])
    pressed = confirming(client, data)
    both[1].declare(both[1].lead_provider.statement_set.get(month=1), HEADSHIP)

    page = post(client, pressed)

    assert "have changed since you looked" in page
    assert {month for _, month in moved()} == {1}


def test_a_second_press_is_told_that_it_was_done(as_role: Callable[[str], Client], both: list[Books]) -> None:
    client = as_role("finance")
    pressed = confirming(client, answers(both[0]))
    post(client, pressed)
    changes = Change.objects.count()

    page = post(client, pressed)

    assert moving.CONFIRMED_BEFORE in page
    assert "Nothing was moved" not in page
    assert Change.objects.count() == changes


def test_a_press_that_waited_for_another_moves_nothing_more(
    as_role: Callable[[str], Client], both: list[Books], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_role("finance")
    pressed = confirming(client, answers(both[0]))
    rehearsed = moving._rehearsed

    def and_somebody_confirms(*arguments: Any) -> Any:
        results = rehearsed(*arguments)
        Confirmation.objects.create(public_id=pressed["confirmation"])
        return results

    monkeypatch.setattr(moving, "_rehearsed", and_somebody_confirms)

    page = post(client, pressed)

    assert moving.CONFIRMED_BEFORE in page
    assert {month for _, month in moved()} == {1}


def test_what_goes_wrong_with_one_provider_is_said_of_it_and_the_others_are_moved(
    as_role: Callable[[str], Client], both: list[Books], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_role("finance")
    pressed = confirming(client, answers(both[0]))
    looked_at: list[str] = []
    move = moving.move_declarations

    def breaks_for_the_first(**facts: Any) -> Any:
        looked_at.append(facts["move"].lead_provider.code)
        if looked_at[-1] == "alpha" and looked_at.count("alpha") == 2:  # the first time it is looked at once more
            raise RuntimeError
        return move(**facts)

    monkeypatch.setattr(moving, "move_declarations", breaks_for_the_first)

    page = words_of(post(client, pressed))

    assert f"Alpha: no declarations moved. {moving.FAILED}" in page
    assert "Beta: 1 declaration moved." in page
    assert moved() == [("alpha", 1), ("alpha", 1), ("beta", 4), ("gamma", 1)]


@pytest.mark.parametrize("number", ["", "seven"])
def test_a_confirmation_made_up_by_hand_moves_nothing(
    as_role: Callable[[str], Client], both: list[Books], number: str
) -> None:
    client = as_role("finance")

    page = post(client, {**confirming(client, answers(both[0])), "confirmation": number})

    assert moving.CHANGED in page
    assert {month for _, month in moved()} == {1}


def test_another_number_than_was_shown_is_not_moved(both: list[Books]) -> None:
    move = Move(both[0].lead_provider, both[0].cohort, date(YEAR, 1, 1), date(YEAR, 4, 1))
    by = Actor.staff("Sam Reyes", identifier="1")

    result = moving._carried_out(move, by, expected=1)

    assert (result.problem, {month for _, month in moved()}) == (moving.CHANGED, {1})


def test_the_same_month_and_a_missing_reason_are_faults(as_role: Callable[[str], Client], both: list[Books]) -> None:
    page = words_of(post(as_role("finance"), answers(both[0], to_month=f"{YEAR}-01", reason="")))

    assert "Choose another month than the one they are moved from." in page
    assert "Give the reason for this correction." in page


def test_a_cohort_without_statements_moves_nothing(as_role: Callable[[str], Client], both: list[Books]) -> None:
    page = words_of(post(as_role("finance"), answers(both[0], from_month=f"{YEAR}-04", to_month=f"{YEAR}-01")))

    assert "Alpha nothing to move" in page
    assert "Confirm:" not in page
