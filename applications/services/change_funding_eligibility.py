"""Deciding that somebody is, or is not, eligible for funding."""

from datetime import datetime

from applications.choices import FundingEligibilityStatusCode
from applications.errors import FundedPlaceHeld
from applications.models import Application
from applications.queries import standing_declarations
from applications.services.corrections import promote_in_family, standing_in_the_way
from npq.core.audit import Actor, correcting
from npq.core.effects import Corrected
from npq.core.errors import Refused, refuse_if_any
from participants.models import Participant
from participants.queries import lock_application, lock_current_enrolment

CODES = {
    True: FundingEligibilityStatusCode.MARKED_FUNDED_BY_POLICY,
    False: FundingEligibilityStatusCode.MARKED_INELIGIBLE_BY_POLICY,
}
UNPAID = (
    "What is declared stays unpaid, because the place is not funded. To pay it, void the declarations, change "
    "the funded place, and let the provider declare again."
)


def change_funding_eligibility(*, application_id: int, eligible: bool, by: Actor, now: datetime) -> Corrected:
    """Marks an application as eligible for funding by policy, or as ineligible by policy (domain.md §3.8).

    What was declared on it and only waited for the funding becomes eligible and lands on the next statement; the
    notes name what cannot, and what a place that is not funded leaves unpaid. Marked so already, nothing changes.

    Making it ineligible is refused with DeclarationsStand and with FundedPlaceHeld.
    """
    with correcting(by, "change_funding_eligibility"):
        application, _people = lock_application(application_id, held_by=None)
        if (application.eligible_for_funding, application.funding_eligibility_status_code) == (
            eligible,
            CODES[eligible],
        ):
            return Corrected(changed=False)
        lock_current_enrolment(application)
        if not eligible:
            refuse_if_any(_refusals(application))
        application.eligible_for_funding = eligible
        application.funding_eligibility_status_code = CODES[eligible]
        application.save(update_fields=["eligible_for_funding", "funding_eligibility_status_code"])
        notes = promote_in_family(application.participant_id, application.course.family, now)
        Participant.objects.filter(id=application.participant_id).touch_all()
        return Corrected(notes=(*notes, *_left_unpaid(application)))


def _refusals(application: Application) -> list[Refused]:
    refusals = standing_in_the_way(application, "The person cannot be made ineligible for funding")
    if application.funded_place:
        refusals.append(FundedPlaceHeld())
    return refusals


def _left_unpaid(application: Application) -> list[str]:
    if application.funded_place is not False or not standing_declarations(application).exists():
        return []
    return [UNPAID]
