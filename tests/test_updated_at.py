"""Whatever a service changes in what a provider is shown moves that record's `updated_at` (decisions.md §1.12).

Every service runs once in a small world. Before and after, two providers read everything they may see, in every
version; a record that reads otherwise afterwards, or is new to one of them, must have moved. A verb that is neither
run here nor named as changing nothing they see fails the test: whoever adds one adds its case.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.utils.functional import cached_property

from applications import services as applications
from applications.models import Application
from declarations import services as declarations
from declarations.models import Declaration, DeliveryPartner
from declarations.queries.given import GivenPartners
from finance.models import Statement
from finance.queries.calculation import figures_of
from finance.services.authorise import authorise_statement
from finance.services.load_statements import load_statements
from finance.services.mark_payable import mark_statement_payable, mark_statements_payable
from finance.services.move_declarations import Move, move_declarations
from finance.services.set_statement import set_statement
from finance.services.two_people import approve_payment, request_payment
from npq.core.audit import Actor
from npq.core.csv_files import CsvRow
from npq.core.models import LeadProvider, Record
from participants import services as participants
from participants.models import Enrolment, Participant
from tests.applications.submissions import smallest
from tests.conftest import ApiClient
from tests.declarations.conftest import NOW, close, next_statement, pay, trainee
from tests.declarations.services.claims import claim_for, submit
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    DeclarationFactory,
    DeliveryPartnershipFactory,
    ParticipantFactory,
    ScheduleFactory,
    ScheduleWindowFactory,
)

pytestmark = pytest.mark.django_db

BY = Actor.staff("Sam Reyes", identifier="7", reason="asked for by the provider")
APPS = ("applications", "participants", "declarations", "finance")

# What each resource shows, by the path of its list and the versions that have it.
RESOURCES: dict[str, tuple[type[Record], tuple[str, ...]]] = {
    "/npq-applications": (Application, ("v1", "v2", "v3")),
    "/participants/npq": (Participant, ("v1", "v2", "v3")),
    "/participant-declarations": (Declaration, ("v1", "v2", "v3")),
    "/statements": (Statement, ("v3",)),
    "/delivery-partners": (DeliveryPartner, ("v3",)),
}

# Verbs that change nothing in these resources, with the reason.
SHOWS_NOTHING = {
    "append_note_to_application": "notes are staff's",
    "append_note_to_participant": "notes are staff's",
    "plan_transfer": "nothing has moved before the day",
    "cancel_transfer": "nothing had moved",
    "load_reference_data": "shipped with a release; names of courses and schedules are not shown",
    "add_adjustment": "shown in the payment, which is read afresh and has no updated_at",
    "change_adjustment": "shown in the payment",
    "remove_adjustment": "shown in the payment",
    "change_contract": "shown in the payment",
    "load_contracts": "shown in the payment",
    "record_export": "a download by staff",
    "send_message_again": "messages are not shown",
    "request_payment": "staff ask one another",
    "withdraw_payment_request": "staff ask one another",
}

Seen = dict[tuple[str, str, str, str], dict[str, Any]]
Case = Callable[["World"], Any]


@dataclass
class World:
    """Two providers, and one of each thing that a verb may be about. What a case needs is made when it asks."""

    provider: LeadProvider
    rival: LeadProvider
    apis: dict[str, ApiClient]

    @cached_property
    def enrolment(self) -> Enrolment:
        """Accepted by the provider, funded, nothing declared."""
        made = trainee(self.provider)
        ScheduleWindowFactory(schedule=made.schedule)
        ScheduleFactory(cohort=made.cohort, identifier="npq-leadership-spring", starts_on=date(2024, 1, 1))
        ContractTermsFactory(lead_provider=self.rival, cohort=made.cohort, course=made.course)
        next_statement(made)
        return made

    @cached_property
    def pending(self) -> Application:
        """The same course and cohort, not decided."""
        application: Application = ApplicationFactory(lead_provider=self.provider, cohort=self.enrolment.cohort)
        return application

    @cached_property
    def completed(self) -> Declaration:
        """A completed declaration with a pass, for the enrolment."""
        return Declaration.objects.get(id=submit(claim_for(self.enrolment, "completed"), self.provider.id))

    @property
    def statement(self) -> Statement:
        """The statement that takes what is declared now."""
        return Statement.objects.filter(lead_provider=self.provider).earliest("deadline_date")

    def started(self) -> None:
        submit(claim_for(self.enrolment), self.provider.id)

    def training(self) -> Any:
        """What participants' services call the enrolment."""
        return participants.ProviderTraining(
            self.enrolment.participant_id, self.enrolment.course.identifier, self.provider.id
        )


