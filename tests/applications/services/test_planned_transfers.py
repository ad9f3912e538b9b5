"""Transfers that wait for their day (backoffice.md §7.1, row 7)."""

from datetime import date, timedelta
from importlib import import_module
from typing import Any

import pytest

from applications.choices import TransferState
from applications.errors import NoTransferPlanned, ProviderWithoutContract, TransferAlreadyPlanned, TransferDayPast
from applications.models import Application, PlannedTransfer
from applications.services import (
    cancel_transfer,
    carry_out_transfers,
    change_cohort,
    change_lead_provider,
    plan_transfer,
)
from finance.models import ContractTerms
from npq.core.audit import Actor
from npq.core.errors import ReasonMissing
from npq.core.models import Change, LeadProvider
from participants.models import Enrolment
from tests.applications.services.casework import STAFF, changing_nothing, refused
from tests.declarations.conftest import NOW
from tests.factories import ApplicationFactory, CohortFactory, ContractTermsFactory, ScheduleFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]

DUE = date(2024, 12, 1)


def plan(application: Application, to: LeadProvider, due_on: date = DUE) -> Any:
    return plan_transfer(application_id=application.id, lead_provider=to, due_on=due_on, by=STAFF, now=NOW)


def carry_out(as_of: date = DUE) -> list[str]:
    by = Actor.command("nightly", reason="nightly run")
    return [done.result for done in carry_out_transfers(as_of=as_of, by=by, now=NOW + timedelta(days=11))]


def test_a_planned_transfer_changes_nothing_before_its_day(enrolment: Enrolment, contract: ContractTerms) -> None:
    assert plan(enrolment.application, contract.lead_provider).changed

    assert carry_out(DUE - timedelta(days=1)) == []
    enrolment.refresh_from_db()
    assert enrolment.lead_provider != contract.lead_provider
    planned = PlannedTransfer.objects.get()
    assert (planned.state, planned.requested_by, planned.reason) == (
        TransferState.WAITING,
        "Sam Reyes",
        "NPQ-101: asked for by the provider",
    )


@pytest.mark.parametrize("late", [0, 5])
def test_on_its_day_or_later_it_is_carried_out_once(enrolment: Enrolment, contract: ContractTerms, late: int) -> None:
    plan(enrolment.application, contract.lead_provider)

    assert carry_out(DUE + timedelta(days=late)) == [TransferState.DONE]
    assert carry_out(DUE + timedelta(days=late)) == []

    enrolment.refresh_from_db()
    assert (enrolment.lead_provider, enrolment.transferred_at) == (contract.lead_provider, NOW + timedelta(days=11))
    planned = PlannedTransfer.objects.get()
    assert (planned.state, planned.settled_at) == (TransferState.DONE, NOW + timedelta(days=11))
    change = Change.objects.filter(table="participants_enrolment").latest("id")
    assert (change.action, change.actor_name) == ("change_lead_provider", "nightly")
    assert change.reason == "NPQ-101: asked for by the provider (planned by Sam Reyes)"


def test_what_is_refused_on_its_day_is_settled_with_the_reason(enrolment: Enrolment, contract: ContractTerms) -> None:
    plan(enrolment.application, contract.lead_provider)
    earlier = ScheduleFactory(cohort=CohortFactory(start_year=2022)).cohort
    ContractTermsFactory(lead_provider=enrolment.lead_provider, cohort=earlier, course=enrolment.course)
    change_cohort(application_id=enrolment.application_id, cohort=earlier, by=STAFF, now=NOW)

    assert carry_out() == [TransferState.REFUSED]

    planned = PlannedTransfer.objects.get()
    assert planned.refusal.startswith("UCL Institute of Education has no contract for npq-headship in cohort 2022a")
    enrolment.refresh_from_db()
    assert enrolment.transferred_at is None
    assert carry_out() == []


def test_one_that_is_refused_does_not_stop_the_others(enrolment: Enrolment, contract: ContractTerms) -> None:
    plan(enrolment.application, contract.lead_provider)
    other = ApplicationFactory(lead_provider=enrolment.lead_provider, accepted=True)
    plan(other, contract.lead_provider, DUE - timedelta(days=1))
    earlier = ScheduleFactory(cohort=CohortFactory(start_year=2022)).cohort
    ContractTermsFactory(lead_provider=enrolment.lead_provider, cohort=earlier, course=enrolment.course)
    change_cohort(application_id=other.id, cohort=earlier, by=STAFF, now=NOW)

    assert carry_out() == [TransferState.REFUSED, TransferState.DONE]


