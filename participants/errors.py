"""Why training cannot change as asked, and why people cannot be merged or get a TRN (api.md §5.3)."""

from typing import Any

from npq.core.errors import Refused


class UnknownTrainingStatus(Refused):
    """The training status to filter by does not exist."""

    title = "Unpermitted parameters"
    code = "unknown_training_status"
    detail = "The filter '#/training_status' must be one of {statuses}."


class ParticipantIdChanged(Refused):
    """The participant id is retired: the person was merged and has another id now (decisions.md §1.11)."""

    status = 410
    title = "Participant ID has been changed"
    code = "participant_id_changed"
    detail = (
        "The participant id {from_participant_id} has been replaced by {to_participant_id}. "
        "Store the new id and send the request again with it."
    )

    @property
    def extra(self) -> dict[str, Any]:
        """What is added to each error of the answer."""
        change = {
            "from_participant_id": str(self.facts["from_participant_id"]),
            "to_participant_id": str(self.facts["to_participant_id"]),
            "changed_at": f"{self.facts['changed_at']:%Y-%m-%dT%H:%M:%SZ}",
        }
        return {"participant_id_changes": [change]}


# Withdraw, defer, resume, change schedule


class CourseNotRecognised(Refused):
    """The course is missing or is not one of the twelve."""

    title = "course_identifier"
    code = "course_not_recognised"
    detail = "'#/course_identifier' is not a course. Send one of {courses}."


class NotAcceptedOnCourse(Refused):
    """The provider has accepted nobody of that id on exactly that course."""

    title = "participant_id"
    code = "no_accepted_application_on_course"
    detail = (
        "You have no accepted application of this participant for {course}. "
        "Read the participant with GET to see the courses you accepted them on."
    )


class ReasonNotRecognised(Refused):
    """The reason is missing or is not one of the list."""

    title = "reason"
    code = "reason_not_recognised"
    detail = "'#/reason' must be one of {reasons}."
    for_staff = "Choose a reason that belongs to the new training status."


class AlreadyWithdrawn(Refused):
    """The training has ended by a withdrawal."""

    title = "participant_id"
    code = "already_withdrawn"
    detail = "The participant has been withdrawn from {course}. Resume the training first if they are back."
    for_staff = "The participant has been withdrawn from {course}. If they are back, make the training active first."


class AlreadyDeferred(Refused):
    """The training is deferred already."""

    title = "participant_id"
    code = "already_deferred"
    detail = "The participant's training on {course} is deferred already. There is nothing to change."


class AlreadyActive(Refused):
    """The training goes on; there is nothing to resume."""

    title = "participant_id"
    code = "already_active"
    detail = "The participant's training on {course} is active already. There is nothing to change."


class NoStartedDeclaration(Refused):
    """Nobody withdraws from training that was never declared as started (decisions.md §1.7)."""

    title = "participant_id"
    code = "no_started_declaration"
    detail = (
        "The participant has no started declaration on {course}, so they cannot be withdrawn. "
        "Submit the started declaration first, or contact DfE if they never started."
    )


class CourseHeldElsewhere(Refused):
    """Since the withdrawal the person was accepted on the course again (decisions.md §1.7)."""

    title = "participant_id"
    code = "course_held_elsewhere"
    detail = (
        "The participant has been accepted on {course} again since, here or with another provider, "
        "so this training cannot be resumed. Contact DfE if the other acceptance is a mistake."
    )
    for_staff = (
        "The participant has been accepted on {course} again since, with this provider or another, so this "
        "training cannot be made active. If the other acceptance is a mistake, undo it first."
    )


class CohortNotReadable(Refused):
    """The cohort is neither a start year nor a year with a suffix."""

    title = "cohort"
    code = "cohort_not_readable"
    detail = "'#/cohort' must be a start year such as 2024, or a year with a suffix such as 2026b."


class ScheduleMissing(Refused):
    """No schedule was named."""

    title = "schedule_identifier"
    code = "schedule_missing"
    detail = "'#/schedule_identifier' must be present. Send one of {schedules}."


class ScheduleNotFound(Refused):
    """The cohort that is meant has no schedule of that name."""

    title = "schedule_identifier"
    code = "schedule_not_found"
    detail = "'#/schedule_identifier' is not a schedule of cohort {cohort}. Send one of {schedules}."


class NoContractForCohort(Refused):
    """The provider has no contract terms for the course in the cohort it would move to."""

    title = "cohort"
    code = "no_contract_for_cohort_and_course"
    detail = (
        "You have no contract for {course} in cohort {cohort}. "
        "Choose a cohort you have a contract for, or ask DfE to add the contract."
    )


class ScheduleInvalidatesDeclarations(Refused):
    """A live declaration would be dated before the new schedule's first day, or of a type the schedule lacks."""

    title = "schedule_identifier"
    code = "schedule_invalidates_declarations"
    detail = (
        "The {declaration_type} declaration dated {day} would not be valid on {schedule}, which begins on "
        "{first_day} and takes {types}. Void the declaration first, or choose another schedule."
    )


