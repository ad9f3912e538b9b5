"""What the demo data is made of: applications to be received, and deeds to be done in the order of their dates.

A deed is done by a service, as it would be in life, at its own date. It knows by what it leaves behind whether it
has been done, so that the whole plan can be carried out again at any time and adds nothing; what somebody has
changed meanwhile stays.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from applications.models import Application
from declarations.choices import LIVE_STATES
from declarations.models import Declaration, Outcome
from finance.models import Statement
from npq.core.clock import UK
from participants.models import Enrolment, ParticipantIdChange, TrainingStatusChange

# progress(items, total=, label=) passes the items through and shows how far they are.
Progress = Callable[..., Iterable[Any]]


@dataclass(frozen=True)
class Applied:
    """An application of the plan."""

    id: uuid.UUID
    participant_id: uuid.UUID
    lead_provider: str
    course: str
    cohort: str


@dataclass(frozen=True)
class Traces:
    """What deeds have left behind, by application, as it was before the plan is carried out."""

    decided: set[uuid.UUID]
    on_schedule: set[tuple[uuid.UUID, str]]
    statuses: Counter[tuple[uuid.UUID, str]]
    declared: set[tuple[uuid.UUID, str]]
    voided: set[tuple[uuid.UUID, str]]
    outcomes: set[tuple[uuid.UUID, str]]
    retired: set[uuid.UUID]
    statements: dict[int, str]

    @classmethod
    def of(cls, applications: Collection[uuid.UUID]) -> "Traces":
        """Reads the traces of these applications, and how all statements stand.

        One table at a time, by ids: tables that have just been filled have no statistics to plan a join by.
        """
        decided = Application.objects.filter(public_id__in=applications, decided_at__isnull=False)
        applied = dict(Application.objects.filter(public_id__in=applications).values_list("id", "public_id"))
        rows = Enrolment.objects.filter(application_id__in=list(applied)).values_list(
            "id", "application_id", "schedule__identifier"
        )
        schedules = {enrolment: (applied[application], schedule) for enrolment, application, schedule in rows}
        enrolled = {enrolment: application for enrolment, (application, _) in schedules.items()}
        changes = TrainingStatusChange.objects.filter(enrolment_id__in=list(enrolled))
        declarations = list(
            Declaration.objects.filter(enrolment_id__in=list(enrolled)).values_list(
                "id", "enrolment_id", "declaration_type", "state"
            )
        )
        declared_for = {declaration: enrolled[enrolment] for declaration, enrolment, _, _ in declarations}
        outcomes = Outcome.objects.filter(declaration_id__in=list(declared_for))
        return cls(
            decided={*decided.values_list("public_id", flat=True), *enrolled.values()},
            on_schedule=set(schedules.values()),
            statuses=Counter(
                (enrolled[enrolment], status) for enrolment, status in changes.values_list("enrolment_id", "status")
            ),
            declared={(enrolled[enrolment], kind) for _, enrolment, kind, _ in declarations},
            voided={
                (enrolled[enrolment], kind) for _, enrolment, kind, state in declarations if state not in LIVE_STATES
            },
            outcomes={
                (declared_for[declaration], state)
                for declaration, state in outcomes.values_list("declaration_id", "state")
            },
            retired=set(ParticipantIdChange.objects.values_list("from_participant_id", flat=True)),
            statements=dict(Statement.objects.values_list("id", "state")),
        )


@dataclass(frozen=True)
class Act:
    """Something that can be done: `done` finds its trace, `do` does it at an instant."""

    done: Callable[[Traces], bool]
    do: Callable[[datetime], object]


@dataclass(frozen=True)
class Deed:
    """An act at a date; `name` says whose."""

    on: date
    name: str
    act: Act

    @property
    def at(self) -> datetime:
        """Ten in the morning, UK time."""
        return datetime.combine(self.on, time(10), tzinfo=UK)


@dataclass
class Plan:
    """`scenarios` maps a provider's code to the applications that show each scenario."""

    applications: list[dict[str, Any]] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    scenarios: dict[str, dict[str, Applied]] = field(default_factory=dict)

    def in_order(self) -> list[Deed]:
        """The deeds by date; on one date in the order in which they were planned."""
        return sorted(self.deeds, key=lambda deed: deed.on)


def days_after(day: date, number: int) -> date:
    """The day so many days later."""
    return day + timedelta(days=number)
