"""Changing the cohort (domain.md §3.5; decisions.md §1.17)."""

from typing import Any

import pytest

from applications.errors import DeclarationsStand, ProviderWithoutContract, ScheduleToBeNamed
from applications.models import Application
from applications.services import change_cohort
from npq.core.audit import Actor
from npq.core.errors import ReasonMissing, RefusedTogether
from npq.core.models import Cohort, LeadProvider, Message
from participants.errors import CohortFunded, CohortWithoutCap
from participants.models import Enrolment
from participants.services import StaffTraining, withdraw_participant
from tests.applications.services.casework import STAFF, changing_nothing, claim, newest_action, refused
from tests.declarations.conftest import NOW
from tests.factories import ApplicationFactory, CohortFactory, ContractTermsFactory, ScheduleFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]

FULL, CAPPED, UNFUNDED = ({"funding": "full"}, {"funding": "capped"}, {"funding": "unfunded"})


def change(application: Application, cohort: Cohort, **more: Any) -> Any:
    return change_cohort(application_id=application.id, cohort=cohort, by=STAFF, now=NOW, **more)


def made_ready(provider: LeadProvider, cohort: Cohort, application: Application) -> Cohort:
    """A cohort with a schedule for the application's course, and a contract of the provider."""
    ScheduleFactory(cohort=cohort, course_group=application.course.group)
    ContractTermsFactory(lead_provider=provider, cohort=cohort, course=application.course)
    return cohort


@pytest.fixture
def earlier(enrolment: Enrolment) -> Cohort:
    """2022, fully funded like 2023."""
    return made_ready(enrolment.lead_provider, CohortFactory(start_year=2022), enrolment.application)


def test_application_and_enrolment_move_and_take_the_schedule_of_the_same_name(
    enrolment: Enrolment, earlier: Cohort
) -> None:
    before = enrolment.participant.updated_at

    assert change(enrolment.application, earlier).changed

    enrolment.refresh_from_db()
    enrolment.application.refresh_from_db()
    assert (enrolment.cohort, enrolment.application.cohort) == (earlier, earlier)
    assert (enrolment.schedule.cohort, enrolment.schedule.identifier) == (earlier, "npq-leadership-autumn")
    enrolment.participant.refresh_from_db()
    assert enrolment.participant.updated_at > before
    assert newest_action() == ("change_cohort", "Sam Reyes", "NPQ-101: asked for by the provider")
    assert not Message.objects.exists()


def test_or_the_schedule_that_is_named(enrolment: Enrolment, earlier: Cohort) -> None:
    spring = ScheduleFactory(cohort=earlier, identifier="npq-leadership-spring")

    change(enrolment.application, earlier, schedule_identifier=spring.identifier)

    enrolment.refresh_from_db()
    assert enrolment.schedule == spring


def test_where_no_schedule_has_the_name_one_must_be_named(enrolment: Enrolment, earlier: Cohort) -> None:
    earlier.schedule_set.update(identifier="npq-leadership-spring")

    with refused(
        ScheduleToBeNamed,
        saying="npq-leadership-autumn is no schedule of cohort 2022a for npq-headship. Name the schedule: one of "
        "npq-leadership-spring.",
    ):
        change(enrolment.application, earlier)


@pytest.mark.parametrize(
    ("here", "there", "eligible", "before", "after"),
    [
        (FULL, FULL, True, None, None),
        (FULL, CAPPED, True, None, True),
        (FULL, CAPPED, False, None, False),
        (FULL, UNFUNDED, True, None, False),
        (CAPPED, CAPPED, True, True, True),
        (CAPPED, CAPPED, True, False, False),
        (CAPPED, UNFUNDED, True, True, False),
        (UNFUNDED, UNFUNDED, True, False, False),
    ],
)
def test_the_funded_place_follows_the_funding(
    provider: LeadProvider,
    here: dict[str, str],
    there: dict[str, str],
    eligible: bool,
    before: bool | None,
    after: bool | None,
) -> None:
    application = ApplicationFactory(
        lead_provider=provider,
        cohort=CohortFactory(start_year=2030, **here),
        eligible_for_funding=eligible,
        funded_place=before,
        accepted=True,
    )
    assert application.funded_place is before
    target = made_ready(provider, CohortFactory(start_year=2031, **there), application)

    change(application, target)

    application.refresh_from_db()
    assert application.funded_place is after


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize(
    ("here", "there", "kind"),
    [(CAPPED, FULL, CohortWithoutCap), (UNFUNDED, CAPPED, CohortFunded), (UNFUNDED, FULL, CohortFunded)],
)
def test_what_the_funding_forbids_is_refused(
    provider: LeadProvider, here: dict[str, str], there: dict[str, str], kind: Any, accepted: bool
) -> None:
    application = ApplicationFactory(
        lead_provider=provider, cohort=CohortFactory(start_year=2030, **here), accepted=accepted
    )
    target = made_ready(provider, CohortFactory(start_year=2031, **there), application)

    with refused(kind, saying="cohort 2031a"):
        change(application, target)


@pytest.mark.parametrize(("there", "after"), [(FULL, None), (CAPPED, None), (UNFUNDED, False)])
def test_a_pending_application_moves_without_schedule_and_contract_and_its_place_is_decided_later(
    there: dict[str, str], after: bool | None
) -> None:
    application = ApplicationFactory()
    target = CohortFactory(start_year=2031, **there)

    assert change(application, target).changed

    application.refresh_from_db()
    assert (application.cohort, application.funded_place) == (target, after)


def test_declarations_that_stand_are_named(enrolment: Enrolment, earlier: Cohort) -> None:
    declaration = claim(enrolment)

    with refused(DeclarationsStand, saying=str(declaration.public_id)):
        change(enrolment.application, earlier)


def test_without_a_contract_it_is_refused(enrolment: Enrolment) -> None:
    cohort = ScheduleFactory(cohort=CohortFactory(start_year=2022)).cohort

    with refused(ProviderWithoutContract, saying="no contract for npq-headship in cohort 2022a"):
        change(enrolment.application, cohort)


def test_several_reasons_are_given_together(enrolment: Enrolment) -> None:
    claim(enrolment)
    cohort = CohortFactory(start_year=2022)

    with changing_nothing(), pytest.raises(RefusedTogether) as refusal:
        change(enrolment.application, cohort)

    codes = [problem.code for problem in refusal.value.problems]
    assert codes == ["declarations_stand", "provider_without_contract", "schedule_to_be_named"]


def test_a_withdrawn_enrolment_moves_too(enrolment: Enrolment, earlier: Cohort) -> None:
    withdraw_participant(training=StaffTraining(enrolment.id), reason="other", by=STAFF, now=NOW)

    assert change(enrolment.application, earlier).changed


def test_the_cohort_it_has_changes_nothing(enrolment: Enrolment) -> None:
    with changing_nothing():
        assert not change(enrolment.application, enrolment.cohort).changed


def test_it_needs_a_reason(enrolment: Enrolment, earlier: Cohort) -> None:
    with refused(ReasonMissing):
        change_cohort(application_id=enrolment.application_id, cohort=earlier, by=Actor.command("Sam"), now=NOW)


def test_when_the_last_write_fails_nothing_is_kept(
    enrolment: Enrolment, earlier: Cohort, last_write_fails: None
) -> None:
    with changing_nothing(), pytest.raises(RuntimeError):
        change(enrolment.application, earlier)
