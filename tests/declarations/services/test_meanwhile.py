"""What changed between the look-up and the lock, and what the database says when no lock was taken."""

from typing import Any

import pytest

from declarations.errors import ParticipantIdReplaced, SlotHeld
from declarations.models import Declaration
from declarations.services import record_outcome, submit
from declarations.services.submit import submit_declaration
from npq.core.audit import Actor
from participants.errors import ParticipantIdChanged
from participants.models import Enrolment
from tests.declarations.conftest import NOW
from tests.declarations.services import claims
from tests.declarations.services.claims import claim_for
from tests.factories import DeclarationFactory, ParticipantFactory, ParticipantIdChangeFactory

pytestmark = pytest.mark.django_db


def merge_away(enrolment: Enrolment) -> None:
    """Another record of the person takes over, and the enrolment with it."""
    survivor = ParticipantFactory()
    retired = enrolment.participant
    Enrolment.objects.update(participant=survivor)
    enrolment.application.participant = survivor
    enrolment.application.save()
    retired.merged_into = survivor
    retired.save()
    ParticipantIdChangeFactory(participant=survivor, from_participant_id=retired.public_id)


def test_a_participant_merged_before_the_lock_is_refused(enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch) -> None:
    claim, provider_id = claim_for(enrolment), enrolment.lead_provider_id
    find = submit.find_claimant

    def find_then_merge(*args: Any, **kwargs: Any) -> Any:
        found = find(*args, **kwargs)
        merge_away(enrolment)
        return found

    monkeypatch.setattr(submit, "find_claimant", find_then_merge)

    with pytest.raises(ParticipantIdReplaced):
        claims.submit(claim, provider_id)
    assert not Declaration.objects.exists()


def test_an_outcome_for_a_participant_merged_before_the_lock_is_refused(enrolment: Enrolment) -> None:
    participant_id = enrolment.participant_id
    DeclarationFactory(enrolment=enrolment, completed=True)
    merge_away(enrolment)

    with pytest.raises(ParticipantIdChanged):
        record_outcome(
            participant_id=participant_id,
            lead_provider_id=enrolment.lead_provider_id,
            course_identifier=enrolment.course.identifier,
            state="passed",
            completion_date=NOW.date(),
            by=Actor.system(),
            now=NOW,
        )


def test_a_declaration_that_slips_past_the_check_meets_the_index(
    enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a writer that takes no locks: the refusal is the same as the rule's."""
    look = submit.facts_about

    def look_then_lose(*args: Any, **kwargs: Any) -> Any:
        facts = look(*args, **kwargs)
        DeclarationFactory(enrolment=enrolment)
        return facts

    monkeypatch.setattr(submit, "facts_about", look_then_lose)

    with pytest.raises(SlotHeld):
        submit_declaration(
            lead_provider_id=enrolment.lead_provider_id, claim=claim_for(enrolment), by=Actor.system(), now=NOW
        )
