"""Why an application cannot be accepted, rejected or have its funded place changed (api.md §5.3)."""

from typing import Any

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
    for_staff = "This application has been rejected already. If the rejection was a mistake, undo it."


class AcceptedCannotBeRejected(Refused):
    """An acceptance stands; only staff undo it (decisions.md §1.5)."""

    title = "application"
    code = "accepted_application_cannot_be_rejected"
    detail = "This application has been accepted, so it cannot be rejected. Contact DfE to undo the acceptance."
    for_staff = "This application has been accepted, so it cannot be rejected. Undo the acceptance first."


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
    for_staff = (
        "The participant is not eligible for funding, so no place can be funded. Change the funding eligibility first."
    )


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


# Intake: what the registration service or a file delivers (decisions.md §5)


class WrongField(Refused):
    """One field of a delivered application cannot be taken; the title is the field's name."""

    def __init__(self, field: str, **facts: Any) -> None:
        super().__init__(title=field, field=field, **facts)


class FieldMissing(WrongField):
    """A required field is absent, null or blank."""

    title = "the field's name"
    code = "field_missing"
    detail = "'#/{field}' is required. Send it with the application."


class FieldNotText(WrongField):
    """The field takes a text."""

    title = "the field's name"
    code = "field_not_text"
    detail = "'#/{field}' must be a text, in quotation marks."


class FieldUnreadable(WrongField):
    """The text holds a character that cannot be stored."""

    title = "the field's name"
    code = "field_unreadable"
    detail = "'#/{field}' holds a NUL character or broken Unicode. Remove it and send the application again."


class FieldTooLong(WrongField):
    """The text is longer than what the field is for."""

    title = "the field's name"
    code = "field_too_long"
    detail = "'#/{field}' has {length} characters. Send at most {most}."


class FieldNotBoolean(WrongField):
    """The field takes true or false."""

    title = "the field's name"
    code = "field_not_boolean"
    detail = "'#/{field}' must be true or false."


class FieldNotUuid(WrongField):
    """The field takes a UUID."""

    title = "the field's name"
    code = "field_not_uuid"
    detail = "'#/{field}' must be a UUID with its hyphens, such as 2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11."


class FieldNotDate(WrongField):
    """The field takes a day that exists."""

    title = "the field's name"
    code = "field_not_date"
    detail = "'#/{field}' must be a date that exists, as YYYY-MM-DD."


class FieldNotTimestamp(WrongField):
    """The field takes an RFC 3339 date and time."""

    title = "the field's name"
    code = "field_not_timestamp"
    detail = "'#/{field}' must be an RFC 3339 date and time, such as 2024-09-01T09:30:00Z."


class FieldOutOfTime(WrongField):
    """The day or instant cannot be true: it lies in the future, or before anybody who could apply."""

    title = "the field's name"
    code = "field_out_of_time"
    detail = "'#/{field}' must lie between {earliest} and {latest}. Correct it and send the application again."


class FieldNotKnown(WrongField):
    """The field takes one of some words."""

    title = "the field's name"
    code = "field_not_known"
    detail = "'#/{field}' must be one of {words}."


class FieldNotList(WrongField):
    """The field takes a list of texts."""

    title = "the field's name"
    code = "field_not_list"
    detail = "'#/{field}' must be a list of at most {most} texts."


class EmailMalformed(WrongField):
    """The email address has no mailbox or no domain."""

    title = "email"
    code = "email_malformed"
    detail = "'#/{field}' must be one email address, such as name@school.example.org."


class TrnNotSevenDigits(WrongField):
    """A TRN is seven digits, sent as text: leading noughts count."""

    title = "teacher_reference_number"
    code = "trn_not_seven_digits"
    detail = "'#/{field}' must be a text of exactly 7 digits. Leave it out when the person has no TRN."


class TrnValidatedWithoutTrn(WrongField):
    """Nothing was validated: there is no TRN, or it is 0000000, which belongs to nobody."""

    title = "teacher_reference_number_validated"
    code = "trn_validated_without_trn"
    detail = "'#/{field}' is true, but '#/teacher_reference_number' names nobody. Send the TRN, or send false."


class CountryCodeMalformed(WrongField):
    """A country code has three letters (ISO 3166 alpha-3)."""

    title = "teacher_catchment_iso_country_code"
    code = "country_code_malformed"
    detail = "'#/{field}' must be an ISO 3166 code of three letters, such as GBR."


class CohortNotYear(WrongField):
    """The cohort is a start year."""

    title = "cohort"
    code = "cohort_not_year"
    detail = "'#/{field}' must be a start year such as 2024, as a number or a text; the letter goes into cohort_suffix."


class CohortSuffixNotLetter(WrongField):
    """The suffix tells apart the cohorts of a year by one letter."""

    title = "cohort_suffix"
    code = "cohort_suffix_not_letter"
    detail = "'#/{field}' must be one letter from a to z. Leave it out for a."


