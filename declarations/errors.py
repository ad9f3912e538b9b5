"""Why a declaration or an outcome cannot be recorded or changed (api.md §5.3)."""

from npq.core.errors import Refused

# Submitting a declaration: the participant


class ParticipantIdMissing(Refused):
    """The declaration names no participant."""

    title = "participant_id"
    code = "participant_id_missing"
    detail = "Enter a '#/participant_id': the participant's id as GET /participants/npq shows it."


class ParticipantIdReplaced(Refused):
    """The participant id is retired: the person was merged and has another id now (decisions.md §1.11)."""

    title = "participant_id"
    code = "participant_id_replaced"
    detail = (
        "The participant id {from_participant_id} has been replaced by {to_participant_id}. "
        "Store the new id and declare again with it."
    )


class ParticipantNotRecognised(Refused):
    """The provider has accepted no application of a participant with this id."""

    title = "participant_id"
    code = "participant_not_recognised"
    detail = (
        "'#/participant_id' is not a participant of yours. "
        "Accept the participant's application first, or read GET /participants/npq for the id."
    )


class DatedAfterWithdrawal(Refused):
    """The participant withdrew before the date declared, or at that very moment (decisions.md §3.7)."""

    title = "participant_id"
    code = "declared_after_withdrawal"
    detail = (
        "The participant withdrew from this course on {withdrawn_at:%Y-%m-%dT%H:%M:%SZ}. "
        "Declare a '#/declaration_date' before that, or resume the participant first."
    )
    for_staff = (
        "The participant withdrew from this course on {withdrawn_at:%Y-%m-%dT%H:%M:%SZ}. Give a day before that, "
        "or make the training active again first."
    )


# Submitting a declaration: what is declared


class NotAcceptedOnDeclaredCourse(Refused):
    """The provider has accepted the participant on no such course."""

    title = "course_identifier"
    code = "declared_course_not_recognised"
    detail = (
        "'#/course_identifier' is not a course on which you have accepted this participant. "
        "Read the participant with GET to see the courses you accepted them on."
    )


class DeclarationDateUnreadable(Refused):
    """The date is not a date and time as RFC 3339 writes it, or does not exist."""

    title = "declaration_date"
    code = "declaration_date_unreadable"
    detail = "'#/declaration_date' must be an RFC 3339 date and time, for example 2024-10-01T09:30:00Z."


class DeclarationDateBeforeSchedule(Refused):
    """The date lies before the schedule's first day, UK time."""

    title = "declaration_date"
    code = "declaration_date_before_schedule"
    detail = (
        "'#/declaration_date' must be on or after {first_day}, the first day of {schedule}. "
        "Correct the date, or change the participant's schedule first."
    )


class DeclarationDateMissing(Refused):
    """The declaration has no date."""

    title = "declaration_date"
    code = "declaration_date_missing"
    detail = "Enter a '#/declaration_date', for example 2024-10-01T09:30:00Z."


class DeclarationDateInFuture(Refused):
    """What is declared must have happened."""

    title = "declaration_date"
    code = "declaration_date_in_future"
    detail = "'#/declaration_date' cannot be in the future. Declare again once the date has passed."
    for_staff = "The day cannot be in the future. Submit the declaration on that day or later."


class DeclarationTypeMissing(Refused):
    """The declaration has no type."""

    title = "declaration_type"
    code = "declaration_type_missing"
    detail = "Enter a '#/declaration_type'."


class DeclarationTypeNotRecognised(Refused):
    """There is no declaration of that type."""

    title = "declaration_type"
    code = "declaration_type_not_recognised"
    detail = "'#/declaration_type' must be one of {types}."


class DeclarationTypeNotOnSchedule(Refused):
    """The participant's schedule has no milestone of that type."""

    title = "declaration_type"
    code = "declaration_type_not_on_schedule"
    detail = "'#/declaration_type' does not exist for {schedule}. Declare one of {types}."


class HasPassedMissing(Refused):
    """A completed declaration says whether the participant passed."""

    title = "has_passed"
    code = "has_passed_missing"
    detail = "Enter '#/has_passed': true or false. A completed declaration for {course} needs it."
    for_staff = "Choose the result: a completed declaration for {course} needs it."


class SlotHeld(Refused):
    """A declaration of this type exists already, and it is not an exact copy of this one (decisions.md §1.2)."""

    title = "base"
    code = "declaration_already_exists"
    detail = (
        "A {declaration_type} declaration has already been submitted for this participant and course. "
        "Void it before declaring again; to correct the result of a completed one, submit an outcome."
    )
    for_staff = (
        "A {declaration_type} declaration stands for this participant and course already. Void it first; to "
        "correct the result of a completed one, correct its outcome."
    )


# Delivery partners


class DeliveryPartnerNamed(Refused):
    """The declaration names another delivery partner, which filling in what is missing never replaces."""

    title = "delivery_partner"
    code = "delivery_partner_named"
    detail = (
        "The declaration names {name} ({id}) as its {field} already. Leave the row out, "
        "or change the delivery partners on the declaration's own page if that one is wrong."
    )


class DeliveryPartnerNotFound(Refused):
    """There is no delivery partner with this id."""

    title = "delivery_partner_id"
    code = "delivery_partner_not_found"
    detail = "'#/{field}' is not a delivery partner. Send an id that GET /delivery-partners shows."
    for_staff = "This delivery partner no longer exists. Choose another from the list."


class DeliveryPartnerMissing(Refused):
    """From 2024, a declaration for somebody who works in England names who delivered the training."""

    title = "delivery_partner_id"
    code = "delivery_partner_missing"
    detail = "Enter a '#/delivery_partner_id': an id that GET /delivery-partners shows for cohort {cohort}."
    for_staff = "Choose a delivery partner: a declaration in cohort {cohort} needs one."