@pytest.fixture
def world(provider: LeadProvider, rival_provider: LeadProvider, api: ApiClient, rival_api: ApiClient) -> World:
    return World(provider, rival_provider, {"provider": api, "rival": rival_api})


# The cases: each prepares, and returns the one call that is judged -------------------------------------------------


def _accept(it: World) -> Any:
    application = it.pending
    return lambda: applications.accept_application(application_id=application.id, held_by=None, by=BY, now=NOW)


def _reject(it: World) -> Any:
    application = it.pending
    return lambda: applications.reject_application(application_id=application.id, held_by=None, by=BY, now=NOW)


def _change_funded_place(it: World) -> Any:
    enrolment = trainee(it.provider, cohort=CohortFactory(capped=True))
    return lambda: applications.change_funded_place(
        application_id=enrolment.application_id, held_by=None, by=BY, funded_place=False
    )


def _undo_acceptance(it: World) -> Any:
    application_id = it.enrolment.application_id
    return lambda: applications.undo_acceptance(application_id=application_id, by=BY, now=NOW)


def _undo_rejection(it: World) -> Any:
    application = ApplicationFactory(lead_provider=it.provider, rejected=True)
    return lambda: applications.undo_rejection(application_id=application.id, by=BY)


def _change_cohort(it: World) -> Any:
    application = it.enrolment.application
    cohort = CohortFactory(start_year=2022)
    ScheduleFactory(cohort=cohort)
    ContractTermsFactory(lead_provider=it.provider, cohort=cohort, course=application.course)
    return lambda: applications.change_cohort(application_id=application.id, cohort=cohort, by=BY, now=NOW)


def _change_course(it: World) -> Any:
    application, course = it.pending, CourseFactory(specialist=True)
    return lambda: applications.change_course(application_id=application.id, course=course, by=BY, now=NOW)


def _change_email(it: World) -> Any:
    application_id = it.enrolment.application_id
    return lambda: applications.change_email(application_id=application_id, by=BY, email="new@example.org")


def _change_funding_choice(it: World) -> Any:
    application_id = it.enrolment.application_id
    return lambda: applications.change_funding_choice(application_id=application_id, funding_choice="self", by=BY)


def _change_funding_eligibility(it: World) -> Any:
    application = it.pending
    return lambda: applications.change_funding_eligibility(
        application_id=application.id, eligible=False, by=BY, now=NOW
    )


def _grant_funding_eligibility(it: World) -> Any:
    """What had been declared becomes eligible and lands on a statement."""
    enrolment = trainee(it.provider, eligible_for_funding=False)
    submit(claim_for(enrolment), it.provider.id)
    return lambda: applications.change_funding_eligibility(
        application_id=enrolment.application_id, eligible=True, by=BY, now=NOW
    )


def _change_lead_provider(it: World) -> Any:
    it.started()
    application_id = it.enrolment.application_id
    return lambda: applications.change_lead_provider(
        application_id=application_id, lead_provider=it.rival, by=BY, now=NOW
    )


