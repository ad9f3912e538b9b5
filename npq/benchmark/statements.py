"""A statement's calculation, closing and payment beside one GROUP BY written by hand over the same lines.

What closes and pays a statement is done in full, within a transaction that is rolled back: the database is kept for
the next run.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count
from django.test.utils import CaptureQueriesContext

from finance.models import LineItem, Statement
from finance.queries.calculation import figures_of, payment_document
from finance.services.authorise import authorise_statement
from finance.services.mark_payable import mark_statement_payable
from npq.benchmark.measuring import Finding, compared, medians
from npq.benchmark.pages import Provider
from npq.core.audit import Actor
from npq.core.clock import wall_clock

# The least that must be known of an open statement's lines: people, and those with targeted delivery funding, by
# course, type and state.
BY_HAND = """
SELECT l.course_id, l.declaration_type, l.state, count(*), count(DISTINCT e.participant_id),
  count(DISTINCT e.participant_id) FILTER (WHERE l.declaration_type = 'started'
    AND a.targeted_delivery_funding_eligibility AND a.eligible_for_funding),
  sum(l.output_payment), sum(l.targeted_delivery_funding)
FROM finance_lineitem l
JOIN declarations_declaration d ON d.id = l.declaration_id
JOIN participants_enrolment e ON e.id = d.enrolment_id
JOIN applications_application a ON a.id = e.application_id
WHERE l.statement_id = %s
GROUP BY l.course_id, l.declaration_type, l.state
"""
FROZEN_BY_HAND = "SELECT payment FROM finance_statement WHERE public_id = %s"
BY = Actor.system("benchmark")
# `BEGIN` and the like are not work: they neither read nor write.
TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")
MOST_TO_CALCULATE, MOST_TO_CLOSE, MOST_TO_READ = 3, 6, 1


def statement_cases(provider: Provider, rounds: int) -> list[Finding]:
    """The cases of the provider's busiest open statement; the number of its lines is in their names."""
    statement = _busiest(provider)
    lines = LineItem.objects.filter(statement=statement).count()
    name = f"statement of {lines:,} lines"
    by_hand = _rows(BY_HAND, statement.id)
    times = medians({"calculation": lambda: figures_of(statement).total, "by hand": by_hand}, rounds)
    findings = [
        compared(f"{name}: calculate", times["calculation"], times["by hand"], beside="GROUP BY", target=1.5),
        _sent(f"{name}: calculate", _statements_sent(lambda: figures_of(statement))[0], MOST_TO_CALCULATE),
    ]
    outer = transaction.atomic()
    outer._from_testcase = True  # type: ignore[attr-defined]  # lets services, which insist on the outermost one, in
    with outer:
        findings += _life_of(statement, name, rounds)
        transaction.set_rollback(True)
    return findings


def _life_of(statement: Statement, name: str, rounds: int) -> list[Finding]:
    day = statement.deadline_date + timedelta(days=1)
    now = wall_clock()
    closed = _statements_sent(lambda: mark_statement_payable(statement_id=statement.id, as_of=day, by=BY, now=now))
    statement.refresh_from_db()
    total = figures_of(statement).shown_total
    paid = _statements_sent(lambda: authorise_statement(statement_id=statement.id, expect_total=total, by=BY, now=now))

    def read() -> Any:
        return payment_document(Statement.objects.get(public_id=statement.public_id))

    times = medians({"resource": read, "by hand": _rows(FROZEN_BY_HAND, statement.public_id)}, rounds)
    return [
        _sent(f"{name}: make payable, {closed[1]:.1f} s", closed[0], MOST_TO_CLOSE),
        _sent(f"{name}: authorise, {paid[1]:.1f} s", paid[0], MOST_TO_CLOSE),
        _sent(f"{name}: read the frozen payment", _statements_sent(read)[0], MOST_TO_READ),
        compared(f"{name}: read the frozen payment", times["resource"], times["by hand"], beside="SELECT", target=None),
    ]


def _busiest(provider: Provider) -> Statement:
    statements = Statement.objects.filter(lead_provider=provider.id, state="open").annotate(size=Count("lines"))
    return statements.order_by("-size", "id")[0]


def _rows(sql: str, parameter: Any) -> Callable[[], object]:
    def run() -> object:
        with connection.cursor() as cursor:
            cursor.execute(sql, [parameter])
            return cursor.fetchall()

    return run


def _statements_sent(run: Callable[[], object]) -> tuple[int, float]:
    """How many SQL statements a piece of work sends, and how many seconds it takes."""
    started = time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        run()
    taken = time.perf_counter() - started
    return sum(not query["sql"].startswith(TRANSACTION_CONTROL) for query in captured), taken


def _sent(case: str, sent: int, most: int) -> Finding:
    return Finding(case, f"{sent} SQL statements", f"at most {most}", sent / most, 1.0)
