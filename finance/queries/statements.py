"""Which statement takes a declaration."""

from datetime import date
from typing import Any

from finance.choices import StatementState
from finance.models import Statement, StatementQuerySet


def accepting_statements(*, lead_provider_id: int, cohort_id: int, day: date) -> StatementQuerySet:
    """A provider's open output statements in a cohort whose deadline is `day` (UK) or later, the next one first."""
    return Statement.objects.accepting(day).filter(lead_provider_id=lead_provider_id, cohort_id=cohort_id)


def next_open_statement(lead_provider_id: int, cohort_id: int, day: date) -> Statement | None:
    """The statement that what is declared or taken back on a UK day lands on, or None (finance.md §3.3).

    It is not locked: a service that puts a line there goes through `finance.services.lines`.
    """
    return accepting_statements(lead_provider_id=lead_provider_id, cohort_id=cohort_id, day=day).first()


def statements_due(day: date) -> StatementQuerySet:
    """Every open statement whose deadline lies before a UK day, output or not, the oldest first (decisions.md §3.4)."""
    due = Statement.objects.filter(state=StatementState.OPEN, deadline_date__lt=day)
    return due.select_related("lead_provider", "cohort").order_by("deadline_date", "id")


def statements_by_month(**asked: Any) -> StatementQuerySet:
    """Statements by provider, cohort and month, both loaded; `asked` narrows them where it is not None."""
    found = Statement.objects.filter(**{name: value for name, value in asked.items() if value is not None})
    return found.select_related("lead_provider", "cohort").order_by(
        "lead_provider__code", "cohort__start_year", "cohort__suffix", "year", "month"
    )
