"""What the database itself keeps of people and enrolments, and of the trail of every change (decisions.md §2, §4.2)."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from applications.models import Application
from npq.core.constraints import violated_constraint
from npq.core.models import Change, Course
from participants.models import Enrolment
from tests.factories import CourseFactory, EnrolmentFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrolment() -> Enrolment:
    return EnrolmentFactory(application__course=CourseFactory(identifier="npq-headship"))


def commit() -> None:
    """Checks what is checked when a transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refused_by(act: Callable[[], object]) -> str | None:
    """The name of the constraint that refuses something when it commits."""

    def act_and_commit() -> None:
        act()
        commit()

    with pytest.raises(IntegrityError) as error, transaction.atomic():
        act_and_commit()
    return violated_constraint(error.value)


def test_an_enrolment_is_of_the_family_of_its_course(enrolment: Enrolment) -> None:
    other = CourseFactory(identifier="npq-senco").family

    assert refused_by(lambda: Enrolment.objects.update(course_family=other)) == "enrolment_family_of_course"
    assert (
        refused_by(lambda: Course.objects.filter(id=enrolment.course_id).update(family=other))
        == "enrolment_family_of_course"
    )


def test_an_accepted_application_does_not_rest_on_an_undone_acceptance(enrolment: Enrolment) -> None:
    undo = lambda: Enrolment.objects.update(undone_at=timezone.now())  # noqa: E731

    assert refused_by(undo) == "application_acceptance_stands"

    undo()
    Application.objects.get().reopen()
    commit()
    accepted = {"status": "accepted", "enrolment": enrolment, "decided_at": timezone.now()}
    assert refused_by(lambda: Application.objects.update(**accepted)) == "application_acceptance_stands"


@pytest.mark.parametrize(
    "tamper", [lambda: Change.objects.update(actor_name="Nobody"), lambda: Change.objects.all().delete()]
)
def test_the_trail_is_never_edited(tamper: Callable[[], object], enrolment: Enrolment) -> None:
    kept = list(Change.objects.values())

    with pytest.raises(IntegrityError, match="core_change is append-only"), transaction.atomic():
        tamper()

    assert list(Change.objects.values()) == kept != []


def test_rows_that_were_there_before_a_rule_keep_it_too() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE NOT convalidated")
        assert cursor.fetchall() == []
