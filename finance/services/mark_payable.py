"""Making statements payable: the nightly step after which a statement takes no new declarations."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from finance.choices import LineState, StatementState
from finance.errors import LinesDisagree, StatementNotDue, StatementWithoutTerms
from finance.models import ContractTerms, LineItem, Statement
from finance.queries.statements import statements_due
from finance.queries.terms import terms_of_month
from finance.queries.worth import funded, line_worth, place_for_person
from finance.services.closing import LinesMoved, counts_from, lock_with_declarations, until_lines_stand_still
from npq.core.audit import Actor, acting_as

logger = logging.getLogger(__name__)

# The statement, its lines and their declarations move in one SQL statement. A line gets the worth of its course;
# where a person has several lines for one type on a course, the first counts and the others are worth nothing.
MOVE = """
WITH worth AS (
  SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[])
    AS w (course_id, terms_id, output_payment, targeted_delivery_funding)),
eligible AS ({eligible}),
closed AS (UPDATE finance_statement SET state = 'payable', payable_at = %s WHERE id = %s),
valued AS (
  UPDATE finance_lineitem AS l
  SET state = 'payable', terms_id = worth.terms_id,
      output_payment = CASE WHEN eligible.place = 1 THEN worth.output_payment ELSE 0 END,
      targeted_delivery_funding =
        CASE WHEN eligible.place = 1 AND eligible.funded THEN worth.targeted_delivery_funding ELSE 0 END
  FROM eligible JOIN worth USING (course_id) WHERE l.id = eligible.id
  RETURNING l.declaration_id),
moved AS (
  UPDATE declarations_declaration AS d SET state = 'payable'
  FROM valued WHERE d.id = valued.declaration_id AND d.state = 'eligible'
  RETURNING d.id)
SELECT (SELECT count(*) FROM eligible), (SELECT count(*) FROM valued), (SELECT count(*) FROM moved),
  ARRAY(SELECT DISTINCT course.identifier FROM eligible JOIN core_course AS course ON course.id = eligible.course_id
        WHERE eligible.course_id NOT IN (SELECT worth.course_id FROM worth) ORDER BY 1)
"""


@dataclass(frozen=True)
class Marked:
    """How it went with one statement.

    `result` is `payable`, `unchanged` when it was payable or paid before, or `failed`, and then `problem` says why.
    """

    statement: Statement
    result: str
    declarations: int = 0
    problem: Exception | None = None


def mark_statement_payable(*, statement_id: int, as_of: date, by: Actor, now: datetime) -> Marked:
    """Makes an open statement payable once its deadline lies before `as_of`, a UK date (decisions.md §3.2).

    Its eligible lines and their declarations become payable, and each line stores its terms and what it is worth.
    Four SQL statements whatever its size. Raises StatementNotDue; StatementWithoutTerms, naming the courses, when
    there are declarations for which no terms say what is paid; LinesDisagree when a line and its declaration do not
    say the same. Nothing is changed then.
    """
    return until_lines_stand_still(lambda: _mark(statement_id, as_of, by, now))


def mark_statements_payable(*, as_of: date, by: Actor, now: datetime) -> Iterator[Marked]:
    """Makes every open statement payable whose deadline lies before `as_of` (decisions.md §3.4).

    Each in a transaction of its own: what goes wrong with one is reported and logged, and the rest go on. Safe to
    repeat: what is payable already is not found again.
    """
    for statement in statements_due(as_of):
        try:
            yield mark_statement_payable(statement_id=statement.id, as_of=as_of, by=by, now=now)
        except Exception as problem:
            logger.exception("statement %s cannot be made payable", statement.public_id)
            yield Marked(statement, "failed", problem=problem)


def _mark(statement_id: int, as_of: date, by: Actor, now: datetime) -> Marked:
    with acting_as(by, "mark_statement_payable"):
        locked = lock_with_declarations(statement_id, [LineState.ELIGIBLE])
        statement = locked.statements[statement_id]
        if statement.state != StatementState.OPEN:
            return Marked(statement, "unchanged")
        if statement.deadline_date >= as_of:
            raise StatementNotDue(statement=statement.name, deadline=statement.deadline_date, day=as_of)
        terms = terms_of_month(statement.lead_provider_id, statement.cohort_id, statement.first_day)
        eligible, valued, moved, without_terms = counts_from(*_move(statement, list(terms.values()), now))
        if eligible != locked.declarations:
            raise LinesMoved
        if without_terms:
            raise StatementWithoutTerms(statement=statement.name, courses=", ".join(without_terms))
        if moved != valued:
            raise LinesDisagree(statement=statement.name, number=valued - moved)
        return Marked(statement, "payable", declarations=moved)


def _move(statement: Statement, terms: list[ContractTerms], now: datetime) -> tuple[str, list[object]]:
    eligible, eligible_params = _eligible_lines(statement).query.sql_with_params()
    worth = [line_worth(each, statement.first_day) for each in terms]
    params = [
        [each.course_id for each in terms],
        [each.id for each in terms],
        [each.output_payment for each in worth],
        [each.targeted_delivery_funding for each in worth],
        *eligible_params,
        now,
        statement.id,
    ]
    return MOVE.format(eligible=eligible), params


def _eligible_lines(statement: Statement) -> QuerySet[LineItem, Any]:
    """The eligible lines, with `place` among the person's lines for the type and course, and `funded`."""
    return (
        LineItem.objects.filter(statement=statement, state=LineState.ELIGIBLE)
        .annotate(funded=funded(), place=place_for_person())
        .values("id", "course_id", "funded", "place")
    )
