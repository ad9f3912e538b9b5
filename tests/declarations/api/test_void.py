"""PUT /participant-declarations/{id}/void: every row of the table (api.md §5.3, §2.3.1), in each version."""

from datetime import date
from typing import Any

import pytest
from django.db import connection

from declarations.models import Declaration, Outcome
from declarations.services import void_declaration
from finance.models import LineItem, Statement
from npq.core.audit import Actor
from npq.core.models import Change, Message
from participants.models import Enrolment
from tests.conftest import ApiClient, errors_of
from tests.declarations.conftest import (
    CLOCK,
    NOW,
    attributes,
    close,
    declare,
    declared,
    every_version,
    next_statement,
    pay,
    trainee,
)
from tests.factories import CohortFactory, CourseFactory, DeclarationFactory, ParticipantFactory

pytestmark = pytest.mark.django_db


def void(api: ApiClient, version: str, declaration_id: str) -> Any:
    return api.put(version, f"/participant-declarations/{declaration_id}/void", headers=CLOCK)


@pytest.fixture
def paid(api: ApiClient, enrolment: Enrolment) -> str:
    """The id of a started declaration that was paid."""
    data = declared(api, enrolment)
    pay(Statement.objects.get())
    return data["id"]


@every_version
@pytest.mark.parametrize("closed", [False, True], ids=["eligible", "payable"])
def test_before_payment_the_line_goes(version: str, closed: bool, api: ApiClient, enrolment: Enrolment) -> None:
    declaration_id = declared(api, enrolment)["id"]
    if closed:
        close(Statement.objects.get())

    response = void(api, version, declaration_id)

    assert response.status_code == 200
    shown = response.json()["data"]["attributes"]
    assert shown["state"] == "voided"
    if version == "v1":
        assert (shown["voided"], shown["eligible_for_payment"]) == (True, False)
    if version == "v3":
        assert (shown["statement_id"], shown["clawback_statement_id"]) == (None, None)
    assert [line.state for line in LineItem.objects.all()] == ["voided"]


@every_version
@pytest.mark.parametrize("statement", ["open", "none"])
def test_an_unfunded_one_needs_no_statement(version: str, statement: str, api: ApiClient, provider: Any) -> None:
    declaration_id = declared(api, trainee(provider, eligible_for_funding=False))["id"]
    if statement == "none":
        Statement.objects.all().delete()

    assert void(api, version, declaration_id).json()["data"]["attributes"]["state"] == "voided"
    assert not LineItem.objects.exists()


