"""Finding what a command line names."""

from uuid import UUID

from finance.models import Statement
from npq.core.commands import BadInput, Fault


def statement_by_id(identifier: UUID) -> Statement:
    """The statement with a public id, its provider and cohort loaded; raises BadInput when there is none."""
    statement = Statement.objects.select_related("lead_provider", "cohort").filter(public_id=identifier).first()
    if statement is None:
        detail = f"no statement has the ID {identifier}; list_statements shows them"
        raise BadInput(Fault("id", "unknown_statement", detail))
    return statement
