"""Which statements come to another total because of a write: the pounds that a rehearsal shows."""

from collections.abc import Iterable, Mapping

from applications.models import Application
from finance.choices import StatementState
from finance.models import Adjustment, LineItem, Statement
from finance.queries.calculation import figures_of
from npq.core.effects import Effects
from npq.core.rehearsal import Figure
from participants.models import Enrolment


class StatementTotals:
    """The totals of statements that are not frozen yet."""

    def affected(self, effects: Effects) -> list[int]:
        """The statements whose lines or adjustments changed, and those that a changed application has lines on.

        What an open line is worth depends on its application: whether it carries targeted delivery funding, and
        whose it is, since a person counts once.
        """
        changed = {change.record_id for change in effects.of(Statement)}
        for model in (LineItem, Adjustment):
            changed |= {
                each.id
                for change in effects.of(model)
                for field in change.fields
                for each in (field.before, field.after)
                if isinstance(each, Statement)
            }
        applications = [change.record_id for change in effects.of(Application)]
        lines = LineItem.objects.filter(id__in=[change.record_id for change in effects.of(LineItem)])
        if applications:
            enrolments = Enrolment.objects.filter(application__in=applications)
            lines = lines | LineItem.objects.filter(declaration__enrolment__in=enrolments)
        return sorted(changed | set(lines.values_list("statement_id", flat=True)))

    def amounts(self, ids: Iterable[int]) -> Mapping[int, Figure]:
        """What each comes to now, in pounds and pence; a frozen one, which nothing moves, is left out."""
        statements = (
            Statement.objects.filter(id__in=list(ids))
            .exclude(state=StatementState.PAID)
            .select_related("lead_provider", "cohort")
            .order_by("lead_provider_id", "cohort_id", "year", "month")
        )
        return {each.id: Figure(each.public_id, in_full(each), figures_of(each).shown_total) for each in statements}


def in_full(statement: Statement) -> str:
    """Whose statement it is and of what, where no page says so."""
    return f"statement of {statement.lead_provider} for {statement.name}, cohort {statement.cohort}"
