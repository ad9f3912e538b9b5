"""Making the demo data: plan everything, receive the applications, then do the deeds in the order of their dates."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from applications.services.receive import receive_applications
from applications.services.submission import Reference
from declarations.models import DeliveryPartnership
from declarations.services import pair_delivery_partner
from npq.core.clock import clock_at, wall_clock
from npq.core.errors import Refused
from npq.core.models import Cohort, LeadProvider
from npq.core.parsing import whole_number
from npq.sandbox import money
from npq.sandbox.crowd import add_crowd
from npq.sandbox.deeds import DEMO
from npq.sandbox.people import identifier
from npq.sandbox.plan import Deed, Plan, Progress, Traces
from npq.sandbox.practice import Practice, add_practice, leave_work
from npq.sandbox.scenarios import tell_all

PROVIDERS = ["ambition", "teach-first", "ucl"]
PARTNERS = ("Teaching School Hub", "Learning Partnership", "Schools Alliance")
DEFAULT_APPLICATIONS = 150
MOST_APPLICATIONS = 1_000_000
DEFAULT_SEED = 1
BATCH = 500
# Nothing of the plan happens later; on a machine whose clock is behind, the plan is carried out all the same.
END = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Seeded:
    """What was done: the plan, how much of it was new, and which deeds a rule refused."""

    plan: Plan
    received: int = 0
    done: int = 0
    refused: list[tuple[Deed, Refused]] = field(default_factory=list)
    practice: dict[str, Practice] = field(default_factory=dict)


def seed_demo_data(*, applications: int, number: int, progress: Progress) -> Seeded:
    """Carries out the plan of a seed `number`; what has been done before is not done again.

    `applications` is how many come on top of the scenarios. `progress(items, total=, label=)` passes items through.
    A deed that a rule refuses by now, because somebody has changed the facts, is left out and reported.
    """
    plan = Plan()
    tell_all(plan, PROVIDERS, seed=number)
    add_crowd(plan, PROVIDERS, seed=number, number=applications)
    seeded = Seeded(plan, practice=add_practice(plan, PROVIDERS, seed=number))
    _pair_partners()
    money.prepare(PROVIDERS, progress)
    plan.deeds.extend(money.closings(PROVIDERS))
    _receive(seeded, progress)
    traces = Traces.of({uuid.UUID(each["id"]) for each in plan.applications})
    left = [deed for deed in plan.in_order() if not deed.act.done(traces)]
    for deed in progress(left, total=len(left), label="decisions and declarations"):
        with clock_at(deed.at):
            try:
                deed.act.do(deed.at)
                seeded.done += 1
            except Refused as refusal:
                seeded.refused.append((deed, refusal))
    if seeded.done:
        leave_work(seeded.practice, seed=number)
    return seeded


def applications_number(text: str) -> int:
    """A number of applications from the command line, at most MOST_APPLICATIONS."""
    number = whole_number(text)
    if number > MOST_APPLICATIONS:
        raise ValueError(f"at most {MOST_APPLICATIONS} applications")
    return number


def _receive(seeded: Seeded, progress: Progress) -> None:
    reference = Reference()
    contents = seeded.plan.applications
    batches: Sequence[Any] = [contents[start : start + BATCH] for start in range(0, len(contents), BATCH)]
    for batch in progress(batches, total=len(batches), label="applications"):
        for receipt in receive_applications(contents=batch, by=DEMO, now=max(wall_clock(), END), reference=reference):
            if isinstance(receipt, Refused):
                raise receipt
            seeded.received += receipt.created


def _pair_partners() -> None:
    """Gives every provider of the demo data some delivery partners in each cohort from 2024 on."""
    cohorts = Cohort.objects.filter(start_year__gte=2024)
    for provider in LeadProvider.objects.filter(code__in=PROVIDERS).order_by("code"):
        for place, kind in enumerate(PARTNERS, 1):
            partner = identifier("delivery partner", provider.code, place)
            paired = DeliveryPartnership.objects.filter(lead_provider=provider, delivery_partner__public_id=partner)
            for cohort in cohorts.exclude(id__in=paired.values("cohort")):
                pair_delivery_partner(
                    name=f"{provider.name} {kind}",
                    public_id=partner,
                    lead_provider_id=provider.id,
                    cohort_id=cohort.id,
                    by=DEMO,
                )
