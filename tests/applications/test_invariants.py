"""What must hold for applications is found when it does not (decisions.md §2; domain.md §6.2)."""

import pytest

from applications.models import Application
from applications.queries import INVARIANTS
from applications.services import accept_application, receive_application, reject_application
from npq.core.audit import Actor
from tests.applications.submissions import smallest
from tests.conftest import NOW
from tests.factories import (
    ApplicationFactory,
    CohortFactory,
    CourseFactory,
    LeadProviderFactory,
    ScheduleFactory,
    ScheduleWindowFactory,
)

pytestmark = pytest.mark.django_db


def broken() -> dict[str, list[str]]:
    """The public ids that breach each invariant that is breached."""
    found = {invariant.code: [breach.identifier for breach in invariant.breaches()] for invariant in INVARIANTS}
    return {code: identifiers for code, identifiers in found.items() if identifiers}


@pytest.mark.parametrize("cohort", [{}, {"capped": True}, {"unfunded": True}])
def test_what_services_leave_behind_is_no_breach(cohort: dict[str, bool], actor: Actor) -> None:
    held = CohortFactory(**cohort)
    ScheduleWindowFactory(schedule=ScheduleFactory(cohort=held))
    CourseFactory()
    LeadProviderFactory(code="ambition")
    for decide in (accept_application, reject_application, None):
        receive_application(content=smallest(cohort=held.start_year), by=actor, now=NOW)
        application = Application.objects.latest("id")
        if decide is accept_application:
            accept_application(
                application_id=application.id, held_by=None, by=actor, now=NOW, funded_place=bool(cohort.get("capped"))
            )
        elif decide is reject_application:
            reject_application(application_id=application.id, held_by=None, by=actor, now=NOW)

    assert set(Application.objects.values_list("status", flat=True)) == {"accepted", "rejected", "pending"}
    assert broken() == {}


@pytest.mark.parametrize(
    ("cohort", "facts", "funded_place"),
    [
        ({}, {"accepted": True}, True),
        ({}, {"accepted": True}, False),
        ({}, {}, False),
        ({}, {"rejected": True}, True),
        ({"capped": True}, {"accepted": True}, None),
        ({"capped": True}, {}, True),
        ({"capped": True}, {"rejected": True}, False),
        ({"unfunded": True}, {"accepted": True}, True),
        ({"unfunded": True}, {"accepted": True}, None),
        ({"unfunded": True}, {}, True),
    ],
)
def test_a_funded_place_that_does_not_fit_its_cohort(
    cohort: dict[str, bool], facts: dict[str, bool], funded_place: bool | None
) -> None:
    application = ApplicationFactory(cohort=CohortFactory(**cohort), **facts)
    Application.objects.update(funded_place=funded_place)

    assert broken() == {"funded_place_fits_cohort": [str(application.public_id)]}


def test_a_funded_place_without_eligibility() -> None:
    application = ApplicationFactory(cohort=CohortFactory(capped=True), accepted=True, funded_place=True)
    Application.objects.update(eligible_for_funding=False)

    assert broken() == {"funded_place_needs_eligibility": [str(application.public_id)]}

    Application.objects.update(funding_eligibility_status_code="marked_funded_by_policy")

    assert broken() == {}


def test_what_was_sent_about_another_application() -> None:
    application = ApplicationFactory(submission=smallest())

    assert broken() == {"delivery_is_of_its_application": [str(application.public_id)]}
