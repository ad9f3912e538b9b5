"""What the database itself keeps of declarations and outcomes (decisions.md §2)."""

from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from declarations.models import DeliveryPartner, Outcome
from npq.core.constraints import violated_constraint
from npq.core.models import Change
from tests.factories import DeclarationFactory, DeliveryPartnerFactory, LeadProviderFactory, OutcomeFactory

pytestmark = pytest.mark.django_db

MIGRATION = import_module("declarations.migrations.0003_outcome_of_provider")


def refused_by(act: Any) -> str | None:
    """The name of the constraint that refuses something, checked at once."""

    def act_and_check() -> None:
        act()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(IntegrityError) as error, transaction.atomic():
        act_and_check()
    return violated_constraint(error.value)


@pytest.mark.parametrize("state", ["submitted", "eligible", "payable", "paid"])
def test_one_live_declaration_per_enrolment_and_type(state: str) -> None:
    first = DeclarationFactory()

    name = refused_by(lambda: DeclarationFactory(enrolment=first.enrolment, state=state))

    assert name == "declaration_one_live_per_enrolment_and_type"
    for other in ("voided", "ineligible", "awaiting-clawback", "clawed-back"):
        DeclarationFactory(enrolment=first.enrolment, state=other, ineligible_reason="duplicate_declaration")


def test_an_outcome_belongs_to_a_completed_declaration() -> None:
    started = DeclarationFactory()

    assert refused_by(lambda: OutcomeFactory(declaration=started)) == "outcome_of_completed_declaration"
    assert (
        refused_by(lambda: OutcomeFactory(declaration=started, declaration_type="started"))
        == "outcome_only_on_completed"
    )


def test_an_outcome_is_of_its_declarations_provider_whatever_is_said() -> None:
    outcome = OutcomeFactory(lead_provider=LeadProviderFactory())

    outcome.refresh_from_db()
    assert outcome.lead_provider_id == outcome.declaration.lead_provider_id


def test_old_outcomes_are_filled_in_without_a_trace() -> None:
    outcome = OutcomeFactory()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE declarations_outcome DISABLE TRIGGER USER")
        cursor.execute("UPDATE declarations_outcome SET lead_provider_id = NULL")
        cursor.execute("ALTER TABLE declarations_outcome ENABLE TRIGGER USER")
        changes = Change.objects.count()

        cursor.execute(MIGRATION.FILL_IN_OLD)

    assert Outcome.objects.get().lead_provider_id == outcome.declaration.lead_provider_id
    assert Change.objects.count() == changes
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Outcome.objects.update(state="failed")


@pytest.mark.parametrize(
    ("facts", "constraint"),
    [
        ({"has_passed": True}, "declaration_passed_only_when_completed"),
        ({"state": "ineligible"}, "declaration_ineligible_has_reason"),
        ({"declaration_type": "retained-3"}, "declaration_type_known"),
        ({"state": "unheard-of"}, "declaration_state_known"),
    ],
    ids=str,
)
def test_a_declaration_makes_sense(facts: dict[str, Any], constraint: str) -> None:
    assert refused_by(lambda: DeclarationFactory(**facts)) == constraint


def test_a_second_partner_needs_a_first_that_differs() -> None:
    partner = DeliveryPartnerFactory()

    for facts in (
        {"secondary_delivery_partner": partner},
        {"delivery_partner": partner, "secondary_delivery_partner": partner},
    ):
        assert (
            refused_by(lambda facts=facts: DeclarationFactory(**facts)) == "declaration_secondary_partner_needs_primary"
        )


def test_nothing_is_written_without_a_declared_actor(no_declared_actor: None) -> None:
    with pytest.raises(IntegrityError, match="no declared actor"), transaction.atomic():
        DeliveryPartner.objects.create(name="Northbeck Teaching Hub")
