"""Whatever a correction does, what must always be true stays true."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from finance.models import ContractTerms
from npq.core.models import LeadProvider
from npq.management.commands.check_invariants import every_invariant
from participants.models import Enrolment
from participants.services import StaffTraining, withdraw_participant
from tests.applications.services.casework import STAFF
from tests.declarations.conftest import NOW, trainee
from tests.factories import ContractTermsFactory


@pytest.fixture
def invariants_hold(db: None) -> Iterator[None]:
    """After the test no invariant is broken."""
    yield
    broken = [(each.code, breach) for each in every_invariant() for breach in each.breaches()]
    assert broken == []


@pytest.fixture
def enrolment(provider: LeadProvider) -> Enrolment:
    """Accepted by `provider` for cohort 2023, which pays for it; declared for until the end of 2024."""
    return trainee(provider)


@pytest.fixture
def contract(enrolment: Enrolment, rival_provider: LeadProvider) -> ContractTerms:
    """The rival may be paid for the enrolment's course and cohort."""
    return ContractTermsFactory(lead_provider=rival_provider, cohort=enrolment.cohort, course=enrolment.course)


@pytest.fixture
def later(enrolment: Enrolment, rival_provider: LeadProvider) -> Enrolment:
    """Since they withdrew, the person has been accepted by the rival; the first place counts as funding them before."""
    withdraw_participant(training=StaffTraining(enrolment.id), reason="other", by=STAFF, now=NOW)
    return trainee(rival_provider, participant=enrolment.participant, accepted__accepted_at=NOW - timedelta(days=30))


@pytest.fixture
def last_write_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a correction writes last cannot be written."""

    def fail(*_: object) -> None:
        raise RuntimeError("the last write failed")

    monkeypatch.setattr("participants.models.ParticipantQuerySet.touch_all", fail)
