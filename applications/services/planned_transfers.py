"""Transfers that wait for their day: planning them, cancelling them, carrying them out."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from applications.choices import TransferState
from applications.errors import NoTransferPlanned, TransferAlreadyPlanned, TransferDayPast
from applications.models import Application, PlannedTransfer
from applications.services.change_lead_provider import transfer
from applications.services.corrections import without_contract
from npq.core.audit import Actor, acting_as, correcting
from npq.core.clock import uk_date
from npq.core.effects import Corrected
from npq.core.errors import Refused, refuse_if_any
from npq.core.models import LeadProvider
from participants.queries import lock_application

logger = logging.getLogger(__name__)


def plan_transfer(
    *, application_id: int, lead_provider: LeadProvider, due_on: date, by: Actor, now: datetime
) -> Corrected:
    """Plans a transfer for a UK day to come; the nightly run of that day carries it out.

    The provider that holds it already, and the same plan again, change nothing. Refuses with ProviderWithoutContract,
    TransferDayPast, and TransferAlreadyPlanned while another plan waits.
    """
    with correcting(by, "plan_transfer"):
        application, _people = lock_application(application_id, held_by=None)
        today = uk_date(now)
        if due_on <= today:
            raise TransferDayPast(day=due_on, today=today)
        waiting = _waiting(application)
        if waiting is None and application.lead_provider_id == lead_provider.id:
            return Corrected(changed=False)
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
    """How it went with a planned transfer: done, refused, unchanged when somebody settled it before us, or failed.

    `problem` is why it was refused, or what went wrong.
    """

    planned: PlannedTransfer
    result: str
    problem: Exception | None = None


def carry_out_transfers(*, as_of: date, by: Actor, now: datetime) -> Iterator[CarriedOut]:
    """Carries out every planned transfer whose day has come by a UK date, each in a transaction of its own.

    One that is refused by now is settled as refused, with the reason, and not tried again; one that fails for
    another reason is logged and stays due. Safe to repeat.
    """
    due = PlannedTransfer.objects.filter(state=TransferState.WAITING, due_on__lte=as_of).order_by("due_on", "id")
    for planned in due.select_related("application", "lead_provider"):
        try:
            yield _carry_out_or_settle(planned, by, now)
        except Exception as problem:
            logger.exception("planned transfer %s cannot be carried out", planned.public_id)
            yield CarriedOut(planned, "failed", problem)


def _carry_out_or_settle(planned: PlannedTransfer, by: Actor, now: datetime) -> CarriedOut:
    try:
        return CarriedOut(planned, _carry_out(planned, by, now))
    except Refused as refusal:
        result = _settle_as_refused(planned, refusal, by, now)
        return CarriedOut(planned, result, refusal if result == TransferState.REFUSED else None)


def _carry_out(planned: PlannedTransfer, by: Actor, now: datetime) -> str:
    with acting_as(by, "change_lead_provider", reason=_reason(planned)):
        application, _people = lock_application(planned.application_id, held_by=None)
        waiting = _waiting(application)
        if waiting is None or waiting.id != planned.id:
            return "unchanged"
        transfer(application, waiting.lead_provider, now)
        waiting.settle(TransferState.DONE, now)
        return TransferState.DONE


def _settle_as_refused(planned: PlannedTransfer, refusal: Refused, by: Actor, now: datetime) -> str:
    with acting_as(by, "refuse_transfer", reason=_reason(planned)):
        application, _people = lock_application(planned.application_id, held_by=None)
        waiting = _waiting(application)
        if waiting is None or waiting.id != planned.id:
            return "unchanged"
        waiting.settle(TransferState.REFUSED, now, refusal.sentence_for_staff)
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
