"""The racing helper itself: racers overlap, and a lock keeps them apart."""

import pytest
from django.db import connection, transaction

from npq.core.models import Course
from tests.factories import CourseFactory
from tests.races.racing import kinds, meet_after, race, without_index, without_locks

pytestmark = pytest.mark.django_db(transaction=True)


def read_position() -> int:
    return Course.objects.select_for_update(no_key=True).get().position


def increase() -> int:
    with transaction.atomic():
        position = read_position() + 1
        Course.objects.update(position=position)
    return position


@pytest.fixture
def course() -> Course:
    return CourseFactory(position=0)


def test_a_lock_lets_no_increase_get_lost(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    meet_after(monkeypatch, "tests.races.test_racing.read_position")

    ends = race(increase, increase)

    assert sorted(end.value for end in ends) == [1, 2]


def test_without_locks_an_increase_gets_lost(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch)
    meet_after(monkeypatch, "tests.races.test_racing.read_position")

    ends = race(increase, increase)

    assert [end.value for end in ends] == [1, 1]


def test_a_racer_that_raises_is_an_end(course: Course) -> None:
    assert kinds(race(increase, lambda: 1 / 0)) == ["ZeroDivisionError", "done"]


def test_an_index_is_gone_within_the_block_only(course: Course) -> None:
    index = "enrolment_one_per_person_and_course_family"

    with without_index(index):
        assert index not in indexes_of_enrolments()

    assert index in indexes_of_enrolments()


def indexes_of_enrolments() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, "participants_enrolment"))
