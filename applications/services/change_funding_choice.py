"""Correcting who pays when DfE does not."""

from applications.choices import FundingChoice
from applications.errors import FundingChoiceNotKnown
from npq.core.audit import Actor, correcting
from npq.core.effects import Corrected
from participants.queries import lock_application


def change_funding_choice(*, application_id: int, funding_choice: str | None, by: Actor) -> Corrected:
    """Sets an application's funding choice, or clears it with None; refuses with FundingChoiceNotKnown."""
    if funding_choice is not None and funding_choice not in FundingChoice.values:
        raise FundingChoiceNotKnown(choice=funding_choice, choices=", ".join(FundingChoice.values))
    with correcting(by, "change_funding_choice"):
        application, _people = lock_application(application_id, held_by=None)
        if application.funding_choice == funding_choice:
            return Corrected(changed=False)
        application.funding_choice = funding_choice
        application.save(update_fields=["funding_choice"])
        return Corrected()
