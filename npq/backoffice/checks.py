"""The checks of the data that are too dear for a page view: run at night, their results kept for the first page."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import islice

from django.apps import apps

from finance.queries.gaps import gaps
from npq.backoffice.check_models import CheckKind, CheckResult
from npq.backoffice.look_alikes import look_alikes
from npq.core import clock
from npq.core.audit import Actor, acting_as
from npq.core.invariants import Breach, Invariant
from npq.core.models import Cohort

# How many of what a check found are kept to be shown, and how many pairs of people are counted.
MOST_KEPT = 10
MOST_PAIRS = 100


@dataclass(frozen=True)
class Check:
    """One check: what it is about, and how to find what is wrong; it stops at `most` where that is given."""

    code: str
    kind: CheckKind
    sentence: str
    find: Callable[[], Iterable[Breach]]
    most: int | None = None


def every_invariant() -> Iterator[Invariant]:
    """The `INVARIANTS` of the queries of every app that lists some."""
    for config in apps.get_app_configs():
        if find_spec(f"{config.name}.queries"):
            yield from getattr(import_module(f"{config.name}.queries"), "INVARIANTS", [])


def every_check() -> list[Check]:
    """The rules of every app, the gaps of the contracts, and people who are probably one."""
    rules = [Check(each.code, CheckKind.RULE, each.sentence, each.breaches) for each in every_invariant()]
    return [
        *rules,
        Check("contract_gaps", CheckKind.CONTRACTS, "Contract terms and statements cover what is going on.", _gaps),
        Check("duplicates", CheckKind.DUPLICATES, "Everybody has one participant ID.", _pairs, MOST_PAIRS),
    ]


def _gaps() -> Iterator[Breach]:
    for gap in gaps(Cohort.objects.order_by("start_year", "suffix"), day=clock.today()):
        about = f"{gap.lead_provider.name}, {gap.cohort}" + (f", {gap.course}" if gap.course else "")
        yield Breach(str(gap.lead_provider.public_id), f"{about}: {gap.detail}")


def _pairs() -> Iterator[Breach]:
    for pair in look_alikes(MOST_PAIRS):
        signs = ", ".join(sign[0].lower() + sign[1:] for sign in pair.signs)
        words = f"{pair.first.full_name} and {pair.second.full_name}: {signs}"
        yield Breach(f"{pair.first.public_id} {pair.second.public_id}", words)


def run_checks(*, by: Actor) -> int:
    """Runs every check and keeps what it found; returns how many found something."""
    return sum(keep_result(check, check.find(), by=by) > 0 for check in every_check())


def keep_result(check: Check, breaches: Iterable[Breach], *, by: Actor) -> int:
    """Keeps what a check found in place of what it found before; returns how much that is."""
    left = iter(breaches)
    first = list(islice(left, MOST_KEPT))
    found = len(first) + sum(1 for _ in left)
    with acting_as(by, "keep_check_result"):
        CheckResult.objects.update_or_create(
            code=check.code,
            defaults={
                "kind": check.kind,
                "sentence": check.sentence,
                "found": found,
                "at_least": check.most is not None and found >= check.most,
                "first": [[each.identifier, each.detail] for each in first],
                "checked_at": clock.wall_clock(),
            },
        )
    return found
