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


class NoContractTerms(Refused):
    """The provider has no contract terms for the course on the statement that a declaration would land on."""

    title = "cohort"
    code = "no_contract_terms"
    detail = (
        "You have no contract for {course} in cohort {cohort}. "
        "Contact DfE, who can add the contract terms; then declare again."
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
        "Give --per-participant and --recruitment-target and the service fee in a file and use load_contracts."
    )


class FeeNotDerivable(Refused):
    """Terms without instalments and without a fixed fee do not say what the service fee is."""

    title = "monthly_service_fee"
    code = "fee_not_derivable"
    detail = "The terms have no instalments, so no fee can be derived. Give a monthly service fee (0 for none)."
