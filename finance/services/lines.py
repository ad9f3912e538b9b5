"""Putting declarations on statements, taking them off and taking money back.

These are steps of a larger write: they run inside the caller's transaction, on a declaration the caller has locked
(or has just created), and lock the statement after it. The caller changes the declaration's own state.
"""

from datetime import date
from decimal import Decimal

from declarations.models import Declaration
from finance.choices import BILLABLE_LINES, REFUNDABLE_LINES, LineState, StatementState
from finance.errors import NoContractTerms, NoOpenStatement, PaymentRecordsDisagree
from finance.models import LineItem, Statement
from finance.queries.statements import accepting_statements
from finance.queries.terms import terms_on_statement
from finance.queries.worth import funded

# What a void turns into a voided line; a paid one is clawed back instead.
REMOVABLE = (LineState.ELIGIBLE, LineState.PAYABLE, LineState.INELIGIBLE)


def place_on_statement(declaration: Declaration, *, day: date, state: LineState) -> LineItem:
    """Puts a declaration on the provider's next open output statement in its cohort and returns the line.

    `day` is the UK date of the submission and `state` is eligible or ineligible. Raises NoOpenStatement when no
    statement takes it any more, NoContractTerms when an eligible one would land where its course has no terms
    (finance.md §3.3, §7.4).
    """
    if state not in (LineState.ELIGIBLE, LineState.INELIGIBLE):
        raise ValueError(f"a new line is eligible or ineligible, not {state}")
    statement = lock_next_statement(declaration, day)
    if state == LineState.ELIGIBLE and not vars(statement)["has_terms"]:
        raise NoContractTerms(course=declaration.course, cohort=declaration.cohort)
    return _add_line(declaration, statement, state)


def take_off_statement(declaration: Declaration) -> LineItem | None:
    """Voids the line of a declaration that has not been paid, and returns it; None when there is none to void.

    Possible while its statement is open or payable (decisions.md §3.2). What was authorised is never edited: an
    ineligible line of a paid statement stays as it is, and a paid line needs `claw_back`. On a payable statement
    what the line was worth goes to another line that the same person has there for the same type and course.

    Raises PaymentRecordsDisagree when the declaration has been paid, or its payment authorised, all the same.
    """
    _refuse_contradictions(declaration, LineState.PAID, *REFUNDABLE_LINES)
    line = LineItem.objects.filter(declaration=declaration, state__in=REMOVABLE).order_by("-id").first()
    if line is None:
        return None
    statement = Statement.objects.select_for_update(no_key=True).get(id=line.statement_id)
    if statement.state == StatementState.PAID:
        _refuse_contradictions(declaration, *BILLABLE_LINES)
        return None
    if line.output_payment or line.targeted_delivery_funding:
        _hand_on_worth(line)
    line.state = LineState.VOIDED
    line.terms = line.output_payment = line.targeted_delivery_funding = None
    line.save(update_fields=["state", "terms", "output_payment", "targeted_delivery_funding"])
    return line


def claw_back(declaration: Declaration, *, day: date) -> LineItem:
    """Takes back, on the provider's next open output statement in the cohort, exactly what a declaration was paid.

    Returns the new line: the paid line's terms and its amounts, negative (decisions.md §3.3). `day` is the UK date.
    Raises NoOpenStatement when no statement is left; PaymentRecordsDisagree when no line was paid, or what was paid
    is being taken back already.
    """
    _refuse_contradictions(declaration, *REFUNDABLE_LINES)
    paid = LineItem.objects.filter(declaration=declaration, state=LineState.PAID).first()
    if paid is None or paid.output_payment is None or paid.targeted_delivery_funding is None:
        raise _disagree(declaration)
    statement = lock_next_statement(declaration, day)
    return _add_line(
        declaration,
        statement,
        LineState.AWAITING_CLAWBACK,
        paid_line=paid,
        terms_id=paid.terms_id,
        output_payment=-paid.output_payment,
        targeted_delivery_funding=-paid.targeted_delivery_funding,
    )


def _refuse_contradictions(declaration: Declaration, *states: LineState) -> None:
    """Refuses when the declaration has a line in a state that its own state rules out."""
    if LineItem.objects.filter(declaration=declaration, state__in=states).exists():
        raise _disagree(declaration)


def _disagree(declaration: Declaration) -> PaymentRecordsDisagree:
    lines = LineItem.objects.filter(declaration=declaration).select_related("statement").order_by("id")
    found = [f"{each.get_state_display().lower()} in {each.statement.name}" for each in lines]
    return PaymentRecordsDisagree(
        state=declaration.get_state_display().lower(),
        lines=f"its lines are {', '.join(found)}" if found else "it has no line on any statement",
    )


def lock_next_statement(declaration: Declaration, day: date) -> Statement:
    """Locks and returns the next open output statement of a declaration's provider and cohort.

    One that closes while we wait for its lock is passed over: the database checks the conditions again on the
    locked row and goes on to the next (finance.md §7.8). `has_terms` of what is returned tells whether the
    declaration's course has contract terms in its month. Raises NoOpenStatement when none is left.
    """
    place = (declaration.lead_provider_id, declaration.cohort_id)
    statement = (
        accepting_statements(lead_provider_id=place[0], cohort_id=place[1], day=day)
        .annotate(has_terms=terms_on_statement(*place, declaration.course_id))
        .select_for_update(no_key=True)
        .first()
    )
    if statement is None:
        raise NoOpenStatement(cohort=declaration.cohort)
    return statement


def _hand_on_worth(line: LineItem) -> None:
    """Values the line that was worth nothing while this one counted for the person (finance.md §2.2)."""
    next_line = (
        LineItem.objects.filter(
            statement=line.statement_id,
            course=line.course_id,
            declaration_type=line.declaration_type,
            state=LineState.PAYABLE,
            declaration__enrolment__participant=line.declaration.enrolment.participant_id,
        )
        .exclude(id=line.id)
        .annotate(is_funded=funded())
        .order_by("-is_funded", "id")
        .first()
    )
    if next_line is not None:
        next_line.output_payment = line.output_payment
        next_line.targeted_delivery_funding = line.targeted_delivery_funding if next_line.is_funded else Decimal(0)
        next_line.save(update_fields=["output_payment", "targeted_delivery_funding"])


def _add_line(declaration: Declaration, statement: Statement, state: LineState, **values: object) -> LineItem:
    return LineItem.objects.create(
        statement=statement,
        declaration=declaration,
        lead_provider_id=declaration.lead_provider_id,
        cohort_id=declaration.cohort_id,
        course_id=declaration.course_id,
        declaration_type=declaration.declaration_type,
        state=state,
        **values,
    )
