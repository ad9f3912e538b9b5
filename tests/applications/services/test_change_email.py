"""The e-mail address of an application and whether it is validated."""

from typing import Any

import pytest

from applications.errors import EmailMalformed, FieldTooLong
from applications.models import Application
from applications.services import change_email, reject_application
from npq.core.audit import Actor
from npq.core.errors import ReasonMissing
from npq.core.models import Message
from tests.applications.services.casework import STAFF, changing_nothing, newest_action, refused
from tests.declarations.conftest import NOW
from tests.factories import ApplicationFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("invariants_hold")]


@pytest.fixture
def application() -> Application:
    return ApplicationFactory(email="priya@old.example.org", email_validated=True)


def change(application: Application, **facts: Any) -> Any:
    return change_email(application_id=application.id, by=STAFF, **facts)


@pytest.mark.parametrize(
    ("facts", "after"),
    [
        ({"email": " priya@new.example.org "}, ("priya@new.example.org", False)),
        ({"email": "priya@new.example.org", "validated": True}, ("priya@new.example.org", True)),
        ({"validated": False}, ("priya@old.example.org", False)),
    ],
)
def test_the_address_or_its_validation_changes(
    application: Application, facts: dict[str, Any], after: tuple[str, bool]
) -> None:
    shown_before = application.participant.updated_at

    assert change(application, **facts).changed

    application.refresh_from_db()
    assert (application.email, application.email_validated) == after
    application.participant.refresh_from_db()
    assert application.participant.updated_at > shown_before, "participants show the address"
    assert newest_action() == ("change_email", "Sam Reyes", "NPQ-101: asked for by the provider")


@pytest.mark.parametrize("facts", [{}, {"email": "priya@old.example.org"}, {"validated": True}])
def test_what_it_is_already_changes_nothing(application: Application, facts: dict[str, Any]) -> None:
    with changing_nothing():
        assert not change(application, **facts).changed


def test_messages_go_to_the_new_address(application: Application) -> None:
    change(application, email="priya@new.example.org")

    reject_application(application_id=application.id, held_by=None, by=STAFF, now=NOW)

    assert Message.objects.get().to == "priya@new.example.org"


@pytest.mark.parametrize("email", ["", "priya", "priya@", "@example.org", "a b@example.org", "a@example.org, b@c.org"])
def test_what_is_no_address_is_refused(application: Application, email: str) -> None:
    with refused(EmailMalformed, saying="must be one email address"):
        change(application, email=email)


def test_an_address_is_as_long_as_the_registration_service_may_send(application: Application) -> None:
    with refused(FieldTooLong, saying="Send at most 255"):
        change(application, email=f"{'a' * 244}@example.org")

    change(application, email=f"{'a' * 243}@example.org")


def test_it_needs_a_reason(application: Application) -> None:
    with refused(ReasonMissing):
        change_email(application_id=application.id, email="priya@new.example.org", by=Actor.command("Sam"))
