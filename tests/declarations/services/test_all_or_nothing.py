"""Each verb keeps everything or nothing: when the last write fails, when it is only rehearsed, when it is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from declarations.models import Declaration, DeliveryPartner, DeliveryPartnership, Outcome
from declarations.queries.given import GivenPartners
from declarations.services import (
    change_delivery_partner,
    pair_delivery_partner,
    record_outcome,
    void_declaration,
)
from finance.models import LineItem, Statement
from npq.core.audit import Actor, rehearsal
from npq.core.models import Change, LeadProvider, Message
from participants.models import Enrolment
from tests.conftest import ApiClient
from tests.declarations.conftest import NOW, declared, next_statement, pay, trainee
from tests.declarations.services.claims import claim_for, submit
from tests.factories import CohortFactory, DeliveryPartnershipFactory

pytestmark = pytest.mark.django_db

STORED = (Declaration, Outcome, LineItem, Message, Statement, DeliveryPartner, DeliveryPartnership, Change)
Verb = Callable[[], Any]


class Broken(Exception):
    """The write that fails."""


def everything() -> list[Any]:
    return [list(model.objects.order_by("id").values()) for model in STORED]  # type: ignore[attr-defined]


@pytest.fixture
def completed(api: ApiClient, enrolment: Enrolment) -> Declaration:
    declared(api, enrolment, "completed")
    return Declaration.objects.get()


def voiding(declaration: Declaration) -> Verb:
    return lambda: void_declaration(declaration_id=declaration.id, held_by=None, by=Actor.system(), now=NOW)


def verb(name: str, api: ApiClient, enrolment: Enrolment) -> Verb:
    """A call that would succeed and write."""
    if name == "submit_declaration":
        return lambda: submit(claim_for(enrolment, "completed"), enrolment.lead_provider_id)
    if name == "pair_delivery_partner":
        return lambda: pair_delivery_partner(
            name="Northbeck Teaching Hub",
            public_id=None,
            lead_provider_id=enrolment.lead_provider_id,
            cohort_id=enrolment.cohort_id,
            by=Actor.system(),
        )
    declared(api, enrolment, "completed")
    declaration = Declaration.objects.get()
    if name == "void_declaration":
        return voiding(declaration)
    if name == "void_declaration, paid":
        pay(Statement.objects.get())
        next_statement(enrolment)
        return voiding(declaration)
    if name == "record_outcome":
        return lambda: record_outcome(
            participant_id=enrolment.participant_id,
            lead_provider_id=enrolment.lead_provider_id,
            course_identifier=enrolment.course.identifier,
            state="failed",
            completion_date=NOW.date(),
            by=Actor.system(),
            now=NOW,
        )
    pairing = DeliveryPartnershipFactory(lead_provider=enrolment.lead_provider, cohort=enrolment.cohort)
    return lambda: change_delivery_partner(
        declaration_id=declaration.id,
        held_by=None,
        given=GivenPartners(pairing.delivery_partner.public_id),
        by=Actor.system(),
    )


TOLD = "applications.models.Application.tell_participant"

# The last thing each verb writes.
LAST_WRITES = {
    "submit_declaration": TOLD,
    "void_declaration": TOLD,
    "void_declaration, paid": TOLD,
    "record_outcome": TOLD,
    "change_delivery_partner": "declarations.models.Declaration.save",
    "pair_delivery_partner": "declarations.models.DeliveryPartnership.save",
}
every_verb = pytest.mark.parametrize("name", LAST_WRITES)


@every_verb
def test_when_the_last_write_fails_nothing_is_kept(
    name: str, api: ApiClient, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = verb(name, api, enrolment)
    before = everything()

    def fail(*_: Any, **__: Any) -> None:
        raise Broken

    monkeypatch.setattr(LAST_WRITES[name], fail)

    with pytest.raises(Broken):
        act()
    assert everything() == before


@every_verb
def test_a_rehearsal_does_everything_and_keeps_nothing(name: str, api: ApiClient, enrolment: Enrolment) -> None:
    act = verb(name, api, enrolment)
    before = everything()

    with rehearsal():
        act()

    assert everything() == before
    act()
    assert everything() != before


def test_a_refusal_leaves_no_trace(api: ApiClient, completed: Declaration, provider: LeadProvider) -> None:
    unfunded = trainee(provider, eligible_for_funding=False, cohort=CohortFactory(start_year=2022))
    before = everything()

    for attributes in ({"declaration_type": "x"}, {"course_identifier": "x"}, {"declaration_date": None}):
        with pytest.raises(Exception, match="#/"):
            submit(claim_for(unfunded, **attributes), provider.id)

    assert everything() == before
