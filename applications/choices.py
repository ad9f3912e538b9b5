"""The words of an application: its states, and the answers the registration service sends."""

from django.db.models import TextChoices


class ApplicationStatus(TextChoices):
    """Where an application stands."""

    PENDING = "pending", "Pending"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"


# state -> the states it may move to through the provider API (decisions.md §1.5: an acceptance stands).
MOVES = {
    ApplicationStatus.PENDING: {ApplicationStatus.ACCEPTED, ApplicationStatus.REJECTED},
    ApplicationStatus.ACCEPTED: set(),
    ApplicationStatus.REJECTED: set(),
}

# What staff may do on top: undo a decision (backoffice.md §2.1).
STAFF_MOVES = {
    ApplicationStatus.PENDING: set(),
    ApplicationStatus.ACCEPTED: {ApplicationStatus.PENDING},
    ApplicationStatus.REJECTED: {ApplicationStatus.PENDING},
}


class ReasonForRejection(TextChoices):
    """Why an application is rejected."""

    REGISTRATION_EXPIRED = "registration_expired", "Registration expired"
    REJECTED_BY_PROVIDER = "rejected_by_provider", "Rejected by the provider"
    OTHER_APPLICATION_ACCEPTED = (
        "other_application_in_this_cohort_accepted",
        "Another application in this cohort was accepted",
    )


class FundingChoice(TextChoices):
    """Who pays when DfE does not."""

    SCHOOL = "school", "School"
    TRUST = "trust", "Trust"
    SELF = "self", "Self"
    ANOTHER = "another", "Another way"
    EMPLOYER = "employer", "Employer"


class HeadteacherStatus(TextChoices):
    """Whether and since when the applicant is a headteacher."""

    NO = "no", "Not a headteacher"
    YES_WHEN_COURSE_STARTS = "yes_when_course_starts", "When the course starts"
    YES_IN_FIRST_TWO_YEARS = "yes_in_first_two_years", "In the first two years"
    YES_OVER_TWO_YEARS = "yes_over_two_years", "For over two years"
    YES_IN_FIRST_FIVE_YEARS = "yes_in_first_five_years", "In the first five years"
    YES_OVER_FIVE_YEARS = "yes_over_five_years", "For over five years"


class EmploymentType(TextChoices):
    """Where the applicant works when it is not a school."""

    HOSPITAL_SCHOOL = "hospital_school", "Hospital school"
    LEAD_MENTOR = "lead_mentor_for_accredited_itt_provider", "Lead mentor for an accredited ITT provider"
    SUPPLY_TEACHER = "local_authority_supply_teacher", "Local authority supply teacher"
    VIRTUAL_SCHOOL = "local_authority_virtual_school", "Local authority virtual school"
    YOUNG_OFFENDER_INSTITUTION = "young_offender_institution", "Young offender institution"
    OTHER = "other", "Other"


class TeacherCatchment(TextChoices):
    """Where the applicant works, as stored; the API shows whether it is in the UK."""

    ENGLAND = "england", "England"
    SCOTLAND = "scotland", "Scotland"
    WALES = "wales", "Wales"
    NORTHERN_IRELAND = "northern_ireland", "Northern Ireland"
    CROWN_DEPENDENCIES = "jersey_guernsey_isle_of_man", "Jersey, Guernsey or the Isle of Man"
    ANOTHER = "another", "Another country"


# The stored areas the API shows as `teacher_catchment: true` (api.md §2.1).
UK_CATCHMENTS = tuple(value for value in TeacherCatchment.values if value != TeacherCatchment.ANOTHER)


class WorksAsSenco(TextChoices):
    """The questionnaire's word, shown as it is (decisions.md §8)."""

    YES = "yes", "Yes"
    PLANS_TO = "no_but_i_plan_to_become_one", "No, but plans to become one"
    NO = "no_i_do_not_plan_to_be_a_SENCO", "No, and does not plan to"


class FundingEligibilityStatusCode(TextChoices):
    """Why an applicant is or is not eligible for funding, as the registration service or staff decided."""

    FUNDED = "funded", "Funded"
    SUBJECT_TO_REVIEW = "subject_to_review", "Subject to review"
    UNFUNDED_COHORT = "unfunded_cohort", "Unfunded cohort"
    NOT_IN_ENGLAND = "not_in_england", "Not in England"
    PREVIOUSLY_FUNDED = "previously_funded", "Previously funded"
    INELIGIBLE_ESTABLISHMENT_TYPE = "ineligible_establishment_type", "Ineligible establishment type"
    INELIGIBLE_ESTABLISHMENT_NOT_A_PP50 = "ineligible_establishment_not_a_pp50", "Establishment not on the PP50 list"
    INELIGIBLE_INSTITUTION_TYPE = "ineligible_institution_type", "Ineligible institution type"
    EARLY_YEARS_INVALID_NPQ = "early_years_invalid_npq", "Course not funded for early years"
    NOT_ENTITLED_CHILDMINDER = "not_entitled_childminder", "Childminder not entitled"
    NOT_LEAD_MENTOR_COURSE = "not_lead_mentor_course", "Course not funded for lead mentors"
    NOT_NEW_HEADTEACHER_REQUESTING_EHCO = "not_new_headteacher_requesting_ehco", "Not a new headteacher"
    REFERRED_BY_ADVISER = "referred_by_return_to_teaching_adviser", "Referred by a return to teaching adviser"
    NO_INSTITUTION = "no_institution", "No institution"
    SCHOOL_OUTSIDE_CATCHMENT = "school_outside_catchment", "School outside the catchment"
    EARLY_YEARS_OUTSIDE_CATCHMENT = "early_years_outside_catchment", "Early years outside the catchment"
    NOT_ON_EARLY_YEARS_REGISTER = "not_on_early_years_register", "Not on the early years register"
    RE_REGISTER = "re_register", "Must register again"
    AWAITING_MORE_INFORMATION = "awaiting_more_information", "Awaiting more information"
    MARKED_FUNDED_BY_POLICY = "marked_funded_by_policy", "Marked as funded by policy"
    MARKED_INELIGIBLE_BY_POLICY = "marked_ineligible_by_policy", "Marked as ineligible by policy"


class IneligibleForFundingReason(TextChoices):
    """Why an application is shown as not eligible for funding."""

    PREVIOUSLY_FUNDED = "previously-funded", "Previously funded"
    ESTABLISHMENT_INELIGIBLE = "establishment-ineligible", "Establishment ineligible"


class TransferState(TextChoices):
    """What became of a transfer that was planned for a day."""

    WAITING = "waiting", "Waiting for its day"
    DONE = "done", "Done"
    REFUSED = "refused", "Refused on its day"
    CANCELLED = "cancelled", "Cancelled"
