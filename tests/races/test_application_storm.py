"""Everything that can befall one person's applications, at once: no deadlock, no server error, one acceptance.

`NPQ_RACE_RUNS=100 python -m pytest tests/races/test_application_storm.py` runs it as often as it takes to be sure.
"""

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from applications.models import Application
from npq.core.choices import MessageKind, TokenScope
from npq.core.models import ApiToken, LeadProvider, Message
from npq.management.commands.check_invariants import every_invariant
from participants.models import Enrolment, Participant
from tests.applications.api.test_intake import Intake
from tests.applications.submissions import smallest
from tests.conftest import ApiClient
from tests.factories import (
    ApiTokenFactory,
    ApplicationFactory,
    CohortFactory,
    ParticipantFactory,
    ScheduleFactory,
    ScheduleWindowFactory,
)
from tests.races.racing import race

pytestmark = pytest.mark.django_db(transaction=True)

RUNS = int(os.environ.get("NPQ_RACE_RUNS", "3"))
TRN = "9000001"


def racers(api: ApiClient, rival_api: ApiClient, intake: Intake) -> Iterator[Callable[[], Any]]:
    """Three records of one person, pending applications with two providers, and what everybody does to them."""
    mine, rivals = LeadProvider.objects.order_by("id")[:2]
    cohort = CohortFactory(capped=True)
    ScheduleWindowFactory(schedule=ScheduleFactory(cohort=cohort))
    for person in [ParticipantFactory(teacher_reference_number=TRN) for _ in range(3)]:
        for client, provider in ((api, mine), (rival_api, rivals)):
            application = ApplicationFactory(participant=person, lead_provider=provider, cohort=cohort)
            path = f"/npq-applications/{application.public_id}"
            yield lambda client=client, path=path: client.post("v3", f"{path}/accept", {"funded_place": True})
            yield lambda client=client, path=path: client.post("v1", f"{path}/reject")
            yield lambda client=client, path=path: client.put(
                "v2", f"{path}/change-funded-place", {"funded_place": False}
            )
        verified = {"teacher_reference_number": TRN, "teacher_reference_number_validated": True}
        sent = smallest(participant_id=str(person.public_id), cohort=cohort.start_year, **verified)
        yield lambda sent=sent: intake.deliver(sent)
        yield lambda sent=sent: intake.deliver(sent)


@pytest.mark.parametrize("run", range(RUNS))
def test_a_storm_of_decisions_and_deliveries(run: int, api: ApiClient, rival_api: ApiClient) -> None:
    secret = ApiToken.new_secret()
    ApiTokenFactory(lead_provider=None, scope=TokenScope.REGISTRATION, secret=secret)
    chance = random.Random(run)
    storm = list(racers(api, rival_api, Intake(secret)))
    chance.shuffle(storm)

    ends = race(*storm)

    assert [end.error for end in ends if end.error] == []
    assert {end.value.status_code for end in ends} <= {200, 201, 422}
    assert [(rule.code, list(rule.breaches())) for rule in every_invariant() if list(rule.breaches())] == []
    assert Participant.objects.count() == 3
    assert Application.objects.count() == 9
    # None at all, where every application was rejected before anybody could accept it.
    told = Message.objects.filter(kind=MessageKind.APPLICATION_ACCEPTED).count()
    assert Enrolment.objects.count() == told <= 1