def _carry_out_transfers(it: World) -> Any:
    it.started()
    applications.plan_transfer(
        application_id=it.enrolment.application_id,
        lead_provider=it.rival,
        due_on=NOW.date() + timedelta(days=1),
        by=BY,
        now=NOW,
    )
    later = NOW + timedelta(days=2)
    return lambda: list(applications.carry_out_transfers(as_of=later.date(), by=BY, now=later))


def _reassign(it: World) -> Any:
    it.started()
    application_id, person = it.enrolment.application_id, ParticipantFactory()
    return lambda: applications.reassign_application(
        application_id=application_id, participant_id=person.id, by=BY, now=NOW
    )


def _submission(it: World) -> dict[str, Any]:
    """A new application of somebody known, who has another name by now; the rival accepted them before."""
    known = trainee(it.rival, course=CourseFactory(specialist=True))
    _ = it.enrolment
    return smallest(participant_id=str(known.participant.public_id), full_name="Priya Grant")


def _receive(it: World) -> Any:
    content = _submission(it)
    return lambda: applications.receive_application(content=content, by=BY, now=NOW)


def _receive_many(it: World) -> Any:
    content = _submission(it)
    return lambda: applications.receive_applications(contents=[content], by=BY, now=NOW)


def _withdraw(it: World) -> Any:
    it.started()
    return lambda: participants.withdraw_participant(training=it.training(), reason="other", by=BY, now=NOW)


def _defer(it: World) -> Any:
    _ = it.enrolment
    return lambda: participants.defer_participant(training=it.training(), reason="other", by=BY, now=NOW)


def _resume(it: World) -> Any:
    _defer(it)()
    return lambda: participants.resume_participant(training=it.training(), by=BY, now=NOW)


def _change_schedule(it: World) -> Any:
    _ = it.enrolment
    return lambda: participants.change_schedule(
        training=it.training(), schedule_identifier="npq-leadership-spring", by=BY
    )


def _change_trn(it: World) -> Any:
    person_id = it.enrolment.participant_id
    return lambda: participants.change_trn(participant_id=person_id, teacher_reference_number="9123456", by=BY)


def _verify_trn(it: World) -> Any:
    person_id = it.enrolment.participant_id
    Participant.objects.filter(id=person_id).update(teacher_reference_number_verified=False)
    return lambda: participants.verify_trn(participant_id=person_id, by=BY)


def _unverify_trn(it: World) -> Any:
    person_id = it.enrolment.participant_id
    return lambda: participants.unverify_trn(participant_id=person_id, by=BY)


def _remove_trn(it: World) -> Any:
    person_id = it.enrolment.participant_id
    return lambda: participants.remove_trn(participant_id=person_id, by=BY)


def _merge(it: World) -> Any:
    """Both are seen, by different providers; the retired one has a declaration and an outcome."""
    _ = it.completed
    person = ParticipantFactory(without_trn=True)
    trainee(it.rival, course=CourseFactory(specialist=True), participant=person)
    retired_id = it.enrolment.participant_id
    return lambda: participants.merge_participants(retired_id=retired_id, survivor_id=person.id, by=BY)


def _submit(it: World) -> Any:
    claim = claim_for(it.enrolment)
    return lambda: submit(claim, it.provider.id)


def _void(it: World) -> Any:
    declaration = it.completed
    return lambda: declarations.void_declaration(declaration_id=declaration.id, held_by=None, by=BY, now=NOW)


def _claw_back(it: World) -> Any:
    declaration = it.completed
    pay(it.statement)
    return lambda: declarations.void_declaration(declaration_id=declaration.id, held_by=None, by=BY, now=NOW)


def _change_delivery_partner(it: World) -> Any:
    declaration = it.completed
    pairing = DeliveryPartnershipFactory(lead_provider=it.provider, cohort=declaration.cohort)
    given = GivenPartners(pairing.delivery_partner.public_id)
    return lambda: declarations.change_delivery_partner(declaration_id=declaration.id, held_by=None, given=given, by=BY)


