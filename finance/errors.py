"""Why money cannot be moved as asked (api.md §5.3, decisions.md §3)."""

from npq.core.errors import Refused


class NoOpenStatement(Refused):
    """The provider has no statement left in the cohort that a declaration or a clawback could land on."""

    title = "cohort"
    code = "no_open_statement"
    detail = (
        "The contract for cohort {cohort} has ended: no open statement is left on which this could be paid or "
        "taken back. Contact DfE if you expect further payments for this cohort."
    )
    for_staff = (
        "The provider has no open statement left in cohort {cohort} on which this could be paid or taken back. "
        "Load statements first (load_statements), then try again."
    )


class PaymentRecordsDisagree(Refused):
    """A declaration's state and its lines on statements contradict each other: taking it back would move wrong sums."""

    title = "declaration"
    code = "payment_records_disagree"
    detail = (
        "DfE's records of payment for this declaration contradict each other: the declaration is {state}, and {lines}. "
        "Nothing was changed. Contact DfE with the declaration's ID: the records have to be put right first."
    )
    for_staff = (
        "The records of payment contradict each other: the declaration is {state}, and {lines}. Nothing was "
        "changed. They have to be put right first, by the people who look after the database: "
        "check_invariants lists them."
    )


class NoContractTerms(Refused):
    """The provider has no contract terms for the course on the statement that a declaration would land on."""

    title = "cohort"
    code = "no_contract_terms"
    detail = (
        "You have no contract for {course} in cohort {cohort}. "
        "Contact DfE, who can add the contract terms; then declare again."
    )
    for_staff = (
        "The provider has no contract terms for {course} in cohort {cohort} in the month in which this would be "
        "paid. Load them first (load_contracts), then try again."
    )


class StatementNotOpen(Refused):
    """Only an open statement's dates and output flag change."""

    title = "statement"
    code = "statement_not_open"
    detail = "The statement of {statement} is {state}, so it no longer changes. Only open statements do."


class DeadlineAfterPayment(Refused):
    """A statement's deadline must not fall after its payment date."""

    title = "deadline_date"
    code = "deadline_after_payment"
    detail = "The deadline {deadline} would be after the payment date {payment}. Change both, or one of them, again."


class StatementHasDeclarations(Refused):
    """A statement that carries declarations cannot become a service-fee-only one."""

    title = "output_fee"
    code = "statement_has_declarations"
    detail = (
        "The statement of {statement} has {declarations} declarations, which would no longer be shown or paid. "
        "Move them to another statement first (move_declarations)."
    )


class ClosedStatementRestsOnTerms(Refused):
    """The change would alter what a payable or paid statement rests on."""

    title = "effective_month"
    code = "statement_closed"
    detail = "The change {sentence}."


class NoTermsToChange(Refused):
    """The provider has no contract terms for the course by that month, so there is nothing to start from."""

    title = "course"
    code = "no_terms_to_change"
    detail = (
        "{lead_provider} has no contract terms for {course} in cohort {cohort} by {month}. "
        "Put all of them in a file and load it (load_contracts)."
    )


class FeeNotDerivable(Refused):
    """Terms without instalments and without a fixed fee do not say what the service fee is."""

    title = "monthly_service_fee"
    code = "fee_not_derivable"
    detail = "The terms have no instalments, so no fee can be derived. Give a monthly service fee (0 for none)."


class StatementNotDue(Refused):
    """A statement takes declarations up to and including its deadline."""

    title = "statement"
    code = "statement_not_due"
    detail = (
        "The statement of {statement} takes declarations until {deadline}, so it cannot become payable on {day}. "
        "Wait until the day after, or change its deadline."
    )


class StatementWithoutTerms(Refused):
    """There are declarations on the statement for which no contract terms say what is paid."""

    title = "statement"
    code = "statement_without_terms"
    detail = (
        "The statement of {statement} has declarations for {courses}, but no contract terms for them "
        "in its month. Load the terms (load_contracts) or move the declarations (move_declarations), then try again."
    )


class LinesDisagree(Refused):
    """A line and its declaration are in different states; paying would hide it."""

    title = "statement"
    code = "statement_lines_disagree"
    detail = (
        "On the statement of {statement}, {number} lines are in another state than their declarations. "
        "check_invariants lists them: correct them first."
    )


class StatementNotPayable(Refused):
    """Only a payable statement can be authorised."""

    title = "statement"
    code = "statement_not_payable"
    detail = (
        "The statement of {statement} is {state}, not payable, so it cannot be authorised. "
        "It becomes payable in the nightly run after its deadline."
    )


