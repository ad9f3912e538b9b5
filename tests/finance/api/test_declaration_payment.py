"""GET /participant-declarations/{id}/payment: what is paid, or every reason why nothing is."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from applications.models import Application
from declarations.models import Declaration
from finance.choices import LineState
from finance.models import Statement
from finance.queries.explanation import all_reasons
from participants.models import Enrolment
from tests.conftest import ApiClient
from tests.factories import ApplicationFactory, CohortFactory, DeclarationFactory, TrainingStatusChangeFactory
from tests.finance.books import Books

pytestmark = pytest.mark.django_db

# A day on which January's statement still takes declarations.
DAY = {"X-With-Server-Date": "2024-12-20T09:00:00Z"}


@pytest.fixture
def books(provider) -> Books:
    books = Books(provider)
    books.terms("npq-headship", per_participant=Decimal("1237.00"))
    return books


@pytest.fixture
def january(books: Books) -> Statement:
    return books.statement(2025, 1)


def payment(api: ApiClient, declaration: Declaration, day: dict[str, str] = DAY) -> dict:
    response = api.get("v3", f"/participant-declarations/{declaration.public_id}/payment", headers=day)
    assert response.status_code == 200, response.content
    data = response.json()["data"]
    assert (data["id"], data["type"]) == (str(declaration.public_id), "declaration-payment")
    attributes = data["attributes"]
    assert attributes["payable"] is (attributes["reasons"] == [])
    return attributes


def codes(api: ApiClient, declaration: Declaration, day: dict[str, str] = DAY) -> list[str]:
    attributes = payment(api, declaration, day)
    assert attributes["amount"] is attributes["targeted_delivery_funding"] is None
    return [reason["code"] for reason in attributes["reasons"]]


def submitted(books: Books, **application: object) -> Declaration:
    return DeclarationFactory(enrolment=books.enrol("npq-headship", **application))


def test_a_payable_declaration_through_its_life(api: ApiClient, books: Books, january: Statement) -> None:
    declaration = books.declare(january, "npq-headship", targeted_delivery_funding_eligibility=True)
    expected = {
        "payable": True,
        "amount": "185.55",
        "targeted_delivery_funding": "100.00",
        "statement_id": str(january.public_id),
        "clawback_statement_id": None,
        "reasons": [],
    }

    assert payment(api, declaration) == expected
    books.mark_payable(january)
    assert payment(api, declaration) == expected
    books.pay(january)
    assert payment(api, declaration) == expected


def test_what_is_taken_back(api: ApiClient, books: Books, january: Statement) -> None:
    declaration = books.declare(january, "npq-headship", targeted_delivery_funding_eligibility=True)
    february = books.statement(2025, 2)
    books.pay(january)
    books.void(declaration, on=february.deadline_date)

    attributes = payment(api, declaration, {"X-With-Server-Date": "2025-01-20T09:00:00Z"})
    assert (attributes["payable"], attributes["amount"]) == (False, None)
    assert attributes["statement_id"] == str(january.public_id)
    assert attributes["clawback_statement_id"] == str(february.public_id)
    (reason,) = attributes["reasons"]
    assert reason["code"] == "clawed_back"
    assert "£285.55 is taken back on the statement of February 2025" in reason["detail"]

    books.pay(february)
    (reason, ended) = payment(api, declaration, {"X-With-Server-Date": "2025-03-20T09:00:00Z"})["reasons"]
    assert "£285.55 was taken back" in reason["detail"]
    assert ended["code"] == "no_open_statement"


def test_voided(api: ApiClient, books: Books, january: Statement) -> None:
    declaration = books.declare(january, "npq-headship")
    books.void(declaration, on=january.deadline_date)

    attributes = payment(api, declaration)
    assert attributes["statement_id"] is None
    assert [reason["code"] for reason in attributes["reasons"]] == ["voided"]
    assert "Declare again" in attributes["reasons"][0]["detail"]

    replacement = books.declare(january, "npq-headship", enrolment=declaration.enrolment)
    assert str(replacement.public_id) in payment(api, declaration)["reasons"][0]["detail"]


def test_duplicate(api: ApiClient, books: Books, january: Statement) -> None:
    assert codes(api, books.declare(january, "npq-headship", state=LineState.INELIGIBLE)) == ["duplicate"]


def test_not_funded(api: ApiClient, books: Books, january: Statement) -> None:
    declaration = submitted(
        books, eligible_for_funding=False, funding_eligibility_status_code="ineligible_establishment_type"
    )

    assert codes(api, declaration) == ["not_funded"]
    detail = payment(api, declaration)["reasons"][0]["detail"]
    assert "(ineligible establishment type)" in detail
    assert "becomes eligible by itself" in detail


def test_funding_alone_is_not_said_to_pay_where_there_is_no_funded_place(api: ApiClient, provider) -> None:
    books = Books(provider, CohortFactory(capped=True))
    books.terms("npq-headship")
    books.statement(2025, 1)
    declaration = submitted(books, funded_place=False, eligible_for_funding=False)

    assert codes(api, declaration) == ["not_funded", "no_funded_place"]
    detail = payment(api, declaration)["reasons"][0]["detail"]
    assert "by itself" not in detail
    assert "then see to the funded place" in detail


def test_previously_funded(api: ApiClient, books: Books, january: Statement) -> None:
    declaration = submitted(books)
    earlier = ApplicationFactory(
        participant=declaration.enrolment.participant,
        cohort=CohortFactory(start_year=2022),
        course=declaration.course,
        accepted=True,
        accepted__accepted_at=datetime(2022, 10, 1, tzinfo=UTC),
        accepted__training_status="withdrawn",
    )

    assert codes(api, declaration) == ["previously_funded"]
    Application.objects.filter(id=earlier.id).update(funded_place=False)
    assert codes(api, declaration) == ["declared_before_funding"]


def test_no_funded_place(api: ApiClient, provider) -> None:
    books = Books(provider, CohortFactory(capped=True))
    books.terms("npq-headship")
    books.statement(2025, 1)
    declaration = submitted(books, funded_place=False)

    assert codes(api, declaration) == ["no_funded_place"]
    assert (
        "Void this declaration, set the application's funded_place to true"
        in (payment(api, declaration)["reasons"][0]["detail"])
    )


def test_no_funded_place_in_an_unfunded_cohort(api: ApiClient, provider) -> None:
    books = Books(provider, CohortFactory(unfunded=True))
    books.terms("npq-headship")
    books.statement(2027, 1)
    declaration = submitted(books, funded_place=False)

    assert codes(api, declaration) == ["no_funded_place"]
    assert "nothing will change that" in payment(api, declaration)["reasons"][0]["detail"]


@pytest.mark.parametrize(("days", "expected"), [(-1, ["declared_before_funding"]), (0, ["after_withdrawal"])])
def test_after_withdrawal(api: ApiClient, books: Books, january: Statement, days: int, expected: list[str]) -> None:
    declaration = submitted(books)
    withdrawn_at = declaration.declaration_date - timedelta(days=days)
    TrainingStatusChangeFactory(enrolment=declaration.enrolment, status="withdrawn", changed_at=withdrawn_at)
    Enrolment.objects.filter(id=declaration.enrolment_id).update(training_status="withdrawn")

    assert codes(api, declaration) == expected


def test_a_withdrawal_that_was_resumed_is_not_in_the_way(api: ApiClient, books: Books, january: Statement) -> None:
    declaration = submitted(books)
    TrainingStatusChangeFactory(
        enrolment=declaration.enrolment, status="withdrawn", changed_at=declaration.declaration_date
    )

    assert codes(api, declaration) == ["declared_before_funding"]


def test_the_acceptance_was_undone(api: ApiClient, books: Books, january: Statement) -> None:
    declaration = submitted(books)
    application = declaration.enrolment.application
    Application.objects.filter(id=application.id).update(status="pending", enrolment=None, decided_at=None)
    Enrolment.objects.filter(id=declaration.enrolment_id).update(undone_at=datetime(2024, 12, 1, tzinfo=UTC))

    assert codes(api, declaration) == ["not_accepted"]


def test_no_terms(api: ApiClient, books: Books, january: Statement) -> None:
    declaration = DeclarationFactory(enrolment=books.enrol("npq-leading-teaching"))

    assert codes(api, declaration) == ["no_terms"]


def test_terms_that_begin_after_the_statement_are_no_terms(api: ApiClient, books: Books, january: Statement) -> None:
    books.terms("npq-leading-teaching", effective_month=date(2025, 2, 1))

    assert codes(api, DeclarationFactory(enrolment=books.enrol("npq-leading-teaching"))) == ["no_terms"]


def test_no_open_statement(api: ApiClient, books: Books, january: Statement) -> None:
    declaration = submitted(books)

    assert codes(api, declaration) == ["declared_before_funding"]
    # 26 December is the deadline of January's statement.
    last_day = {"X-With-Server-Date": "2024-12-26T23:30:00Z"}
    assert codes(api, declaration, last_day) == ["declared_before_funding"]
    assert codes(api, declaration, {"X-With-Server-Date": "2024-12-27T00:30:00Z"}) == ["no_open_statement"]


def test_paid_for_another_enrolment(api: ApiClient, books: Books, january: Statement) -> None:
    paid = books.declare(january, "npq-headship")
    Enrolment.objects.filter(id=paid.enrolment_id).update(training_status="withdrawn")
    Application.objects.filter(id=paid.enrolment.application_id).update(eligible_for_funding=False)
    declaration = submitted(books, participant=paid.enrolment.participant)

    assert codes(api, declaration) == ["paid_for_another_enrolment"]


def test_every_obstacle_at_once(api: ApiClient, provider) -> None:
    books = Books(provider, CohortFactory(capped=True))
    declaration = submitted(books, eligible_for_funding=False, funded_place=False)
    Declaration.objects.filter(id=declaration.id).update(state="voided")

    assert codes(api, declaration) == ["voided", "not_funded", "no_funded_place", "no_terms", "no_open_statement"]
    details = [reason["detail"] for reason in payment(api, declaration)["reasons"]]
    assert "then declare again" in details[1]


def test_an_eligible_line_that_lost_its_terms(api: ApiClient, books: Books, january: Statement) -> None:
    terms = books.terms("npq-leading-teaching")
    declaration = books.declare(january, "npq-leading-teaching")
    terms.effective_month = date(2026, 1, 1)
    terms.save()

    attributes = payment(api, declaration)

    assert [reason["code"] for reason in attributes["reasons"]] == ["no_terms"]
    assert attributes["statement_id"] == str(january.public_id)


def test_only_the_provider_that_declared_and_only_v3(
    api: ApiClient, rival_api: ApiClient, stranger: ApiClient, books: Books, january: Statement, rival_provider
) -> None:
    declaration = books.declare(january, "npq-headship")
    path = f"/participant-declarations/{declaration.public_id}/payment"
    Enrolment.objects.filter(id=declaration.enrolment_id).update(transferred_at=datetime(2025, 1, 1, tzinfo=UTC))

    assert api.get("v3", path).status_code == 200
    assert rival_api.get("v3", path).status_code == 404
    assert stranger.get("v3", path).status_code == 401
    assert [api.get(version, path).status_code for version in ("v1", "v2")] == [404, 404]
    assert api.get("v3", "/participant-declarations/not-an-id/payment").status_code == 404


def test_it_takes_few_queries(api: ApiClient, books: Books, january: Statement) -> None:
    declaration = submitted(books)
    payment(api, declaration)

    with CaptureQueriesContext(connection) as captured:
        payment(api, declaration)

    assert len(captured) <= 14


def test_codes_are_unique_and_told_apart(db) -> None:
    codes = [known.code for known in all_reasons()]

    assert len(set(codes)) == len(codes)
    assert all(known.meaning.endswith(".") for known in all_reasons())
