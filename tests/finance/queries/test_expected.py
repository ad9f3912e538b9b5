"""What is expected on a statement, received and outstanding: each rule of the docstring, and the sums."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from applications.models import Application
from finance.models import Statement
from finance.queries.calculation import figures_of
from finance.queries.expected import Expectation, expectation_of
from finance.queries.figures import StatementFigures
from npq.core.clock import clock_at
from npq.core.money import shown
from participants.models import Enrolment
from tests.commands import run_command
from tests.factories import CohortFactory, MilestoneFactory, ParticipantFactory, ScheduleFactory
from tests.finance.books import Books, at

pytestmark = pytest.mark.django_db

# The factory's people are accepted on 10 October 2024, on schedules that begin on 1 October 2023.
DAY = date(2024, 11, 1)
HEADSHIP, TEACHING = "npq-headship", "npq-leading-teaching"


@pytest.fixture
def books(provider) -> Books:
    books = Books(provider)
    books.terms(HEADSHIP, per_participant=Decimal("1237.00"))
    books.terms(TEACHING, per_participant=Decimal("756.00"))
    return books


@pytest.fixture
def january(books: Books) -> Statement:
    return books.statement(2025, 1)


@pytest.fixture
def march(books: Books) -> Statement:
    return books.statement(2025, 3)


def counts(expectation: Expectation) -> dict[str, tuple[int, int, int, int]]:
    """(expected, received, received later, outstanding) of each type that has any."""
    return {
        each.declaration_type: (each.expected, each.received, each.received_later, each.outstanding)
        for each in expectation.types
        if each.expected
    }


def on(statement: Statement, day: date = DAY) -> dict[str, tuple[int, int, int, int]]:
    return counts(expectation_of(statement, day=day))


def milestones(course_group: str, **days: date) -> None:
    schedule = ScheduleFactory(cohort=CohortFactory(), course_group=course_group)
    for name, day in days.items():
        MilestoneFactory(schedule=schedule, declaration_type=name.replace("_", "-"), deadline_date=day)


def test_each_accepted_enrolment_is_expected_to_start(books: Books, january: Statement, march: Statement) -> None:
    first, second = books.enrol(HEADSHIP), books.enrol(TEACHING)

    expectation = expectation_of(january, day=DAY)

    assert counts(expectation) == {"started": (2, 0, 0, 2)}
    assert [(each.application_id, each.participant_id) for each in expectation.missing] == [
        (enrolment.application.public_id, enrolment.participant.public_id) for enrolment in (first, second)
    ]
    # 1,237 × 60 % ÷ 4 and 756 × 60 % ÷ 3.
    assert shown(expectation.projected) == Decimal("336.75")


def test_one_type_after_the_other_on_one_statement_each(books: Books, january: Statement, march: Statement) -> None:
    june = books.statement(2025, 6)
    books.enrol(HEADSHIP)

    assert [on(statement) for statement in (january, march, june)] == [
        {"started": (1, 0, 0, 1)},
        {"retained-1": (1, 0, 0, 1)},
        {"retained-2": (1, 0, 0, 1)},
    ]


def test_specialist_schedules_have_no_second_retained(books: Books, january: Statement, march: Statement) -> None:
    june = books.statement(2025, 6)
    books.enrol(TEACHING)

    assert on(june) == {"completed": (1, 0, 0, 1)}


def test_received_counts_where_it_stands(books: Books, january: Statement, march: Statement) -> None:
    books.declare(january, HEADSHIP)
    books.enrol(HEADSHIP)

    assert on(january) == {"started": (2, 1, 0, 1)}
    assert on(march) == {"retained-1": (2, 0, 0, 2)}


def test_what_an_earlier_statement_missed_moves_to_the_next_open_one(
    books: Books, january: Statement, march: Statement
) -> None:
    books.enrol(HEADSHIP)
    books.mark_payable(january)
    later = date(2025, 1, 10)

    assert on(march, later) == {"started": (1, 0, 0, 1)}
    # The closed one still says what it missed.
    assert on(january, later) == {"started": (1, 0, 0, 1)}


def test_a_closed_statement_tells_what_came_later(books: Books, january: Statement, march: Statement) -> None:
    late = books.enrol(HEADSHIP)
    books.declare(january, HEADSHIP)
    books.mark_payable(january)
    books.declare(march, HEADSHIP, enrolment=late)
    later = date(2025, 1, 10)

    assert on(january, later) == {"started": (2, 1, 1, 0)}
    # Of the two, the one that started late is due its next declaration after March.
    assert on(march, later) == {"started": (1, 1, 0, 0), "retained-1": (1, 0, 0, 1)}


def test_an_open_statement_past_its_deadline_takes_nothing_over(
    books: Books, january: Statement, march: Statement
) -> None:
    books.enrol(HEADSHIP)
    past_january = date(2025, 1, 10)

    assert on(march, past_january) == {"started": (1, 0, 0, 1)}


def test_published_milestones_say_on_which_statement_a_type_is_due(
    books: Books, january: Statement, march: Statement
) -> None:
    milestones("leadership", started=date(2024, 12, 26), retained_1=date(2025, 4, 25))
    june = books.statement(2025, 6)
    books.enrol(HEADSHIP)

    assert on(january) == {"started": (1, 0, 0, 1)}
    assert on(march) == {}
    assert on(june) == {"retained-1": (1, 0, 0, 1)}


def test_a_milestone_falls_on_the_first_statement_that_closes_no_earlier(
    books: Books, january: Statement, march: Statement
) -> None:
    # January's deadline is 26 December.
    milestones("leadership", started=date(2024, 12, 27))
    books.enrol(HEADSHIP)

    assert (on(january), on(march)) == ({}, {"started": (1, 0, 0, 1)})


def test_who_is_accepted_after_the_deadline_is_expected_later(books: Books) -> None:
    september, january = books.statement(2024, 9), books.statement(2025, 1)
    books.enrol(HEADSHIP)

    assert (on(september), on(january)) == ({}, {"started": (1, 0, 0, 1)})


def test_a_schedule_that_has_not_begun_expects_nothing_yet(books: Books, january: Statement, march: Statement) -> None:
    ScheduleFactory(cohort=books.cohort, starts_on=date(2025, 1, 15))
    books.enrol(HEADSHIP)

    assert (on(january), on(march)) == ({}, {"started": (1, 0, 0, 1)})


@pytest.mark.parametrize("training_status", ["deferred", "withdrawn"])
def test_nothing_is_outstanding_of_who_is_not_active(books: Books, january: Statement, training_status: str) -> None:
    books.enrol(HEADSHIP, training_status=training_status)
    declared = books.declare(january, HEADSHIP)
    Enrolment.objects.filter(id=declared.enrolment_id).update(training_status=training_status)

    assert on(january) == {"started": (1, 1, 0, 0)}


def test_nothing_is_expected_of_pending_rejected_and_undone_applications(books: Books, january: Statement) -> None:
    undone = books.enrol(HEADSHIP)
    Application.objects.filter(id=undone.application_id).update(status="pending", enrolment=None, decided_at=None)
    Enrolment.objects.filter(id=undone.id).update(undone_at=datetime(2024, 11, 1, tzinfo=UTC))

    assert on(january) == {}


@pytest.mark.parametrize(
    "facts",
    [{"eligible_for_funding": False}, {"funded_place": False}],
)
def test_who_is_not_funded_is_not_expected(provider, facts: dict[str, bool]) -> None:
    books = Books(provider, CohortFactory(capped=True))
    books.terms(HEADSHIP)
    statement = books.statement(2025, 1)
    books.enrol(HEADSHIP, **facts)
    books.enrol(HEADSHIP, eligible_for_funding=False, funded_place=True,
                funding_eligibility_status_code="marked_funded_by_policy")  # fmt: skip

    assert on(statement) == {"started": (1, 0, 0, 1)}


def test_who_was_funded_before_is_not_expected(books: Books, january: Statement, provider) -> None:
    person = ParticipantFactory()
    earlier = Books(provider, CohortFactory(start_year=2022)).enrol(
        HEADSHIP, participant=person, training_status="withdrawn"
    )
    Enrolment.objects.filter(id=earlier.id).update(accepted_at=datetime(2022, 10, 1, tzinfo=UTC))
    books.enrol(HEADSHIP, participant=person)

    assert on(january) == {}


def test_other_providers_and_cohorts_stay_apart(books: Books, january: Statement, rival_provider) -> None:
    Books(rival_provider, books.cohort).enrol(HEADSHIP)
    Books(books.lead_provider, CohortFactory(start_year=2022)).enrol(HEADSHIP)

    assert on(january) == {}


def test_voided_declarations_are_not_received(books: Books, january: Statement) -> None:
    books.void(books.declare(january, HEADSHIP), on=january.deadline_date)

    assert on(january) == {"started": (1, 0, 0, 1)}


def test_what_was_taken_back_is_expected_again_and_stays_received(
    books: Books, january: Statement, march: Statement
) -> None:
    declaration = books.declare(january, HEADSHIP)
    books.pay(january)
    books.void(declaration, on=march.deadline_date)
    later = date(2025, 1, 10)

    assert on(march, later) == {"started": (1, 0, 0, 1)}
    received = {each.declaration_type: each.received for each in expectation_of(january, day=later).types}
    assert received["started"] == 1


def test_a_type_declared_early_is_received_and_not_expected_again(
    books: Books, january: Statement, march: Statement
) -> None:
    started = books.declare(january, HEADSHIP)
    books.declare(january, HEADSHIP, "retained-1", enrolment=started.enrolment)

    assert on(january) == {"started": (1, 1, 0, 0), "retained-1": (1, 1, 0, 0)}
    assert on(march) == {"retained-2": (1, 0, 0, 1)}


def test_a_month_with_service_fees_only_expects_nothing(books: Books) -> None:
    books.enrol(HEADSHIP)

    assert on(books.statement(2025, 2, output_fee=False)) == {}


def test_the_projection_with_funding_and_special_courses_apart(provider) -> None:
    books = Books(provider)
    books.terms(HEADSHIP, per_participant=Decimal("1237.00"))
    books.terms(TEACHING, per_participant=Decimal("756.00"), special_course=True)
    january = books.statement(2025, 1)
    books.enrol(HEADSHIP, targeted_delivery_funding_eligibility=True)
    books.enrol(TEACHING)
    books.enrol("npq-leading-literacy")

    expectation = expectation_of(january, day=DAY)

    assert shown(expectation.projected) == Decimal("285.55")
    assert shown(expectation.projected_apart) == Decimal("151.20")
    assert [each.projected for each in expectation.missing][2] is None


def test_the_projection_is_what_the_declarations_are_then_paid(books: Books, january: Statement) -> None:
    enrolments = [books.enrol(HEADSHIP, targeted_delivery_funding_eligibility=True), books.enrol(TEACHING)]
    projected = shown(expectation_of(january, day=DAY).projected)
    before: StatementFigures = figures_of(january)

    for enrolment in enrolments:
        books.declare(january, enrolment.course.identifier, enrolment=enrolment)

    assert shown(figures_of(january).total - before.total) == projected


def test_queries_do_not_grow(books: Books, january: Statement, march: Statement) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            expectation_of(january, day=DAY)
        return len(captured)

    books.enrol(HEADSHIP)
    few = queries()
    for _ in range(3):
        books.enrol(HEADSHIP), books.enrol(TEACHING), books.declare(january, HEADSHIP)
    assert queries() == few <= 6


def test_the_command(books: Books, january: Statement, march: Statement) -> None:
    books.declare(january, HEADSHIP)
    missing = books.enrol(HEADSHIP)

    with clock_at(at(DAY)):
        run = run_command("expected_declarations", january.public_id, "--format", "json")
        table = run_command("expected_declarations", january.public_id)

    assert run.code == table.code == 0
    started, *others, outstanding = run.json["rows"]
    assert {name: started[name] for name in ("expected", "received", "outstanding", "projected")} == {
        "expected": 2,
        "received": 1,
        "outstanding": 1,
        "projected": "185.55",
    }
    assert [row["expected"] for row in others] == [0, 0, 0]
    assert outstanding["id"] == str(missing.application.public_id)
    assert outstanding["participant_id"] == str(missing.participant.public_id)
    assert (outstanding["declaration_type"], outstanding["projected"]) == ("started", "185.55")
    assert "would add £185.55 to the statement" in table.out
    assert str(missing.participant.public_id) in table.out
    assert run_command("expected_declarations", "nothing").code == 2


def test_without_names_the_counts_and_the_pounds_are_the_same(
    books: Books, january: Statement, march: Statement
) -> None:
    for course in (HEADSHIP, HEADSHIP, TEACHING):
        books.enrol(course, targeted_delivery_funding_eligibility=True)
    books.declare(january, HEADSHIP)
    books.declare(march, TEACHING)
    books.declare(january, TEACHING, "retained-1")

    for statement in (january, march):
        named, counted = (expectation_of(statement, day=DAY, named=names) for names in (True, False))

        assert counted.types == named.types
        assert counted.projected_apart == named.projected_apart
        assert len(counted.missing) < len(named.missing) or not named.missing
        assert {each.full_name for each in counted.missing} <= {""}
