"""A training that may be declared for: an accepted headteacher, contract terms and a statement that is open."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from finance.models import Statement
from finance.queries.calculation import figures_of
from finance.services.authorise import authorise_statement
from finance.services.mark_payable import mark_statement_payable
from npq.core.audit import Actor
from npq.core.models import LeadProvider
from participants.models import Enrolment
from tests.conftest import ApiClient
from tests.factories import ApplicationFactory, ContractTermsFactory, StatementFactory

# The rules' time in these tests, and the dates that lie around it. The schedule begins on 1 October 2023.
NOW = datetime(2024, 11, 20, 12, 0, tzinfo=UTC)
CLOCK = {"X-With-Server-Date": "2024-11-20T12:00:00Z"}
DECLARED = "2024-11-01T09:30:00Z"
FIRST_DAY = date(2023, 10, 1)

every_version = pytest.mark.parametrize("version", ["v1", "v2", "v3"])


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def enrolment(provider: LeadProvider) -> Enrolment:
    """Accepted by `provider` for cohort 2023, on the leadership autumn schedule, funded."""
    return trainee(provider)


def trainee(provider: LeadProvider, **facts: Any) -> Enrolment:
    """Somebody accepted by a provider, who has terms and an open statement for them (deadline 25 December 2024)."""
    application = ApplicationFactory(lead_provider=provider, accepted=True, **facts)
    pays_for(application.enrolment)
    return application.enrolment


def pays_for(enrolment: Enrolment) -> None:
    """Gives an enrolment's provider contract terms for it, and an open statement, unless it has them."""
    kept = {"lead_provider": enrolment.lead_provider, "cohort": enrolment.cohort}
    if not ContractTermsFactory._meta.model.objects.filter(course=enrolment.course, **kept).exists():
        ContractTermsFactory(course=enrolment.course, **kept)
    if not StatementFactory._meta.model.objects.filter(**kept).exists():
        StatementFactory(**kept)


def attributes(enrolment: Enrolment, declaration_type: str = "started", **more: Any) -> dict[str, Any]:
    """What a provider sends to declare for an enrolment; a completed one says that the participant passed."""
    found = {
        "participant_id": str(enrolment.participant.public_id),
        "declaration_type": declaration_type,
        "declaration_date": DECLARED,
        "course_identifier": enrolment.course.identifier,
    }
    if declaration_type == "completed":
        found["has_passed"] = True
    return {**found, **more}


def declare(api: ApiClient, version: str, enrolment: Enrolment, declaration_type: str = "started", **more: Any) -> Any:
    """POSTs a declaration for an enrolment at NOW; `more` changes attributes."""
    body = attributes(enrolment, declaration_type, **more)
    return api.post(version, "/participant-declarations", body, headers=CLOCK)


def declared(api: ApiClient, enrolment: Enrolment, declaration_type: str = "started", **more: Any) -> Any:
    """The data of a declaration that was accepted (v3)."""
    response = declare(api, "v3", enrolment, declaration_type, **more)
    assert response.status_code == 200, response.content
    return response.json()["data"]


def close(statement: Statement) -> None:
    """Makes a statement payable the day after its deadline."""
    as_of = statement.deadline_date + timedelta(days=1)
    mark_statement_payable(statement_id=statement.id, as_of=as_of, by=Actor.system(), now=NOW)


def pay(statement: Statement) -> None:
    """Makes a statement payable and authorises it."""
    close(statement)
    authorise(statement)


def authorise(statement: Statement) -> None:
    """Pays a payable statement for what it comes to when it is looked at."""
    statement.refresh_from_db()
    total = figures_of(statement).shown_total
    authorise_statement(statement_id=statement.id, expect_total=total, by=Actor.system(), now=NOW)


def next_statement(enrolment: Enrolment, month: int = 2) -> Statement:
    """A statement after the first of `trainee`: in February 2025 its deadline is 26 January."""
    return StatementFactory(lead_provider=enrolment.lead_provider, cohort=enrolment.cohort, month=month)
