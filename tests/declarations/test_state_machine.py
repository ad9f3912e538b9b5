"""Random sequences of what providers and finance do, against a small model of the rules written down once more.

After each step the answer is the one the model expects, everything stored is as the model has it, and all that must
always be true of the data is true. `NPQ_STATE_MACHINE_EXAMPLES=500` looks for longer than the default.

The cast: one person under two participant ids with one verified TRN, withdrawn from the first training and accepted
elsewhere since; somebody whom nobody funds, on a course with three milestones; and a head with a coach.
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from declarations.models import Declaration
from finance.models import Statement
from finance.queries.calculation import figures_of
from finance.services.authorise import authorise_statement
from finance.services.mark_payable import mark_statements_payable
from npq.core.audit import Actor
from npq.core.clock import start_of_uk_day, uk_date
from npq.core.models import ApiToken, Message
from npq.management.commands.check_invariants import every_invariant
from participants.models import Enrolment
from tests.conftest import ApiClient
from tests.factories import (
    ApiTokenFactory,
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    LeadProviderFactory,
    ParticipantFactory,
    ScheduleFactory,
    StatementFactory,
)

EXAMPLES = int(os.environ.get("NPQ_STATE_MACHINE_EXAMPLES", "15"))

BEGINS = datetime(2024, 10, 20, 9, 0, tzinfo=UTC)
LIVE = ("submitted", "eligible", "payable", "paid")
STANDING = (*LIVE, "ineligible")
# What is drawn more than once is what leads further.
TYPES = ("started", "started", "retained-1", "retained-2", "completed", "completed")
# Days before today: the schedules' first days lie within reach, and so does the future.
AGES = (1, 1, 1, 0, 0, 7, -1, 30, 400)
PEOPLE = ("first record", "second record", "second record", "unfunded", "coached")


@dataclass
class Claimed:
    """A declaration, as the model has it."""

    identifier: str
    kind: str
    at: datetime
    has_passed: bool | None
    state: str
    paid_on: int | None = None
    taken_back_on: int | None = None
    outcomes: list[tuple[str, date]] = field(default_factory=list)


@dataclass
class Trainee:
    """An enrolment, as the model has it."""

    enrolment: Enrolment
    api: ApiClient
    fundable: bool
    has_outcome: bool
    types: tuple[str, ...]
    first_day: date
    schedule: str
    status: str = "active"
    withdrawn_at: datetime | None = None
    claims: list[Claimed] = field(default_factory=list)

    @property
    def provider(self) -> int:
        return self.enrolment.lead_provider_id

    def holder(self, kind: str) -> Claimed | None:
        """The live declaration of a type."""
        return next((one for one in self.claims if one.kind == kind and one.state in LIVE), None)

    def completed(self) -> Claimed | None:
        """The newest completed declaration that stands."""
        found = [one for one in self.claims if one.kind == "completed" and one.state in STANDING]
        return found[-1] if found else None


@dataclass
class Due:
    """A statement, as the model has it."""

    identifier: int
    provider: int
    deadline: date
    state: str = "open"


class Year(RuleBasedStateMachine):
    """A provider's year."""

    @initialize()
    def begin(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic._from_testcase = True  # type: ignore[attr-defined]
        self.atomic.__enter__()
        self.now = BEGINS
        self.messages: list[str] = []
        provider, rival = LeadProviderFactory(code="ambition"), LeadProviderFactory(code="ucl")
        apis = {one.id: self.client(one) for one in (provider, rival)}
        person = ParticipantFactory()
        headship, teaching = CourseFactory(), CourseFactory(specialist=True)
        coaching = CourseFactory(ehco=True)
        cast = {
            "first record": (provider, person, headship, {}),
            "unfunded": (provider, ParticipantFactory(), teaching, {"eligible_for_funding": False}),
            "coached": (provider, ParticipantFactory(), coaching, {}),
        }
        self.cohort = CohortFactory()
        ScheduleFactory(cohort=self.cohort, identifier="npq-leadership-spring", starts_on=date(2024, 10, 21))
        self.statements: list[Due] = []
        for one in (provider, rival):
            for course in (headship, teaching, coaching):
                ContractTermsFactory(lead_provider=one, cohort=self.cohort, course=course)
            for year, month in ((2024, 11), (2024, 12), (2025, 1)):
                made = StatementFactory(lead_provider=one, cohort=self.cohort, year=year, month=month)
                self.statements.append(Due(made.id, one.id, made.deadline_date))
        self.trainees = {name: self.enrol(apis, *rest) for name, rest in cast.items()}
        assert self.declare_for("first record", "started", 1, None)
        assert self.withdraw_from("first record")
        twin = ParticipantFactory(teacher_reference_number=person.teacher_reference_number)
        self.trainees["second record"] = self.enrol(apis, rival, twin, headship, {})

    def client(self, lead_provider: Any) -> ApiClient:
        secret = ApiToken.new_secret()
        ApiTokenFactory(lead_provider=lead_provider, secret=secret)
        return ApiClient(secret)

    def enrol(self, apis: dict[int, ApiClient], lead_provider: Any, person: Any, course: Any, facts: Any) -> Trainee:
        enrolment = ApplicationFactory(
            lead_provider=lead_provider, participant=person, course=course, cohort=self.cohort, accepted=True, **facts
        ).enrolment
        return Trainee(
            enrolment=enrolment,
            api=apis[lead_provider.id],
            fundable=facts.get("eligible_for_funding", True),
            has_outcome=course.has_outcome,
            types=tuple(enrolment.schedule.allowed_declaration_types),
            first_day=enrolment.schedule.starts_on,
            schedule=enrolment.schedule.identifier,
        )

    def teardown(self) -> None:
        if hasattr(self, "atomic"):
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    # What the model knows

    @property
    def clock(self) -> dict[str, str]:
        return {"X-With-Server-Date": self.now.isoformat()}

    def next_statement(self, provider: int) -> Due | None:
        """The statement that takes what is declared or taken back today."""
        found = [
            one
            for one in self.statements
            if one.provider == provider and one.state == "open" and one.deadline >= self.now.date()
        ]
        return min(found, key=lambda one: one.deadline) if found else None

    def twin_of(self, name: str) -> Trainee | None:
        records = {"first record": "second record", "second record": "first record"}
        return self.trainees.get(records.get(name, ""))

    def expect(self, response: Any, codes: list[str]) -> bool:
        """Whether the action was taken; fails when the answer is not the one expected."""
        if response.status_code == 200:
            assert codes == []
            return True
        assert response.status_code == 422, response.content
        assert [error["code"] for error in response.json()["errors"]] == codes
        return False

    # What providers do

    @rule(
        name=st.sampled_from(PEOPLE),
        kind=st.sampled_from(TYPES),
        age=st.sampled_from(AGES),
        has_passed=st.sampled_from((None, True, False)),
    )
    def declare(self, name: str, kind: str, age: int, has_passed: bool | None) -> None:
        self.declare_for(name, kind, age, has_passed)

    def declare_for(self, name: str, kind: str, age: int, has_passed: bool | None) -> bool:
        return self.declare_at(name, kind, self.now - timedelta(days=age), has_passed)

    @precondition(lambda self: any(trainee.claims for trainee in self.trainees.values()))
    @rule(data=st.data())
    def declare_again(self, data: st.DataObject) -> None:
        name, claim = self.some_claim(data)
        self.declare_at(name, claim.kind, claim.at, claim.has_passed)

    @rule(
        name=st.sampled_from(PEOPLE),
        kind=st.sampled_from(TYPES),
        edge=st.sampled_from(("withdrawal", "schedule")),
        seconds=st.sampled_from((-1, 0)),
    )
    def declare_on_the_edge(self, name: str, kind: str, edge: str, seconds: int) -> None:
        trainee = self.trainees[name]
        moment = trainee.withdrawn_at if edge == "withdrawal" else None
        at = (moment or start_of_uk_day(trainee.first_day)) + timedelta(seconds=seconds)
        self.declare_at(name, kind, at, True)

    def some_claim(self, data: st.DataObject) -> tuple[str, Claimed]:
        """A declaration made before, and whose it is; drawn by the newest first."""
        name = data.draw(st.sampled_from([name for name in self.trainees if self.trainees[name].claims]))
        return name, data.draw(st.sampled_from(self.trainees[name].claims[::-1]))

    def declare_at(self, name: str, kind: str, at: datetime, has_passed: bool | None) -> bool:
        trainee = self.trainees[name]
        response = self.post_declaration(trainee, kind, at, has_passed)
        copies = [
            one
            for one in trainee.claims
            if (one.kind, one.at) == (kind, at)
            and one.state in STANDING
            and (not trainee.has_outcome or kind != "completed" or one.has_passed == has_passed)
        ]
        if copies:
            original = next((one for one in copies if one.state in LIVE), copies[-1])
            assert response.json()["data"]["id"] == original.identifier
            return True
        codes = self.refusals_of(trainee, kind, at, has_passed)
        if not self.expect(response, codes):
            return False
        self.claim(name, kind, at, has_passed, response.json()["data"]["id"])
        return True

    def post_declaration(self, trainee: Trainee, kind: str, at: datetime, has_passed: bool | None) -> Any:
        body = {
            "participant_id": str(trainee.enrolment.participant.public_id),
            "declaration_type": kind,
            "declaration_date": at.isoformat(),
            "course_identifier": trainee.enrolment.course.identifier,
            "has_passed": has_passed,
        }
        return trainee.api.post("v3", "/participant-declarations", body, headers=self.clock)

    def refusals_of(self, trainee: Trainee, kind: str, at: datetime, has_passed: bool | None) -> list[str]:
        codes = []
        if trainee.status == "withdrawn" and trainee.withdrawn_at is not None and at >= trainee.withdrawn_at:
            codes.append("declared_after_withdrawal")
        if uk_date(at) < trainee.first_day:
            codes.append("declaration_date_before_schedule")
        if not codes and kind not in trainee.types:
            codes.append("declaration_type_not_on_schedule")
        if not codes and trainee.fundable and self.next_statement(trainee.provider) is None:
            codes.append("no_open_statement")
        if kind == "completed" and trainee.has_outcome and has_passed is None:
            codes.append("has_passed_missing")
        if not codes and trainee.holder(kind):
            codes.append("declaration_already_exists")
        if at > self.now:
            codes.append("declaration_date_in_future")
        return codes

    def claim(self, name: str, kind: str, at: datetime, has_passed: bool | None, identifier: str) -> None:
        trainee, twin = self.trainees[name], self.twin_of(name)
        asks = kind == "completed" and trainee.has_outcome
        made = Claimed(identifier, kind, at, has_passed if asks else None, "submitted")
        if twin is not None and twin.holder(kind):
            made.state = "ineligible"
        elif trainee.fundable:
            made.state = "eligible"
            statement = self.next_statement(trainee.provider)
            assert statement is not None
            made.paid_on = statement.identifier
        if asks:
            self.conclude(made, "passed" if has_passed else "failed", uk_date(at))
        trainee.claims.append(made)

    def conclude(self, claim: Claimed, state: str, day: date) -> None:
        if state != "voided" or claim.outcomes[-1][0] == "passed":
            self.messages.append({"voided": "outcome_retracted"}.get(state, f"outcome_{state}"))
        claim.outcomes.append((state, day))

    @precondition(lambda self: any(trainee.claims for trainee in self.trainees.values()))
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        name, claim = self.some_claim(data)
        trainee = self.trainees[name]
        statement = self.next_statement(trainee.provider)
        codes = {
            "voided": ["declaration_already_voided"],
            "awaiting-clawback": ["declaration_already_clawed_back"],
            "clawed-back": ["declaration_already_clawed_back"],
            "paid": [] if statement else ["no_open_statement"],
        }.get(claim.state, [])
        path = f"/participant-declarations/{claim.identifier}/void"
        if self.expect(trainee.api.put("v3", path, headers=self.clock), codes):
            if claim.state == "paid":
                assert statement is not None
                claim.state, claim.taken_back_on = "awaiting-clawback", statement.identifier
            else:
                claim.state, claim.paid_on = "voided", None
            if claim.outcomes:
                self.conclude(claim, "voided", claim.outcomes[-1][1])

    @rule(
        name=st.sampled_from(PEOPLE),
        state=st.sampled_from(("passed", "failed", "voided")),
        age=st.sampled_from((-1, 0, 1)),
    )
    def submit_outcome(self, name: str, state: str, age: int) -> None:
        trainee = self.trainees[name]
        day = self.now.date() - timedelta(days=age)
        claim = trainee.completed()
        codes = []
        if not trainee.has_outcome:
            codes.append("outcome_course_not_recognised")
        if state == "voided":
            codes.append("outcome_state_not_recognised")
        if age < 0:
            codes.append("completion_date_in_future")
        if not codes and claim is None:
            codes.append("no_completed_declaration")
        path = f"/participants/npq/{trainee.enrolment.participant.public_id}/outcomes"
        course = trainee.enrolment.course.identifier
        body = {"course_identifier": course, "state": state, "completion_date": day.isoformat()}
        if self.expect(trainee.api.post("v3", path, body, headers=self.clock), codes):
            assert claim is not None
            if claim.outcomes[-1] != (state, day):
                self.conclude(claim, state, day)

    @rule(name=st.sampled_from(PEOPLE))
    def withdraw(self, name: str) -> None:
        self.withdraw_from(name)

    def withdraw_from(self, name: str) -> bool:
        trainee = self.trainees[name]
        codes = []
        if trainee.status == "withdrawn":
            codes = ["already_withdrawn"]
        elif not any(one.kind == "started" and one.state in STANDING for one in trainee.claims):
            codes = ["no_started_declaration"]
        taken = self.expect(self.act(trainee, "withdraw", reason="other"), codes)
        if taken:
            trainee.status, trainee.withdrawn_at = "withdrawn", self.now
            self.messages.append("training_withdrawn")
        return taken

    @rule(name=st.sampled_from(PEOPLE))
    def defer(self, name: str) -> None:
        trainee = self.trainees[name]
        codes = [] if trainee.status == "active" else [f"already_{trainee.status}"]
        if self.expect(self.act(trainee, "defer", reason="other"), codes):
            trainee.status = "deferred"
            self.messages.append("training_deferred")

    @rule(name=st.sampled_from(PEOPLE))
    def resume(self, name: str) -> None:
        trainee, twin = self.trainees[name], self.twin_of(name)
        codes = []
        if trainee.status == "active":
            codes = ["already_active"]
        elif twin is not None and twin.status != "withdrawn":
            codes = ["course_held_elsewhere"]
        if self.expect(self.act(trainee, "resume"), codes):
            trainee.status = "active"
            self.messages.append("training_resumed")

    @rule(name=st.sampled_from(PEOPLE[:3]), season=st.sampled_from(("autumn", "spring")))
    def change_schedule(self, name: str, season: str) -> None:
        trainee = self.trainees[name]
        schedule = f"npq-leadership-{season}"
        first_day = date(2024, 10, 21) if season == "spring" else date(2023, 10, 1)
        codes = ["already_withdrawn"] if trainee.status == "withdrawn" else []
        live = [one for one in trainee.claims if one.state in LIVE]
        codes += ["schedule_invalidates_declarations" for one in live if uk_date(one.at) < first_day]
        codes += ["schedule_unchanged"] if trainee.schedule == schedule else []
        if self.expect(self.act(trainee, "change-schedule", schedule_identifier=schedule), codes):
            trainee.schedule, trainee.first_day = schedule, first_day

    def act(self, trainee: Trainee, action: str, **more: str) -> Any:
        path = f"/participants/npq/{trainee.enrolment.participant.public_id}/{action}"
        body = {"course_identifier": trainee.enrolment.course.identifier, **more}
        return trainee.api.put("v3", path, body, headers=self.clock)

    # What time and finance do

    @rule(days=st.sampled_from((1, 7, 20)))
    def days_pass(self, days: int) -> None:
        self.now += timedelta(days=days)
        marked = list(mark_statements_payable(as_of=self.now.date(), by=Actor.system(), now=self.now))
        assert {one.result for one in marked} <= {"payable"}
        for statement in self.statements:
            if statement.state == "open" and statement.deadline < self.now.date():
                statement.state = "payable"
                self.move(statement, "paid_on", {"eligible": "payable"})

    @precondition(lambda self: any(one.state == "payable" for one in self.statements))
    @rule(data=st.data())
    def authorise(self, data: st.DataObject) -> None:
        statement = data.draw(st.sampled_from([one for one in self.statements if one.state == "payable"]))
        total = figures_of(Statement.objects.get(id=statement.identifier)).shown_total
        authorise_statement(statement_id=statement.identifier, expect_total=total, by=Actor.system(), now=self.now)
        statement.state = "paid"
        self.move(statement, "paid_on", {"payable": "paid"})
        self.move(statement, "taken_back_on", {"awaiting-clawback": "clawed-back"})

    def move(self, statement: Due, by: str, moves: dict[str, str]) -> None:
        for trainee in self.trainees.values():
            for claim in trainee.claims:
                if getattr(claim, by) == statement.identifier:
                    claim.state = moves.get(claim.state, claim.state)

    # What must hold

    @invariant()
    def everything_is_as_the_model_has_it(self) -> None:
        stored = {str(one.public_id): one for one in Declaration.objects.prefetch_related("lines", "outcomes")}
        claims = [claim for trainee in self.trainees.values() for claim in trainee.claims]
        assert set(stored) == {claim.identifier for claim in claims}
        for claim in claims:
            row = stored[claim.identifier]
            lines = {line.state: line.statement_id for line in row.lines.all()}
            pays = next((lines[state] for state in ("eligible", "payable", "paid") if state in lines), None)
            takes = next((lines[state] for state in ("awaiting-clawback", "clawed-back") if state in lines), None)
            outcomes = [(one.state, one.completion_date) for one in sorted(row.outcomes.all(), key=lambda one: one.id)]
            assert (row.state, pays, takes) == (claim.state, claim.paid_on, claim.taken_back_on)
            assert outcomes == claim.outcomes
        for trainee in self.trainees.values():
            row_status, schedule = Enrolment.objects.values_list("training_status", "schedule__identifier").get(
                id=trainee.enrolment.id
            )
            assert (row_status, schedule) == (trainee.status, trainee.schedule)
        assert list(Message.objects.order_by("id").values_list("kind", flat=True)) == self.messages

    @invariant()
    def what_must_hold_holds(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        assert {one.code: found for one in every_invariant() if (found := list(one.breaches()))} == {}


@pytest.mark.django_db
def test_a_year_follows_the_rules() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Year,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            derandomize="NPQ_STATE_MACHINE_EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
