"""Correcting the e-mail address of an application, and whether it is validated."""

from applications.services.submission import email_address
from npq.core.audit import Actor, correcting
from npq.core.effects import Corrected
from participants.models import Participant
from participants.queries import lock_application


def change_email(
    *, application_id: int, by: Actor, email: str | None = None, validated: bool | None = None
) -> Corrected:
    """Sets the address that an application's messages go to, or whether it is validated; None leaves as it is.

    A new address is not validated unless `validated` says so. Refuses with EmailMalformed, FieldTooLong
    and FieldUnreadable, as the intake does.
    """
    address = None if email is None else email_address("email", email)
    with correcting(by, "change_email"):
        application, _people = lock_application(application_id, held_by=None)
        before = (application.email, application.email_validated)
        if address is not None and address != application.email:
            application.email, application.email_validated = address, False
        if validated is not None:
            application.email_validated = validated
        if (application.email, application.email_validated) == before:
            return Corrected(changed=False)
        application.save(update_fields=["email", "email_validated"])
        Participant.objects.filter(id=application.participant_id).touch()
        return Corrected()
