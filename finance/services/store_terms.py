"""Storing contract terms: the step that loading a file and changing one contract share.

Runs inside the caller's transaction. What a payable or paid statement rests on never changes (decisions.md §3.5,
§8): before anything is written, every closed statement must resolve to the same terms as before.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from finance.choices import GROUP_TERMS, StatementState
from finance.models import ContractTerms, Statement
from npq.core.choices import CourseGroup
from npq.core.models import Cohort, Course, LeadProvider

MOST_NAMED = 3
# What a contract file or a change can set; percentages and periods follow the course group.
SETTABLE = (
    "recruitment_target",
    "per_participant",
    "service_fee_installments",
    "special_course",
    "monthly_service_fee",
)
GROUP_FIXED = ("number_of_payment_periods", "service_fee_percentage", "output_payment_percentage")


@dataclass
class Proposal:
    """Terms as they should be from a month on, and what storing them did.

    `line` is where the proposal stands in its file; `result` is created, updated or unchanged; `changes` maps a
    field to its old and new value; `closed` lists the payable and paid statements that stand in the way.
    """

    lead_provider: LeadProvider
    cohort: Cohort
    course: Course
    effective_month: date | None
    values: Mapping[str, Any]
    line: int | None = None
    result: str = ""
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    closed: list[Statement] = field(default_factory=list)

    @property
    def contract(self) -> tuple[int, int, int]:
        """Provider, cohort and course by their internal ids."""
        return self.lead_provider.id, self.cohort.id, self.course.id

    @property
    def key(self) -> tuple[int, int, int, date | None]:
        """What tells these terms from all others."""
        return (*self.contract, self.effective_month)

    @property
    def closed_sentence(self) -> str:
        """Why the terms cannot be stored: the payable and paid statements that would rest on others than before."""
        names = ", ".join(f"{statement.name} ({statement.state})" for statement in self.closed[:MOST_NAMED])
        more = len(self.closed) - MOST_NAMED
        return (
            f"would change the terms that {names}{f' and {more} more' if more > 0 else ''} of "
            f"{self.lead_provider.code}, {self.cohort} rest on; give an effective month after the last of them"
        )


def fee_can_be_derived(proposal: Proposal) -> bool:
    """Whether the terms say what the service fee is: a fixed one, none by the course group, or instalments."""
    return (
        proposal.values["monthly_service_fee"] is not None
        or proposal.values["service_fee_installments"] > 0
        or GROUP_TERMS[CourseGroup(proposal.course.group)].service_fee_percentage == 0
    )


def lock_contracts(lead_provider_ids: Iterable[int], cohort_ids: Iterable[int]) -> list[Statement]:
    """Locks the contracts of some providers, then their statements in some cohorts, and returns the statements.

    Two writers of one provider's terms or statements take turns on the provider's row; a statement that is about
    to become payable or paid is waited for, so that its state is known when the terms are checked.
    """
    ids = set(lead_provider_ids)
    list(LeadProvider.objects.filter(id__in=ids).order_by("id").select_for_update(no_key=True))
    return list(
        Statement.objects.filter(lead_provider_id__in=ids, cohort_id__in=set(cohort_ids))
        .select_related("lead_provider", "cohort")
        .order_by("id")
        .select_for_update(of=("self",), no_key=True)
    )


@dataclass
class Plan:
    """What proposals come to: the rows to write, and the open statements that rest on other terms afterwards."""

    create: list[ContractTerms] = field(default_factory=list)
    update: list[ContractTerms] = field(default_factory=list)
    affected: list[Statement] = field(default_factory=list)

    def store(self) -> None:
        """Writes the rows."""
        ContractTerms.objects.bulk_create(self.create)
        ContractTerms.objects.bulk_update(self.update, [*SETTABLE, *GROUP_FIXED], batch_size=500)


def plan(proposals: Iterable[Proposal], statements: Iterable[Statement]) -> Plan:
    """Compares proposals with what is stored; fills in their `result`, `changes` and `closed`.

    `statements` are all of the proposals' providers and cohorts, locked. Nothing is written: call `store` when
    no proposal has a closed statement in the way.
    """
    proposals = list(proposals)
    stored = _stored(proposals)
    found = Plan()
    months = {contract: set(rows) for contract, rows in stored.items()}
    changed: dict[tuple[int, int, int], dict[date | None, Proposal]] = {}
    for proposal in proposals:
        existing = stored.get(proposal.contract, {}).get(proposal.effective_month)
        _compare(proposal, existing, found)
        if proposal.result != "unchanged":
            months.setdefault(proposal.contract, set()).add(proposal.effective_month)
            changed.setdefault(proposal.contract, {})[proposal.effective_month] = proposal
    affected: dict[int, Statement] = {}
    by_cohort: dict[tuple[int, int], list[Statement]] = {}
    for statement in statements:
        by_cohort.setdefault((statement.lead_provider_id, statement.cohort_id), []).append(statement)
    for contract, by_month in changed.items():
        for statement in by_cohort.get(contract[:2], []):
            in_force = _in_force(months[contract], by_month, statement)
            if in_force is None:
                continue
            if statement.state == StatementState.OPEN:
                affected[statement.id] = statement
            else:
                in_force.closed.append(statement)
                in_force.closed.sort(key=_in_reading_order)
    found.affected = sorted(affected.values(), key=_in_reading_order)
    return found


def _stored(proposals: list[Proposal]) -> dict[tuple[int, int, int], dict[date | None, ContractTerms]]:
    terms = ContractTerms.objects.filter(
        lead_provider__in={proposal.lead_provider.id for proposal in proposals},
        cohort__in={proposal.cohort.id for proposal in proposals},
        course__in={proposal.course.id for proposal in proposals},
    )
    found: dict[tuple[int, int, int], dict[date | None, ContractTerms]] = {}
    for row in terms:
        found.setdefault((row.lead_provider_id, row.cohort_id, row.course_id), {})[row.effective_month] = row
    return found


def _compare(proposal: Proposal, existing: ContractTerms | None, found: Plan) -> None:
    group = GROUP_TERMS[CourseGroup(proposal.course.group)]._asdict()
    values = {**proposal.values, **group}
    if existing is None:
        proposal.result = "created"
        proposal.changes = {name: (None, value) for name, value in values.items()}
        found.create.append(
            ContractTerms(
                lead_provider=proposal.lead_provider,
                cohort=proposal.cohort,
                course=proposal.course,
                effective_month=proposal.effective_month,
                **values,
            )
        )
        return
    proposal.changes = {
        name: (getattr(existing, name), value) for name, value in values.items() if getattr(existing, name) != value
    }
    if not proposal.changes:
        proposal.result = "unchanged"
        return
    proposal.result = "updated"
    for name, value in values.items():
        setattr(existing, name, value)
    found.update.append(existing)


def _in_force(months: set[date | None], proposed: dict[date | None, Proposal], statement: Statement) -> Proposal | None:
    """The proposal that the statement's month resolves to; None when it resolves to other terms or to none."""
    begun = [effective for effective in months if effective is not None and effective <= statement.first_day]
    return proposed.get(max(begun, default=None))


def _in_reading_order(statement: Statement) -> tuple[str, int, str, int, int]:
    cohort = statement.cohort
    return statement.lead_provider.code, cohort.start_year, cohort.suffix, statement.year, statement.month
