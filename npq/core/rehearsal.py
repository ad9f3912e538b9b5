"""What a service would change, found out by doing it and undoing it (docs/decisions/06-rehearsals.md).

    effects = what_would_change(lambda: undo_acceptance(application_id=…, by=…, now=…))

It raises what the service would refuse. The effects are those of `npq.core.effects`, with the pounds: what each
figure registered with `add_figures` comes to with the change, inside the transaction that is then undone, and
without it, afterwards. So no service has to work out what it does to a statement.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from django.db.models import Model

from npq.core.audit import rehearsal
from npq.core.effects import Corrected, Effects, Pounds
from npq.core.listening import recorded


class Figure(NamedTuple):
    """A sum of pounds, with the public id of what it belongs to and its name for people."""

    identifier: UUID
    name: str
    amount: Decimal


class Figures(Protocol):
    """A kind of figure that a write may move; an app registers it when it is ready."""

    def affected(self, effects: Effects) -> Iterable[int]:
        """The internal ids of what may have another sum because of the effects."""
        ...

    def amounts(self, ids: Iterable[int]) -> Mapping[int, Figure]:
        """What each comes to at this moment; ids that do not exist are left out."""
        ...


_figures: list[Figures] = []


def add_figures(figures: Figures) -> None:
    """From now on every rehearsal shows what becomes of these figures."""
    _figures.append(figures)


def what_would_change(call: Callable[[], Any], *, counted: Sequence[type[Model]] = ()) -> Effects:
    """Does what `call` does, one service, and undoes it; returns its effects. Raises what it refuses.

    Records of the kinds in `counted` are counted, not listed (`npq.core.listening.recorded`).
    """
    after: list[tuple[Figures, Mapping[int, Figure]]] = []

    def look_at_the_money(effects: Effects) -> None:
        after[:] = [(figures, figures.amounts(figures.affected(effects))) for figures in _figures]

    with rehearsal(), recorded(look_at_the_money, counted=counted) as effects:
        effects.result = call()
    if isinstance(effects.result, Corrected):
        effects.pounds += effects.result.pounds
    for figures, amounts in after:
        before = figures.amounts(amounts)
        effects.pounds += [
            Pounds(figure.identifier, figure.name, before[key].amount, figure.amount)
            for key, figure in amounts.items()
            if key in before and before[key].amount != figure.amount
        ]
    return effects
