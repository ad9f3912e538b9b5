"""The training that the tests of participants act on."""

from typing import Any

import pytest

from declarations.choices import DeclarationState
from npq.core.models import LeadProvider
from participants.models import Enrolment
from tests.conftest import ApiClient
from tests.factories import DeclarationFactory, EnrolmentFactory


@pytest.fixture
def enrolment(provider: LeadProvider) -> Enrolment:
    """Somebody the provider trains for a headship."""
    return EnrolmentFactory(application__lead_provider=provider)


@pytest.fixture
def started(enrolment: Enrolment) -> Enrolment:
    """The same, with a started declaration."""
    DeclarationFactory(enrolment=enrolment, state=DeclarationState.ELIGIBLE)
    return enrolment


class Actions:
    """Sends the actions on one person: `act(version, "withdraw", reason="other")`."""

    def __init__(self, api: ApiClient, enrolment: Enrolment) -> None:
        self._api = api
        self._enrolment = enrolment

    def __call__(self, version: str, action: str, **attributes: Any) -> Any:
        given = {"course_identifier": self._enrolment.course.identifier, **attributes}
        return self._api.put(version, f"/participants/npq/{self._enrolment.participant.public_id}/{action}", given)


@pytest.fixture
def act(api: ApiClient, enrolment: Enrolment) -> Actions:
    return Actions(api, enrolment)
