"""Why a correction of an application is not possible whatever is answered, in the words of the services' refusals.

They are for showing early, on the record's page: the services check again, with the records locked.
"""

from collections.abc import Callable, Iterable

from applications.choices import ApplicationStatus, TransferState
from applications.errors import FundedPlaceFrozen, NoAcceptanceToUndo, NoRejectionToUndo, NoTrainingToChange
from applications.models import Application, PlannedTransfer
from applications.queries import standing_declarations
from applications.services.corrections import declarations_stand
from declarations.choices import LIVE_STATES
from declarations.models import Declaration
from npq.core.choices import CohortFunding
from participants.choices import TrainingStatus

Guard = Callable[[Application], str]


def standing(application: Application) -> list[Declaration]:
    """The declarations that stand on an application, read once for a page."""
    known: list[Declaration] | None = vars(application).get("_standing")
    if known is None:
        known = vars(application)["_standing"] = list(standing_declarations(application))
    return known


def remember_standing(application: Application, declarations: Iterable[Declaration]) -> None:
    """Spares the query where all the application's declarations have been read already."""
    vars(application)["_standing"] = [each for each in declarations if each.state in LIVE_STATES]


def waiting_transfer(application: Application) -> PlannedTransfer | None:
    """The transfer that an application waits for, read once for a page with all that were ever planned."""
    return next((each for each in planned_transfers(application) if each.state == TransferState.WAITING), None)


def planned_transfers(application: Application) -> list[PlannedTransfer]:
    """Every transfer that was planned, the newest first, read once for a page."""
    known: list[PlannedTransfer] | None = vars(application).get("_planned")
    if known is None:
        found = application.planned_transfers.select_related("lead_provider").order_by("-id")
        known = vars(application)["_planned"] = list(found)
    return known


def accepted(application: Application) -> bool:
    """Whether it has an enrolment to correct."""
    return application.status == ApplicationStatus.ACCEPTED


def _status(application: Application) -> str:
    return application.get_status_display().lower()


def _stands(application: Application, what: str) -> str:
    return " ".join(each.sentence_for_staff for each in declarations_stand(standing(application), what))


def not_accepted(application: Application) -> str:
    """Of what begins with an acceptance."""
    return "" if accepted(application) else NoTrainingToChange(status=_status(application)).sentence_for_staff


def no_acceptance(application: Application) -> str:
    """Of undoing an acceptance."""
    if not accepted(application):
        return NoAcceptanceToUndo(status=_status(application)).sentence_for_staff
    return _stands(application, "The acceptance cannot be undone")


def no_rejection(application: Application) -> str:
    """Of undoing a rejection."""
    rejected = application.status == ApplicationStatus.REJECTED
    return "" if rejected else NoRejectionToUndo(status=_status(application)).sentence_for_staff


def declared(what: str) -> Guard:
    """Of what no declaration may rest on: `what` is the sentence that such a change cannot be made."""
    return lambda application: _stands(application, what)


def no_schedule_to_change(application: Application) -> str:
    """Of another schedule."""
    enrolment = application.enrolment
    if enrolment is not None and enrolment.training_status == TrainingStatus.WITHDRAWN:
        return "The participant is withdrawn. Make the training active again first."
    return not_accepted(application)


def funded_place_fixed(application: Application) -> str:
    """Of giving or taking a funded place."""
    if not accepted(application):
        return f"The application is {_status(application)}. It has a funded place, or none, once it is accepted."
    if application.cohort.funding != CohortFunding.CAPPED:
        return f"Places in cohort {application.cohort} are not capped, so there is no funded place to give or take."
    return FundedPlaceFrozen().sentence_for_staff if standing(application) else ""


def nothing_planned(application: Application) -> str:
    """Of cancelling a transfer."""
    return "" if waiting_transfer(application) else "No transfer of this application is planned."


def email_validated(application: Application) -> str:
    """Of marking the address as validated."""
    return "The address is validated already." if application.email_validated else ""


def email_not_validated(application: Application) -> str:
    """Of taking the validation back."""
    return "" if application.email_validated else "The address is not validated."