def _fill_delivery_partner(it: World) -> Any:
    declaration = it.completed
    pairing = DeliveryPartnershipFactory(lead_provider=it.provider, cohort=declaration.cohort)
    given = GivenPartners(pairing.delivery_partner.public_id)
    return lambda: declarations.fill_delivery_partner(declaration_id=declaration.id, given=given, by=BY)


def _record_outcome(it: World) -> Any:
    declaration = it.completed
    return lambda: declarations.record_outcome(
        participant_id=it.enrolment.participant_id,
        lead_provider_id=it.provider.id,
        course_identifier=declaration.course.identifier,
        state="failed",
        completion_date=NOW.date(),
        by=BY,
        now=NOW,
    )


def _correct_outcome(it: World) -> Any:
    declaration_id = it.completed.id
    return lambda: declarations.correct_outcome(
        declaration_id=declaration_id, state="failed", completion_date=NOW.date(), by=BY, now=NOW
    )


def _pair(it: World) -> Any:
    known = DeliveryPartnershipFactory(lead_provider=it.provider, cohort=CohortFactory(start_year=2022))
    cohort = it.enrolment.cohort
    return lambda: declarations.pair_delivery_partner(
        name=known.delivery_partner.name, public_id=None, lead_provider_id=it.provider.id, cohort_id=cohort.id, by=BY
    )


def _rename_partner(it: World) -> Any:
    known = DeliveryPartnershipFactory(lead_provider=it.provider, cohort=it.enrolment.cohort).delivery_partner
    DeclarationFactory(enrolment=it.enrolment, delivery_partner=known)
    return lambda: declarations.rename_delivery_partner(delivery_partner_id=known.id, name="Renamed Hub", by=BY)


def _mark_payable(it: World) -> Any:
    it.started()
    statement = it.statement
    as_of = statement.deadline_date + timedelta(days=1)
    return lambda: mark_statement_payable(statement_id=statement.id, as_of=as_of, by=BY, now=NOW)


def _mark_all_payable(it: World) -> Any:
    it.started()
    as_of = it.statement.deadline_date + timedelta(days=1)
    return lambda: list(mark_statements_payable(as_of=as_of, by=BY, now=NOW))


def _authorise(it: World) -> Any:
    it.started()
    statement = it.statement
    close(statement)
    statement.refresh_from_db()
    total = figures_of(statement).shown_total
    return lambda: authorise_statement(statement_id=statement.id, expect_total=total, by=BY, now=NOW)


def _approve(it: World) -> Any:
    it.started()
    statement = it.statement
    close(statement)
    statement.refresh_from_db()
    request_payment(statement_id=statement.id, by=Actor.staff("Sam Reyes", identifier="1"))
    return lambda: approve_payment(statement_id=statement.id, by=BY, now=NOW)


def _move_declarations(it: World) -> Any:
    it.started()
    move = Move(it.provider, it.enrolment.cohort, date(2025, 1, 1), date(2025, 2, 1))
    return lambda: move_declarations(move=move, by=BY, day=NOW.date())


def _set_statement(it: World) -> Any:
    _ = it.enrolment
    statement = it.statement
    return lambda: set_statement(statement_id=statement.id, by=BY, payment_date=date(2025, 1, 28))


def _load_statements(it: World) -> Any:
    cohort = it.enrolment.cohort.identifier
    cells = {
        "lead_provider": it.provider.code,
        "cohort": cohort,
        "year": "2025",
        "month": "1",
        "deadline_date": "2024-12-25",
        "payment_date": "2025-01-28",
        "output_fee": "true",
    }
    return lambda: load_statements(rows=[CsvRow(2, cells)], by=BY)


