"""One small world with fixed ids and dates: a provider with a record in every state, and its rival.

Every request of the contract tests is made in it, at `NOW` (by the sandbox's clock header), so that an answer
is the same whenever it is asked for, except what the database stamps with the real time.
"""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from applications.models import Application
from declarations.choices import DeclarationState
from declarations.models import Declaration
from finance.choices import LineState
from finance.models import Statement
from finance.queries.calculation import payment_document
from finance.services.authorise import authorise_statement
from finance.services.mark_payable import mark_statement_payable
from npq.core.audit import Actor
from npq.core.choices import TokenScope
from npq.core.models import ApiToken
from participants.choices import TrainingStatus
from participants.models import Enrolment, Participant
from tests.conftest import ApiClient
from tests.factories import (
    AdjustmentFactory,
    ApiTokenFactory,
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    DeclarationFactory,
    DeliveryPartnerFactory,
    DeliveryPartnershipFactory,
    LeadProviderFactory,
    LineItemFactory,
    OutcomeFactory,
    ParticipantFactory,
    ParticipantIdChangeFactory,
    ScheduleFactory,
    ScheduleWindowFactory,
    StatementFactory,
    TrainingStatusChangeFactory,
)

NOW = datetime(2025, 3, 10, 9, 0, tzinfo=UTC)
REGISTERED = datetime(2024, 7, 6, 10, 47, 24, tzinfo=UTC)
ACCEPTED = datetime(2024, 10, 10, 9, 0, tzinfo=UTC)
PAID = datetime(2024, 12, 25, 9, 0, tzinfo=UTC)
DECLARED = datetime(2024, 11, 5, 9, 0, tzinfo=UTC)
COMPLETED = datetime(2025, 2, 20, 14, 0, tzinfo=UTC)
CLOCK = {"X-With-Server-Date": NOW.isoformat().replace("+00:00", "Z")}
# What an application may say beside what the factory says.
EVERY_ANSWER = {
    "employer_name": "Northbeck Council",
    "employment_role": "Adviser",
    "private_childcare_provider_urn": "EY944860",
    "itt_provider": "Northbeck Teacher Training",
    "lead_mentor": False,
    "targeted_delivery_funding_eligibility": True,
    "works_as_senco": "no_but_i_plan_to_become_one",
    "senco_start_date": date(2025, 9, 1),
}


def fixed(kind: str, number: int) -> uuid.UUID:
    """An id that says what it identifies by its first letter: fixed("a", 1)."""
    return uuid.UUID(f"{kind}0000000-0000-4000-8000-{number:012d}")


@dataclass
class World:
    """The clients that may ask, and the ids there are to ask about, by name."""

    owner: ApiClient
    rival: ApiClient
    registration: ApiClient
    stranger: ApiClient
    ids: dict[str, str] = field(default_factory=dict)


def client(**token: Any) -> ApiClient:
    """An API client with a fresh token."""
    secret = ApiToken.new_secret()
    ApiTokenFactory(secret=secret, **token)
    return ApiClient(secret)


def build() -> World:
    """Makes the world; wants a test's database."""
    provider = LeadProviderFactory(code="ambition", name="Ambition Institute")
    rival = LeadProviderFactory(code="ucl", name="UCL Institute of Education")
    world = World(
        owner=client(lead_provider=provider, label="contract"),
        rival=client(lead_provider=rival, label="rival"),
        registration=client(lead_provider=None, scope=TokenScope.REGISTRATION),
        stranger=ApiClient(None),
    )
    _people(world, provider)
    _delivery(world, provider)
    _statements(world, provider)
    _declarations(world, provider)
    _pay(world)
    _settle()
    return world


def _people(world: World, provider: Any) -> None:
    full, capped = CohortFactory(), CohortFactory(capped=True)
    headship, teaching = CourseFactory(), CourseFactory(specialist=True)
    for cohort in (full, capped):
        autumn = ScheduleFactory(cohort=cohort)
        ScheduleWindowFactory(schedule=autumn)
        ScheduleFactory(cohort=cohort, identifier="npq-leadership-spring", starts_on=date(cohort.start_year + 1, 1, 1))
        ContractTermsFactory(lead_provider=provider, cohort=cohort, course=headship, per_participant=Decimal("1237.00"))
    accepted = {"accepted": True, "accepted__accepted_at": ACCEPTED}
    for number, (name, facts) in enumerate(
        {
            "pending": {"cohort": full, **EVERY_ANSWER},
            "finished": {"cohort": capped, **accepted},
            "fresh": {"cohort": capped, **accepted},
            "deferred": {"cohort": full, **accepted, "accepted__training_status": TrainingStatus.DEFERRED},
            "withdrawn": {"cohort": full, **accepted, "accepted__training_status": TrainingStatus.WITHDRAWN},
            "rejected": {"cohort": full, "course": teaching, "rejected": True},
            "transferred": {"cohort": capped, **accepted, "accepted__transferred_at": COMPLETED},
        }.items(),
        start=1,
    ):
        person = ParticipantFactory(
            public_id=fixed("b", number),
            full_name=f"{name.title()} Okafor",
            teacher_reference_number=f"{9_000_000 + number}",
            previous_names=[f"{name.title()} Reed"] if name == "finished" else [],
            created_at=REGISTERED,
        )
        application = ApplicationFactory(
            public_id=fixed("a", number),
            participant=person,
            lead_provider=provider,
            created_at=REGISTERED.replace(minute=number),
            funding_choice="trust",
            **{"course": headship, **facts},
        )
        world.ids[f"{name} application"] = str(application.public_id)
        world.ids[f"{name} participant"] = str(person.public_id)
    for status, reason in (("deferred", "parental-leave"), ("withdrawn", "personal-reason-moving-school")):
        enrolment = Enrolment.objects.get(application__public_id=world.ids[f"{status} application"])
        TrainingStatusChangeFactory(enrolment=enrolment, status=status, reason=reason, changed_at=DECLARED)
    finished = Participant.objects.get(public_id=world.ids["finished participant"])
    retired = ParticipantFactory(merged_into=finished, public_id=fixed("b", 99), created_at=REGISTERED)
    ParticipantIdChangeFactory(
        participant=finished, from_participant_id=retired.public_id, created_at=DECLARED, updated_at=DECLARED
    )
    world.ids["retired participant"] = str(retired.public_id)