@every_version
def test_an_ineligible_one_is_voided_with_its_line(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    trn = enrolment.participant.teacher_reference_number
    DeclarationFactory(enrolment__application__participant=ParticipantFactory(teacher_reference_number=trn))
    data = declared(api, enrolment)
    assert data["attributes"]["state"] == "ineligible"

    shown = void(api, version, data["id"]).json()["data"]["attributes"]

    assert shown["state"] == "voided"
    if version == "v3":
        assert shown["ineligible_for_funding_reason"] is None
    assert LineItem.objects.get(declaration__public_id=data["id"]).state == "voided"


@every_version
def test_after_payment_the_money_is_taken_back(version: str, api: ApiClient, enrolment: Enrolment, paid: str) -> None:
    first, second = Statement.objects.get(), next_statement(enrolment)

    response = void(api, version, paid)

    assert response.status_code == 200
    shown = response.json()["data"]["attributes"]
    assert shown["state"] == "awaiting-clawback"
    if version == "v1":
        assert (shown["voided"], shown["eligible_for_payment"]) == (False, False)
    if version == "v3":
        assert shown["statement_id"] == str(first.public_id)
        assert shown["clawback_statement_id"] == str(second.public_id)
    lines = {line.state: line for line in LineItem.objects.all()}
    assert set(lines) == {"paid", "awaiting-clawback"}
    assert lines["awaiting-clawback"].statement_id == second.id
    assert lines["awaiting-clawback"].output_payment == -lines["paid"].output_payment


def by_force(*statements: str) -> None:
    """Writes past triggers and constraints, as nothing but a broken database could."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SET session_replication_role = replica")
        for sql in statements:
            cursor.execute(sql)
        cursor.execute("SET session_replication_role = DEFAULT")


TAKEN_BACK = """
    INSERT INTO finance_lineitem (public_id, created_at, updated_at, statement_id, declaration_id, lead_provider_id,
        cohort_id, course_id, declaration_type, state, terms_id, output_payment, targeted_delivery_funding,
        paid_line_id)
    SELECT gen_random_uuid(), now(), now(), statement_id, declaration_id, lead_provider_id, cohort_id, course_id,
        declaration_type, 'awaiting-clawback', terms_id, -output_payment, -targeted_delivery_funding, id
    FROM finance_lineitem
"""
CONTRADICTIONS = {
    "paid without a line": ["DELETE FROM finance_lineitem"],
    "paid on a voided line": ["UPDATE finance_lineitem SET state = 'voided'"],
    "taken back already": [TAKEN_BACK],
    "paid and yet eligible": ["UPDATE declarations_declaration SET state = 'eligible'"],
    "payable on a paid statement": [
        "UPDATE finance_lineitem SET state = 'payable'",
        "UPDATE declarations_declaration SET state = 'payable'",
    ],
}


@every_version
@pytest.mark.parametrize("how", CONTRADICTIONS)
def test_where_the_records_of_payment_contradict_each_other_nothing_is_voided(
    version: str, how: str, api: ApiClient, enrolment: Enrolment, paid: str
) -> None:
    next_statement(enrolment)
    by_force(*CONTRADICTIONS[how])
    before = list(LineItem.objects.order_by("id").values()), Declaration.objects.values().get()

    response = void(api, version, paid)

    assert errors_of(response) == [("declaration", "payment_records_disagree")]
    assert "Contact DfE" in response.json()["errors"][0]["detail"]
    assert (list(LineItem.objects.order_by("id").values()), Declaration.objects.values().get()) == before


@every_version
def test_a_clawback_ends_when_its_statement_is_paid(
    version: str, api: ApiClient, enrolment: Enrolment, paid: str
) -> None:
    second = next_statement(enrolment)
    void(api, version, paid)

    pay(second)

    assert api.get(version, f"/participant-declarations/{paid}").json()["data"]["attributes"]["state"] == "clawed-back"
    assert errors_of(void(api, version, paid)) == [("declaration", "declaration_already_clawed_back")]


@every_version
@pytest.mark.parametrize("when", ["eligible", "paid"])
def test_the_slot_is_free_at_once(version: str, when: str, api: ApiClient, enrolment: Enrolment) -> None:
    declaration_id = declared(api, enrolment)["id"]
    if when == "paid":
        pay(Statement.objects.get())
        next_statement(enrolment)
    void(api, version, declaration_id)

    again = declare(api, version, enrolment)

    assert again.status_code == 200
    assert again.json()["data"]["id"] != declaration_id
    assert again.json()["data"]["attributes"]["state"] == "eligible"


# The rows --------------------------------------------------------------------------------------------------------


@every_version
def test_a_voided_one_is_refused(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    declaration_id = declared(api, enrolment)["id"]
    void(api, version, declaration_id)

    response = void(api, version, declaration_id)

    assert response.status_code == 422
    assert errors_of(response) == [("declaration", "declaration_already_voided")]


@every_version
def test_one_awaiting_clawback_is_refused(version: str, api: ApiClient, enrolment: Enrolment, paid: str) -> None:
    next_statement(enrolment)
    void(api, version, paid)

    assert errors_of(void(api, version, paid)) == [("declaration", "declaration_already_clawed_back")]
    assert LineItem.objects.count() == 2


def test_the_row_of_a_clawback_without_a_line_cannot_occur(api: ApiClient, enrolment: Enrolment, paid: str) -> None:
    """api.md: `such state without refund line`. The state comes with its line, or not at all."""
    next_statement(enrolment)
    void(api, "v3", paid)

    for declaration in Declaration.objects.filter(state__in=["awaiting-clawback", "clawed-back"]):
        assert declaration.lines.filter(state__in=["awaiting-clawback", "clawed-back"]).count() == 1


@every_version
def test_a_paid_one_needs_an_open_statement(version: str, api: ApiClient, paid: str) -> None:
    response = void(api, version, paid)

    assert errors_of(response) == [("declaration", "no_open_statement")]
    assert Declaration.objects.get().state == "paid"
    assert LineItem.objects.count() == 1


@every_version
def test_another_providers_declaration_is_unknown(
    version: str, api: ApiClient, rival_api: ApiClient, enrolment: Enrolment
) -> None:
    declaration_id = declared(api, enrolment)["id"]

    assert void(rival_api, version, declaration_id).status_code == 404
    assert void(api, version, "123XXX").status_code == 404
    assert Declaration.objects.get().state == "eligible"


@pytest.mark.parametrize(("version", "status"), [("v1", 404), ("v2", 404), ("v3", 403)])
def test_after_a_transfer_only_its_maker_may_void(
    version: str,
    status: int,
    api: ApiClient,
    rival_api: ApiClient,
    enrolment: Enrolment,
    rival_provider: Any,
) -> None:
    declaration_id = declared(api, enrolment)["id"]
    Enrolment.objects.update(lead_provider=rival_provider, transferred_at=NOW)
    enrolment.application.lead_provider = rival_provider
    enrolment.application.save()

    response = void(rival_api, version, declaration_id)

    assert response.status_code == status
    if status == 403:
        assert errors_of(response) == [("Cannot modify declaration", "declaration_of_another_provider")]
    assert void(api, version, declaration_id).json()["data"]["attributes"]["state"] == "voided"


def test_staff_may_void_anybodys(api: ApiClient, enrolment: Enrolment) -> None:
    declared(api, enrolment)

    void_declaration(
        declaration_id=Declaration.objects.get().id, held_by=None, by=Actor.staff("Kim", identifier="7"), now=NOW
    )

    assert Declaration.objects.get().state == "voided"
    assert Change.objects.filter(action="void_declaration", actor_kind="staff").exists()


# Outcomes --------------------------------------------------------------------------------------------------------


@every_version
@pytest.mark.parametrize("was_paid", [False, True], ids=["eligible", "paid"])
def test_a_completed_one_takes_its_outcome_back(
    version: str, was_paid: bool, api: ApiClient, enrolment: Enrolment
) -> None:
    declaration_id = declared(api, enrolment, "completed")["id"]
    if was_paid:
        pay(Statement.objects.get())
        next_statement(enrolment)
    Message.objects.all().delete()

    response = void(api, version, declaration_id)

    assert response.json()["data"]["attributes"]["has_passed"] is None
    states = list(Outcome.objects.order_by("id").values_list("state", "completion_date"))
    assert states == [("passed", date(2024, 11, 1)), ("voided", date(2024, 11, 1))]
    message = Message.objects.get()
    assert (message.kind, message.to) == ("outcome_retracted", enrolment.application.email)
    assert message.personalisation["course_name"] == enrolment.course.name
    assert message.personalisation["completion_date"] == "1 November 2024"


@every_version
def test_the_date_of_the_outcome_is_what_is_retracted(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    declaration_id = declared(api, enrolment, "completed")["id"]
    body = {"course_identifier": "npq-headship", "state": "passed", "completion_date": "2024-11-12"}
    api.post(version, f"/participants/npq/{enrolment.participant.public_id}/outcomes", body, headers=CLOCK)

    void(api, version, declaration_id)

    newest = Outcome.objects.order_by("-id").first()
    assert newest is not None
    assert (newest.state, newest.completion_date) == ("voided", date(2024, 11, 12))


@every_version
def test_nobody_is_told_of_a_fail_that_is_retracted(version: str, api: ApiClient, enrolment: Enrolment) -> None:
    declaration_id = declared(api, enrolment, "completed", has_passed=False)["id"]

    void(api, version, declaration_id)

    assert list(Outcome.objects.order_by("id").values_list("state", flat=True)) == ["failed", "voided"]
    assert list(Message.objects.values_list("kind", flat=True)) == ["outcome_failed"]


@every_version
@pytest.mark.parametrize("kind", ["started", "completed"])
def test_where_there_was_no_outcome_none_is_retracted(version: str, kind: str, api: ApiClient, provider: Any) -> None:
    enrolment = trainee(provider, course=CourseFactory(ehco=True))

    void(api, version, declared(api, enrolment, kind)["id"])

    assert not Outcome.objects.exists()
    assert not Message.objects.exists()


# Around ----------------------------------------------------------------------------------------------------------


@every_version
def test_the_line_stays_with_the_cohort_declared_for(
    version: str, api: ApiClient, enrolment: Enrolment, paid: str
) -> None:
    """Moved to another cohort since, what is taken back still goes to the old cohort's statement."""
    second = next_statement(enrolment)
    later = trainee(enrolment.lead_provider, cohort=CohortFactory(capped=True))
    Enrolment.objects.filter(id=enrolment.id).update(cohort=later.cohort, schedule=later.schedule)
    enrolment.application.refresh_from_db()
    enrolment.application.cohort = later.cohort
    enrolment.application.funded_place = True
    enrolment.application.save()

    void(api, version, paid)

    assert LineItem.objects.get(state="awaiting-clawback").statement_id == second.id


@every_version
@pytest.mark.parametrize("body", [b"", b"{}", b'{"data": {"attributes": {"reason": "x"}}}', b"[1]"])
def test_a_body_is_ignored(version: str, body: bytes, api: ApiClient, enrolment: Enrolment) -> None:
    path = f"/participant-declarations/{declared(api, enrolment)['id']}/void"

    assert api.request("PUT", version, path, body=body, headers=CLOCK).status_code == 200


@every_version
def test_the_trail_names_the_token(version: str, api: ApiClient, enrolment: Enrolment, provider: Any) -> None:
    declaration_id = declared(api, enrolment)["id"]

    void(api, version, declaration_id)

    change = Change.objects.get(action="void_declaration", table="declarations_declaration")
    assert (change.actor_kind, change.lead_provider_id) == ("token", provider.id)
    assert (change.before["state"], change.after["state"]) == ("eligible", "voided")


def test_what_it_made_ineligible_is_not_reinstated(api: ApiClient, enrolment: Enrolment) -> None:
    trn = enrolment.participant.teacher_reference_number
    twin = trainee(enrolment.lead_provider, participant=ParticipantFactory(teacher_reference_number=trn))
    first = declared(api, enrolment)["id"]
    second = api.post("v3", "/participant-declarations", attributes(twin), headers=CLOCK).json()["data"]["id"]

    void(api, "v3", first)

    assert Declaration.objects.get(public_id=second).state == "ineligible"
