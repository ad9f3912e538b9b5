"""The corrections that `correct_application` knows: how each reads its value, and which service makes it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from applications.choices import FundingChoice
from applications.errors import NoTrainingToChange
from applications.models import Application
from applications.services import (
    cancel_transfer,
    change_cohort,
    change_course,
    change_email,
    change_funded_place,
    change_funding_choice,
    change_funding_eligibility,
    change_lead_provider,
    plan_transfer,
    reassign_application,
    undo_acceptance,
    undo_rejection,
)
from npq.core import parsing
from npq.core.audit import Actor
from npq.core.errors import Refused
from participants.choices import TrainingStatus
from participants.errors import AlreadyActive, AlreadyDeferred, AlreadyWithdrawn, ScheduleUnchanged
from participants.models import Participant
from participants.services import (
    StaffTraining,
    change_schedule,
    defer_participant,
    resume_participant,
    withdraw_participant,
)


@dataclass(frozen=True)
class Options:
    """What a correction may be given besides its value."""

    restore_siblings: bool = False
    schedule: str | None = None
    on: date | None = None


@dataclass(frozen=True)
class Order:
    """One correction to be made: of which application, to what, by whom and when."""

    application: Application
    value: Any
    options: Options
    by: Actor
    now: datetime

    @property
    def training(self) -> StaffTraining:
        """The training of the application's current enrolment; refuses with NoTrainingToChange without one."""
        if self.application.enrolment_id is None:
            raise NoTrainingToChange(status=self.application.status)
        return StaffTraining(self.application.enrolment_id)

    @property
    def basics(self) -> dict[str, Any]:
        """What every service that corrects an application takes."""
        return {"application_id": self.application.id, "by": self.by}


@dataclass(frozen=True)
class Correction:
    """`read` turns the value's text into a value (None: there is no value); `make` calls the service.

    `options` are the options it takes. `value` and `meaning` explain it in the help.
    """

    make: Callable[[Order], Any]
    meaning: str
    value: str = ""
    read: Callable[[str], Any] | None = None
    options: tuple[str, ...] = ()


def application_named(text: str) -> Application:
    """The application with a public id; raises ValueError when there is none."""
    found = Application.objects.filter(public_id=parsing.public_id(text)).first()
    if found is None:
        raise ValueError(f"no application has the ID {text}")
    return found


def participant_named(text: str) -> Participant:
    """The participant with a public id, retired or not; raises ValueError when there is none."""
    found = Participant.objects.filter(public_id=parsing.public_id(text)).first()
    if found is None:
        raise ValueError(f"no participant has the ID {text}")
    return found


def funding_choice(text: str) -> str | None:
    """A funding choice, or None for `none`; raises ValueError."""
    word = parsing.one_of([*FundingChoice.values, "none"])(text)
    return None if word == "none" else word


def training_status(text: str) -> tuple[str, str | None]:
    """`active`, `deferred:REASON` or `withdrawn:REASON`, as (status, reason); raises ValueError."""
    status, colon, reason = text.partition(":")
    parsing.one_of(TrainingStatus.values)(status)
    if status == TrainingStatus.ACTIVE:
        if colon:
            raise ValueError("active takes no reason")
        return status, None
    if not reason:
        raise ValueError(f"{status} needs one of the API's reasons after a colon, like {status}:other")
    return status, reason


def _change_lead_provider(order: Order) -> Any:
    if order.options.on is None:
        return change_lead_provider(**order.basics, lead_provider=order.value, now=order.now)
    return plan_transfer(**order.basics, lead_provider=order.value, due_on=order.options.on, now=order.now)


def _change_training_status(order: Order) -> Any:
    status, reason = order.value
    if status == TrainingStatus.ACTIVE:
        return unless(AlreadyActive, lambda: resume_participant(training=order.training, by=order.by, now=order.now))
    change, already = {
        TrainingStatus.DEFERRED: (defer_participant, AlreadyDeferred),
        TrainingStatus.WITHDRAWN: (withdraw_participant, AlreadyWithdrawn),
    }[TrainingStatus(status)]
    return unless(already, lambda: change(training=order.training, reason=reason, by=order.by, now=order.now))


def unless(already: type[Refused], change: Callable[[], Any]) -> Any:
    """Makes a change; when it is refused because it has been made already, there is nothing to do."""
    try:
        return change()
    except already:
        return None


CORRECTIONS: dict[str, Correction] = {
    "undo-acceptance": Correction(
        lambda it: undo_acceptance(**it.basics, now=it.now, restore_siblings=it.options.restore_siblings),
        "makes an accepted application pending again, and with --restore-siblings those its acceptance rejected",
        options=("restore_siblings",),
    ),
    "undo-rejection": Correction(lambda it: undo_rejection(**it.basics), "makes a rejected application pending again"),
    "lead-provider": Correction(
        _change_lead_provider,
        "transfers it to another provider, on a day to come with --on",
        "CODE",
        parsing.lead_provider,
        options=("on",),
    ),
    "cancel-transfer": Correction(
        lambda it: cancel_transfer(**it.basics, now=it.now), "cancels a transfer planned with --on"
    ),
    "course": Correction(
        lambda it: change_course(**it.basics, course=it.value, now=it.now, schedule_identifier=it.options.schedule),
        "changes the course; --schedule where the default does not fit",
        "IDENTIFIER",
        parsing.course,
        options=("schedule",),
    ),
    "cohort": Correction(
        lambda it: change_cohort(**it.basics, cohort=it.value, now=it.now, schedule_identifier=it.options.schedule),
        "moves it to another cohort; --schedule where none has the same name there",
        "COHORT",
        parsing.cohort,
        options=("schedule",),
    ),
    "schedule": Correction(
        lambda it: unless(
            ScheduleUnchanged,
            lambda: change_schedule(training=it.training, schedule_identifier=it.value, by=it.by),
        ),
        "changes the schedule within the cohort",
        "IDENTIFIER",
        parsing.text,
    ),
    "funding-choice": Correction(
        lambda it: change_funding_choice(**it.basics, funding_choice=it.value),
        "changes who pays",
        f"{'|'.join(FundingChoice.values)}|none",
        funding_choice,
    ),
    "funding-eligibility": Correction(
        lambda it: change_funding_eligibility(**it.basics, eligible=it.value, now=it.now),
        "marks it as eligible, or not, by policy",
        "true|false",
        parsing.boolean,
    ),
    "funded-place": Correction(
        lambda it: change_funded_place(**it.basics, held_by=None, funded_place=it.value),
        "gives or takes the funded place",
        "true|false",
        parsing.boolean,
    ),
    "training-status": Correction(
        _change_training_status,
        "resumes, defers or withdraws; also without a started declaration",
        "active|deferred:REASON|withdrawn:REASON",
        training_status,
    ),
    "participant": Correction(
        lambda it: reassign_application(**it.basics, participant_id=it.value.id, now=it.now),
        "gives it, with its declarations, to another participant",
        "UUID",
        participant_named,
    ),
    "email": Correction(
        lambda it: change_email(**it.basics, email=it.value), "changes the address", "ADDRESS", parsing.text
    ),
    "email-validated": Correction(
        lambda it: change_email(**it.basics, validated=it.value),
        "says whether the address is validated",
        "true|false",
        parsing.boolean,
    ),
}