class DeliveryPartnerOverseas(Refused):
    """Training of people who work outside England has no delivery partner."""

    title = "delivery_partner_id"
    code = "delivery_partner_overseas"
    detail = "The participant works outside England, so '#/{field}' must be left out or null."
    for_staff = "The participant works outside England, so there is no delivery partner to give. Choose none."


class DeliveryPartnerNotOnList(Refused):
    """The partner is not one of the provider's partners in the cohort."""

    title = "delivery_partner_id"
    code = "delivery_partner_not_on_list"
    detail = (
        "'#/{field}' is not on your list of delivery partners for cohort {cohort}. "
        "Send an id that GET /delivery-partners?filter[cohort]={year} shows, or ask DfE to add the partner."
    )
    for_staff = (
        "The delivery partner is not on the provider's list for cohort {cohort}. Choose another, or ask for it "
        "to be added to the list."
    )


class SecondaryDeliveryPartnerAlone(Refused):
    """A secondary partner needs a first one."""

    title = "secondary_delivery_partner_id"
    code = "secondary_delivery_partner_alone"
    detail = "'#/secondary_delivery_partner_id' needs a '#/delivery_partner_id' beside it."
    for_staff = "A secondary delivery partner needs a first one beside it. Choose both, or neither."


class DeliveryPartnersSame(Refused):
    """The secondary partner is the first one over again."""

    title = "secondary_delivery_partner_id"
    code = "delivery_partners_same"
    detail = "'#/secondary_delivery_partner_id' must differ from '#/delivery_partner_id', or be left out."
    for_staff = "The secondary delivery partner must not be the same as the first. Choose another, or none."


# Changing a declaration


class DeclarationOfAnotherProvider(Refused):
    """The declaration came with a transferred participant: to be read, not changed (decisions.md §1.15)."""

    status = 403
    title = "Cannot modify declaration"
    code = "declaration_of_another_provider"
    detail = (
        "This declaration was created by another provider, so you can read it but not change it. "
        "Contact DfE if it is wrong."
    )


class AlreadyVoided(Refused):
    """The declaration has been voided before."""

    title = "declaration"
    code = "declaration_already_voided"
    detail = "This declaration has already been voided. You may declare again."
    for_staff = "This declaration has been voided already. There is nothing left to do."


class AlreadyClawedBack(Refused):
    """What was paid for the declaration is being taken back, or has been."""

    title = "declaration"
    code = "declaration_already_clawed_back"
    detail = "This declaration has already been voided and its payment is taken back. You may declare again."
    for_staff = (
        "This declaration has been voided already, and what was paid is taken back. There is nothing left to do."
    )


# Outcomes


class OutcomeCourseNotRecognised(Refused):
    """The course has no outcome, or does not exist."""

    title = "course_identifier"
    code = "outcome_course_not_recognised"
    detail = "'#/course_identifier' must be a course that ends in an outcome: {courses}."


class OutcomeCourseMissing(Refused):
    """The outcome names no course."""

    title = "course_identifier"
    code = "outcome_course_missing"
    detail = "Enter a '#/course_identifier'."


class OutcomeNotForDeclaration(Refused):
    """Only a completed declaration that stands, on a course that ends in one, has an outcome (decisions.md §2)."""

    title = "declaration"
    code = "outcome_not_for_declaration"
    detail = "{why}, so it has no outcome to correct. Correct the outcome of the completed declaration that stands."


class OutcomeStateNotRecognised(Refused):
    """A pass or a fail is submitted; a retraction is made by voiding."""

    title = "state"
    code = "outcome_state_not_recognised"
    detail = "'#/state' must be passed or failed. To retract an outcome, void the completed declaration."


class OutcomeStateMissing(Refused):
    """The outcome is neither a pass nor a fail."""

    title = "state"
    code = "outcome_state_missing"
    detail = "Enter a '#/state': passed or failed."


class CompletionDateMissing(Refused):
    """The outcome has no date."""

    title = "completion_date"
    code = "completion_date_missing"
    detail = "Enter a '#/completion_date', for example 2024-05-25."


class CompletionDateUnreadable(Refused):
    """The date is not a date, or does not exist."""

    title = "completion_date"
    code = "completion_date_unreadable"
    detail = "'#/completion_date' must be a date written yyyy-mm-dd, for example 2024-05-25."


class CompletionDateInFuture(Refused):
    """An outcome is known when it has happened."""

    title = "completion_date"
    code = "completion_date_in_future"
    detail = "'#/completion_date' cannot be in the future. Submit the outcome once the date has passed."
    for_staff = "The completion date cannot be in the future. Give the day on which the course was completed."


class NoCompletedDeclaration(Refused):
    """Outcomes belong to a completed declaration that has not been voided."""

    title = "base"
    code = "no_completed_declaration"
    detail = (
        "The participant has no completed declaration on {course} that you could give an outcome to. "
        "Submit the completed declaration first, with '#/has_passed'."
    )


# Delivery partners of a provider (commands and staff)


class PartnerIdTaken(Refused):
    """The id belongs to a delivery partner of another name."""

    title = "id"
    code = "partner_id_taken"
    detail = "{id} is the delivery partner {name}. Use that name, or leave the id out."


class PartnerNameTaken(Refused):
    """The name belongs to a delivery partner with another id."""

    title = "name"
    code = "partner_name_taken"
    detail = "{name} is a delivery partner already, with the id {id}. Use that id, or leave it out."
