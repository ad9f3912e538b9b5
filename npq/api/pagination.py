"""`page[page]` and `page[per_page]`: offsets, no totals, at most 3,000 records (api.md §6.1)."""

from typing import Any

from django.db.models import F, Lookup, QuerySet
from django.http import QueryDict

from npq.api.errors import BadPage

DEFAULT_PER_PAGE = 100
MOST_PER_PAGE = 3000
# Past this offset every page is empty; it also keeps the number within what PostgreSQL can count.
LARGEST_PAGE = 10**12
MOST_DIGITS = 12


def page_of(queryset: QuerySet[Any], parameters: QueryDict) -> QuerySet[Any]:
    """The rows of the page asked for, in the queryset's order.

    The page is found by its ids alone, in a statement of its own: a deep page skips index entries and not joined
    records, and whatever a record joins, PostgreSQL starts from the few rows it is for (within one statement it
    gives up looking for the best order at eight tables). A union is ordered by what it shows, so its order travels
    beside the ids.
    Raises BadPage when a number is not a positive whole number; too large a page size is cut to 3,000.
    """
    page = _positive(parameters.get("page[page]"), 1)
    per_page = min(_positive(parameters.get("page[per_page]"), DEFAULT_PER_PAGE), MOST_PER_PAGE)
    start = (min(page, LARGEST_PAGE) - 1) * per_page
    order = queryset.query.order_by
    keys = [str(key).lstrip("-") for key in order] if queryset.query.combinator else []
    ids = [row[0] for row in queryset.values_list("pk", *keys)[start : start + per_page]]
    # What was given to somebody else between the two statements is not shown: the second asks again.
    asked = queryset.model._default_manager.all() if queryset.query.combinator else queryset
    return asked.filter(AnyOf(F("pk"), ids)).order_by(*order)


class AnyOf(Lookup):
    """`= ANY (array)`: thousands of ids travel as one parameter."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left} = ANY (%s)", [*parameters, self.rhs]


def _positive(value: str | None, default: int) -> int:
    if value is None or value == "":
        return default
    digits = value.lstrip("0")
    if not (digits.isascii() and digits.isdigit()):
        raise BadPage
    return int(digits) if len(digits) <= MOST_DIGITS else LARGEST_PAGE