class UnknownCohort(WrongField):
    """No cohort of that year and suffix exists."""

    title = "cohort"
    code = "unknown_cohort"
    detail = "There is no cohort {cohort}. The cohorts are {known}."


class UnknownCourse(WrongField):
    """No course has that identifier."""

    title = "course_identifier"
    code = "unknown_course"
    detail = "'#/{field}' must be one of {known}."


class UnknownLeadProvider(WrongField):
    """No lead provider has that short code."""

    title = "lead_provider"
    code = "unknown_lead_provider"
    detail = "'#/{field}' must be one of {known}."


class VerifiedTrnContradicted(WrongField):
    """The person has another verified TRN: one of the two is wrong, or they are two people (decisions.md §8)."""

    title = "teacher_reference_number"
    code = "verified_trn_contradicted"
    detail = (
        "Participant {participant} has another verified TRN. Ask DfE staff which of the two is right; "
        "they can correct it, and then the application can be sent again."
    )


class ApplicationContradicted(WrongField):
    """An application with this id is stored, with other content."""

    status = 409
    title = "id"
    code = "application_contradicted"
    detail = (
        "An application with this id was received before with other content in {fields}. "
        "Send a new application under a new id, or ask DfE staff to correct the one that is stored."
    )


# Corrections by staff (decisions.md §6, correct_application; backoffice.md §2.1)


class NoAcceptanceToUndo(Refused):
    """Only an accepted application has an acceptance to undo."""

    title = "application"
    code = "no_acceptance_to_undo"
    detail = "The application is {status}, so there is no acceptance to undo. Only an accepted application has one."


class NotRejectedByAcceptance(Refused):
    """Only what the acceptance itself rejected becomes pending again with it."""

    title = "application"
    code = "not_rejected_by_acceptance"
    detail = (
        "Application {sibling} was not rejected by this acceptance, or has changed since. "
        "Leave it out; its own page says what can be done about it."
    )


class NoRejectionToUndo(Refused):
    """Only a rejected application has a rejection to undo."""

    title = "application"
    code = "no_rejection_to_undo"
    detail = "The application is {status}, so there is no rejection to undo. Only a rejected application has one."


class NoTrainingToChange(Refused):
    """A schedule and a training status begin with an acceptance."""

    title = "application"
    code = "no_training_to_change"
    detail = (
        "The application is {status}, so it has no schedule and no training status yet. "
        "They can be corrected once a provider has accepted it."
    )


class DeclarationsStand(Refused):
    """Declarations that are or may be paid rest on what would change."""

    title = "declaration"
    code = "declarations_stand"
    detail = (
        "{what} while these declarations stand: {declarations}. "
        "Void them first (what was paid is then taken back), and try again."
    )


class ProviderWithoutContract(Refused):
    """A place nobody could be paid for is no place to move somebody to."""

    title = "lead_provider"
    code = "provider_without_contract"
    detail = (
        "{lead_provider} has no contract for {course} in cohort {cohort}, so it could not be paid for this place. "
        "Load the contract terms first (load_contracts), or choose another."
    )


class CourseHeldBy(Refused):
    """The person holds an enrolment in the course's family (decisions.md §2)."""

    title = "course"
    code = "course_held_by_enrolment"
    detail = (
        "Participant {participant} is enrolled on {course} with {lead_provider} already (application {application}). "
        "Undo that acceptance, or withdraw the participant from it, and try again."
    )


class ScheduleToBeNamed(Refused):
    """No schedule follows from what is known, so somebody has to choose one."""

    title = "schedule"
    code = "schedule_to_be_named"
    detail = "{why} Name the schedule: one of {schedules}."


class FundingChoiceNotKnown(Refused):
    """The funding choice is not one of the registration service's answers."""

    title = "funding_choice"
    code = "funding_choice_not_known"
    detail = "{choice!r} is not a funding choice. Give one of {choices}."


class FundedPlaceHeld(Refused):
    """Only somebody who is eligible holds a funded place."""

    title = "funded_place"
    code = "funded_place_held"
    detail = "The application holds a funded place. Take the funded place away first, then the eligibility."


class TransferAlreadyPlanned(Refused):
    """An application waits for one transfer at a time."""

    title = "lead_provider"
    code = "transfer_already_planned"
    detail = "A transfer to {lead_provider} is planned for {day} already. Cancel it first, or wait for it."


class TransferDayPast(Refused):
    """A transfer is planned for a day to come."""

    title = "day"
    code = "transfer_day_past"
    detail = (
        "A transfer cannot be planned for {day}. Give a day after today ({today}), or leave it out to transfer now."
    )


class NoTransferPlanned(Refused):
    """There is nothing to cancel."""

    title = "lead_provider"
    code = "no_transfer_planned"
    detail = "No transfer of this application is planned, so there is nothing to cancel."
