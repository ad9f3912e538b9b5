"""What can happen to an application of the demo data: each a service call, and the trace it leaves."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from applications.models import Application
from applications.services.accept import accept_application
from applications.services.reject import reject_application
from declarations.choices import LIVE_STATES, DeclarationType, OutcomeState
from declarations.models import Declaration
from declarations.queries.given import Claim, GivenPartners
from declarations.services import record_outcome, submit_declaration, void_declaration
from npq.core.audit import Actor
from npq.core.clock import uk_date
from npq.core.models import LeadProvider
from npq.sandbox.plan import Act, Applied
from participants.choices import TrainingStatus
from participants.models import Participant
from participants.services.change_schedule import change_schedule
from participants.services.defer import defer_participant
from participants.services.merge import merge_participants
from participants.services.resume import resume_participant
from participants.services.training import ProviderTraining
from participants.services.withdraw import withdraw_participant

DEMO = Actor.system("Demo data", reason="demo data")


def acting_for(lead_provider_id: int, code: str) -> Actor:
    """The demo data, doing what a provider would do."""
    return Actor("system", f"Demo data ({code})", lead_provider_id=lead_provider_id)


def accept(of: Applied, *, funded_place: bool | None = None) -> Act:
    """The provider accepts, on the default schedule of the day."""
    return Act(
        lambda traces: of.id in traces.decided,
        lambda now: accept_application(**_held(of), now=now, funded_place=funded_place),
    )


def reject(of: Applied) -> Act:
    """The provider rejects."""
    return Act(lambda traces: of.id in traces.decided, lambda now: reject_application(**_held(of), now=now))


def declare(
    of: Applied, kind: DeclarationType, *, has_passed: bool | None = None, partner: uuid.UUID | None = None
) -> Act:
    """The provider declares what happened at the deed's own instant."""

    def do(now: datetime) -> None:
        claim = Claim(
            participant_id=_participant(of).public_id,
            course_identifier=of.course,
            declaration_type=kind,
            declaration_date=now,
            has_passed=has_passed,
            delivery_partners=GivenPartners(primary=partner) if partner else None,
        )
        provider, by = _provider(of)
        submit_declaration(lead_provider_id=provider, claim=claim, by=by, now=now)

    return Act(lambda traces: (of.id, kind) in traces.declared, do)


def void(of: Applied, kind: DeclarationType) -> Act:
    """The provider voids its declaration of a kind; what was paid is clawed back."""

    def do(now: datetime) -> None:
        provider, by = _provider(of)
        live = declarations_of(of).get(declaration_type=kind, state__in=LIVE_STATES)
        void_declaration(declaration_id=live.id, held_by=provider, by=by, now=now)

    return Act(lambda traces: (of.id, kind) in traces.voided, do)


def correct_outcome(of: Applied, state: OutcomeState) -> Act:
    """The provider corrects what it said of the assessment; the day of completion is the deed's."""

    def do(now: datetime) -> None:
        provider, by = _provider(of)
        record_outcome(
            participant_id=_participant(of).id,
            lead_provider_id=provider,
            course_identifier=of.course,
            state=state,
            completion_date=uk_date(now),
            by=by,
            now=now,
        )

    return Act(lambda traces: (of.id, state) in traces.outcomes, do)


def defer(of: Applied, reason: str = "parental-leave") -> Act:
    """The provider notes a break."""
    return _training(of, TrainingStatus.DEFERRED, 1, defer_participant, reason=reason)


def resume(of: Applied) -> Act:
    """The provider notes that the break is over."""
    return _training(of, TrainingStatus.ACTIVE, 2, resume_participant)


def withdraw(of: Applied, reason: str = "insufficient-capacity-to-undertake-programme") -> Act:
    """The provider withdraws the participant."""
    return _training(of, TrainingStatus.WITHDRAWN, 1, withdraw_participant, reason=reason)


def _training(of: Applied, status: TrainingStatus, times: int, service: Callable[..., None], **more: Any) -> Act:
    """A change of training status, done when the history has it so many times."""
    return Act(
        lambda traces: traces.statuses[of.id, status] >= times,
        lambda now: service(training=_its_training(of), by=_provider(of)[1], now=now, **more),
    )


def move_to(of: Applied, schedule: str, cohort: str) -> Act:
    """The provider changes the schedule."""
    return Act(
        lambda traces: (of.id, schedule) in traces.on_schedule,
        lambda _: change_schedule(
            training=_its_training(of), schedule_identifier=schedule, cohort=cohort, by=_provider(of)[1]
        ),
    )


def merge(retired: Applied, survivor: Applied) -> Act:
    """DfE finds that two participants are one person."""

    def do(_: datetime) -> None:
        wanted = [retired.participant_id, survivor.participant_id]
        ids = dict(Participant.objects.filter(public_id__in=wanted).values_list("public_id", "id"))
        merge_participants(retired_id=ids[retired.participant_id], survivor_id=ids[survivor.participant_id], by=DEMO)

    return Act(lambda traces: retired.participant_id in traces.retired, do)


def declarations_of(of: Applied) -> QuerySet[Declaration]:
    """The declarations made for an application, oldest first."""
    return Declaration.objects.filter(enrolment__application__public_id=of.id).order_by("id")


def _provider(of: Applied) -> tuple[int, Actor]:
    provider = LeadProvider.objects.get(code=of.lead_provider)
    return provider.id, acting_for(provider.id, provider.code)


def _held(of: Applied) -> dict[str, Any]:
    provider, by = _provider(of)
    return {"application_id": Application.objects.get(public_id=of.id).id, "held_by": provider, "by": by}


def _participant(of: Applied) -> Participant:
    return Participant.objects.get(applications__public_id=of.id)


def _its_training(of: Applied) -> ProviderTraining:
    return ProviderTraining(
        participant_id=_participant(of).id, course_identifier=of.course, lead_provider_id=_provider(of)[0]
    )
