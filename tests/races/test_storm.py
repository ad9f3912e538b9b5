"""Everything at once about one person: no deadlock, no server error, and all that must hold still holds.

`NPQ_RACE_RUNS=200 python -m pytest tests/races/test_storm.py` runs it as often as it takes to be sure.
"""

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from declarations.models import Declaration
from finance.models import Statement
from npq.core.models import LeadProvider
from tests.conftest import ApiClient
from tests.declarations.conftest import authorise, close, declared, next_statement, trainee
from tests.factories import LeadProviderFactory, ParticipantFactory, ScheduleFactory, TrainingStatusChangeFactory
from tests.races.racing import race
from tests.races.test_declarations import acting, broken, declaring, submitting, voiding

pytestmark = pytest.mark.django_db(transaction=True)

RUNS = int(os.environ.get("NPQ_RACE_RUNS", "4"))
REFUSED_FOR_GOOD_REASON = {"TotalHasChanged", "StatementNotPayable"}


def racers_about_one_person(api: ApiClient, provider: LeadProvider) -> list[Callable[[], Any]]:
    """Two records of one person, a start that is payable, a completion with a pass: and all that can befall them."""
    enrolment = trainee(provider)
    trn = enrolment.participant.teacher_reference_number
    person = ParticipantFactory(teacher_reference_number=trn)
    twin = trainee(provider, participant=person, accepted__training_status="withdrawn")
    withdrawn_at = datetime(2024, 11, 10, tzinfo=UTC)
    TrainingStatusChangeFactory(enrolment=twin, status="withdrawn", reason="other", changed_at=withdrawn_at)
    ScheduleFactory(cohort=enrolment.cohort, identifier="npq-leadership-spring", starts_on="2024-11-15")
    started = declared(api, enrolment)["id"]
    first = Statement.objects.get(lead_provider=provider)
    close(first)
    second = next_statement(enrolment)
    next_statement(enrolment, month=3)
    declared(api, enrolment, "completed")
    return [
        declaring(api, enrolment, "retained-1"),
        declaring(api, enrolment, "retained-1"),
        declaring(api, enrolment, "retained-1", declaration_date="2024-11-02T09:30:00Z"),
        declaring(api, twin, "retained-1"),
        acting(api, enrolment, "withdraw", reason="other"),
        acting(api, enrolment, "change-schedule", schedule_identifier="npq-leadership-spring"),
        voiding(api, started),
        voiding(api, started),
        submitting(api, enrolment, "failed"),
        submitting(api, enrolment, "failed"),
        lambda: close(second),
        lambda: authorise(first),
    ]


@pytest.mark.parametrize("run", range(RUNS))
def test_nothing_deadlocks_and_everything_holds(run: int, client_of: Callable[[LeadProvider], ApiClient]) -> None:
    provider = LeadProviderFactory(code=f"provider-of-run-{run}")
    racers = racers_about_one_person(client_of(provider), provider)
    random.Random(run).shuffle(racers)

    ends = race(*racers)

    assert {end.kind for end in ends} <= {"done"} | REFUSED_FOR_GOOD_REASON, [end.error for end in ends]
    assert {end.value[0] for end in ends if end.value} <= {200, 422}
    assert broken() == set()
    assert Declaration.objects.live().filter(declaration_type="retained-1").count() == 1
