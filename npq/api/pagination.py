"""`page[page]` and `page[per_page]`: offsets, no totals, at most 3,000 records (api.md §6.1)."""

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from npq.api.errors import BadPage

DEFAULT_PER_PAGE = 100
MOST_PER_PAGE = 3000
# Past this offset every page is empty; it also keeps the number within what PostgreSQL can count.
LARGEST_PAGE = 10**12
MOST_DIGITS = 12


def page_of(queryset: QuerySet[Any], parameters: QueryDict) -> QuerySet[Any]:
    """The rows of the page asked for, in the queryset's order.

    The page is found by its ids alone, so that a deep page skips index entries and not joined records. A union is
    ordered by what it shows, so its order travels beside the ids.
    Raises BadPage when a number is not a positive whole number; too large a page size is cut to 3,000.
    """
    page = _positive(parameters.get("page[page]"), 1)
    per_page = min(_positive(parameters.get("page[per_page]"), DEFAULT_PER_PAGE), MOST_PER_PAGE)
    start = (min(page, LARGEST_PAGE) - 1) * per_page
    order = queryset.query.order_by
    if queryset.query.combinator:
        keys = [str(key).lstrip("-") for key in order]
        ids: Any = [row[0] for row in queryset.values_list("pk", *keys)[start : start + per_page]]
    else:
        ids = queryset.values("pk")[start : start + per_page]
    return queryset.model._default_manager.filter(pk__in=ids).order_by(*order)


def _positive(value: str | None, default: int) -> int:
    if value is None or value == "":
        return default
    digits = value.lstrip("0")
    if not (digits.isascii() and digits.isdigit()):
        raise BadPage
    return int(digits) if len(digits) <= MOST_DIGITS else LARGEST_PAGE
