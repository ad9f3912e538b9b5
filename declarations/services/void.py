"""Voiding a declaration."""

from datetime import datetime

from declarations.choices import DeclarationState, OutcomeState
from declarations.errors import AlreadyClawedBack, AlreadyVoided, DeclarationOfAnotherProvider
from declarations.models import Declaration
from declarations.queries.locks import lock_declaration
from declarations.services.telling import tell_outcome
from finance.errors import NoOpenStatement
from finance.services.lines import claw_back, take_off_statement
from npq.core.audit import Actor, acting_as
from npq.core.clock import uk_date


def void_declaration(*, declaration_id: int, held_by: int | None, by: Actor, now: datetime) -> None:
    """Voids a declaration: before payment its line goes, after payment the money is taken back (api.md §2.3.1, §5.3).

    What was paid is taken back on the next open statement of `now`'s UK date, and the declaration awaits clawback.
    Either way its slot is free at once. A completed declaration takes its outcome back, and a participant who had
    been told of a pass is told of that too (decisions.md §4.1). `held_by` is the id of the provider that must have
    made the declaration, None for staff.

    Refuses with DeclarationOfAnotherProvider, AlreadyVoided, AlreadyClawedBack, NoOpenStatement and
    PaymentRecordsDisagree.
    """
    with acting_as(by, "void_declaration"):
        declaration = lock_declaration(declaration_id)
        _check(declaration, held_by)
        if declaration.state == DeclarationState.PAID:
            _take_back(declaration, now)
        else:
            take_off_statement(declaration)
            declaration.state = DeclarationState.VOIDED
        declaration.save(update_fields=["state"])
        _retract_outcome(declaration)


def _check(declaration: Declaration, held_by: int | None) -> None:
    if held_by is not None and declaration.lead_provider_id != held_by:
        raise DeclarationOfAnotherProvider
    if declaration.state == DeclarationState.VOIDED:
        raise AlreadyVoided
    if declaration.state in (DeclarationState.AWAITING_CLAWBACK, DeclarationState.CLAWED_BACK):
        raise AlreadyClawedBack


def _take_back(declaration: Declaration, now: datetime) -> None:
    try:
        claw_back(declaration, day=uk_date(now))
    except NoOpenStatement as refusal:
        raise NoOpenStatement(cohort=declaration.cohort, title="declaration") from refusal
    declaration.state = DeclarationState.AWAITING_CLAWBACK


def _retract_outcome(declaration: Declaration) -> None:
    newest = declaration.newest_outcome()
    if newest is None:
        return
    retraction = declaration.append_outcome(OutcomeState.VOIDED, newest.completion_date)
    if newest.state == OutcomeState.PASSED:
        tell_outcome(retraction, declaration.enrolment.application)
