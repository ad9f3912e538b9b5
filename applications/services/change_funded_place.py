"""Changing whether an accepted place is funded."""

from applications.choices import ApplicationStatus
from applications.errors import (
    CohortNotCapped,
    FundedPlaceFrozen,
    FundedPlaceNotBoolean,
    NotAccepted,
    NotEligibleForFundedPlace,
)
from applications.models import Application
from applications.queries import has_live_declarations
from npq.core.audit import Actor, acting_as
from npq.core.errors import Refused, refuse_if_any
from participants.models import Participant
from participants.queries import lock_application


def change_funded_place(*, application_id: int, held_by: int | None, by: Actor, funded_place: object) -> None:
    """Funds the place of an accepted application, or stops funding it (api.md §5.3; decisions.md §1.17).

    `funded_place` is what the caller sent, of any type. The value it has already changes nothing and is no error.
    Refuses what is not a boolean, an application that is not accepted, a cohort without a cap, a person who is not
    eligible, and any change while a submitted, eligible, payable or paid declaration rests on the place.
    Raises Application.DoesNotExist when the provider `held_by` no longer holds it.
    """
    if not isinstance(funded_place, bool):
        raise FundedPlaceNotBoolean
    with acting_as(by, "change_funded_place"):
        application, _people = lock_application(application_id, held_by=held_by)
        if application.status != ApplicationStatus.ACCEPTED:
            raise NotAccepted
        if application.cohort.capped and application.funded_place is funded_place:
            return
        refuse_if_any(_refusals(application, funded_place))
        application.funded_place = funded_place
        application.save(update_fields=["funded_place"])
        # Whether their other applications count as previously funded depends on it.
        Participant.objects.filter(id=application.participant_id).touch_all()


def _refusals(application: Application, funded_place: bool) -> list[Refused]:
    refusals: list[Refused] = []
    if funded_place and not application.entitled_to_funding:
        refusals.append(NotEligibleForFundedPlace())
    if not application.cohort.capped and not refusals:
        refusals.append(CohortNotCapped(cohort=application.cohort))
    if has_live_declarations(application):
        refusals.append(FundedPlaceFrozen())
    return refusals
