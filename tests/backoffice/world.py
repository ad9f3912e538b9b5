"""One of everything that has a page in the back office, to look at."""

from typing import Any

from django.contrib.auth.models import User

from declarations.choices import DeclarationState
from npq.backoffice.bulk.choices import JobState, RowState
from npq.core.audit import Actor, acting_as
from npq.core.choices import MessageState
from participants.models import Participant
from tests.factories import (
    ACCEPTED_AT,
    AccessEventFactory,
    AdjustmentFactory,
    ApiTokenFactory,
    ApplicationFactory,
    BulkJobFactory,
    BulkRowFactory,
    ContractTermsFactory,
    DeclarationFactory,
    DeliveryPartnershipFactory,
    LineItemFactory,
    MessageFactory,
    NoteFactory,
    OutcomeFactory,
    ParticipantFactory,
    RefusedRequestFactory,
    StaffFactory,
    StatementFactory,
)


def world(number: int = 1) -> dict[str, Any]:
    """One application with everything that can hang on it, so many times over; the last of each kind of record."""
    for _ in range(number):
        application = ApplicationFactory(accepted=True)
        declaration = DeclarationFactory(
            enrolment=application.enrolment, completed=True, state=DeclarationState.ELIGIBLE
        )
        terms = ContractTermsFactory._meta.model.objects.first() or ContractTermsFactory(
            lead_provider=application.lead_provider
        )
        OutcomeFactory(declaration=declaration)
        statement = StatementFactory(lead_provider=application.lead_provider)
        LineItemFactory(declaration=declaration, statement=statement)
        adjustment = AdjustmentFactory(statement=statement)
        message = MessageFactory(
            participant_public_id=application.participant.public_id,
            application_public_id=application.public_id,
            state=MessageState.FAILED,
            last_error="Nobody reads at this address",
        )
        NoteFactory(application=application)
        token = ApiTokenFactory(lead_provider=application.lead_provider)
        refused = RefusedRequestFactory(token=token, record_id=application.public_id)
        job = BulkJobFactory(state=JobState.CHECKED, checked_at=ACCEPTED_AT)
        facts = {"about": application.public_id, "name": application.participant.full_name}
        BulkRowFactory(job=job, state=RowState.READY, said=["application: status: accepted → pending"], **facts)
        BulkRowFactory(job=job, state=RowState.REFUSED, errors=[{"field": "id", "detail": "is blank"}])
    return {
        "applications/application": application,
        "participants/participant": application.participant,
        "declarations/declaration": declaration,
        "finance/statement": statement,
        "core/message": message,
        "core/leadprovider": application.lead_provider,
        "core/course": application.course,
        "core/cohort": application.cohort,
        "core/apitoken": token,
        "backoffice/accessevent": AccessEventFactory(),
        "core/refusedrequest": refused,
        "finance/adjustment": adjustment,
        "finance/contractterms": terms,
        "participants/schedule": application.enrolment.schedule,
        "declarations/deliverypartner": DeliveryPartnershipFactory(
            lead_provider=application.lead_provider
        ).delivery_partner,
        "auth/user": _who_changed(application.participant),
        "bulk_job": job,
        "second person": ParticipantFactory(),
    }


def _who_changed(person: Participant) -> User:
    """A member of staff who did something: it has a page."""
    user = StaffFactory()
    with acting_as(Actor.staff("Sam Reyes", identifier=str(user.pk), reason="They married"), "change_name"):
        Participant.objects.filter(pk=person.pk).update(full_name="Ada Obi")
    person.refresh_from_db()
    return user
