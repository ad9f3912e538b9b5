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


class AmountsBefore:
    """What figures come to without any change: read once for several rehearsals, which is right while it `holds`."""

    def __init__(self) -> None:
        self._known: dict[Figures, dict[int, Figure]] = {}

    def of(self, figures: Figures, ids: Iterable[int]) -> Mapping[int, Figure]:
        """What each comes to, as `Figures.amounts`; others may be among them."""
        known = self._known.setdefault(figures, {})
        missing = [each for each in ids if each not in known]
        if missing:
            known.update(figures.amounts(missing))
        return known

    def holds(self) -> bool:
        """Whether all that was read is so still."""
        return all(figures.amounts(known) == known for figures, known in self._known.items() if known)


def what_would_change(
    call: Callable[[], Any], *, counted: Sequence[type[Model]] = (), before: AmountsBefore | None = None
) -> Effects:
    """Does what `call` does, one service, and undoes it; returns its effects. Raises what it refuses.

    Records of the kinds in `counted` are counted, not listed (`npq.core.listening.recorded`). Whoever rehearses
    many services in a row gives them the same `before`, and asks afterwards whether it held.
    """
    before = before or AmountsBefore()
    after: list[tuple[Figures, Mapping[int, Figure]]] = []

    def look_at_the_money(effects: Effects) -> None:
        affected = [(figures, list(figures.affected(effects))) for figures in _figures]
        after[:] = [(figures, figures.amounts(ids)) for figures, ids in affected if ids]

    with rehearsal(), recorded(look_at_the_money, counted=counted) as effects:
        effects.result = call()
    if isinstance(effects.result, Corrected):
        effects.pounds += effects.result.pounds
    for figures, amounts in after:
        without = before.of(figures, amounts)
        effects.pounds += [
            Pounds(figure.identifier, figure.name, without[key].amount, figure.amount)
            for key, figure in amounts.items()
            if key in without and without[key].amount != figure.amount
        ]
    return effects
