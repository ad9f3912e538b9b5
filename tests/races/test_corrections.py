"""Staff's corrections against what providers do at that moment, and against each other.

Each race has a control without locks that shows the damage.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from applications.choices import ReasonForRejection
from applications.models import Application
from applications.services import (
    accept_application,
    change_cohort,
    change_course,
    change_funding_eligibility,
    change_lead_provider,
    reassign_application,
    undo_acceptance,
    undo_rejection,
)
from declarations.choices import BILLABLE_STATES
from declarations.models import Declaration
from finance.models import ContractTerms
from npq.core.audit import Actor
from npq.core.errors import Refused
from npq.core.models import Change, LeadProvider
from npq.management.commands.check_invariants import every_invariant
from participants.models import Enrolment
from participants.services import StaffTraining, withdraw_participant
from tests.applications.services.casework import STAFF, claim
from tests.declarations.conftest import NOW, trainee
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    ParticipantFactory,
    ScheduleFactory,
    ScheduleWindowFactory,
    StatementFactory,
)
from tests.races.racing import End, intrude_after, race, without_locks

pytestmark = pytest.mark.django_db(transaction=True)

PROVIDER = Actor.system("a provider")


@pytest.fixture
def enrolment(provider: LeadProvider) -> Enrolment:
    """Could be on another course, and in another cohort, for which its provider has contracts and statements too."""
    made = trainee(provider)
    ContractTermsFactory(
        lead_provider=provider, cohort=made.cohort, course=CourseFactory(identifier="npq-executive-leadership")
    )
    earlier = ScheduleFactory(cohort=CohortFactory(start_year=2022)).cohort
    ContractTermsFactory(lead_provider=provider, cohort=earlier, course=made.course)
    StatementFactory(lead_provider=provider, cohort=earlier)
    return made


def broken() -> set[str]:
    """The codes of the invariants that do not hold."""
    return {invariant.code for invariant in every_invariant() if list(invariant.breaches())}


def done_or_refused(end: End) -> str:
    """How an intruder ended; anything but success or a refusal is an error of the test."""
    if end.error is not None and not isinstance(end.error, Refused):
        raise end.error
    return end.kind


# What rests on declarations, against a declaration ---------------------------------------------------

Correction = Callable[[Application], Any]

CORRECTIONS: dict[str, Correction] = {
    "undo_acceptance": lambda it: undo_acceptance(application_id=it.id, by=STAFF, now=NOW),
    "change_course": lambda it: change_course(
        application_id=it.id, course=CourseFactory(identifier="npq-executive-leadership"), by=STAFF, now=NOW
    ),
    "change_cohort": lambda it: change_cohort(
        application_id=it.id, cohort=CohortFactory(start_year=2022), by=STAFF, now=NOW
    ),
    "change_funding_eligibility": lambda it: change_funding_eligibility(
        application_id=it.id, eligible=False, by=STAFF, now=NOW
    ),
}


def contradicted(enrolment: Enrolment) -> bool:
    """Whether a declaration stands on an enrolment that has been corrected from under it."""
    enrolment = Enrolment.objects.select_related("application").get(id=enrolment.id)
    return any(
        enrolment.undone_at is not None
        or (each.course_id, each.cohort_id) != (enrolment.course_id, enrolment.cohort_id)
        or (each.state in BILLABLE_STATES and not enrolment.application.eligible_for_funding)
        for each in Declaration.objects.live()
    )


@pytest.mark.parametrize("verb", CORRECTIONS)
def test_a_declaration_comes_before_or_after_a_correction(
    enrolment: Enrolment, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = intrude_after(
        monkeypatch, f"applications.services.{verb}.standing_in_the_way", lambda: claim_as_it_was(enrolment)
    )

    CORRECTIONS[verb](enrolment.application)

    done_or_refused(end())
    assert not contradicted(enrolment)
    assert broken() == set()


@pytest.mark.parametrize("verb", CORRECTIONS)
def test_without_locks_a_declaration_stands_on_what_was_corrected_from_under_it(
    enrolment: Enrolment, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    end = intrude_after(
        monkeypatch, f"applications.services.{verb}.standing_in_the_way", lambda: claim_as_it_was(enrolment)
    )

    CORRECTIONS[verb](enrolment.application)

    assert done_or_refused(end()) == "done"
    assert contradicted(enrolment)


def claim_as_it_was(enrolment: Enrolment) -> Declaration:
    """The provider declares for the course as it knows it."""
    return claim(Enrolment.objects.get(id=enrolment.id))


# A transfer, against a declaration of the old provider -----------------------------------------------


@pytest.fixture
def contract(enrolment: Enrolment, rival_provider: LeadProvider) -> ContractTerms:
    return ContractTermsFactory(lead_provider=rival_provider, cohort=enrolment.cohort, course=enrolment.course)


def transfer(enrolment: Enrolment, contract: ContractTerms) -> Any:
    return change_lead_provider(
        application_id=enrolment.application_id, lead_provider=contract.lead_provider, by=STAFF, now=NOW
    )


def declared_after_transfer() -> bool:
    """Whether the old provider's declaration was written after the enrolment had gone to the new one."""
    written = Change.objects.filter(table="declarations_declaration", operation="insert").latest("id")
    moved = Change.objects.filter(table="participants_enrolment", after__has_key="lead_provider_id", operation="update")
    return written.id > moved.latest("id").id


