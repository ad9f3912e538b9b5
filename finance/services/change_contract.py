"""Changing what a provider is paid for a course, from a month on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from finance.errors import ClosedStatementRestsOnTerms, FeeNotDerivable, NoTermsToChange
from finance.models import ContractTerms
from finance.queries.terms import terms_of_month
from finance.services.effects import Effect, effects, totals
from finance.services.store_terms import SETTABLE, Proposal, fee_can_be_derived, lock_contracts, plan
from npq.core.audit import Actor, acting_as
from npq.core.models import Cohort, Course, LeadProvider


@dataclass(frozen=True)
class ChangedContract:
    """The terms that now hold, until when, and what that does to each open statement that rests on them.

    `until` is the month from which other terms hold that the change does not touch, or None.
    """

    proposal: Proposal
    until: date | None
    effects: list[Effect]


def change_contract(
    *,
    lead_provider: LeadProvider,
    cohort: Cohort,
    course: Course,
    from_month: date,
    values: Mapping[str, Any],
    by: Actor,
) -> ChangedContract:
    """Gives a contract other terms from a month (its first day) on; what `values` leaves out stays as it was.

    `values` may hold `per_participant`, `recruitment_target`, `monthly_service_fee` (None: derived) and the other
    SETTABLE fields. Earlier months keep their terms. Raises ClosedStatementRestsOnTerms when a payable or paid
    statement from that month on would rest on the new terms, NoTermsToChange, FeeNotDerivable (decisions.md §3.5).
    """
    with acting_as(by, "change_contract"):
        statements = lock_contracts([lead_provider.id], [cohort.id])
        current = terms_of_month(lead_provider.id, cohort.id, from_month).get(course.id)
        if current is None:
            raise NoTermsToChange(
                lead_provider=lead_provider.code, course=course, cohort=cohort, month=f"{from_month:%Y-%m}"
            )
        wanted = {**{name: getattr(current, name) for name in SETTABLE}, **values}
        changed = any(getattr(current, name) != value for name, value in values.items())
        effective = from_month if changed else current.effective_month
        proposal = Proposal(lead_provider, cohort, course, effective, wanted)
        if not fee_can_be_derived(proposal):
            raise FeeNotDerivable
        planned = plan([proposal], statements)
        if proposal.closed:
            raise ClosedStatementRestsOnTerms(sentence=proposal.closed_sentence)
        if proposal.result == "created":
            proposal.changes = {
                name: (getattr(current, name), value)
                for name, value in wanted.items()
                if getattr(current, name) != value
            }
        before = totals(planned.affected)
        planned.store()
        return ChangedContract(proposal, _next_terms(proposal), effects(planned.affected, before))


def _next_terms(proposal: Proposal) -> date | None:
    later = ContractTerms.objects.filter(
        lead_provider=proposal.lead_provider, cohort=proposal.cohort, course=proposal.course
    )
    if proposal.effective_month is not None:
        later = later.filter(effective_month__gt=proposal.effective_month)
    return later.order_by("effective_month").values_list("effective_month", flat=True).first()
