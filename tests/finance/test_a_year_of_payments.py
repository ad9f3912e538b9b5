"""A random year: whatever is declared, voided, priced anew, frozen and authorised, every pound is accounted for.

A second calculation, kept beside the service and by other means, says what each statement must come to: for each
person, course and type still on it one unit of the price of its month, less exactly what was paid for what is taken
back. Nothing changes after freezing, and running the night again changes nothing.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from declarations.choices import DeclarationState, DeclarationType
from declarations.errors import AlreadyClawedBack, AlreadyVoided
from declarations.models import Declaration
from declarations.services.void import void_declaration
from finance.choices import StatementState
from finance.errors import NoOpenStatement
from finance.models import LineItem, Statement
from finance.queries import INVARIANTS
from finance.queries.calculation import figures_of, payment_document
from finance.services.adjust import add_adjustment
from finance.services.authorise import authorise_statement
from finance.services.change_contract import change_contract
from finance.services.mark_payable import mark_statements_payable
from npq.core.models import Change
from npq.core.money import line_amount, shown
from participants.models import Enrolment
from tests.factories import CohortFactory
from tests.finance.books import BY, Books, at

COURSES = {"npq-headship": Fraction(60, 400), "npq-leading-literacy": Fraction(60, 300)}
PEOPLE = 3
LAST_FUNDED_MONTH = date(2025, 10, 1)


@dataclass
class Year:
    """The service's books, and beside them what they must come to."""

    books: Books
    enrolments: list[Enrolment]
    prices: dict[str, dict[date, Decimal]]
    day: date = date(2025, 3, 1)
    paid_for: dict[int, Fraction] = field(default_factory=dict)
    frozen: dict[int, tuple[Any, ...]] = field(default_factory=dict)

    # What happens --------------------------------------------------------------------------------------------------

    def declare(self, which: int) -> None:
        enrolment = self.enrolments[which % len(self.enrolments)]
        declaration_type = DeclarationType.values[which % 4]
        if Declaration.objects.live().filter(enrolment=enrolment, declaration_type=declaration_type).exists():
            return
        try:
            self.books.submit(enrolment, declaration_type, on=self.day)
        except NoOpenStatement:
            assert not Statement.objects.accepting(self.day).exists()

    def void(self, which: int) -> None:
        declarations = list(Declaration.objects.order_by("id"))
        if not declarations:
            return
        declaration = declarations[which % len(declarations)]
        try:
            void_declaration(declaration_id=declaration.id, held_by=None, by=BY, now=at(self.day))
        except (AlreadyVoided, AlreadyClawedBack):
            assert declaration.state not in (DeclarationState.ELIGIBLE, DeclarationState.PAYABLE)
        except NoOpenStatement:
            assert declaration.state == DeclarationState.PAID

    def pass_days(self, which: int) -> None:
        self.day += timedelta(days=which % 40)
        self.run_nightly(which)

    def run_nightly(self, _: int) -> None:
        due = {each.id for each in Statement.objects.filter(deadline_date__lt=self.day, state=StatementState.OPEN)}
        before = {each.id: payment_document(each) for each in Statement.objects.filter(id__in=due)}

        marked = list(mark_statements_payable(as_of=self.day, by=BY, now=at(self.day)))

        assert {each.statement.id: each.result for each in marked} == dict.fromkeys(due, "payable")
        for statement in Statement.objects.filter(id__in=due):
            assert {**payment_document(statement), "state": "open"} == before[statement.id]
        changes = Change.objects.count()
        assert list(mark_statements_payable(as_of=self.day, by=BY, now=at(self.day))) == []
        assert Change.objects.count() == changes

    def authorise(self, which: int) -> None:
        statements = list(Statement.objects.filter(state=StatementState.PAYABLE).order_by("id"))
        if not statements:
            return
        statement = statements[which % len(statements)]
        expected = shown(self.must_come_to(statement))

        authorise_statement(statement_id=statement.id, expect_total=expected, by=BY, now=at(self.day))

        for line in statement.lines.filter(state="paid"):
            self.paid_for[line.declaration_id] = Fraction(line.output_payment) + Fraction(
                line.targeted_delivery_funding
            )
        self.frozen[statement.id] = snapshot(statement.id)

    def change_price(self, which: int) -> None:
        identifier = list(COURSES)[which % 2]
        closed = Statement.objects.exclude(state=StatementState.OPEN).order_by("-year", "-month").first()
        first_free = max(closed.first_day if closed else date(2025, 1, 1), self.day.replace(day=1))
        month = (first_free + timedelta(days=32)).replace(day=1)
        price = Decimal(100_00 + which) / 100
        change_contract(
            lead_provider=self.books.lead_provider,
            cohort=self.books.cohort,
            course=self.books.course(identifier),
            from_month=month,
            values={"per_participant": price},
            by=BY,
        )
        prices = self.prices[identifier]
        if self.price(identifier, month) != price:
            prices[month] = price

    def adjust(self, which: int) -> None:
        statements = list(Statement.objects.exclude(state=StatementState.PAID).order_by("id"))
        amount = Decimal(which - 500) / 100
        if statements and amount:
            statement = statements[which % len(statements)]
            add_adjustment(statement_id=statement.id, amount=amount, description="Agreed", by=BY)

    def end(self) -> None:
        """The last statement becomes payable and everything is authorised."""
        self.day = date(2026, 1, 1)
        self.run_nightly(0)
        for which in range(Statement.objects.filter(state=StatementState.PAYABLE).count()):
            self.authorise(which)
        assert not Statement.objects.exclude(state=StatementState.PAID).exists()

    # What must be ----------------------------------------------------------------------------------------------------

    def price(self, course: str, month: date) -> Decimal:
        return max((since, price) for since, price in self.prices[course].items() if since <= month)[1]

    def must_come_to(self, statement: Statement) -> Fraction:
        """By person, course and type, from the declarations; nothing of the calculation under test is used."""
        paid: dict[tuple[int, str, str], bool] = {}
        total = Fraction(sum((each.amount for each in statement.adjustments.all()), Decimal(0)))
        for line in statement.lines.select_related("declaration__enrolment__application", "course"):
            if line.state in ("eligible", "payable", "paid"):
                application = line.declaration.enrolment.application
                key = (application.participant_id, line.course.identifier, line.declaration_type)
                funded = application.targeted_delivery_funding_eligibility and line.declaration_type == "started"
                paid[key] = paid.get(key, False) or funded
            elif line.state in ("awaiting-clawback", "clawed-back"):
                total -= self.paid_for[line.declaration_id]
        for (_, course, _), funded in paid.items():
            price = self.price(course, statement.first_day)
            total += Fraction(line_amount(Fraction(price) * COURSES[course]))
            total += 100 if funded and statement.first_day <= LAST_FUNDED_MONTH else 0
        return total

    def check(self) -> None:
        for statement in Statement.objects.all():
            assert figures_of(statement).total == self.must_come_to(statement)
            if statement.id in self.frozen:
                assert snapshot(statement.id) == self.frozen[statement.id]

    def check_sum(self) -> None:
        """All payments minus clawbacks, against what each declaration was worth when it was paid."""
        paid = Statement.objects.filter(state=StatementState.PAID)
        settled = sum((figures_of(each).total - figures_of(each).adjustment for each in paid), Fraction(0))
        taken_back = LineItem.objects.filter(state="clawed-back").values_list("declaration_id", flat=True)
        assert settled == sum(self.paid_for.values()) - sum(self.paid_for[each] for each in taken_back)
        assert [invariant.code for invariant in INVARIANTS if list(invariant.breaches())] == []


