"""A provider's books in a cohort, filled through the services as they are in life.

books = Books()
books.terms("npq-headship", per_participant=Decimal("1237.00"))
january = books.statement(2025, 1)
first = books.declare(january, "npq-headship")
books.mark_payable(january)
books.pay(january)
books.void(first, on=april.deadline_date)
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from declarations.choices import DeclarationState, DeclarationType
from declarations.models import Declaration
from finance.choices import LineState
from finance.models import ContractTerms, LineItem, Statement
from finance.queries.calculation import figures_of
from finance.services.authorise import Authorised, authorise_statement
from finance.services.lines import claw_back, place_on_statement, take_off_statement
from finance.services.mark_payable import Marked, mark_statement_payable
from npq.core.audit import Actor, acting_as
from npq.core.choices import CourseGroup
from npq.core.models import Cohort, Course, LeadProvider
from participants.models import Enrolment
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    DeclarationFactory,
    LeadProviderFactory,
    StatementFactory,
)

BY = Actor.system("a test")
GROUPS = {
    "npq-headship": CourseGroup.LEADERSHIP,
    "npq-executive-leadership": CourseGroup.LEADERSHIP,
    "npq-senior-leadership": CourseGroup.LEADERSHIP,
    "npq-leading-teaching": CourseGroup.SPECIALIST,
    "npq-leading-literacy": CourseGroup.SPECIALIST,
    "npq-leading-behaviour-culture": CourseGroup.SPECIALIST,
    "npq-leading-primary-mathematics": CourseGroup.SPECIALIST,
    "npq-additional-support-offer": CourseGroup.SUPPORT,
    "npq-early-headship-coaching-offer": CourseGroup.EHCO,
}


def at(day: date) -> datetime:
    """Nine in the morning of a day."""
    return datetime.combine(day, time(9), tzinfo=UTC)


class Books:
    """See the module's docstring."""

    def __init__(self, lead_provider: LeadProvider | None = None, cohort: Cohort | None = None) -> None:
        self.lead_provider = lead_provider or LeadProviderFactory()
        self.cohort = cohort or CohortFactory()

    def course(self, identifier: str) -> Course:
        return CourseFactory(identifier=identifier, group=GROUPS[identifier])

    def terms(self, course: str, **terms: Any) -> ContractTerms:
        return ContractTermsFactory(
            lead_provider=self.lead_provider, cohort=self.cohort, course=self.course(course), **terms
        )

    def statement(self, year: int = 2025, month: int = 1, **facts: Any) -> Statement:
        return StatementFactory(lead_provider=self.lead_provider, cohort=self.cohort, year=year, month=month, **facts)

    def enrol(self, course: str, **application: Any) -> Enrolment:
        """An accepted application of a new person, or of `participant`."""
        made = ApplicationFactory(
            lead_provider=self.lead_provider,
            cohort=self.cohort,
            course=self.course(course),
            accepted=True,
            **{f"accepted__{name}": application.pop(name) for name in ("training_status",) if name in application},
            **application,
        )
        return made.enrolments.get()

    def declare(
        self,
        statement: Statement,
        course: str,
        declaration_type: str = DeclarationType.STARTED,
        *,
        enrolment: Enrolment | None = None,
        state: LineState = LineState.ELIGIBLE,
        **application: Any,
    ) -> Declaration:
        """A declaration made on the last day on which `statement` is the next one; new person unless enrolled."""
        enrolment = enrolment or self.enrol(course, **application)
        line = self.submit(enrolment, declaration_type, on=statement.deadline_date, state=state)
        assert line.statement == statement
        return line.declaration

    def submit(
        self,
        enrolment: Enrolment,
        declaration_type: str = DeclarationType.STARTED,
        *,
        on: date,
        state: LineState = LineState.ELIGIBLE,
    ) -> LineItem:
        """A declaration made on a day; returns the line it got."""
        with acting_as(BY, "submit_declaration"):
            declaration = DeclarationFactory(
                enrolment=enrolment,
                declaration_type=declaration_type,
                has_passed=True if declaration_type == DeclarationType.COMPLETED else None,
                state=DeclarationState(state.value),
                ineligible_reason="duplicate_declaration" if state == LineState.INELIGIBLE else None,
            )
            return place_on_statement(declaration, day=on, state=state)

    def declare_many(self, number: int, *arguments: Any, **facts: Any) -> list[Declaration]:
        return [self.declare(*arguments, **facts) for _ in range(number)]

    def void(self, declaration: Declaration, *, on: date) -> Declaration:
        """What the void service does to the money: takes an unpaid line off, claws a paid one back."""
        with acting_as(BY, "void_declaration"):
            declaration = Declaration.objects.select_for_update(no_key=True).get(id=declaration.id)
            if declaration.state == DeclarationState.PAID:
                claw_back(declaration, day=on)
                declaration.state = DeclarationState.AWAITING_CLAWBACK
            else:
                take_off_statement(declaration)
                declaration.state = DeclarationState.VOIDED
            declaration.save(update_fields=["state"])
        return declaration

    def mark_payable(self, statement: Statement) -> Marked:
        """Makes it payable on the day after its deadline."""
        day = statement.deadline_date + timedelta(days=1)
        marked = mark_statement_payable(statement_id=statement.id, as_of=day, by=BY, now=at(day))
        statement.refresh_from_db()
        return marked

    def pay(self, statement: Statement, expect_total: Decimal | None = None) -> Authorised:
        """Makes it payable where it is not, and authorises the total it has."""
        self.mark_payable(statement)
        total = figures_of(statement).shown_total if expect_total is None else expect_total
        authorised = authorise_statement(
            statement_id=statement.id, expect_total=total, by=BY, now=at(statement.payment_date)
        )
        statement.refresh_from_db()
        return authorised

    def line(self, declaration: Declaration) -> LineItem:
        """The newest line of a declaration."""
        return LineItem.objects.filter(declaration=declaration).latest("id")