class ScheduleUnchanged(Refused):
    """The participant is on the schedule already."""

    title = "schedule_identifier"
    code = "schedule_unchanged"
    detail = "The participant is already on {schedule} in cohort {cohort}. There is nothing to change."


class CohortHasDeclarations(Refused):
    """Live declarations tie the training to its cohort."""

    title = "cohort"
    code = "cohort_has_declarations"
    detail = (
        "The cohort cannot change while the participant has submitted, eligible, payable or paid declarations. "
        "Void them, change the schedule, then declare again."
    )


class CohortWithoutCap(Refused):
    """A capped place cannot move to a cohort without a cap."""

    title = "cohort"
    code = "cohort_without_cap"
    detail = (
        "Places in cohort {current} are capped and those in cohort {cohort} are not, so the participant cannot move "
        "there. Choose a cohort with capped places."
    )


class CohortFunded(Refused):
    """An unfunded place cannot move to a funded cohort."""

    title = "cohort"
    code = "cohort_funded"
    detail = (
        "Places in cohort {current} are not funded, so the participant cannot move to cohort {cohort}, which is. "
        "Choose an unfunded cohort, or ask the participant to register again."
    )


# Merging people and changing a TRN


class PersonRetired(Refused):
    """The participant id is retired already."""

    title = "participant_id"
    code = "participant_retired"
    detail = "Participant {retired} has been merged into {survivor}. Use {survivor} instead."


class MergeIntoItself(Refused):
    """Both ids are the same person's."""

    title = "participant_id"
    code = "merge_into_itself"
    detail = "Participant {participant} cannot be merged into itself. Name two different participants."


class MergeIsCircular(Refused):
    """The survivor was itself merged into the person that is to be retired."""

    title = "participant_id"
    code = "merge_is_circular"
    detail = (
        "Participant {survivor} has been merged into {retired} before, so {retired} cannot be merged into it. "
        "Keep {retired}: it stands for both."
    )


class DifferentVerifiedTrns(Refused):
    """Two verified TRNs are two people until staff correct one of them."""

    title = "teacher_reference_number"
    code = "different_verified_trns"
    detail = (
        "{retired} has the verified TRN {retired_trn} and {survivor} has {survivor_trn}. "
        "Correct the wrong one with change_trn, then merge."
    )


class BothOnCourse(Refused):
    """The one person would hold two enrolments on one course (decisions.md §2)."""

    title = "enrolment"
    code = "both_on_course"
    detail = (
        "Both are enrolled on {course}: {first} with {first_provider} (application {first_application}) and {second} "
        "with {second_provider} (application {second_application}). Withdraw one of them or undo its acceptance first."
    )


class BothPaidFor(Refused):
    """The one person would be paid for twice (decisions.md §2)."""

    title = "declaration"
    code = "both_paid_for"
    detail = (
        "Both have a {declaration_type} declaration on {course} that is or will be paid: {first} and {second}. "
        "Void one of them first."
    )


class TrnMalformed(Refused):
    """A TRN is seven digits."""

    title = "teacher_reference_number"
    code = "trn_malformed"
    detail = "{trn!r} is not a TRN. A TRN has exactly 7 digits; spaces are allowed."


class TrnNotReal(Refused):
    """Seven noughts stand for a missing TRN and belong to nobody."""

    title = "teacher_reference_number"
    code = "trn_not_real"
    detail = "0000000 is not anybody's TRN. Look the number up in the teacher record."


class TrnHolderOnCourse(Refused):
    """Somebody else with that verified TRN holds an enrolment on a course this person is on (decisions.md §2)."""

    title = "teacher_reference_number"
    code = "trn_holder_on_course"
    detail = (
        "Participant {holder} has the verified TRN {trn} too and is enrolled on {course} with {holder_provider} "
        "(application {holder_application}), where {participant} is enrolled with {provider} (application "
        "{application}). Withdraw one of them or undo its acceptance, or merge the two; then change the TRN."
    )


class NoTrnToVerify(Refused):
    """Only a TRN that is there can be verified."""

    title = "teacher_reference_number"
    code = "no_trn_to_verify"
    detail = "The participant has no TRN to verify. Look it up in the teacher record, and use change TRN."


class TrnNotVerified(Refused):
    """There is no verification to take back."""

    title = "teacher_reference_number"
    code = "trn_not_verified"
    detail = "The participant has no verified TRN, so there is no verification to take back."


class NoTrnToRemove(Refused):
    """There is no TRN to take away."""

    title = "teacher_reference_number"
    code = "no_trn_to_remove"
    detail = "The participant has no TRN, so there is none to remove."


# Notes


class NoteEmpty(Refused):
    """A note says something."""

    title = "note"
    code = "note_empty"
    detail = "The note is empty. Write what the next reader should know."


class NoteTooLong(Refused):
    """A note is something to be read."""

    title = "note"
    code = "note_too_long"
    detail = "The note has {length} characters. Write at most {most}, or split it in two."


class NoteUnreadable(Refused):
    """The text holds a character that cannot be stored."""

    title = "note"
    code = "note_unreadable"
    detail = "The note holds a NUL character or broken Unicode. Remove it and save the note again."