CASES: dict[str, list[Case]] = {
    "accept_application": [_accept],
    "reject_application": [_reject],
    "change_funded_place": [_change_funded_place],
    "undo_acceptance": [_undo_acceptance],
    "undo_rejection": [_undo_rejection],
    "change_cohort": [_change_cohort],
    "change_course": [_change_course],
    "change_email": [_change_email],
    "change_funding_choice": [_change_funding_choice],
    "change_funding_eligibility": [_change_funding_eligibility, _grant_funding_eligibility],
    "change_lead_provider": [_change_lead_provider],
    "carry_out_transfers": [_carry_out_transfers],
    "reassign_application": [_reassign],
    "receive_application": [_receive],
    "receive_applications": [_receive_many],
    "withdraw_participant": [_withdraw],
    "defer_participant": [_defer],
    "resume_participant": [_resume],
    "change_schedule": [_change_schedule],
    "change_trn": [_change_trn],
    "verify_trn": [_verify_trn],
    "unverify_trn": [_unverify_trn],
    "remove_trn": [_remove_trn],
    "merge_participants": [_merge],
    "submit_declaration": [_submit],
    "void_declaration": [_void, _claw_back],
    "change_delivery_partner": [_change_delivery_partner],
    "fill_delivery_partner": [_fill_delivery_partner],
    "record_outcome": [_record_outcome],
    "correct_outcome": [_correct_outcome],
    "pair_delivery_partner": [_pair],
    "rename_delivery_partner": [_rename_partner],
    "mark_statement_payable": [_mark_payable],
    "mark_statements_payable": [_mark_all_payable],
    "approve_payment": [_approve],
    "authorise_statement": [_authorise],
    "move_declarations": [_move_declarations],
    "set_statement": [_set_statement],
    "load_statements": [_load_statements],
}


# The judgement -----------------------------------------------------------------------------------------------------


def read_everything(world: World) -> Seen:
    """All records that either provider is shown, without their `updated_at`."""
    seen: Seen = {}
    for whose, api in world.apis.items():
        for path, (_, versions) in RESOURCES.items():
            for version in versions:
                response = api.get(version, path, {"page[per_page]": "3000"})
                assert response.status_code == 200, response.content
                for row in response.json()["data"]:
                    shown = {name: value for name, value in row["attributes"].items() if name != "updated_at"}
                    seen[whose, version, path, row["id"]] = shown
    return seen


def stamps() -> dict[tuple[str, str], datetime]:
    """When each record was last changed, by the list it stands in and its id."""
    return {
        (path, str(public_id)): updated_at
        for path, (model, _) in RESOURCES.items()
        for public_id, updated_at in model._default_manager.values_list("public_id", "updated_at")
    }


WAYS = [
    pytest.param(way, id=f"{verb} ({way.__name__.strip('_')})" if len(ways) > 1 else verb)
    for verb, ways in CASES.items()
    for way in ways
]


@pytest.mark.parametrize("case", WAYS)
def test_what_is_shown_otherwise_has_moved(case: Case, world: World) -> None:
    act = case(world)
    seen, stamped = read_everything(world), stamps()

    act()

    afterwards, moved = read_everything(world), stamps()
    changed = {key for key, shown in afterwards.items() if seen.get(key) != shown}
    never = datetime.min.replace(tzinfo=UTC)
    stale = {key for key in changed if moved[key[2:]] <= stamped.get(key[2:], never)}
    assert changed, "the case changes nothing that a provider sees"
    assert stale == set()


def verbs() -> set[str]:
    """Every public function of a service that acts on somebody's behalf."""
    found = set()
    for app in APPS:
        package = import_module(f"{app}.services")
        for path in Path(package.__path__[0]).glob("*.py"):
            module = import_module(f"{app}.services.{path.stem}")
            for name, function in inspect.getmembers(module, inspect.isfunction):
                by = inspect.signature(function).parameters.get("by")
                mine = function.__module__ == module.__name__ and not name.startswith("_")
                if mine and by is not None and _all_by_keyword(function):
                    found.add(name)
    return found


def _all_by_keyword(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters)


def test_every_verb_is_judged() -> None:
    assert verbs() == set(CASES) | set(SHOWS_NOTHING)
