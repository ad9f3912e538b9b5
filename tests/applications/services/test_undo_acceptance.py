"""Undoing an acceptance (domain.md §3.4, backoffice.md §2.1)."""

from datetime import timedelta
from typing import Any

import pytest

from applications.choices import ApplicationStatus, ReasonForRejection
from applications.errors import DeclarationsStand, NoAcceptanceToUndo, NotRejectedByAcceptance
from applications.models import Application
from applications.services import (
    accept_application,
    change_cohort,
    change_funding_eligibility,
    reject_application,
    undo_acceptance,
)
from declarations.choices import DeclarationState
from declarations.models import Declaration
from declarations.services import void_declaration
from npq.core.audit import Actor
from npq.core.errors import ReasonMissing
from npq.core.models import LeadProvider, Message
from participants.choices import TrainingStatus
from participants.models import Enrolment, TrainingStatusChange
from tests.applications.services.casework import STAFF, changing_nothing, claim, newest_action, refused
from tests.declarations.conftest import NOW, authorise, close, trainee
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

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]


def undo(application: Application, **more: Any) -> Any:
    return undo_acceptance(application_id=application.id, by=STAFF, now=NOW, **more)


def accept(application: Application, **more: Any) -> Application:
    accept_application(application_id=application.id, held_by=None, by=Actor.system("a provider"), now=NOW, **more)
    application.refresh_from_db()
    return application


@pytest.fixture
def accepted(enrolment: Enrolment) -> Application:
    return enrolment.application


def test_the_application_is_pending_again_and_the_enrolment_is_kept(accepted: Application) -> None:
    enrolment = accepted.enrolment

    undone = undo(accepted)

    accepted.refresh_from_db()
    assert (accepted.status, accepted.decided_at, accepted.enrolment) == (ApplicationStatus.PENDING, None, None)
    enrolment.refresh_from_db()
    assert (enrolment.undone_at, enrolment.training_status) == (NOW, TrainingStatus.ACTIVE)
    assert TrainingStatusChange.objects.filter(enrolment=enrolment).count() == 1
    assert undone.changed
    assert undone.notes == ()
    assert newest_action() == ("undo_acceptance", "Sam Reyes", "NPQ-101: asked for by the provider")


def test_nobody_is_told_and_the_person_is_shown_as_changed(accepted: Application) -> None:
    other = ApplicationFactory(participant=accepted.participant, course=CourseFactory(specialist=True))
    before = (accepted.participant.updated_at, other.updated_at)

    undo(accepted)

    assert not Message.objects.exists()
    accepted.participant.refresh_from_db()
    other.refresh_from_db()
    assert accepted.participant.updated_at > before[0]
    assert other.updated_at > before[1]


@pytest.mark.parametrize(("cohort", "kept"), [({"capped": True}, None), ({"unfunded": True}, False)])
def test_the_funded_place_is_given_back_except_where_there_is_none_to_give(
    provider: LeadProvider, cohort: dict[str, bool], kept: bool | None
) -> None:
    application = ApplicationFactory(cohort=CohortFactory(**cohort), lead_provider=provider, accepted=True)
    assert application.funded_place is not None

    undo(application)

    application.refresh_from_db()
    assert application.funded_place is kept


def test_it_can_be_accepted_again_and_the_first_enrolment_stays_history(accepted: Application) -> None:
    ScheduleWindowFactory(schedule=accepted.enrolment.schedule)
    undo(accepted)

    accept(accepted)

    first, second = accepted.enrolments.order_by("id")
    assert (first.undone_at, second.undone_at) == (NOW, None)
    assert accepted.enrolment == second


# Declarations --------------------------------------------------------------------------------------


def state_of(application: Application, state: DeclarationState) -> Declaration:
    """A started declaration in a state, reached as it is in life."""
    declaration = claim(application.enrolment)
    if state == DeclarationState.VOIDED:
        void_declaration(declaration_id=declaration.id, held_by=None, by=STAFF, now=NOW)
    if state in (DeclarationState.PAYABLE, DeclarationState.PAID, DeclarationState.AWAITING_CLAWBACK):
        close(declaration.lines.get().statement)
    if state in (DeclarationState.PAID, DeclarationState.AWAITING_CLAWBACK):
        authorise(declaration.lines.get().statement)
    if state == DeclarationState.AWAITING_CLAWBACK:
        StatementFactory(lead_provider=application.lead_provider, cohort=application.cohort, month=2)
        void_declaration(declaration_id=declaration.id, held_by=None, by=STAFF, now=NOW)
    declaration.refresh_from_db()
    assert declaration.state == state
    return declaration


