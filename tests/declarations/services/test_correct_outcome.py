"""Correcting an outcome on staff's word (backoffice.md §2.1; api.md §7.2)."""

from datetime import date
from typing import Any

import pytest

from declarations.choices import DeclarationState, OutcomeState
from declarations.errors import (
    CompletionDateInFuture,
    CompletionDateMissing,
    OutcomeNotForDeclaration,
    OutcomeStateNotRecognised,
)
from declarations.models import Declaration
from declarations.services import correct_outcome
from npq.core.audit import Actor
from npq.core.errors import ReasonMissing
from npq.core.models import Change, Message
from tests.conftest import NOW
from tests.factories import CourseFactory, DeclarationFactory, OutcomeFactory

pytestmark = pytest.mark.django_db
BY = Actor.staff("Sam Reyes", identifier="7", reason="The provider sent the assessor's letter")
DAY = date(2024, 9, 27)


def correct(declaration: Declaration, **given: Any) -> int:
    order = {"state": "failed", "completion_date": DAY, "by": BY, "now": NOW, **given}
    return correct_outcome(declaration_id=declaration.id, **order)


def passed() -> Declaration:
    declaration: Declaration = OutcomeFactory(declaration=DeclarationFactory(completed=True)).declaration
    return declaration


def test_it_is_added_the_history_stays_and_the_participant_is_told() -> None:
    declaration = passed()
    before = declaration.updated_at

    correct(declaration)

    assert [each.state for each in declaration.outcomes.order_by("id")] == [OutcomeState.PASSED, OutcomeState.FAILED]
    assert declaration.newest_outcome().completion_date == DAY  # type: ignore[union-attr]
    assert Message.objects.get().kind == "outcome_failed"
    declaration.refresh_from_db()
    assert declaration.updated_at > before
    assert (Change.objects.latest("id").action, Change.objects.latest("id").reason) == ("correct_outcome", BY.reason)


def test_only_the_date_of_a_pass_is_corrected() -> None:
    declaration = passed()

    correct(declaration, state="passed")

    assert declaration.newest_outcome().completion_date == DAY  # type: ignore[union-attr]


def test_the_same_again_changes_nothing() -> None:
    declaration = passed()
    first = correct(declaration)

    assert correct(declaration) == first
    assert Message.objects.count() == 1


def test_it_is_of_this_declaration_whoever_has_the_enrolment_now() -> None:
    older, newer = (DeclarationFactory(completed=True) for _ in range(2))

    correct(older)

    assert older.outcomes.count() == 1
    assert not newer.outcomes.exists()


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"completed": True, "voided": True},
        {"completed": True, "state": DeclarationState.CLAWED_BACK},
        {"completed": True, "enrolment__application__course": "npq-early-headship-coaching-offer"},
    ],
    ids=["started", "voided", "clawed back", "no outcome"],
)
def test_only_a_completed_declaration_that_stands_has_one(facts: dict[str, Any]) -> None:
    course = facts.get("enrolment__application__course")
    if course:
        facts = {**facts, "enrolment__application__course": CourseFactory(identifier=course, ehco=True)}
    declaration = DeclarationFactory(**facts)

    with pytest.raises(OutcomeNotForDeclaration):
        correct(declaration)
    assert not declaration.outcomes.exists()


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"state": "voided"}, OutcomeStateNotRecognised),
        ({"completion_date": date(2099, 1, 1)}, CompletionDateInFuture),
        ({"by": Actor.staff("Sam Reyes", identifier="7")}, ReasonMissing),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], refusal: type[Exception]) -> None:
    declaration = passed()

    with pytest.raises(refusal):
        correct(declaration, **given)
    assert declaration.outcomes.count() == 1


def test_no_date_is_refused() -> None:
    with pytest.raises(Exception, match="completion_date") as caught:
        correct(passed(), completion_date=None)
    assert CompletionDateMissing in {type(each) for each in caught.value.refusals}  # type: ignore[attr-defined]
