"""Funding choice and funding eligibility (domain.md §3.8, backoffice.md §2.1)."""

from decimal import Decimal
from typing import Any

import pytest

from applications.choices import FundingChoice
from applications.errors import DeclarationsStand, FundedPlaceHeld, FundingChoiceNotKnown
from applications.models import Application
from applications.services import change_funded_place, change_funding_choice, change_funding_eligibility
from declarations.choices import DeclarationState
from npq.core.audit import Actor
from npq.core.errors import ReasonMissing
from npq.core.models import LeadProvider, Message
from npq.core.rehearsal import what_would_change
from participants.models import Enrolment
from tests.applications.services.casework import STAFF, changing_nothing, claim, newest_action, refused
from tests.declarations.conftest import NOW, trainee
from tests.factories import ApplicationFactory, CohortFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]


# Funding choice ------------------------------------------------------------------------------------


def choose(application: Application, choice: str | None) -> Any:
    return change_funding_choice(application_id=application.id, funding_choice=choice, by=STAFF)


@pytest.mark.parametrize("choice", [*FundingChoice.values, None])
@pytest.mark.parametrize("accepted", [False, True])
def test_the_choice_is_set_or_cleared(choice: str | None, accepted: bool) -> None:
    before = "trust" if choice != "trust" else "self"
    application = ApplicationFactory(funding_choice=before, accepted=accepted)

    assert choose(application, choice).changed

    application.refresh_from_db()
    assert application.funding_choice == choice
    assert newest_action() == ("change_funding_choice", "Sam Reyes", "NPQ-101: asked for by the provider")


def test_the_choice_it_has_changes_nothing() -> None:
    application = ApplicationFactory(funding_choice="school")

    with changing_nothing():
        assert not choose(application, "school").changed


@pytest.mark.parametrize("choice", ["bank", "", "School"])
def test_an_unknown_choice_is_refused(choice: str) -> None:
    application = ApplicationFactory()

    with refused(FundingChoiceNotKnown, saying="Give one of school, trust, self, another, employer"):
        choose(application, choice)


def test_the_choice_needs_a_reason() -> None:
    application = ApplicationFactory()

    with refused(ReasonMissing):
        change_funding_choice(application_id=application.id, funding_choice="self", by=Actor.command("Sam"))


def test_a_choice_that_cannot_be_written_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    application = ApplicationFactory()
    saved = Application.save

    def save_and_fail(row: Application, **more: Any) -> None:
        saved(row, **more)
        raise RuntimeError

    monkeypatch.setattr(Application, "save", save_and_fail)

    with changing_nothing(), pytest.raises(RuntimeError):
        choose(application, "self")


# Funding eligibility -------------------------------------------------------------------------------


def mark(application: Application, eligible: bool) -> Any:
    return change_funding_eligibility(application_id=application.id, eligible=eligible, by=STAFF, now=NOW)


@pytest.mark.parametrize(
    ("eligible", "code"), [(True, "marked_funded_by_policy"), (False, "marked_ineligible_by_policy")]
)
@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("accepted", [False, True])
def test_it_is_marked_by_policy_whatever_was_registered(
    eligible: bool, code: str, registered: bool, accepted: bool
) -> None:
    application = ApplicationFactory(eligible_for_funding=registered, accepted=accepted)
    before = application.participant.updated_at

    assert mark(application, eligible).changed

    application.refresh_from_db()
    assert (application.eligible_for_funding, application.funding_eligibility_status_code) == (eligible, code)
    application.participant.refresh_from_db()
    assert application.participant.updated_at > before
    assert newest_action() == ("change_funding_eligibility", "Sam Reyes", "NPQ-101: asked for by the provider")
    assert not Message.objects.exists()


@pytest.mark.parametrize("eligible", [True, False])
def test_marked_so_already_nothing_changes(eligible: bool) -> None:
    application = ApplicationFactory()
    mark(application, eligible)

    with changing_nothing():
        assert not mark(application, eligible).changed