@pytest.mark.parametrize("state", [DeclarationState.ELIGIBLE, DeclarationState.PAYABLE, DeclarationState.PAID])
def test_declarations_that_are_or_will_be_paid_are_named(accepted: Application, state: DeclarationState) -> None:
    declaration = state_of(accepted, state)

    with refused(DeclarationsStand, saying=f"started of 1 November 2024 ({state}, {declaration.public_id})"):
        undo(accepted)


def test_a_submitted_declaration_stands_in_the_way_too(provider: LeadProvider) -> None:
    accepted = trainee(provider, eligible_for_funding=False).application
    assert claim(accepted.enrolment).state == DeclarationState.SUBMITTED

    with refused(DeclarationsStand, saying="Void them first"):
        undo(accepted)


@pytest.mark.parametrize("state", [DeclarationState.VOIDED, DeclarationState.AWAITING_CLAWBACK])
def test_declarations_that_stand_no_more_are_left_as_they_are(accepted: Application, state: DeclarationState) -> None:
    declaration = state_of(accepted, state)

    undo(accepted)

    declaration.refresh_from_db()
    assert declaration.state == state
    assert declaration.enrolment.undone_at == NOW


def test_an_ineligible_declaration_does_not_stand_in_the_way(accepted: Application) -> None:
    trn = accepted.participant.teacher_reference_number
    twin = ParticipantFactory(teacher_reference_number=trn)
    gone = trainee(accepted.lead_provider, participant=twin, accepted__training_status="withdrawn")
    claim(gone, on=gone.accepted_at - timedelta(days=1))
    assert claim(accepted.enrolment).state == DeclarationState.INELIGIBLE

    assert undo(accepted).changed


# Those that the acceptance rejected ----------------------------------------------------------------


@pytest.fixture
def family(provider: LeadProvider, rival_provider: LeadProvider) -> dict[str, Application]:
    """One person's applications: `chosen` is accepted, which rejects `sibling`; the others were decided otherwise."""
    chosen = ApplicationFactory(lead_provider=provider)
    ScheduleWindowFactory()
    same = {"participant": chosen.participant, "lead_provider": rival_provider}
    found = {
        "chosen": chosen,
        "sibling": ApplicationFactory(**same),
        "rejected before": ApplicationFactory(**same),
        "other course": ApplicationFactory(course=CourseFactory(specialist=True), **same),
    }
    reject_application(application_id=found["rejected before"].id, held_by=None, by=STAFF, now=NOW)
    accept(chosen)
    return found


def statuses(family: dict[str, Application]) -> dict[str, tuple[str, str | None]]:
    rows = {name: Application.objects.get(id=application.id) for name, application in family.items()}
    return {name: (row.status, row.reason_for_rejection) for name, row in rows.items()}


def test_siblings_stay_rejected_and_are_named(family: dict[str, Application]) -> None:
    undone = undo(family["chosen"])

    (note,) = undone.notes
    assert note == (
        f"Application {family['sibling'].public_id} with UCL Institute of Education was rejected by this acceptance "
        "and stays rejected."
    )
    assert statuses(family)["sibling"] == ("rejected", "other_application_in_this_cohort_accepted")


def test_siblings_are_restored_when_asked_and_no_others(family: dict[str, Application]) -> None:
    undone = undo(family["chosen"], restore_siblings=True)

    assert undone.notes == ()
    assert statuses(family) == {
        "chosen": ("pending", None),
        "sibling": ("pending", None),
        "rejected before": ("rejected", ReasonForRejection.REJECTED_BY_PROVIDER),
        "other course": ("pending", None),
    }
    assert Application.objects.get(id=family["sibling"].id).decided_at is None


def test_only_the_siblings_that_are_named_are_restored(family: dict[str, Application]) -> None:
    second = ApplicationFactory(
        participant=family["chosen"].participant,
        status="rejected",
        reason_for_rejection=ReasonForRejection.OTHER_APPLICATION_ACCEPTED,
        decided_at=Application.objects.get(id=family["sibling"].id).decided_at,
    )

    undone = undo(family["chosen"], restore_siblings=[second.public_id])

    assert statuses({**family, "second": second})["second"] == ("pending", None)
    assert statuses(family)["sibling"][0] == "rejected"
    (note,) = undone.notes
    assert str(family["sibling"].public_id) in note


def test_whatever_the_acceptance_did_not_reject_is_not_restored_with_it(family: dict[str, Application]) -> None:
    before = statuses(family)

    with pytest.raises(NotRejectedByAcceptance, match=str(family["rejected before"].public_id)):
        undo(family["chosen"], restore_siblings=[family["sibling"].public_id, family["rejected before"].public_id])

    assert statuses(family) == before