class PaymentNotRequested(Refused):
    """A statement is authorised after somebody has asked for its payment."""

    title = "statement"
    code = "payment_not_requested"
    detail = "Nobody has asked for the payment of the statement of {statement}. Somebody in finance has to ask first."


class SecondPersonNeeded(Refused):
    """Whoever asks for a payment does not authorise it."""

    title = "statement"
    code = "second_person_needed"
    detail = "You asked for the payment of the statement of {statement} yourself. Somebody else has to authorise it."


class AuthorisedAlready(Refused):
    """A statement is authorised once; whoever comes second is told who was first."""

    title = "statement"
    code = "authorised_already"
    detail = "The statement of {statement} has been authorised already, by {by}. Nothing was written."


class TotalHasChanged(Refused):
    """The total is not the one that whoever authorises has seen."""

    title = "total"
    code = "total_has_changed"
    detail = (
        "The statement of {statement} comes to {total}, not {expected}. "
        "Look at it again, then authorise the total it has now."
    )


class RequestedTotalHasChanged(TotalHasChanged):
    """The total is not the one that somebody asked to be paid."""

    code = "requested_total_has_changed"
    detail = (
        "The statement of {statement} comes to {total} now, but {expected} was asked for. "
        "Somebody in finance has to ask again, for the total it has now, before it can be authorised."
    )


class StatementPaid(Refused):
    """What has been authorised is frozen."""

    title = "statement"
    code = "statement_paid"
    detail = (
        "The statement of {statement} has been paid, so it can no longer be changed. "
        "Put an adjustment on a later statement instead."
    )


class AdjustmentIsZero(Refused):
    """An adjustment changes the total."""

    title = "amount"
    code = "adjustment_is_zero"
    detail = "The amount is 0, which would change nothing. Give an amount above or below 0."


class AdjustmentNotInPence(Refused):
    """Amounts are in pounds and pence."""

    title = "amount"
    code = "adjustment_not_in_pence"
    detail = "The amount {amount} has more than two decimals. Give pounds and pence."


class TotalTooLarge(Refused):
    """The total is more than a statement can carry: the contract terms behind it cannot be meant."""

    title = "total"
    code = "total_too_large"
    detail = (
        "{statement} comes to {total}, and a payment is of up to {largest}. Look at the price and the recruitment "
        "target in the contract terms of {lead_provider}, cohort {cohort}: one of them is too large."
    )


class AdjustmentTooLarge(Refused):
    """The amount is not a number that a statement can carry."""

    title = "amount"
    code = "adjustment_too_large"
    detail = "The amount is not a number up to {largest}. Give pounds and pence in plain digits."


class AdjustmentUndescribed(Refused):
    """The provider reads why its payment was adjusted."""

    title = "description"
    code = "adjustment_undescribed"
    detail = "The description is empty. Say what the adjustment is for; the provider reads it."


class NoStatementInMonth(Refused):
    """The provider has no statement in the cohort for the month."""

    title = "statement"
    code = "no_statement_in_month"
    detail = (
        "{lead_provider} has no statement for {month} in cohort {cohort}. Choose a month that list_statements shows."
    )


class MoveFromPaid(Refused):
    """What has been paid stays where it was paid."""

    title = "from"
    code = "move_from_paid"
    detail = "The statement of {statement} has been paid, so nothing can be moved off it. Choose another month."


class MoveToClosed(Refused):
    """Declarations can only be moved to a statement that takes declarations."""

    title = "to"
    code = "move_to_closed"
    detail = (
        "The statement of {statement} ({state}, deadline {deadline}) takes no declarations. Choose an open output "
        "statement whose deadline has not passed, or change it first (set_statement)."
    )


class MoveWithoutTerms(Refused):
    """Nothing says what the declarations would be worth on the statement they would move to."""

    title = "to"
    code = "move_without_terms"
    detail = (
        "No contract terms hold for {courses} on the statement of {statement}. "
        "Load the terms (load_contracts), then try again."
    )


class NothingToMove(Refused):
    """No declaration on the statement is of the kind that was asked for."""

    title = "from"
    code = "nothing_to_move"
    detail = (
        "The statement of {statement} has no eligible, payable or awaiting-clawback declarations of that course and "
        "type. Look at it with show_statement."
    )


class PaidForAnotherEnrolment(Refused):
    """The person is paid for this type on another enrolment in the course family already."""

    title = "declaration"
    code = "paid_for_another_enrolment"
    detail = (
        "The participant's {declaration_type} on this course is paid for already, with declaration {other}. "
        "Mark the application as funded by policy if it is to be paid again."
    )
