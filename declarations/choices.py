"""The words of declarations and outcomes."""

from django.db.models import TextChoices


class DeclarationType(TextChoices):
    """The milestones a provider declares."""

    STARTED = "started", "Started"
    RETAINED_1 = "retained-1", "Retained 1"
    RETAINED_2 = "retained-2", "Retained 2"
    COMPLETED = "completed", "Completed"


class DeclarationState(TextChoices):
    """Where a declaration stands; values are the wire's (api.md C15: hyphens)."""

    SUBMITTED = "submitted", "Submitted"
    ELIGIBLE = "eligible", "Eligible"
    PAYABLE = "payable", "Payable"
    PAID = "paid", "Paid"
    VOIDED = "voided", "Voided"
    INELIGIBLE = "ineligible", "Ineligible"
    AWAITING_CLAWBACK = "awaiting-clawback", "Awaiting clawback"
    CLAWED_BACK = "clawed-back", "Clawed back"


# Those that hold the one slot an enrolment has for each type (decisions.md §2).
LIVE_STATES = (
    DeclarationState.SUBMITTED,
    DeclarationState.ELIGIBLE,
    DeclarationState.PAYABLE,
    DeclarationState.PAID,
)
# Those that money is or will be paid for.
BILLABLE_STATES = (DeclarationState.ELIGIBLE, DeclarationState.PAYABLE, DeclarationState.PAID)
# Those that a void simply ends; a paid one is clawed back instead.
VOIDABLE_STATES = (
    DeclarationState.SUBMITTED,
    DeclarationState.ELIGIBLE,
    DeclarationState.PAYABLE,
    DeclarationState.INELIGIBLE,
)

# state -> the states it may move to (domain.md §2.3); payable -> eligible when staff move it to an open statement.
MOVES = {
    DeclarationState.SUBMITTED: {DeclarationState.ELIGIBLE, DeclarationState.INELIGIBLE, DeclarationState.VOIDED},
    DeclarationState.ELIGIBLE: {DeclarationState.PAYABLE, DeclarationState.VOIDED, DeclarationState.SUBMITTED},
    DeclarationState.PAYABLE: {DeclarationState.PAID, DeclarationState.VOIDED, DeclarationState.ELIGIBLE},
    DeclarationState.PAID: {DeclarationState.AWAITING_CLAWBACK},
    DeclarationState.INELIGIBLE: {DeclarationState.VOIDED},
    DeclarationState.AWAITING_CLAWBACK: {DeclarationState.CLAWED_BACK},
    DeclarationState.VOIDED: set(),
    DeclarationState.CLAWED_BACK: set(),
}


class IneligibleReason(TextChoices):
    """Why a declaration is ineligible; the value is the wire's."""

    DUPLICATE = "duplicate_declaration", "Another person with the same TRN holds this declaration"


class OutcomeState(TextChoices):
    """A pass, a fail, or a retraction by voiding the declaration."""

    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"
    VOIDED = "voided", "Voided"
