"""The faults of finance.md §7 in a statement's life, by number (the others: test_hazards.py).

Those that need two writers at once are raced in tests/races/test_money.py.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from declarations.choices import DeclarationState
from declarations.errors import AlreadyClawedBack
from declarations.models import Declaration
from declarations.services.void import void_declaration
from finance.choices import LineState
from finance.errors import StatementNotPayable, StatementPaid, TotalHasChanged
from finance.models import LineItem, Statement
from finance.queries.calculation import figures_of, payment_document
from finance.queries.drift import drift_of
from finance.queries.statements import next_open_statement
from finance.services import authorise
from finance.services.adjust import add_adjustment
from finance.services.lines import place_on_statement
from finance.services.mark_payable import mark_statements_payable
from finance.services.promote import promote_fundable
from npq.core.clock import uk_date
from npq.core.models import Change, LeadProvider
from tests.conftest import ApiClient
from tests.factories import DeclarationFactory, DeliveryPartnerFactory, ParticipantFactory
from tests.finance.books import BY, Books, at
from tests.finance.services.test_mark_payable import TRANSACTION_CONTROL

pytestmark = pytest.mark.django_db
NO_FEE = {"monthly_service_fee": Decimal(0)}


@pytest.fixture
def books(provider: LeadProvider) -> Books:
    made = Books(provider)
    made.terms("npq-headship", **NO_FEE)
    return made


def void(declaration: Declaration, on: date) -> None:
    void_declaration(declaration_id=declaration.id, held_by=None, by=BY, now=at(on))


def test_hazard_1_a_paid_statement_is_what_was_paid_whatever_changes_behind_it(books: Books) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    first, second = books.declare_many(2, january, "npq-headship", targeted_delivery_funding_eligibility=True)
    books.pay(january)
    before = payment_document(january)

    enrolment = first.enrolment
    enrolment.application.targeted_delivery_funding_eligibility = enrolment.application.eligible_for_funding = False
    enrolment.application.save()
    void(first, april.deadline_date)
    Declaration.objects.filter(id=second.id).update(state=DeclarationState.VOIDED)
    with connection.cursor() as cursor:  # as a merge would leave it: both declarations are one person's
        cursor.execute("SET session_replication_role = replica")
        person = first.enrolment.participant_id
        cursor.execute(
            "UPDATE participants_enrolment SET participant_id = %s, training_status = 'withdrawn' WHERE id = %s",
            [person, second.enrolment_id],
        )
        cursor.execute(
            "UPDATE applications_application SET participant_id = %s WHERE id = %s",
            [person, second.enrolment.application_id],
        )
        cursor.execute("SET session_replication_role = DEFAULT")

    assert payment_document(Statement.objects.get(id=january.id)) == before
    assert figures_of(january).shown_total == january.total == Decimal("571.10")
    assert drift_of(january, figures_of(january)) == ""


def test_hazard_2_what_is_taken_back_is_what_was_paid(books: Books) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    declarations = books.declare_many(4, january, "npq-headship")
    books.pay(january)
    books.terms("npq-headship", per_participant=Decimal("9999.00"), effective_month=date(2025, 2, 1), **NO_FEE)

    for declaration in declarations:
        void(declaration, april.deadline_date)

    assert figures_of(april).shown_total == -figures_of(january).shown_total == Decimal("-742.20")


def test_hazard_3_targeted_delivery_funding_is_taken_back_after_october_2025_too(books: Books) -> None:
    october, november = books.statement(2025, 10), books.statement(2025, 11)
    declaration = books.declare(october, "npq-headship", targeted_delivery_funding_eligibility=True)
    books.pay(october)

    void(declaration, november.deadline_date)

    assert (october.total, figures_of(november).shown_total) == (Decimal("285.55"), Decimal("-285.55"))


@pytest.mark.parametrize("state", [LineState.ELIGIBLE, LineState.INELIGIBLE])
def test_hazard_5_a_declaration_has_one_line_that_pays(books: Books, state: LineState) -> None:
    january = books.statement(2025, 1)
    declaration = books.declare(january, "npq-headship")

    with pytest.raises(IntegrityError), transaction.atomic():
        place_on_statement(declaration, day=january.deadline_date, state=LineState.ELIGIBLE)

    void(declaration, january.deadline_date)
    assert figures_of(january).shown_total == Decimal(0)


def test_hazard_5_declaring_again_word_for_word_adds_no_line(api: ApiClient, books: Books) -> None:
    books.statement(2025, 1)
    body = claim_of(books)

    answers = [api.post("v3", "/participant-declarations", body, headers=clock("2024-12-01T09:00:00Z")) for _ in "12"]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert LineItem.objects.count() == 1


def test_hazard_6_nothing_is_taken_back_twice(books: Books) -> None:
    january, april, july = books.statement(2025, 1), books.statement(2025, 4), books.statement(2025, 7)
    declaration = books.declare(january, "npq-headship")
    books.pay(january)
    void(declaration, april.deadline_date)
    books.mark_payable(april)

    with pytest.raises(AlreadyClawedBack):
        void(declaration, july.deadline_date)
    assert LineItem.objects.filter(state=LineState.AWAITING_CLAWBACK).count() == 1


def test_hazard_7_a_void_before_paying_makes_the_total_that_was_seen_another(books: Books) -> None:
    january = books.statement(2025, 1)
    first, second = books.declare_many(2, january, "npq-headship")
    books.mark_payable(january)
    seen = figures_of(january).shown_total

    void(first, january.deadline_date)

    with pytest.raises(TotalHasChanged):
        books.pay(january, seen)
    books.pay(january, Decimal("185.55"))
    assert set(Declaration.objects.values_list("id", "state")) == {(first.id, "voided"), (second.id, "paid")}


def test_hazard_8_what_comes_after_the_closing_lands_on_the_next_statement(api: ApiClient, books: Books) -> None:
    january, april = books.statement(2025, 1), books.statement(2025, 4)
    books.mark_payable(january)

    api.post("v3", "/participant-declarations", claim_of(books), headers=clock("2024-12-20T09:00:00Z"))

    line = LineItem.objects.get()
    assert (line.statement, line.state) == (april, "eligible")


@pytest.mark.parametrize(
    ("instant", "takes_it"),
    [(datetime(2025, 6, 25, 22, 59, tzinfo=UTC), "July"), (datetime(2025, 6, 25, 23, 1, tzinfo=UTC), "October")],
)
def test_hazard_9_a_deadline_ends_at_midnight_in_the_uk(
    api: ApiClient, books: Books, instant: datetime, takes_it: str
) -> None:
    """In summer the deadline day ends at 23:00 UTC."""
    books.statement(2025, 7, deadline_date=date(2025, 6, 25))
    books.statement(2025, 10)

    api.post("v3", "/participant-declarations", claim_of(books), headers=clock(instant.isoformat()))

    assert LineItem.objects.get().statement.name == f"{takes_it} 2025"
    assert (next_open_statement(books.lead_provider.id, books.cohort.id, uk_date(instant)).name) == f"{takes_it} 2025"


def test_hazard_10_a_missed_night_is_made_up_for(books: Books, now: datetime) -> None:
    missed = [books.statement(2024, month) for month in (9, 10, 11)]
    edited = books.statement(2025, 4)
    Statement.objects.filter(id=edited.id).update(deadline_date=date(2024, 1, 1))

    marked = list(mark_statements_payable(as_of=date(2024, 12, 31), by=BY, now=now))

    assert [each.statement for each in marked] == [edited, *missed]
    assert not Statement.objects.filter(state="open").exists()


def test_hazard_11_a_record_that_forms_would_refuse_does_not_hold_up_a_statement(books: Books) -> None:
    january = books.statement(2025, 1)
    overseas = books.declare(january, "npq-headship", teacher_catchment="another", email="not an address")
    Declaration.objects.filter(id=overseas.id).update(delivery_partner=DeliveryPartnerFactory())

    books.pay(january)

    assert january.total == Decimal("185.55")


def test_hazard_12_an_authorisation_that_fails_leaves_nothing_and_can_be_repeated(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    january = books.statement(2025, 1)
    books.declare(january, "npq-headship")
    books.mark_payable(january)
    with monkeypatch.context() as broken:
        broken.setattr(authorise, "PAY", authorise.PAY.replace("RETURNING d.id", "RETURNING 1/0"))
        with pytest.raises(Exception, match="division by zero"):
            books.pay(january)
    january.refresh_from_db()
    assert (january.state, january.paid_at, LineItem.objects.get().state) == ("payable", None, "payable")

    assert books.pay(january).result == "paid"


@pytest.mark.parametrize("output_fee", [True, False])
def test_hazard_12_the_service_itself_refuses_what_is_not_payable(books: Books, output_fee: bool) -> None:
    january = books.statement(2025, 1, output_fee=output_fee)

    with pytest.raises(StatementNotPayable):
        authorise.authorise_statement(
            statement_id=january.id, expect_total=Decimal(0), by=BY, now=at(january.payment_date)
        )
    january.refresh_from_db()
    assert (january.state, january.authorised_by) == ("open", "")


@pytest.mark.parametrize("output_fee", [True, False])
def test_hazard_13_service_fee_and_empty_statements_are_paid_like_others(books: Books, output_fee: bool) -> None:
    books.terms("npq-leading-teaching", monthly_service_fee=Decimal("99.99"))
    january = books.statement(2025, 1, output_fee=output_fee)

    assert books.pay(january).total == Decimal("99.99")


def test_hazard_20_a_statement_with_nothing_on_it_comes_to_nothing(books: Books) -> None:
    assert payment_document(books.statement(2025, 1))["total"] == "0.00"


def test_hazard_24_adjustments_are_audited_and_end_with_the_authorisation(books: Books) -> None:
    january = books.statement(2025, 1)
    adjustment = add_adjustment(statement_id=january.id, amount=Decimal(5), description="Agreed", by=BY)
    books.pay(january)

    with pytest.raises(StatementPaid):
        add_adjustment(statement_id=january.id, amount=Decimal(5), description="Again", by=BY)
    trail = Change.objects.get(table="finance_adjustment", record_id=adjustment.id)
    assert (trail.actor_name, trail.action, trail.after["description"]) == ("a test", "add_adjustment", "Agreed")


def test_hazard_25_who_authorised_is_on_the_statement_and_in_the_trail(books: Books) -> None:
    january = books.statement(2025, 1)

    books.pay(january)

    assert (january.authorised_by, january.paid_at) == ("a test", at(january.payment_date))
    assert Change.objects.get(action="authorise_statement").actor_name == "a test"


def test_hazard_27_what_was_submitted_is_paid_once_it_is_funded(books: Books) -> None:
    january = books.statement(2025, 1)
    enrolment = books.enrol("npq-headship", eligible_for_funding=False)
    declaration = DeclarationFactory(enrolment=enrolment)
    enrolment.application.eligible_for_funding = True
    enrolment.application.save()

    promote_fundable(enrolment, day=january.deadline_date)
    books.pay(january)

    declaration.refresh_from_db()
    assert (declaration.state, january.total) == (DeclarationState.PAID, Decimal("185.55"))


def test_hazard_27_a_duplicate_says_so(api: ApiClient, books: Books) -> None:
    books.statement(2025, 1)
    first = claim_of(books)
    api.post("v3", "/participant-declarations", first, headers=clock("2024-12-01T09:00:00Z"))
    person = Declaration.objects.get().enrolment.participant
    twin = ParticipantFactory(teacher_reference_number=person.teacher_reference_number)
    second = claim_of(books, participant=twin)

    answer = api.post("v3", "/participant-declarations", second, headers=clock("2024-12-01T09:00:00Z"))

    shown = answer.json()["data"]["attributes"]
    assert (shown["state"], shown["ineligible_for_funding_reason"]) == ("ineligible", "duplicate_declaration")
    assert LineItem.objects.get(declaration__enrolment__participant=twin).state == LineState.INELIGIBLE


def test_hazard_32_closing_and_paying_take_as_many_sql_statements_whatever_the_size(books: Books) -> None:
    def statements_sent(work: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as queries:
            work()
        return sum(not query["sql"].startswith(TRANSACTION_CONTROL) for query in queries)

    sent = set()
    for month, size in ((1, 1), (2, 12)):
        statement = books.statement(2025, month)
        books.declare_many(size, statement, "npq-headship")
        closed = statements_sent(lambda each=statement: books.mark_payable(each))
        sent.add((closed, statements_sent(lambda each=statement: books.pay(each, figures_of(each).shown_total))))

    assert len(sent) == 1


@pytest.mark.parametrize(
    ("year", "month", "declaration_type", "paid"),
    [(2025, 10, "started", True), (2025, 11, "started", False), (2025, 10, "retained-1", False)],
)
def test_hazard_38_an_uplift_is_paid_only_where_it_was(
    api: ApiClient, books: Books, year: int, month: int, declaration_type: str, paid: bool
) -> None:
    statement = books.statement(year, month)
    declaration = books.declare(statement, "npq-headship", declaration_type, targeted_delivery_funding_eligibility=True)

    def uplift_paid() -> bool:
        return api.get("v3", f"/participant-declarations/{declaration.public_id}").json()["data"]["attributes"][
            "uplift_paid"
        ]

    assert uplift_paid() is False
    books.pay(statement)
    assert uplift_paid() is paid


def clock(instant: str) -> dict[str, str]:
    return {"X-With-Server-Date": instant}


def claim_of(books: Books, **application: Any) -> dict[str, str]:
    """What a provider sends to declare that a new participant has started."""
    enrolment = books.enrol("npq-headship", **application)
    return {
        "participant_id": str(enrolment.participant.public_id),
        "declaration_type": "started",
        "declaration_date": "2024-10-20T09:00:00Z",
        "course_identifier": "npq-headship",
    }
