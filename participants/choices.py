"""The words of training: its states and the reasons providers give."""

from django.db.models import TextChoices


class TrainingStatus(TextChoices):
    """Where a participant stands on one course."""

    ACTIVE = "active", "Active"
    DEFERRED = "deferred", "Deferred"
    WITHDRAWN = "withdrawn", "Withdrawn"


# state -> the states it may move to (decisions.md §1.7).
MOVES = {
    TrainingStatus.ACTIVE: {TrainingStatus.DEFERRED, TrainingStatus.WITHDRAWN},
    TrainingStatus.DEFERRED: {TrainingStatus.ACTIVE, TrainingStatus.WITHDRAWN},
    TrainingStatus.WITHDRAWN: {TrainingStatus.ACTIVE},
}


class DeferralReason(TextChoices):
    """api.md §9.3."""

    BEREAVEMENT = "bereavement", "Bereavement"
    LONG_TERM_SICKNESS = "long-term-sickness", "Long-term sickness"
    PARENTAL_LEAVE = "parental-leave", "Parental leave"
    CAREER_BREAK = "career-break", "Career break"
    OTHER = "other", "Other"


class WithdrawalReason(TextChoices):
    """api.md §9.4. One value really ends with a full stop; providers' systems send it so."""

    INSUFFICIENT_CAPACITY_TO_UNDERTAKE_PROGRAMME = (
        "insufficient-capacity-to-undertake-programme",
        "Insufficient capacity to undertake the programme",
    )
    HEALTH_OR_PREGNANCY = "personal-reason-health-or-pregnancy-related", "Personal: health or pregnancy"
    MOVING_SCHOOL = "personal-reason-moving-school", "Personal: moving school"
    PERSONAL_OTHER = "personal-reason-other", "Personal: other"
    INSUFFICIENT_CAPACITY = "insufficient-capacity", "Insufficient capacity"
    CHANGE_IN_PRIORITIES = "change-in-developmental-or-personal-priorities", "Change in priorities"
    CHANGE_IN_SCHOOL_CIRCUMSTANCES = "change-in-school-circumstances", "Change in school circumstances"
    CHANGE_IN_SCHOOL_LEADERSHIP = "change-in-school-leadership", "Change in school leadership"
    QUALITY_STRUCTURE = "quality-of-programme-structure-not-suitable.", "Quality: structure not suitable"
    QUALITY_CONTENT = "quality-of-programme-content-not-suitable", "Quality: content not suitable"
    QUALITY_FACILITATION = "quality-of-programme-facilitation-not-effective", "Quality: facilitation not effective"
    QUALITY_ACCESSIBILITY = "quality-of-programme-accessibility", "Quality: accessibility"
    QUALITY_OTHER = "quality-of-programme-other", "Quality: other"
    NOT_APPROPRIATE = "programme-not-appropriate-for-role-and-cpd-needs", "Not appropriate for the role"
    STARTED_IN_ERROR = "started-in-error", "Started in error"
    EXPECTED_COMMITMENT_UNCLEAR = "expected-commitment-unclear", "Expected commitment unclear"
    ASSESSMENT_REQUIREMENTS_NOT_MET = "assessment-requirements-not-met", "Assessment requirements not met"
    CHANGE_IN_CAREER = "change-in-career", "Change in career"
    DISENGAGED = "disengaged-and-unresponsive", "Disengaged and unresponsive"
    NON_PAYMENT = "non-payment-of-invoice", "Invoice not paid"
    OTHER = "other", "Other"
