"""Submitted declarations become eligible once their place is funded."""

from datetime import date
from typing import Any

import pytest

from declarations.choices import DeclarationState
from declarations.models import Declaration
from finance.choices import LineState
from finance.errors import NoContractTerms, NoOpenStatement, PaidForAnotherEnrolment
from finance.models import LineItem
from finance.services.promote import promote_fundable
from tests.factories import DeclarationFactory, ParticipantFactory
from tests.finance.books import Books

pytestmark = pytest.mark.django_db
DAY = date(2024, 12, 1)
POLICY = "marked_funded_by_policy"


@pytest.fixture
def books(db: Any) -> Books:
    made = Books()
    made.terms("npq-headship")
    return made


def grant(declaration: Declaration, **facts: Any) -> None:
    application = declaration.enrolment.application
    for name, value in {"eligible_for_funding": True, **facts}.items():
        setattr(application, name, value)
    application.save()


def test_what_was_submitted_lands_on_the_next_statement(books: Books) -> None:
    january = books.statement(2025, 1)
    enrolment = books.enrol("npq-headship", eligible_for_funding=False)
    started = DeclarationFactory(enrolment=enrolment)
    retained = DeclarationFactory(enrolment=enrolment, declaration_type="retained-1")
    voided = DeclarationFactory(enrolment=enrolment, declaration_type="completed", voided=True)
    before = Declaration.objects.get(id=started.id).updated_at
    grant(started)

    promoted = promote_fundable(enrolment, day=DAY)

    assert (promoted.eligible, promoted.still_submitted) == ([started, retained], [])
    assert list(LineItem.objects.values_list("statement", "state")) == [(january.id, LineState.ELIGIBLE)] * 2
    started.refresh_from_db()
    voided.refresh_from_db()
    assert (started.state, started.updated_at > before) == (DeclarationState.ELIGIBLE, True)
    assert voided.state == DeclarationState.VOIDED


@pytest.mark.parametrize("facts", [{"eligible_for_funding": False}, {"funded_place": False}])
def test_nothing_happens_while_it_is_not_funded(books: Books, facts: dict[str, Any]) -> None:
    books.statement(2025, 1)
    declaration = DeclarationFactory(enrolment=books.enrol("npq-headship", eligible_for_funding=False))
    grant(declaration, **facts)

    promoted = promote_fundable(declaration.enrolment, day=DAY)

    assert (promoted.eligible, promoted.still_submitted) == ([], [])
    declaration.refresh_from_db()
    assert declaration.state == DeclarationState.SUBMITTED


def test_doing_it_again_changes_nothing(books: Books) -> None:
    books.statement(2025, 1)
    declaration = DeclarationFactory(enrolment=books.enrol("npq-headship"))
    promote_fundable(declaration.enrolment, day=DAY)

    assert promote_fundable(declaration.enrolment, day=DAY).eligible == []
    assert LineItem.objects.count() == 1


def test_without_an_open_statement_it_stays_submitted_and_is_named(books: Books) -> None:
    books.statement(2024, 11)
    declaration = DeclarationFactory(enrolment=books.enrol("npq-headship"))

    promoted = promote_fundable(declaration.enrolment, day=DAY)

    assert [(each, type(why)) for each, why in promoted.still_submitted] == [(declaration, NoOpenStatement)]
    declaration.refresh_from_db()
    assert declaration.state == DeclarationState.SUBMITTED


def test_without_terms_it_stays_submitted_and_is_named(books: Books) -> None:
    books.statement(2025, 1)
    books.lead_provider.contractterms_set.all().delete()
    declaration = DeclarationFactory(enrolment=books.enrol("npq-headship"))

    promoted = promote_fundable(declaration.enrolment, day=DAY)

    assert [type(why) for _, why in promoted.still_submitted] == [NoContractTerms]


@pytest.mark.parametrize("same_trn", [False, True])
def test_nobody_is_paid_twice_unless_policy_says_so(books: Books, same_trn: bool) -> None:
    january = books.statement(2025, 1)
    first = books.enrol("npq-headship", eligible_for_funding=False, training_status="withdrawn")
    person = first.participant
    if same_trn:
        person = ParticipantFactory(teacher_reference_number=person.teacher_reference_number)
    books.declare(january, "npq-headship", enrolment=first)
    second = DeclarationFactory(enrolment=books.enrol("npq-headship", participant=person))

    promoted = promote_fundable(second.enrolment, day=DAY)
    assert [type(why) for _, why in promoted.still_submitted] == [PaidForAnotherEnrolment]

    grant(second, funding_eligibility_status_code=POLICY)
    assert promote_fundable(second.enrolment, day=DAY).eligible == [second]
