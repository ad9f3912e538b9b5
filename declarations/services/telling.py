"""What a participant is told of an outcome (decisions.md §4.1)."""

from applications.models import Application
from declarations.choices import OutcomeState
from declarations.models import Outcome
from npq.core.choices import MessageKind

_KINDS = {
    OutcomeState.PASSED: MessageKind.OUTCOME_PASSED,
    OutcomeState.FAILED: MessageKind.OUTCOME_FAILED,
    OutcomeState.VOIDED: MessageKind.OUTCOME_RETRACTED,
}


def tell_outcome(outcome: Outcome, application: Application) -> None:
    """Queues the message of an outcome to the address the participant applied with."""
    day = outcome.completion_date
    application.tell_participant(_KINDS[OutcomeState(outcome.state)], completion_date=f"{day.day} {day:%B %Y}")
