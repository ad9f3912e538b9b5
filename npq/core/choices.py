"""The words of the ground floor: courses, cohorts, tokens, messages."""

from django.db.models import TextChoices


class CourseGroup(TextChoices):
    """Ties courses to schedules; decides milestones, payment periods and whether there is an outcome."""

    LEADERSHIP = "leadership", "Leadership"
    SPECIALIST = "specialist", "Specialist"
    SUPPORT = "support", "Additional support offer"
    EHCO = "ehco", "Early headship coaching offer"


# The groups whose courses end in a pass or a fail (api.md §9.1). The coaching offers do not.
GROUPS_WITH_OUTCOMES = (CourseGroup.LEADERSHIP, CourseGroup.SPECIALIST)


class CohortFunding(TextChoices):
    """How a cohort's places are funded (decisions.md §8): decides what `funded_place` may be."""

    FULL = "full", "Fully funded: nobody says whether a place is funded"
    CAPPED = "capped", "Capped: an acceptance says whether the place is funded"
    UNFUNDED = "unfunded", "Unfunded: no place is funded"


class TokenScope(TextChoices):
    """What a token opens: a provider's data, or the intake of applications."""

    LEAD_PROVIDER = "lead_provider", "Lead provider"
    REGISTRATION = "registration", "Registration service"


class MessageKind(TextChoices):
    """The messages a participant gets (decisions.md §4.1); each has a template of the same name."""

    APPLICATION_ACCEPTED = "application_accepted", "Application accepted"
    APPLICATION_REJECTED = "application_rejected", "Application rejected"
    APPLICATION_REJECTED_AUTOMATICALLY = (
        "application_rejected_automatically",
        "Application rejected because another one was accepted",
    )
    TRAINING_DEFERRED = "training_deferred", "Training deferred"
    TRAINING_RESUMED = "training_resumed", "Training resumed"
    TRAINING_WITHDRAWN = "training_withdrawn", "Withdrawn from training"
    OUTCOME_PASSED = "outcome_passed", "Outcome: passed"
    OUTCOME_FAILED = "outcome_failed", "Outcome: failed"
    OUTCOME_RETRACTED = "outcome_retracted", "Outcome retracted"


class MessageState(TextChoices):
    """`sending` is claimed by a process; `failed` waits for a person, who sends it again or marks it as dealt with."""

    PENDING = "pending", "Waiting to be sent"
    SENDING = "sending", "Being sent"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed for good"
    DEALT_WITH = "dealt_with", "Failed for good (dealt with)"


class MessageStep(TextChoices):
    """What a person decided about a message that had failed."""

    SENT_AGAIN = "sent_again", "Sent again"
    DEALT_WITH = "dealt_with", "Dealt with"
