"""Transferring an application to another lead provider."""

from datetime import datetime

from applications.models import Application
from applications.services.corrections import without_contract
from declarations.models import Declaration
from npq.core.audit import Actor, correcting
from npq.core.effects import Corrected
from npq.core.errors import refuse_if_any
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
        return transfer(application, lead_provider, now)


def transfer(application: Application, lead_provider: LeadProvider, now: datetime) -> Corrected:
    """Transfers an application the caller has locked, as a step of a write; refuses with ProviderWithoutContract."""
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
