"""What may come in about statements. Statements begin with v3."""

from finance.choices import StatementKind
from npq.api.errors import BadFilter
from npq.api.inputs import COHORT, UPDATED_SINCE, Filter, ListQuery
from npq.api.requests import Filters


def _kind(filters: Filters, name: str) -> str:
    value = filters.text(name) or StatementKind.OUTPUT
    if value not in StatementKind.values:
        raise BadFilter(name=name, expected=f"must be one of {', '.join(StatementKind.values)}")
    return value


KIND = Filter(
    "kind",
    "kind",
    _kind,
    {"type": "string", "enum": StatementKind.values},
    "output: statements that take declarations, the default. service_fee: months with service fees only. all: both.",
    "output",
)

STATEMENTS = {"v3": ListQuery((KIND, COHORT, UPDATED_SINCE))}
ONE_STATEMENT = {"v3": ListQuery((KIND,))}
