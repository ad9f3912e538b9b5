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
