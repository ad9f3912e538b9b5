"""Tags of the back office's templates."""

from typing import Any

from django import template
from django.contrib.admin.views.main import PAGE_VAR

from npq.backoffice import tags

register = template.Library()
register.filter("tag", tags.tag)


@register.filter
def in_a_sentence(title: str) -> str:
    """A title as it stands within a sentence: `Change TRN` → `change TRN`; `API tokens …` stays as it is."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


@register.inclusion_tag("backoffice/list_pages.html")
def list_pages(cl: Any) -> dict[str, Any]:
    """Where in a list one is, and the pages before and after."""
    number, total = cl.page_num, cl.result_count
    first = (number - 1) * cl.list_per_page + 1
    return {
        "total": total,
        "bounded": total >= getattr(cl.model_admin, "most_listed", total + 1),
        "first": first,
        "last": min(first + cl.list_per_page - 1, total),
        "previous": cl.get_query_string({PAGE_VAR: number - 1}) if number > 1 else "",
        "next": cl.get_query_string({PAGE_VAR: number + 1}) if number < cl.paginator.num_pages else "",
    }
