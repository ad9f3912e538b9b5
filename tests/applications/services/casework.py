"""What tests of staff's corrections have in common: a caseworker, a claim, and a look at everything."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import models

from applications.models import Application, PlannedTransfer
from declarations.models import Declaration, Outcome
from declarations.queries.claims import Claim
from declarations.services import submit_declaration
from finance.models import LineItem
from npq.core.audit import Actor
from npq.core.errors import Refused
from npq.core.models import Change, Message
from participants.models import Enrolment, Note, Participant, ParticipantIdChange, TrainingStatusChange
from tests.declarations.conftest import NOW

STAFF = Actor.staff("Sam Reyes", identifier="7", reason="NPQ-101: asked for by the provider")
DECLARED = datetime(2024, 11, 1, 9, 30, tzinfo=UTC)

WATCHED: tuple[type[models.Model], ...] = (
    Application,
    PlannedTransfer,
    Participant,
    ParticipantIdChange,
    Enrolment,
    TrainingStatusChange,
    Note,
    Declaration,
    Outcome,
    LineItem,
    Message,
    Change,
)


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that a correction could write to."""
    return {model._meta.label: list(model._default_manager.order_by("id").values()) for model in WATCHED}


@contextmanager
def changing_nothing() -> Iterator[None]:
    """The block must leave every row as it was."""
    before = everything()
    yield
    assert everything() == before


@contextmanager
def refused(kind: type[Refused], *, saying: str = "") -> Iterator[None]:
    """The block must be refused, with these words in the sentence, and change nothing."""
    with changing_nothing(), pytest.raises(kind) as refusal:
        yield
    assert saying in refusal.value.sentence


def claim(enrolment: Enrolment, declaration_type: str = "started", *, on: datetime = DECLARED) -> Declaration:
    """What the enrolment's provider declares for it at NOW."""
    enrolment.refresh_from_db()
    given = Claim(
        participant_id=enrolment.participant.public_id,
        course_identifier=enrolment.course.identifier,
        declaration_type=declaration_type,
        declaration_date=on,
        has_passed=True if declaration_type == "completed" else None,
    )
    made = submit_declaration(
        lead_provider_id=enrolment.lead_provider_id, claim=given, by=Actor.system("a provider"), now=NOW
    )
    return Declaration.objects.get(id=made)


def newest_action() -> tuple[str, str, str]:
    """Action, actor and reason of the newest change."""
    change = Change.objects.latest("id")
    return change.action, change.actor_name, change.reason