def snapshot(statement_id: int) -> tuple[Any, ...]:
    """A statement and all that hangs on it, word for word."""
    statement = Statement.objects.filter(id=statement_id)
    return (
        statement.values().get(),
        list(LineItem.objects.filter(statement=statement_id).order_by("id").values()),
        list(statement.get().adjustments.order_by("id").values()),
    )


def new_year() -> Year:
    """Two courses, a statement each month and people who are on both; some of them started the course anew."""
    books = Books(cohort=CohortFactory(start_year=2023))
    prices = {"npq-headship": Decimal("1237.00"), "npq-leading-literacy": Decimal("756.10")}
    for course, price in prices.items():
        books.terms(course, per_participant=price, monthly_service_fee=Decimal(0))
    for month in (4, 6, 8, 9, 10, 12):
        books.statement(2025, month, output_fee=month != 9)
    enrolments = []
    for number in range(PEOPLE):
        for course in COURSES:
            first = books.enrol(course, training_status="withdrawn", targeted_delivery_funding_eligibility=number != 1)
            policy = "marked_funded_by_policy"
            second = books.enrol(course, participant=first.participant, funding_eligibility_status_code=policy)
            enrolments += [first, second]
    return Year(books, enrolments, {course: {date.min: price} for course, price in prices.items()})


EVENTS = st.tuples(
    st.sampled_from(
        ["declare"] * 6 + ["void"] * 3 + ["pass_days"] * 3 + ["authorise"] * 3 + ["change_price", "adjust"]
    ),
    st.integers(min_value=0, max_value=1000),
)


@pytest.mark.django_db
@settings(
    max_examples=10,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=st.lists(EVENTS, min_size=25, max_size=35))
def test_every_pound_is_accounted_for(events: list[tuple[str, int]]) -> None:
    example = transaction.atomic()
    example._from_testcase = True  # as the test's own: services may be durable within it
    with example:
        year = new_year()
        for name, which in events:
            getattr(year, name)(which)
            if name in ("authorise", "pass_days"):
                year.check()
        year.end()
        year.check()
        year.check_sum()
        transaction.set_rollback(True)