def test_what_waited_for_the_funding_is_paid(provider: LeadProvider) -> None:
    enrolment = trainee(provider, eligible_for_funding=False)
    declaration = claim(enrolment)
    assert declaration.state == DeclarationState.SUBMITTED
    statement = provider.statement_set.get()

    effects = what_would_change(lambda: mark(enrolment.application, True))
    marked = mark(enrolment.application, True)

    declaration.refresh_from_db()
    assert declaration.state == DeclarationState.ELIGIBLE
    assert declaration.lines.get().statement == statement
    assert marked.notes == ()
    (pounds,) = effects.pounds
    assert (pounds.identifier, pounds.difference) == (statement.public_id, Decimal("185.55"))


def test_what_should_be_paid_and_cannot_is_named_and_the_eligibility_is_kept(provider: LeadProvider) -> None:
    enrolment = trainee(provider, eligible_for_funding=False)
    declaration = claim(enrolment)
    provider.statement_set.update(deadline_date="2024-11-19")

    marked = mark(enrolment.application, True)

    declaration.refresh_from_db()
    assert declaration.state == DeclarationState.SUBMITTED
    (note,) = marked.notes
    assert note.startswith(
        f"Declaration {declaration.public_id} (started) stays submitted. The provider has no open statement left"
    )
    enrolment.application.refresh_from_db()
    assert enrolment.application.eligible_for_funding


def test_the_policy_pays_somebody_who_was_funded_before(enrolment: Enrolment, later: Enrolment) -> None:
    declaration = claim(later)
    assert declaration.state == DeclarationState.SUBMITTED, "previously funded"

    mark(later.application, True)

    declaration.refresh_from_db()
    assert declaration.state == DeclarationState.ELIGIBLE


def test_making_an_earlier_place_ineligible_pays_what_was_declared_on_a_later_one(
    enrolment: Enrolment, later: Enrolment
) -> None:
    declaration = claim(later)

    mark(enrolment.application, False)

    declaration.refresh_from_db()
    assert declaration.state == DeclarationState.ELIGIBLE


def test_a_place_that_is_not_funded_stays_unpaid(provider: LeadProvider) -> None:
    enrolment = trainee(provider, cohort=CohortFactory(capped=True), eligible_for_funding=False, funded_place=False)
    declaration = claim(enrolment)

    marked = mark(enrolment.application, True)

    declaration.refresh_from_db()
    assert declaration.state == DeclarationState.SUBMITTED
    (note,) = marked.notes
    assert note.startswith("What is declared stays unpaid, because the place is not funded.")


def test_without_declarations_there_is_nothing_to_say_of_the_place() -> None:
    application = ApplicationFactory(cohort=CohortFactory(capped=True), funded_place=False, accepted=True)

    assert mark(application, True).notes == ()


@pytest.mark.parametrize("registered", [True, False])
def test_declarations_that_stand_are_named(provider: LeadProvider, registered: bool) -> None:
    enrolment = trainee(provider, eligible_for_funding=registered)
    declaration = claim(enrolment)

    with refused(DeclarationsStand, saying=str(declaration.public_id)):
        mark(enrolment.application, False)


def test_nobody_with_a_funded_place_becomes_ineligible(provider: LeadProvider) -> None:
    application = ApplicationFactory(cohort=CohortFactory(capped=True), funded_place=True, accepted=True)

    with refused(FundedPlaceHeld, saying="Take the funded place away first"):
        mark(application, False)
    change_funded_place(application_id=application.id, held_by=None, by=STAFF, funded_place=False)
    assert mark(application, False).changed


def test_it_needs_a_reason() -> None:
    application = ApplicationFactory()

    with refused(ReasonMissing):
        change_funding_eligibility(application_id=application.id, eligible=True, by=Actor.command("Sam"), now=NOW)


def test_when_the_last_write_fails_nothing_is_kept(provider: LeadProvider, last_write_fails: None) -> None:
    enrolment = trainee(provider, eligible_for_funding=False)
    claim(enrolment)

    with changing_nothing(), pytest.raises(RuntimeError):
        mark(enrolment.application, True)