def test_a_transfer_already_made_by_hand_is_done(enrolment: Enrolment, contract: ContractTerms) -> None:
    plan(enrolment.application, contract.lead_provider)
    change_lead_provider(
        application_id=enrolment.application_id, lead_provider=contract.lead_provider, by=STAFF, now=NOW
    )

    assert carry_out() == [TransferState.DONE]

    enrolment.refresh_from_db()
    assert enrolment.transferred_at == NOW


def test_one_that_is_cancelled_meanwhile_is_not_carried_out(enrolment: Enrolment, contract: ContractTerms) -> None:
    plan(enrolment.application, contract.lead_provider)
    due = carry_out_transfers(as_of=DUE, by=STAFF, now=NOW)
    other = ApplicationFactory(lead_provider=enrolment.lead_provider, accepted=True)
    plan(other, contract.lead_provider)

    first = next(due)
    cancel_transfer(application_id=other.id, by=STAFF, now=NOW)

    assert [first.result, *(done.result for done in due)] == [TransferState.DONE, "unchanged"]
    other.refresh_from_db()
    assert other.lead_provider == enrolment.lead_provider


def test_the_same_plan_again_changes_nothing_and_another_one_is_refused(
    enrolment: Enrolment, contract: ContractTerms
) -> None:
    plan(enrolment.application, contract.lead_provider)

    with changing_nothing():
        assert not plan(enrolment.application, contract.lead_provider).changed
    with refused(TransferAlreadyPlanned, saying="planned for 2024-12-01 already"):
        plan(enrolment.application, contract.lead_provider, DUE + timedelta(days=1))


def test_a_cancelled_plan_makes_room_for_another(enrolment: Enrolment, contract: ContractTerms) -> None:
    plan(enrolment.application, contract.lead_provider)

    assert cancel_transfer(application_id=enrolment.application_id, by=STAFF, now=NOW).changed

    assert PlannedTransfer.objects.get().state == TransferState.CANCELLED
    plan(enrolment.application, contract.lead_provider, DUE + timedelta(days=1))
    with refused(TransferAlreadyPlanned):
        plan(enrolment.application, contract.lead_provider)


def test_there_must_be_a_plan_to_cancel(enrolment: Enrolment) -> None:
    with refused(NoTransferPlanned):
        cancel_transfer(application_id=enrolment.application_id, by=STAFF, now=NOW)


@pytest.mark.parametrize("due_on", [NOW.date(), NOW.date() - timedelta(days=1)])
def test_the_day_lies_in_the_future(enrolment: Enrolment, contract: ContractTerms, due_on: date) -> None:
    with refused(TransferDayPast, saying="after today (2024-11-20)"):
        plan(enrolment.application, contract.lead_provider, due_on)


def test_what_could_not_be_done_today_is_not_planned(enrolment: Enrolment, rival_provider: LeadProvider) -> None:
    with refused(ProviderWithoutContract):
        plan(enrolment.application, rival_provider)


def test_a_transfer_to_the_provider_that_has_it_is_not_planned(enrolment: Enrolment, provider: LeadProvider) -> None:
    with changing_nothing():
        assert not plan(enrolment.application, provider).changed


def test_what_goes_wrong_unexpectedly_stops_nobody_else(
    enrolment: Enrolment, contract: ContractTerms, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ApplicationFactory(lead_provider=enrolment.lead_provider, accepted=True)
    for application in (enrolment.application, other):
        plan(application, contract.lead_provider)

    def locked(application: Application) -> Enrolment | None:
        if application.id == enrolment.application_id:
            raise RuntimeError("unexpected")
        return application.enrolment

    module = import_module("applications.services.change_lead_provider")
    monkeypatch.setattr(module, "lock_current_enrolment", locked)

    assert carry_out() == ["failed", TransferState.DONE]
    assert PlannedTransfer.objects.get(application=enrolment.application).state == TransferState.WAITING


@pytest.mark.parametrize("verb", ["plan", "cancel"])
def test_planning_and_cancelling_need_a_reason(enrolment: Enrolment, contract: ContractTerms, verb: str) -> None:
    nobody = Actor.staff("Sam Reyes", identifier="7")
    facts: dict[str, Any] = {"application_id": enrolment.application_id, "by": nobody, "now": NOW}

    with refused(ReasonMissing):
        if verb == "plan":
            plan_transfer(lead_provider=contract.lead_provider, due_on=DUE, **facts)
        else:
            cancel_transfer(**facts)
