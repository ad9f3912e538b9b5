"""Transferring an application to another lead provider, at once or on a day to come."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from applications.choices import TransferState
from applications.errors import NoTransferPlanned, TransferAlreadyPlanned, TransferDayPast
from applications.models import Application, PlannedTransfer
from applications.services.corrections import without_contract
from declarations.models import Declaration
from npq.core.audit import Actor, acting_as, correcting
from npq.core.clock import uk_date
from npq.core.effects import Corrected
from npq.core.errors import Refused, refuse_if_any
from npq.core.models import LeadProvider
from participants.models import Participant
from participants.queries import lock_application, lock_current_enrolment


def change_lead_provider(*, application_id: int, lead_provider: LeadProvider, by: Actor, now: datetime) -> Corrected:
    """Transfers an application, and its enrolment when it is accepted, to another provider (decisions.md §1.15).

    Declarations stay with the provider that made them; the new one reads them. The provider that holds it already
    changes nothing. Refuses with ProviderWithoutContract: without terms for course and cohort nobody could be paid.
    """
    with correcting(by, "change_lead_provider"):
        application, _people = lock_application(application_id, held_by=None)
        return _transfer(application, lead_provider, now)


def plan_transfer(
    *, application_id: int, lead_provider: LeadProvider, due_on: date, by: Actor, now: datetime
) -> Corrected:
    """Plans a transfer for a UK day to come; the nightly run of that day carries it out.

    Refuses what could not be done today either, TransferDayPast, and TransferAlreadyPlanned while another one waits.
    """
    with correcting(by, "plan_transfer"):
        application, _people = lock_application(application_id, held_by=None)
        today = uk_date(now)
        if due_on <= today:
            raise TransferDayPast(day=due_on, today=today)
        waiting = _waiting(application)
        if waiting is not None and (waiting.lead_provider_id, waiting.due_on) == (lead_provider.id, due_on):
            return Corrected(changed=False)
        if waiting is not None:
            raise TransferAlreadyPlanned(lead_provider=waiting.lead_provider, day=waiting.due_on)
        refuse_if_any(without_contract(lead_provider, application.course, application.cohort))
        PlannedTransfer.objects.create(
            application=application,
            lead_provider=lead_provider,
            due_on=due_on,
            requested_by=by.name,
            reason=by.reason,
        )
        return Corrected()


def cancel_transfer(*, application_id: int, by: Actor, now: datetime) -> Corrected:
    """Cancels the transfer that an application waits for; refuses with NoTransferPlanned."""
    with correcting(by, "cancel_transfer"):
        application, _people = lock_application(application_id, held_by=None)
        waiting = _waiting(application)
        if waiting is None:
            raise NoTransferPlanned
        waiting.settle(TransferState.CANCELLED, now)
        return Corrected()


@dataclass(frozen=True)
class CarriedOut:
    """How it went with a planned transfer: `problem` is why it was refused on its day."""

    planned: PlannedTransfer
    result: str
    problem: Refused | None = None


def carry_out_transfers(*, as_of: date, by: Actor, now: datetime) -> Iterator[CarriedOut]:
    """Carries out every planned transfer whose day has come by a UK date, each in a transaction of its own.

    One that is refused by now is settled as refused, with the reason; it is not tried again. Safe to repeat.
    """
    due = PlannedTransfer.objects.filter(state=TransferState.WAITING, due_on__lte=as_of).order_by("due_on", "id")
    for planned in due:
        try:
            result = _carry_out(planned, by, now)
        except Refused as refusal:
            result = _settle_as_refused(planned, refusal, by, now)
            yield CarriedOut(planned, result, refusal if result == TransferState.REFUSED else None)
        else:
            yield CarriedOut(planned, result)


def _carry_out(planned: PlannedTransfer, by: Actor, now: datetime) -> str:
    with acting_as(by, "change_lead_provider", reason=_reason(planned)):
        application, _people = lock_application(planned.application_id, held_by=None)
        waiting = _waiting(application)
        if waiting is None or waiting.id != planned.id:
            return "unchanged"
        _transfer(application, waiting.lead_provider, now)
        waiting.settle(TransferState.DONE, now)
        return TransferState.DONE


def _settle_as_refused(planned: PlannedTransfer, refusal: Refused, by: Actor, now: datetime) -> str:
    with acting_as(by, "refuse_transfer", reason=_reason(planned)):
        application, _people = lock_application(planned.application_id, held_by=None)
        waiting = _waiting(application)
        if waiting is None or waiting.id != planned.id:
            return "unchanged"
        waiting.settle(TransferState.REFUSED, now, refusal.sentence)
        return TransferState.REFUSED


def _reason(planned: PlannedTransfer) -> str:
    return f"{planned.reason} (planned by {planned.requested_by})"


def _waiting(application: Application) -> PlannedTransfer | None:
    return (
        application.planned_transfers.filter(state=TransferState.WAITING)
        .select_related("lead_provider")
        .select_for_update(of=("self",), no_key=True)
        .first()
    )


def _transfer(application: Application, lead_provider: LeadProvider, now: datetime) -> Corrected:
    if application.lead_provider_id == lead_provider.id:
        return Corrected(changed=False)
    refuse_if_any(without_contract(lead_provider, application.course, application.cohort))
    enrolment = lock_current_enrolment(application)
    application.lead_provider = lead_provider
    application.save(update_fields=["lead_provider"])
    if enrolment is not None:
        enrolment.lead_provider = lead_provider
        enrolment.transferred_at = now
        enrolment.save(update_fields=["lead_provider", "transferred_at"])
        # The new provider sees them from now on, and asks for what changed since it last looked.
        Declaration.objects.filter(enrolment=enrolment).touch()
    Participant.objects.filter(id=application.participant_id).touch_all()
    return Corrected()
