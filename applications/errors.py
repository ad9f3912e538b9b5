"""Why an application cannot be accepted, rejected or have its funded place changed (api.md §5.3)."""

from npq.core.errors import Refused


class FundedPlaceRequired(Refused):
    """The cohort is capped, so an acceptance must say whether the place is funded."""

    title = "funded_place"
    code = "funded_place_required"
    detail = "Places in cohort {cohort} are capped. Set '#/funded_place' to true or false and accept again."


class FundedPlaceMustBeFalse(Refused):
    """The cohort is unfunded."""

    title = "funded_place"
    code = "funded_place_must_be_false"
    detail = "Cohort {cohort} is not funded. Set '#/funded_place' to false and accept again."


class AlreadyAccepted(Refused):
    """The application has been accepted before."""

    title = "application"
    code = "application_already_accepted"
    detail = "This application has already been accepted. Read it with GET to see its schedule and funded place."


class AlreadyRejected(Refused):
    """The application has been rejected; a rejection is not changed through the API."""

    title = "application"
    code = "application_already_rejected"
    detail = (
        "This application has already been rejected and cannot change. "
        "Ask the participant to register again, or contact DfE if the rejection was a mistake."
    )


class AcceptedCannotBeRejected(Refused):
    """An acceptance stands; only staff undo it (decisions.md §1.5)."""

    title = "application"
    code = "accepted_application_cannot_be_rejected"
    detail = "This application has been accepted, so it cannot be rejected. Contact DfE to undo the acceptance."


class AnotherApplicationAccepted(Refused):
    """The person holds an accepted enrolment on the course already, here or with another provider."""

    title = "application"
    code = "participant_already_accepted_on_course"
    detail = (
        "The participant has already had an application accepted for this course. "
        "Reject this application, or contact DfE if the other acceptance is a mistake."
    )


class NotEligibleForFundedPlace(Refused):
    """A funded place needs somebody who is eligible for funding."""

    title = "application"
    code = "not_eligible_for_funded_place"
    detail = "The participant is not eligible for funding, so '#/funded_place' cannot be true. Set it to false."


class ScheduleNotInCohort(Refused):
    """No schedule of that name exists in the application's cohort."""

    title = "schedule_identifier"
    code = "schedule_not_in_cohort"
    detail = (
        "'#/schedule_identifier' is not a schedule of cohort {cohort}. "
        "Send one of {schedules}, or leave it out to get the default schedule."
    )


class ScheduleNotForCourse(Refused):
    """The schedule belongs to another group of courses."""

    title = "schedule_identifier"
    code = "schedule_not_for_course"
    detail = "'#/schedule_identifier' is not valid for {course}. Send one of {schedules}."


class NoDefaultSchedule(Refused):
    """No schedule was given and none applies by default on this date."""

    title = "schedule"
    code = "no_default_schedule"
    detail = (
        "No default schedule applies to {course} in cohort {cohort} on {day}. "
        "Send '#/schedule_identifier' with one of {schedules}."
    )


class FundedPlaceNotBoolean(Refused):
    """The funded place must be a JSON boolean."""

    title = "funded_place"
    code = "funded_place_not_boolean"
    detail = "Set '#/funded_place' to true or false, as a JSON boolean without quotation marks."


class NotAccepted(Refused):
    """Only an accepted application has a funded place to change."""

    title = "application"
    code = "application_not_accepted"
    detail = "This application has not been accepted. Accept it before changing '#/funded_place'."


class CohortNotCapped(Refused):
    """Funded places exist in capped cohorts only."""

    title = "application"
    code = "cohort_not_capped"
    detail = "Places in cohort {cohort} are not capped, so '#/funded_place' cannot be set. Leave it as it is."


class FundedPlaceFrozen(Refused):
    """Declarations that are or will be paid rest on the funded place (decisions.md §1.17)."""

    title = "application"
    code = "funded_place_has_declarations"
    detail = (
        "The funded place cannot change while the participant has submitted, eligible, payable or paid declarations. "
        "Void them, change the funded place, then declare again."
    )
