"""`@documented`: what the OpenAPI document says of an endpoint, beside the endpoint.

    @documented("accept_application", "Accept an application", one=APPLICATION, body=ACCEPT, refusals=(…,))
    def accept(self, request, public_id, **_): ...

The action's docstring is the description that providers read. Shapes, bodies and queries are given as the
tables per version that the view itself uses. What every endpoint answers (400, 401, 404, 405, 429, 503) is
added by `npq.api.schema` and need not be named here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from npq.api.inputs import Body, ListQuery
from npq.api.output import Schema
from npq.core.errors import Refused

Action = TypeVar("Action", bound=Callable[..., Any])


class Published(Protocol):
    """Whatever has a name and a JSON schema: a `Shape`, or a declaration of its own."""

    @property
    def name(self) -> str: ...

    def published(self) -> Schema: ...


Versioned = Mapping[str, Any]


@dataclass(frozen=True)
class Documentation:
    """What is said of one endpoint in every version; use `documented`."""

    operation: str
    summary: str
    one: Versioned | None = None
    many: Versioned | None = None
    csv: Versioned | None = None
    body: Mapping[str, Body] | None = None
    query: Mapping[str, ListQuery] | None = None
    refusals: tuple[type[Refused], ...] = ()
    refusals_in: Mapping[str, tuple[type[Refused], ...]] = field(default_factory=dict)
    created: bool = False

    def refused_in(self, version: str) -> tuple[type[Refused], ...]:
        """The refusals of its own that the action may answer with in a version."""
        return (*self.refusals, *self.refusals_in.get(version, ()))


def documented(
    operation: str,
    summary: str,
    *,
    one: Versioned | None = None,
    many: Versioned | None = None,
    csv: Versioned | None = None,
    body: Mapping[str, Body] | None = None,
    query: Mapping[str, ListQuery] | None = None,
    refusals: tuple[type[Refused], ...] = (),
    refusals_in: Mapping[str, tuple[type[Refused], ...]] | None = None,
    created: bool = False,
) -> Callable[[Action], Action]:
    """Documents a viewset's action.

    `operation` is the operation id (verb_noun), `summary` its line in the contents. Exactly one of `one`
    (a record), `many` (a page of records) and `csv` is the answer, each a table of shapes per version.
    `refusals` are the refusals the action may answer with, of any status; `refusals_in` adds those that only some
    versions know. `created`: the first time answers 201.
    """
    if sum(table is not None for table in (one, many, csv)) != 1:
        raise ValueError(f"{operation} must answer exactly one of one, many and csv")
    documentation = Documentation(operation, summary, one, many, csv, body, query, refusals, refusals_in or {}, created)

    def mark(action: Action) -> Action:
        action.documentation = documentation  # type: ignore[attr-defined]
        return action

    return mark
