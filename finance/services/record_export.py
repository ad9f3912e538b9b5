"""Recording that somebody takes a file out, before it leaves."""

from finance.choices import ExportKind
from finance.models import Export, Statement
from npq.core.audit import Actor, acting_as
from npq.core.models import Cohort


def record_export(
    *, kind: ExportKind, rows: int, by: Actor, statement: Statement | None = None, cohort: Cohort | None = None
) -> Export:
    """Records that `by` takes out a file of so many rows: who, what and when are in the audit trail.

    An assurance report holds personal data, and a download that nobody can trace is a fault (finance.md hazard 34).
    `statement` is given for what is of a statement, `cohort` for contract terms of one cohort only.
    """
    with acting_as(by, f"export_{kind}"):
        return Export.objects.create(kind=kind, statement=statement, cohort=cohort, rows=rows)
