"""Moving declarations from one statement to another, when a payment timetable changes."""

from dataclasses import dataclass
from datetime import date

from declarations.choices import DeclarationState
from declarations.models import Declaration
from finance.choices import LineState, StatementState
from finance.errors import MoveFromPaid, MoveToClosed, MoveWithoutTerms, NoStatementInMonth, NothingToMove
from finance.models import LineItem, Statement
from finance.queries.terms import terms_of_month
from finance.services.closing import LinesMoved, lock_with_declarations, until_lines_stand_still
from finance.services.effects import Effect, effects, totals
from npq.core.audit import Actor, acting_as
from npq.core.models import Cohort, Course, LeadProvider, TouchQuerySet

MOVABLE = [LineState.ELIGIBLE, LineState.PAYABLE, LineState.AWAITING_CLAWBACK]


@dataclass(frozen=True)
class Move:
    """What to move: a provider's declarations in a cohort from one month to another, perhaps only some of them."""

    lead_provider: LeadProvider
    cohort: Cohort
    from_month: date
    to_month: date
    course: Course | None = None
    declaration_type: str | None = None


@dataclass(frozen=True)
class Moved:
    """How many declarations moved, and what that does to the total of both statements."""

    declarations: int
    effects: list[Effect]


def move_declarations(*, move: Move, by: Actor, day: date) -> Moved:
    """Moves eligible and payable declarations, and what is to be taken back, to another month's statement.

    What was payable is eligible again, and worth what the terms of its new month say; what is to be taken back
    stays what was paid. The declarations are marked as changed. `day` is today's UK date. Raises NoStatementInMonth,
    MoveFromPaid, MoveToClosed (not open, service fee only, or its deadline has passed), NothingToMove and
    MoveWithoutTerms; nothing is changed then (finance.md §3.5).
    """
    return until_lines_stand_still(lambda: _move(move, by, day))


def _move(move: Move, by: Actor, day: date) -> Moved:
    with acting_as(by, "move_declarations"):
        source_id, target_id = _find(move, move.from_month), _find(move, move.to_month)
        locked = lock_with_declarations(source_id, MOVABLE, also=[target_id])
        source, target = locked.statements[source_id], locked.statements[target_id]
        _check_statements(source, target, day)
        movable = LineItem.objects.filter(statement=source, state__in=MOVABLE)
        if movable.count() != locked.declarations:
            raise LinesMoved
        lines = _chosen(movable, move)
        chosen = list(lines.values_list("id", "declaration_id", "course__identifier", "course_id", "state"))
        if not chosen:
            raise NothingToMove(statement=source.name)
        _check_terms(target, {(course_id, name) for *_, name, course_id, state in chosen if _is_paid_for(state)})
        before = totals([source, target])
        lines = LineItem.objects.filter(id__in=[line_id for line_id, *_ in chosen])
        lines.filter(state=LineState.PAYABLE).update(
            statement=target, state=LineState.ELIGIBLE, terms=None, output_payment=None, targeted_delivery_funding=None
        )
        lines.update(statement=target)
        declarations = Declaration.objects.filter(id__in=[declaration_id for _, declaration_id, *_ in chosen])
        declarations.filter(state=DeclarationState.PAYABLE).update(state=DeclarationState.ELIGIBLE)
        declarations.touch()
        return Moved(len(chosen), effects([source, target], before))


def _find(move: Move, month: date) -> int:
    found = Statement.objects.filter(
        lead_provider=move.lead_provider, cohort=move.cohort, year=month.year, month=month.month
    )
    statement_id = found.values_list("id", flat=True).first()
    if statement_id is None:
        raise NoStatementInMonth(lead_provider=move.lead_provider.code, cohort=move.cohort, month=f"{month:%Y-%m}")
    return statement_id


def _check_statements(source: Statement, target: Statement, day: date) -> None:
    if source.state == StatementState.PAID:
        raise MoveFromPaid(statement=source.name)
    if target.state != StatementState.OPEN or not target.output_fee or target.deadline_date < day:
        raise MoveToClosed(statement=target.name, state=target.state, deadline=target.deadline_date)


def _chosen(movable: TouchQuerySet, move: Move) -> TouchQuerySet:
    if move.course is not None:
        movable = movable.filter(course=move.course)
    if move.declaration_type is not None:
        movable = movable.filter(declaration_type=move.declaration_type)
    return movable


def _is_paid_for(state: str) -> bool:
    return state != LineState.AWAITING_CLAWBACK


def _check_terms(target: Statement, courses: set[tuple[int, str]]) -> None:
    terms = terms_of_month(target.lead_provider_id, target.cohort_id, target.first_day)
    missing = sorted(name for course_id, name in courses if course_id not in terms)
    if missing:
        raise MoveWithoutTerms(statement=target.name, courses=", ".join(missing))
