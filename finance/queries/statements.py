"""Which statement takes a declaration."""

from datetime import date

from finance.models import Statement, StatementQuerySet


def accepting_statements(*, lead_provider_id: int, cohort_id: int, day: date) -> StatementQuerySet:
    """A provider's open output statements in a cohort whose deadline is `day` (UK) or later, the next one first."""
    return Statement.objects.accepting(day).filter(lead_provider_id=lead_provider_id, cohort_id=cohort_id)


def next_open_statement(lead_provider_id: int, cohort_id: int, day: date) -> Statement | None:
    """The statement that what is declared or taken back on a UK day lands on, or None (finance.md §3.3).

    It is not locked: a service that puts a line there goes through `finance.services.lines`.
    """
    return accepting_statements(lead_provider_id=lead_provider_id, cohort_id=cohort_id, day=day).first()