def _delivery(world: World, provider: Any) -> None:
    for number, name in enumerate(("Northbeck Teaching Hub", "Southmoor Teaching Hub"), start=1):
        partner = DeliveryPartnerFactory(
            public_id=fixed("d", number), name=name, created_at=REGISTERED, updated_at=REGISTERED
        )
        DeliveryPartnershipFactory(
            delivery_partner=partner, lead_provider=provider, cohort=CohortFactory(capped=True), created_at=REGISTERED
        )
        world.ids[f"partner {number}"] = str(partner.public_id)


def _statements(world: World, provider: Any) -> None:
    for number, (name, facts) in enumerate(
        {
            "closed statement": {"year": 2024, "month": 12},
            "open statement": {"year": 2025, "month": 4, "deadline_date": date(2025, 3, 25)},
            "fee statement": {"year": 2025, "month": 5, "deadline_date": date(2025, 4, 25), "output_fee": False},
        }.items(),
        start=1,
    ):
        statement = StatementFactory(
            public_id=fixed("e", number),
            lead_provider=provider,
            cohort=CohortFactory(capped=True),
            created_at=REGISTERED,
            updated_at=REGISTERED,
            **facts,
        )
        if name != "fee statement":
            AdjustmentFactory(statement=statement, created_at=REGISTERED, updated_at=REGISTERED)
        world.ids[name] = str(statement.public_id)


def _declarations(world: World, provider: Any) -> None:
    enrolment = Enrolment.objects.get(application__public_id=world.ids["finished application"])
    partner = DeliveryPartnerFactory._meta.model.objects.get(public_id=world.ids["partner 1"])
    stamps = {"lead_provider": provider, "delivery_partner": partner}
    started = DeclarationFactory(
        public_id=fixed("c", 1),
        enrolment=enrolment,
        declaration_date=DECLARED,
        state=DeclarationState.ELIGIBLE,
        created_at=DECLARED,
        updated_at=DECLARED,
        **stamps,
    )
    completed = DeclarationFactory(
        public_id=fixed("c", 2),
        enrolment=enrolment,
        completed=True,
        declaration_date=COMPLETED,
        state=DeclarationState.ELIGIBLE,
        created_at=COMPLETED,
        updated_at=COMPLETED,
        **stamps,
    )
    OutcomeFactory(
        public_id=fixed("f", 1),
        declaration=completed,
        completion_date=COMPLETED.date(),
        created_at=COMPLETED,
        updated_at=COMPLETED,
    )
    for declaration, name in ((started, "closed statement"), (completed, "open statement")):
        statement = StatementFactory._meta.model.objects.get(public_id=world.ids[name])
        LineItemFactory(declaration=declaration, statement=statement, state=LineState.ELIGIBLE, created_at=DECLARED)
    voided = DeclarationFactory(
        public_id=fixed("c", 3),
        enrolment=enrolment,
        declaration_type="retained-1",
        declaration_date=COMPLETED,
        voided=True,
        created_at=COMPLETED,
        updated_at=COMPLETED,
        **stamps,
    )
    foreign = DeclarationFactory(
        public_id=fixed("c", 4),
        enrolment=Enrolment.objects.get(application__public_id=world.ids["transferred application"]),
        lead_provider=LeadProviderFactory(code="ucl"),
        declaration_date=DECLARED,
        created_at=DECLARED,
        updated_at=DECLARED,
    )
    for name, declaration in (("started", started), ("completed", completed), ("voided", voided), ("foreign", foreign)):
        world.ids[f"{name} declaration"] = str(declaration.public_id)


def _pay(world: World) -> None:
    """Pays the closed statement, as the nightly run and staff do."""
    statement = Statement.objects.get(public_id=world.ids["closed statement"])
    by = Actor.system("contract")
    mark_statement_payable(statement_id=statement.id, as_of=PAID.date(), by=by, now=PAID)
    total = Decimal(payment_document(statement)["total"])
    authorise_statement(statement_id=statement.id, expect_total=total, by=by, now=PAID)


def _settle() -> None:
    """Gives back their dates to the rows that were written to after they were made."""
    for model, stamp in {
        Application: ACCEPTED,
        Participant: ACCEPTED,
        Enrolment: ACCEPTED,
        Statement: PAID,
        Declaration: PAID,
    }.items():
        model.objects.update(updated_at=stamp)  # type: ignore[attr-defined]
