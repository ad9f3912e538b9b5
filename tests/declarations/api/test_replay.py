"""Sending a declaration again (api.md §7.1, decisions.md §1.2): an exact copy changes nothing, anything else counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from declarations.choices import LIVE_STATES
from declarations.models import Declaration, Outcome
from finance.models import ContractTerms, LineItem, Statement
from npq.core.models import Change, Message
from participants.models import Enrolment
from tests.conftest import ApiClient, errors_of
from tests.declarations.conftest import DECLARED, declare, declared, every_version, trainee
from tests.factories import (
    CohortFactory,
    CourseFactory,
    DeclarationFactory,
    DeliveryPartnershipFactory,
    ParticipantFactory,
    TrainingStatusChangeFactory,
)

pytestmark = pytest.mark.django_db


def everything() -> list[Any]:
    """All that a replay must leave alone."""
    return [
        list(model.objects.order_by("id").values())  # type: ignore[attr-defined]
        for model in (Declaration, Outcome, LineItem, Message, Statement, Enrolment, Change)
    ]


@every_version
@pytest.mark.parametrize("kind", ["started", "retained-1", "completed"])
def test_an_exact_copy_answers_the_same_and_writes_nothing(
    version: str, kind: str, api: ApiClient, enrolment: Enrolment
) -> None:
    first = declare(api, version, enrolment, kind)
    before = everything()

    again = declare(api, version, enrolment, kind)

    assert (again.status_code, again.content) == (200, first.content)
    assert everything() == before


def test_a_copy_takes_no_locks_and_writes_no_row(api: ApiClient, enrolment: Enrolment) -> None:
    declare(api, "v3", enrolment)

    with CaptureQueriesContext(connection) as captured:
        declare(api, "v3", enrolment)

    written = [query["sql"] for query in captured if "core_ratecounter" not in query["sql"]]
    assert not [sql for sql in written if sql.startswith(("INSERT", "UPDATE", "DELETE")) or " FOR " in sql]


@every_version
@pytest.mark.parametrize(
    "written",
    ["2024-11-01T09:30:00+00:00", "2024-11-01T10:30:00+01:00", "2024-11-01T09:30:00", "2024-11-01t09:30:00.000z"],
)
def test_the_date_is_compared_as_an_instant(version: str, written: str, api: ApiClient, enrolment: Enrolment) -> None:
    first = declare(api, version, enrolment)

    assert declare(api, version, enrolment, declaration_date=written).json() == first.json()


@every_version
@pytest.mark.parametrize("state", LIVE_STATES)
def test_a_copy_shows_the_state_of_today(version: str, state: str, api: ApiClient, enrolment: Enrolment) -> None:
    first = declare(api, version, enrolment).json()["data"]
    Declaration.objects.update(state=state)

    again = declare(api, version, enrolment).json()["data"]

    assert (again["id"], again["attributes"]["state"]) == (first["id"], state)


@every_version
def test_a_copy_is_answered_whatever_has_happened_since(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    first = declare(api, version, enrolment).json()
    TrainingStatusChangeFactory(
        enrolment=enrolment, status="withdrawn", reason="other", changed_at=datetime(2024, 10, 20, tzinfo=UTC)
    )
    Enrolment.objects.update(training_status="withdrawn")
    ContractTerms.objects.all().delete()
    Statement.objects.update(deadline_date="2024-11-19")

    assert declare(api, version, enrolment).json() == first


@every_version
def test_a_copy_is_answered_after_the_participant_has_moved_on(
    version: str, api: ApiClient, enrolment: Enrolment, rival_provider: Any
) -> None:
    first = declare(api, version, enrolment).json()
    Enrolment.objects.update(lead_provider=rival_provider, transferred_at=enrolment.accepted_at)
    enrolment.application.lead_provider = rival_provider
    enrolment.application.save()

    assert declare(api, version, enrolment).json() == first


@every_version
def test_another_date_is_no_copy(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    declare(api, version, enrolment)

    response = declare(api, version, enrolment, declaration_date="2024-11-01T09:30:01Z")

    assert errors_of(response) == [("base", "declaration_already_exists")]
    assert Declaration.objects.count() == 1


@every_version
def test_another_result_is_no_copy(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    declare(api, version, enrolment, "completed")

    response = declare(api, version, enrolment, "completed", has_passed=False)

    assert errors_of(response) == [("base", "declaration_already_exists")]
    assert Outcome.objects.count() == 1


@every_version
def test_the_result_is_compared_with_what_was_posted(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    first = declare(api, version, enrolment, "completed").json()["data"]["id"]
    Outcome.objects.create(
        declaration=Declaration.objects.get(), state="failed", completion_date=datetime(2024, 11, 2).date()
    )

    again = declare(api, version, enrolment, "completed")

    assert again.json()["data"]["id"] == first
    assert again.json()["data"]["attributes"]["has_passed"] is False


@every_version
def test_a_result_is_not_compared_where_none_is_kept(version: str, api: ApiClient, provider: Any) -> None:
    enrolment = trainee(provider, course=CourseFactory(ehco=True))
    first = declare(api, version, enrolment, "completed", has_passed=True).json()

    assert declare(api, version, enrolment, "completed", has_passed=False).json() == first


@every_version
def test_the_names_of_one_course_are_one_course(version: str, api: ApiClient, provider: Any) -> None:
    enrolment = trainee(provider, course=CourseFactory(aso=True))
    CourseFactory(ehco=True)
    other_name = {"course_identifier": "npq-early-headship-coaching-offer"}
    first = declare(api, version, enrolment, **other_name).json()

    assert declare(api, version, enrolment, **other_name).json() == first
    assert declare(api, version, enrolment).json() == first


def test_delivery_partners_are_not_compared(api: ApiClient, provider: Any) -> None:
    enrolment = trainee(provider, cohort=CohortFactory(capped=True))
    partners = [
        DeliveryPartnershipFactory(lead_provider=provider, cohort=enrolment.cohort).delivery_partner for _ in "12"
    ]
    first = declared(api, enrolment, delivery_partner_id=str(partners[0].public_id))

    assert declared(api, enrolment, delivery_partner_id=str(partners[1].public_id)) == first
    assert declared(api, enrolment) == first


@every_version
@pytest.mark.parametrize("state", ["voided", "awaiting-clawback", "clawed-back"])
def test_what_was_voided_never_matches(version: str, state: str, api: ApiClient, enrolment: Enrolment) -> None:
    first = declare(api, version, enrolment).json()["data"]["id"]
    LineItem.objects.update(state="voided")
    Declaration.objects.update(state=state)

    second = declare(api, version, enrolment).json()["data"]

    assert second["id"] != first
    assert second["attributes"]["state"] == "eligible"
    assert Declaration.objects.get(public_id=first).state == state


@every_version
def test_an_ineligible_one_matches(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    trn = enrolment.participant.teacher_reference_number
    DeclarationFactory(enrolment__application__participant=ParticipantFactory(teacher_reference_number=trn))
    first = declare(api, version, enrolment).json()
    assert first["data"]["attributes"]["state"] == "ineligible"
    Declaration.objects.exclude(enrolment=enrolment).update(state="voided")

    assert declare(api, version, enrolment).json() == first


@every_version
def test_a_live_one_wins_over_an_ineligible_one(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    date = datetime.fromisoformat(DECLARED)
    live = DeclarationFactory(enrolment=enrolment, declaration_date=date, state="paid")
    DeclarationFactory(enrolment=enrolment, declaration_date=date, ineligible=True)

    assert declare(api, version, enrolment).json()["data"]["id"] == str(live.public_id)


@every_version
def test_an_ineligible_one_does_not_hold_the_slot(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    DeclarationFactory(
        enrolment=enrolment, declaration_date=datetime.fromisoformat(DECLARED) - timedelta(days=1), ineligible=True
    )

    assert declare(api, version, enrolment).json()["data"]["attributes"]["state"] == "eligible"


@every_version
def test_another_providers_declaration_is_no_copy(
    version: str, api: ApiClient, enrolment: Enrolment, rival_provider: Any
) -> None:
    """After a transfer the slot is still held by what the earlier provider declared."""
    DeclarationFactory(
        enrolment=enrolment, lead_provider=rival_provider, declaration_date=datetime.fromisoformat(DECLARED)
    )

    assert errors_of(declare(api, version, enrolment)) == [("base", "declaration_already_exists")]


@every_version
def test_another_participants_declaration_is_no_copy(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    other = trainee(enrolment.lead_provider)
    first = declare(api, version, other).json()["data"]["id"]

    assert declare(api, version, enrolment).json()["data"]["id"] != first