def test_the_old_provider_declares_before_a_transfer_or_not_at_all(
    enrolment: Enrolment, contract: ContractTerms, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = intrude_after(monkeypatch, "declarations.services.submit.facts_about", lambda: transfer(enrolment, contract))

    claim(enrolment)

    assert done_or_refused(end()) == "done"
    assert not declared_after_transfer()
    assert broken() == set()


def test_without_locks_the_old_provider_declares_after_the_transfer(
    enrolment: Enrolment, contract: ContractTerms, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    end = intrude_after(monkeypatch, "declarations.services.submit.facts_about", lambda: transfer(enrolment, contract))

    claim(enrolment)

    assert done_or_refused(end()) == "done"
    assert declared_after_transfer()


# Undoing an acceptance, against the acceptance of what it restores ------------------------------------


@pytest.fixture
def sibling(enrolment: Enrolment, rival_provider: LeadProvider) -> Application:
    """Rejected when the enrolment was accepted; the person has withdrawn since, so it could be accepted again."""
    ScheduleWindowFactory(schedule=enrolment.schedule)
    withdraw_participant(training=StaffTraining(enrolment.id), reason="other", by=STAFF, now=NOW)
    return ApplicationFactory(
        participant=enrolment.participant,
        lead_provider=rival_provider,
        rejected=True,
        reason_for_rejection=ReasonForRejection.OTHER_APPLICATION_ACCEPTED,
        decided_at=enrolment.accepted_at,
    )


def reopen_and_accept(application: Application) -> None:
    undo_rejection(application_id=application.id, by=STAFF)
    accept_application(application_id=application.id, held_by=None, by=PROVIDER, now=NOW + timedelta(minutes=1))


@pytest.mark.parametrize("locked", [True, False])
def test_undoing_restores_a_sibling_only_while_nobody_accepts_it(
    enrolment: Enrolment, sibling: Application, locked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not locked:
        without_locks(monkeypatch)
    end = intrude_after(
        monkeypatch, "applications.services.undo_acceptance._parted", lambda: reopen_and_accept(sibling)
    )

    undo_acceptance(application_id=enrolment.application_id, by=STAFF, now=NOW, restore_siblings=True)

    assert done_or_refused(end()) == "done"
    sibling.refresh_from_db()
    assert (sibling.status, broken()) == (("accepted", set()) if locked else ("pending", {"accepted_means_enrolled"}))


def test_two_who_undo_the_same_acceptance_undo_it_once(enrolment: Enrolment) -> None:
    ends = race(*[lambda: undo_acceptance(application_id=enrolment.application_id, by=STAFF, now=NOW)] * 2)

    assert sorted(end.value.changed for end in ends) == [False, True]
    assert broken() == set()


# Giving an application to a person whose twin is being accepted ----------------------------------------


@pytest.fixture
def twins(enrolment: Enrolment, rival_provider: LeadProvider) -> tuple[int, Application]:
    """A person, and the pending application of another record of theirs for the same course."""
    ScheduleWindowFactory(schedule=enrolment.schedule)
    target = ParticipantFactory()
    twin = ParticipantFactory(teacher_reference_number=target.teacher_reference_number)
    return target.id, ApplicationFactory(participant=twin, lead_provider=rival_provider)


@pytest.mark.parametrize("locked", [True, False])
def test_nobody_is_given_a_course_that_they_are_accepted_on_at_that_moment(
    enrolment: Enrolment, twins: tuple[int, Application], locked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not locked:
        without_locks(monkeypatch)
    target_id, pending = twins
    end = intrude_after(
        monkeypatch,
        "applications.services.reassign._refusals",
        lambda: accept_application(application_id=pending.id, held_by=None, by=PROVIDER, now=NOW),
    )

    reassign_application(application_id=enrolment.application_id, participant_id=target_id, by=STAFF, now=NOW)

    ended = done_or_refused(end())
    assert (ended, broken()) == (
        ("AnotherApplicationAccepted", set()) if locked else ("done", {"one_enrolment_per_person_and_course"})
    )
