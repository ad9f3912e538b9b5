"""Undoing a rejection (domain.md §3.4)."""

import pytest

from applications.choices import ReasonForRejection
from applications.errors import NoRejectionToUndo
from applications.models import Application
from applications.services import accept_application, reject_application, undo_rejection
from npq.core.audit import Actor
from npq.core.errors import ReasonMissing
from npq.core.models import Message
from tests.applications.services.casework import STAFF, changing_nothing, newest_action, refused
from tests.declarations.conftest import NOW
from tests.factories import ApplicationFactory, ScheduleWindowFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]


@pytest.fixture
def rejected() -> Application:
    return ApplicationFactory(rejected=True)


@pytest.mark.parametrize("reason", ReasonForRejection.values)
def test_the_application_is_pending_again_whatever_it_was_rejected_for(reason: str) -> None:
    rejected = ApplicationFactory(rejected=True, reason_for_rejection=reason)
    before = rejected.participant.updated_at

    assert undo_rejection(application_id=rejected.id, by=STAFF).changed

    rejected.refresh_from_db()
    assert (rejected.status, rejected.reason_for_rejection, rejected.decided_at) == ("pending", None, None)
    rejected.participant.refresh_from_db()
    assert rejected.participant.updated_at > before
    assert not Message.objects.exists()
    assert newest_action() == ("undo_rejection", "Sam Reyes", "NPQ-101: asked for by the provider")


def test_it_can_be_accepted_afterwards(rejected: Application) -> None:
    ScheduleWindowFactory()
    undo_rejection(application_id=rejected.id, by=STAFF)

    accept_application(application_id=rejected.id, held_by=None, by=STAFF, now=NOW)

    rejected.refresh_from_db()
    assert rejected.status == "accepted"


def test_one_that_was_reopened_before_is_left_as_it_is(rejected: Application) -> None:
    undo_rejection(application_id=rejected.id, by=STAFF)

    with changing_nothing():
        assert not undo_rejection(application_id=rejected.id, by=STAFF).changed


def test_one_that_was_never_rejected_is_refused() -> None:
    pending = ApplicationFactory()

    with refused(NoRejectionToUndo, saying="The application is pending"):
        undo_rejection(application_id=pending.id, by=STAFF)


def test_an_accepted_one_is_refused_even_if_it_was_rejected_once(rejected: Application) -> None:
    ScheduleWindowFactory()
    undo_rejection(application_id=rejected.id, by=STAFF)
    accept_application(application_id=rejected.id, held_by=None, by=STAFF, now=NOW)

    with refused(NoRejectionToUndo, saying="no rejection to undo"):
        undo_rejection(application_id=rejected.id, by=STAFF)


def test_one_that_is_rejected_again_can_be_reopened_again(rejected: Application) -> None:
    undo_rejection(application_id=rejected.id, by=STAFF)
    reject_application(application_id=rejected.id, held_by=None, by=STAFF, now=NOW)

    assert undo_rejection(application_id=rejected.id, by=STAFF).changed


def test_it_needs_a_reason(rejected: Application) -> None:
    with refused(ReasonMissing):
        undo_rejection(application_id=rejected.id, by=Actor.command("Sam Reyes"))


def test_when_the_last_write_fails_nothing_is_kept(rejected: Application, last_write_fails: None) -> None:
    with changing_nothing(), pytest.raises(RuntimeError):
        undo_rejection(application_id=rejected.id, by=STAFF)