def test_a_sibling_that_was_decided_on_again_since_is_left_alone(family: dict[str, Application]) -> None:
    sibling = Application.objects.get(id=family["sibling"].id)
    sibling.reopen()
    reject_application(
        application_id=sibling.id,
        held_by=None,
        by=STAFF,
        now=NOW + timedelta(hours=1),
        reason=ReasonForRejection.OTHER_APPLICATION_ACCEPTED,
    )

    undone = undo(family["chosen"], restore_siblings=True)

    assert undone.notes == ()
    assert statuses(family)["sibling"][0] == "rejected"


def test_at_one_and_the_same_instant_each_acceptance_has_its_own_siblings(family: dict[str, Application]) -> None:
    other = family["other course"]
    ScheduleWindowFactory(schedule__course_group="specialist", course_group="specialist")
    its_sibling = ApplicationFactory(participant=other.participant, course=other.course)
    accept(other)

    undo(family["chosen"], restore_siblings=True)

    assert statuses({"its": its_sibling, **family})["its"][0] == "rejected"
    assert statuses(family)["sibling"][0] == "pending"


def test_siblings_are_found_when_the_acceptance_has_been_corrected_since(
    family: dict[str, Application], provider: LeadProvider
) -> None:
    chosen = Application.objects.get(id=family["chosen"].id)
    earlier = ScheduleFactory(cohort=CohortFactory(start_year=2022)).cohort
    ContractTermsFactory(lead_provider=provider, cohort=earlier, course=chosen.course)
    change_cohort(application_id=chosen.id, cohort=earlier, by=STAFF, now=NOW)

    undo(chosen, restore_siblings=True)

    assert statuses(family)["sibling"][0] == "pending"


def test_siblings_of_a_second_acceptance_at_the_same_instant_are_found(family: dict[str, Application]) -> None:
    chosen = Application.objects.get(id=family["chosen"].id)
    undo(chosen, restore_siblings=True)
    accept(chosen)

    undo(chosen, restore_siblings=True)

    assert statuses(family)["sibling"][0] == "pending"


# Money that waited ---------------------------------------------------------------------------------


def test_what_was_declared_on_a_later_enrolment_is_paid_once_this_one_no_longer_counts(
    enrolment: Enrolment, rival_provider: LeadProvider, later: Enrolment
) -> None:
    declaration = claim(later)
    assert declaration.state == DeclarationState.SUBMITTED, "previously funded"

    undo(enrolment.application)

    declaration.refresh_from_db()
    assert declaration.state == DeclarationState.ELIGIBLE
    assert declaration.lines.get().statement.lead_provider == rival_provider


def test_what_should_be_paid_and_cannot_is_named(
    enrolment: Enrolment, rival_provider: LeadProvider, later: Enrolment
) -> None:
    declaration = claim(later)
    rival_provider.statement_set.update(deadline_date="2024-11-19")

    undone = undo(enrolment.application)

    (note,) = undone.notes
    assert note.startswith(
        f"Declaration {declaration.public_id} (started) stays submitted. "
        "The provider has no open statement left in cohort 2023a"
    )


# Refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["pending", "rejected"])
def test_there_must_be_an_acceptance(status: str) -> None:
    application = ApplicationFactory(rejected=status == "rejected")

    with refused(NoAcceptanceToUndo, saying=f"The application is {status}"):
        undo(application)


def test_one_that_was_undone_before_is_left_as_it_is(accepted: Application) -> None:
    undo(accepted)

    with changing_nothing():
        again = undo(accepted)

    assert not again.changed


def test_one_that_was_undone_and_then_rejected_is_refused(accepted: Application) -> None:
    undo(accepted)
    reject_application(application_id=accepted.id, held_by=None, by=STAFF, now=NOW)

    with refused(NoAcceptanceToUndo, saying="The application is rejected"):
        undo(accepted)


def test_it_needs_a_reason(accepted: Application) -> None:
    with refused(ReasonMissing):
        undo_acceptance(application_id=accepted.id, by=Actor.staff("Sam Reyes", identifier="7"), now=NOW)


def test_when_the_last_write_fails_nothing_is_kept(family: dict[str, Application], last_write_fails: None) -> None:
    with changing_nothing(), pytest.raises(RuntimeError):
        undo(family["chosen"], restore_siblings=True)


def test_eligibility_by_policy_survives(accepted: Application) -> None:
    change_funding_eligibility(application_id=accepted.id, eligible=True, by=STAFF, now=NOW)

    undo(accepted)

    accepted.refresh_from_db()
    assert accepted.funding_eligibility_status_code == "marked_funded_by_policy"
