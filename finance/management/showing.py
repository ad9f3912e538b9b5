"""How finance commands show changes and what they do to statements."""

from collections.abc import Iterable
from typing import Any

from finance.models import Statement
from finance.services.effects import Effect
from finance.services.mark_payable import Marked
from finance.services.reading import changes_in_words as changes_in_words
from npq.core.commands import OpsCommand, Report, Row, as_table
from npq.core.money import in_pounds

RECALCULATED = "recalculated"


def named(statement: Statement) -> dict[str, Any]:
    """The columns that tell people which statement a row is about."""
    return {
        "lead_provider": statement.lead_provider.code,
        "cohort": statement.cohort.identifier,
        "statement": f"{statement.year}-{statement.month:02d}",
    }


def add_marked(command: OpsCommand, marked: Marked, **columns: Any) -> None:
    """A row for a statement of the nightly run; one that failed says why."""
    columns |= named(marked.statement)
    identifier = marked.statement.public_id
    if marked.problem is not None:
        command.failed(marked.problem, id=identifier, **columns)
        return
    command.report.row(id=identifier, result=marked.result, **columns, declarations=marked.declarations)


def add_effects(report: Report, effects: Iterable[Effect]) -> None:
    """A row for each statement whose total the change touches, with the total before and after."""
    for effect in effects:
        statement = effect.statement
        report.row(
            id=statement.public_id,
            result=RECALCULATED,
            **named(statement),
            total_before=effect.before,
            total_after=effect.after,
            difference=effect.difference,
        )


def with_effects(rows: list[Row]) -> str:
    """The rows in one table and their effects on statements in a second, with the sum of the differences."""
    effects = [row for row in rows if row.result == RECALCULATED]
    parts = [as_table([row for row in rows if row.result != RECALCULATED])]
    if effects:
        differences = sum(row.columns["difference"] for row in effects)
        parts += ["", "Open statements:", as_table(effects), f"In all: {in_pounds(differences)}"]
    return "\n".join(parts)
