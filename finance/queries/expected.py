"""What is expected on a statement, what of it has been received, and what is still outstanding.

The rules (finance.md §2.6 names the faults they avoid):

1. An accepted enrolment is expected to deliver each declaration type of its schedule once, one after the other. Only
   enrolments that DfE pays for count (eligible for funding, all considered, and not refused a funded place), and only
   while the participant is active: nothing is expected of somebody who is deferred or has withdrawn.
2. A type is due by its milestone's last day, or from the schedule's first day where none is published.
3. It is expected on the first output statement of the enrolment's provider and cohort that closes on or after that
   day, that closes after the acceptance, and that comes after the statement of the type before it. An open statement
   takes over what earlier ones missed: there only statements count that still take declarations today.
4. Received is what stands on the statement as a line that pays, whatever became of the enrolment or of the money
   later. What was taken back is expected again.
5. Expected = received here + received later (a closed statement's due declarations that came on a later one) +
   outstanding. Each is a count of declarations, so the three always add up.
6. The projection is what the outstanding declarations would be paid under the statement's terms. Special courses are
   projected apart, as they are paid apart.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat, JSONObject, TruncDate

from applications.models import Application
from applications.queries import effective_eligibility
from declarations.choices import DeclarationType
from finance.choices import BILLABLE_LINES, StatementState
from finance.models import LineItem, Milestone, Statement
from finance.queries.calculation import figures_of
from finance.queries.figures import StatementFigures
from finance.queries.worth import LineWorth, line_worth
from npq.core.clock import UK
from participants.choices import TrainingStatus

NOTHING = Decimal(0)
IN_ORDER = tuple(DeclarationType.values)
# All that decides what is expected of an enrolment, and what it is worth.
ALIKE = (
    "held",
    "accepted_on",
    "course_id",
    "course__identifier",
    "targeted_delivery_funding_eligibility",
    "enrolment__schedule_id",
    "enrolment__schedule__identifier",
    "enrolment__schedule__starts_on",
    "enrolment__schedule__allowed_declaration_types",
)
NAMES = ("participant__public_id", "public_id", "participant__full_name")


@dataclass(frozen=True)
class Missing:
    """A declaration that is outstanding: whose it is, since when it is due, and what it would be paid.

    `projected` is in exact pounds, targeted delivery funding included; None where the course has no terms. Where
    nobody asked for names it stands for a `number` of declarations that are alike, and says of nobody whose they are.
    """

    participant_id: uuid.UUID | None
    application_id: uuid.UUID | None
    full_name: str
    course_identifier: str
    schedule_identifier: str
    declaration_type: str
    due: date
    special_course: bool
    projected: Decimal | None
    number: int = 1

    @property
    def worth(self) -> Decimal:
        """What all it stands for would be paid."""
        return (self.projected or NOTHING) * self.number


@dataclass(frozen=True)
class TypeExpectation:
    """One declaration type of a statement: counts of declarations, and the projection in exact pounds."""

    declaration_type: str
    received: int
    received_later: int
    outstanding: int
    projected: Decimal

    @property
    def expected(self) -> int:
        """All that is or was expected here."""
        return self.received + self.received_later + self.outstanding


@dataclass(frozen=True)
class Expectation:
    """What is expected on a statement; see the rules above.

    `collects` are the types whose milestones fall on it, in the whole timetable: what an open statement takes over
    from earlier ones is not among them.
    """

    statement: Statement
    types: list[TypeExpectation]
    missing: list[Missing]
    collects: list[str]

    @property
    def projected(self) -> Decimal:
        """What the outstanding declarations would add to the statement."""
        return sum((each.projected for each in self.types), NOTHING)

    @property
    def projected_apart(self) -> Decimal:
        """What the outstanding declarations of special courses would be paid, outside the statement."""
        return sum((each.worth for each in self.missing if each.special_course), NOTHING)


@dataclass(frozen=True)
class _Enrolled:
    """A `number` of enrolments that may still deliver and are alike; `held` are the statements that pay their types."""

    schedule_id: int
    accepted_on: date
    types: Sequence[str]
    starts_on: date
    held: Mapping[str, int]
    number: int
    row: Mapping[str, Any]


def expectation_of(
    statement: Statement, *, day: date, figures: StatementFigures | None = None, named: bool = True
) -> Expectation:
    """What is expected on a statement and what of it is outstanding; `day` is today's UK date.

    A month with service fees only expects nothing. Two queries besides the three of `figures_of`, whatever the
    number of enrolments; `figures` saves those to whoever has them. Without `named` enrolments that are alike are
    counted together, which is many times faster for tens of thousands of them.
    """
    figures = figures or figures_of(statement)
    received = figures.received
    missing: list[Missing] = []
    later: Counter[str] = Counter()
    collects: list[str] = []
    if statement.output_fee:
        finder = _Finder(statement, day, figures, named=named)
        finder.find(missing, later)
        collects = finder.collects()
    outstanding: Counter[str] = Counter()
    for each in missing:
        outstanding[each.declaration_type] += each.number
    return Expectation(
        statement,
        [
            TypeExpectation(
                declaration_type,
                received.get(declaration_type, 0),
                later[declaration_type],
                outstanding[declaration_type],
                sum(
                    (
                        each.worth
                        for each in missing
                        if each.declaration_type == declaration_type and not each.special_course
                    ),
                    NOTHING,
                ),
            )
            for declaration_type in IN_ORDER
        ],
        missing,
        collects,
    )


class _Finder:
    """Finds what falls on one statement."""

    def __init__(self, statement: Statement, day: date, figures: StatementFigures, *, named: bool) -> None:
        self.statement = statement
        self.named = named
        self.figures = figures
        self.place = {"lead_provider_id": statement.lead_provider_id, "cohort_id": statement.cohort_id}
        takes = statement.state == StatementState.OPEN and statement.deadline_date >= day
        calendar = Statement.objects.filter(**self.place, output_fee=True).defer("payment")
        calendar = calendar.annotate(milestones=ArraySubquery(_milestones()))
        self.timetable = list(calendar.order_by("deadline_date", "year", "month", "id"))
        self.calendar = [
            each
            for each in self.timetable
            if not takes or (each.state == StatementState.OPEN and each.deadline_date >= day)
        ]
        self.position = {each.id: number for number, each in enumerate(self.calendar)}

    def find(self, missing: list[Missing], later: Counter[str]) -> None:
        """Collects what is due here and has not come on any statement, and counts what came on a later one."""
        here = self.position[self.statement.id]
        for enrolled in self.enrolments:
            for declaration_type, due, position in self._due(enrolled):
                if position != here:
                    continue
                came = enrolled.held.get(declaration_type)
                if came is None:
                    missing.append(self._missing(enrolled, declaration_type, due))
                elif self.position.get(came, -1) > here:
                    later[declaration_type] += enrolled.number

    def collects(self) -> list[str]:
        """The types of whatever schedule whose milestones fall on the statement: the first to close no earlier."""
        earlier = [each.deadline_date for each in self.timetable if each.deadline_date < self.statement.deadline_date]
        since = max(earlier, default=date.min)
        found = {
            declaration_type
            for (_, declaration_type), last_day in self.milestones.items()
            if since < last_day <= self.statement.deadline_date
        }
        return [each for each in IN_ORDER if each in found]

    def _due(self, enrolled: _Enrolled) -> Iterator[tuple[str, date, int | None]]:
        """Each type of an enrolment, its last day, and the position of the statement it is due on (None: too late)."""
        before = -1
        for declaration_type in enrolled.types:
            due = self.milestones.get((enrolled.schedule_id, declaration_type), enrolled.starts_on)
            position = self._first(max(due, enrolled.accepted_on), before)
            yield declaration_type, due, position
            came = enrolled.held.get(declaration_type)
            if came is not None:
                before = max(before, self.position.get(came, -1))
            elif position is not None:
                before = position
            else:
                return

    def _first(self, earliest: date, after: int) -> int | None:
        for position in range(after + 1, len(self.calendar)):
            if self.calendar[position].deadline_date >= earliest:
                return position
        return None

    @cached_property
    def enrolments(self) -> Sequence[_Enrolled]:
        """The provider's active, fundable enrolments in the cohort, in the order of acceptance."""
        found = (
            Application.objects.filter(
                Q(funded_place__isnull=True) | Q(funded_place=True),
                effective_eligibility(),
                **self.place,
                enrolment__training_status=TrainingStatus.ACTIVE,
            )
            .annotate(held=ArraySubquery(_held()), accepted_on=TruncDate("enrolment__accepted_at", tzinfo=UK))
            .values(*ALIKE)
        )
        if self.named:
            found = found.values(*ALIKE, *NAMES).order_by("enrolment__accepted_at", "enrolment_id")
        else:
            found = found.annotate(number=Count("id")).order_by()
        return [
            _Enrolled(
                row["enrolment__schedule_id"],
                row["accepted_on"],
                [each for each in IN_ORDER if each in row["enrolment__schedule__allowed_declaration_types"]],
                row["enrolment__schedule__starts_on"],
                {kind: int(statement) for kind, _, statement in (each.partition(":") for each in row["held"])},
                row.get("number", 1),
                row,
            )
            for row in found
        ]

    @cached_property
    def milestones(self) -> Mapping[tuple[int, str], date]:
        """The last day of each type of each schedule of the cohort, where one is published."""
        # Every row of the timetable has them: one query less than asking for them.
        return {
            (each["schedule"], each["type"]): date.fromisoformat(each["last_day"])
            for each in vars(self.timetable[0])["milestones"]
        }

    @cached_property
    def worth(self) -> Mapping[int, tuple[LineWorth, bool]]:
        """What a line of each course is worth on the statement, and whether the course is special."""
        month = self.statement.first_day
        terms = [each.terms for each in self.figures.courses if each.charged]
        return {each.course_id: (line_worth(each, month), each.special_course) for each in terms}

    def _missing(self, enrolled: _Enrolled, declaration_type: str, due: date) -> Missing:
        row = enrolled.row
        worth, special = self.worth.get(row["course_id"], (None, False))
        projected = None
        if worth is not None:
            funded = declaration_type == DeclarationType.STARTED and row["targeted_delivery_funding_eligibility"]
            projected = worth.output_payment + (worth.targeted_delivery_funding if funded else NOTHING)
        return Missing(
            participant_id=row.get("participant__public_id"),
            application_id=row.get("public_id"),
            full_name=row.get("participant__full_name", ""),
            course_identifier=row["course__identifier"],
            schedule_identifier=row["enrolment__schedule__identifier"],
            declaration_type=declaration_type,
            due=due,
            special_course=special,
            projected=projected,
            number=enrolled.number,
        )


def _milestones() -> QuerySet[Milestone, Any]:
    return Milestone.objects.filter(schedule__cohort=OuterRef("cohort_id")).values(
        json=JSONObject(schedule="schedule_id", type="declaration_type", last_day="deadline_date")
    )


def _held() -> QuerySet[LineItem, Any]:
    """The statement that each delivered type of an enrolment is paid on; what is taken back is left out."""
    return (
        LineItem.objects.filter(
            declaration__enrolment=OuterRef("enrolment_id"),
            lead_provider=OuterRef("lead_provider_id"),
            cohort=OuterRef("cohort_id"),
            state__in=BILLABLE_LINES,
            clawback__isnull=True,
        )
        .order_by("declaration_type", "statement_id")
        .values(
            text=Concat("declaration_type", Value(":"), Cast("statement_id", TextField()), output_field=TextField())
        )
    )
