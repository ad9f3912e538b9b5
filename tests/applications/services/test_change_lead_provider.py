"""Transferring to another provider (decisions.md §1.15, backoffice.md §2.1)."""

from typing import Any

import pytest

from applications.errors import ProviderWithoutContract
from applications.models import Application
from applications.services import (
    change_lead_provider,
)
from declarations.errors import DeclarationOfAnotherProvider
from declarations.services import void_declaration
from finance.models import ContractTerms
from npq.core.audit import Actor
from npq.core.errors import ReasonMissing
from npq.core.models import LeadProvider, Message
from npq.core.rehearsal import what_would_change
from participants.models import Enrolment
from tests.applications.services.casework import STAFF, changing_nothing, claim, newest_action, refused
from tests.conftest import ApiClient
from tests.declarations.conftest import NOW
from tests.factories import ApplicationFactory, CohortFactory, ContractTermsFactory, StatementFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]


def transfer(application: Application, to: LeadProvider) -> Any:
    return change_lead_provider(application_id=application.id, lead_provider=to, by=STAFF, now=NOW)


def test_application_and_enrolment_move(
    enrolment: Enrolment, rival_provider: LeadProvider, contract: ContractTerms
) -> None:
    before = enrolment.participant.updated_at

    assert transfer(enrolment.application, rival_provider).changed

    enrolment.refresh_from_db()
    enrolment.application.refresh_from_db()
    assert (enrolment.lead_provider, enrolment.transferred_at) == (rival_provider, NOW)
    assert enrolment.application.lead_provider == rival_provider
    enrolment.participant.refresh_from_db()
    assert enrolment.participant.updated_at > before
    assert newest_action() == ("change_lead_provider", "Sam Reyes", "NPQ-101: asked for by the provider")
    assert not Message.objects.exists()


@pytest.mark.parametrize("rejected", [False, True])
def test_an_application_that_is_not_accepted_moves_too(
    enrolment: Enrolment, rival_provider: LeadProvider, contract: ContractTerms, rejected: bool
) -> None:
    application = ApplicationFactory(rejected=rejected, lead_provider=enrolment.lead_provider)

    transfer(application, rival_provider)

    application.refresh_from_db()
    assert (application.lead_provider, application.enrolment) == (rival_provider, None)


def test_earlier_declarations_stay_with_the_provider_that_made_them(
    enrolment: Enrolment, provider: LeadProvider, rival_provider: LeadProvider, contract: ContractTerms
) -> None:
    declaration = claim(enrolment)

    effects = what_would_change(lambda: transfer(enrolment.application, rival_provider))
    transfer(enrolment.application, rival_provider)

    assert effects.pounds == []
    assert ("declaration", declaration.public_id) in effects.touched
    before = declaration.updated_at
    declaration.refresh_from_db()
    assert declaration.lead_provider == provider
    assert declaration.updated_at > before
    assert declaration.lines.get().lead_provider == declaration.lead_provider
    with pytest.raises(DeclarationOfAnotherProvider):
        void_declaration(declaration_id=declaration.id, held_by=rival_provider.id, by=STAFF, now=NOW)


def test_the_new_provider_reads_them_and_the_old_one_sees_nothing_later(
    enrolment: Enrolment,
    provider: LeadProvider,
    rival_provider: LeadProvider,
    contract: ContractTerms,
    api: ApiClient,
    rival_api: ApiClient,
) -> None:
    StatementFactory(lead_provider=rival_provider, cohort=enrolment.cohort)
    earlier = claim(enrolment)
    transfer(enrolment.application, rival_provider)
    later = claim(enrolment, "retained-1")

    def seen_by(client: ApiClient) -> set[str]:
        return {row["id"] for row in client.get("v3", "/participant-declarations").json()["data"]}

    assert (earlier.lead_provider, later.lead_provider) == (provider, rival_provider)
    assert seen_by(rival_api) == {str(earlier.public_id), str(later.public_id)}
    assert seen_by(api) == {str(earlier.public_id)}
    assert api.get("v3", f"/npq-applications/{enrolment.application.public_id}").status_code == 404
    assert rival_api.get("v3", f"/npq-applications/{enrolment.application.public_id}").status_code == 200


def test_without_a_contract_for_course_and_cohort_it_is_refused(
    enrolment: Enrolment, rival_provider: LeadProvider
) -> None:
    other_cohort = CohortFactory(start_year=2022)
    ContractTermsFactory(lead_provider=rival_provider, cohort=other_cohort, course=enrolment.course)

    with refused(
        ProviderWithoutContract, saying="UCL Institute of Education has no contract for npq-headship in cohort 2023a"
    ):
        transfer(enrolment.application, rival_provider)


def test_the_provider_that_has_it_changes_nothing(enrolment: Enrolment, provider: LeadProvider) -> None:
    with changing_nothing():
        assert not transfer(enrolment.application, provider).changed


def test_it_can_go_back(enrolment: Enrolment, provider: LeadProvider, contract: ContractTerms) -> None:
    transfer(enrolment.application, contract.lead_provider)

    transfer(enrolment.application, provider)

    enrolment.refresh_from_db()
    assert (enrolment.lead_provider, enrolment.transferred_at) == (provider, NOW)


def test_it_needs_a_reason(enrolment: Enrolment, contract: ContractTerms) -> None:
    with refused(ReasonMissing):
        change_lead_provider(
            application_id=enrolment.application_id,
            lead_provider=contract.lead_provider,
            by=Actor.staff("Sam Reyes", identifier="7", reason=" "),
            now=NOW,
        )


def test_when_the_last_write_fails_nothing_is_kept(
    enrolment: Enrolment, contract: ContractTerms, last_write_fails: None
) -> None:
    with changing_nothing(), pytest.raises(RuntimeError):
        transfer(enrolment.application, contract.lead_provider)
