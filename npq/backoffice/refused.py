"""Refused API requests for staff who are asked "why was I refused?": lists, what a code means, and how often."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from string import Formatter
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, OuterRef, QuerySet, UUIDField
from django.db.models.functions import JSONObject

from npq.api.examples import for_readers
from npq.backoffice.pages import Table, link
from npq.core.clock import wall_clock
from npq.core.errors import ErrorCode, catalogue
from npq.core.models import LeadProvider, RefusalCount, RefusedRequest
from npq.core.texts import timestamp_or_none
from npq.core.token_use import left_out_of

MOST_SHOWN = 20
LEFT_OPEN = "…"
# What is looked at to say which codes are common: enough for a week of any provider's.
MOST_COUNTED = 5_000
WEEK = timedelta(days=7)
PERMISSION = "core.view_refusedrequest"
# The order for what an index finds few of. By the bare id, the database would rather read the table from its newest
# row until it has met enough of them, which are never met.
NEWEST_OF_FEW = (F("id") + 0).desc()

# The short answers have no code; these are their words.
STATUS_MEANINGS = {
    401: "The token was not accepted: it has expired, was revoked, or is for something else.",
    404: "There is no such path, or no such record among this provider's own. Records of other providers are not "
    "told from records that do not exist.",
    405: "The path exists, but not with this method.",
    429: "Too many requests. The provider waits for the seconds given in Retry-After, then goes on.",
    500: "Something is wrong with this service. The log has it under the request ID; tell the developers.",
    503: "The records were busy. Nothing was changed; the provider sends the request again.",
}


@cache
def explanations() -> dict[str, ErrorCode]:
    """The published catalogue of refusals by code."""
    return {each.code: each for each in catalogue()}


def meaning_of(code: str) -> str:
    """What a code means, in a sentence or two."""
    found = explanations().get(code)
    return (
        " ".join(for_readers(found.meaning).replace("`", "").split())
        if found
        else "This code is not in the catalogue any more."
    )


def advice_of(code: str) -> str:
    """What the provider is told to do, with the facts of the case left open; says so where it is facts alone."""
    found = explanations().get(code)
    told = _FactsLeftOpen().format(found.detail) if found else ""
    if not told or any(map(str.isalpha, told)):
        return told
    return "It names what was wrong with the request. Those details are not kept."


class _FactsLeftOpen(Formatter):
    """Fills the facts of a sentence with dots: the case's own were not kept."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        return LEFT_OPEN, field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        return str(value)


def why(refused: RefusedRequest) -> str:
    """The codes of a refusal, or what its status says where it has none."""
    if refused.codes:
        return ", ".join(f"{code} ({title})" for code, title in zip(refused.codes, refused.titles, strict=True))
    return STATUS_MEANINGS.get(refused.status, "")


def refusals() -> QuerySet[RefusedRequest]:
    """Refused requests with whose they are, the newest first."""
    return RefusedRequest.objects.select_related("token", "lead_provider").order_by("-id")


def refused_table(title: str, found: Iterable[RefusedRequest], empty: str) -> Table:
    """The newest of some refused requests."""
    return Table(
        title,
        ["Time", "Request", "Status", "Why", "Lead provider", "Request ID"],
        [
            [
                each.at,
                link(each, str(each)),
                str(each.status),
                why(each),
                each.lead_provider.name if each.lead_provider else None,
                each.request_id,
            ]
            for each in islice(found, MOST_SHOWN)
        ],
        empty,
    )


def with_refusals(records: QuerySet[Any]) -> QuerySet[Any]:
    """Records with the refused requests that named them in path or body: from one index, in the records' own query."""
    its_id = Func(OuterRef("public_id"), template="ARRAY[%(expressions)s]", output_field=ArrayField(UUIDField()))
    fields = ("public_id", "at", "method", "path", "status", "codes", "titles", "request_id")
    named = (
        RefusedRequest.objects.filter(record_ids__contains=its_id)
        .order_by(NEWEST_OF_FEW)
        .values(json=JSONObject(provider="lead_provider__name", **{name: name for name in fields}))
    )
    return records.annotate(its_refusals=ArraySubquery(named[:MOST_SHOWN]))


def refusals_about(record: Any) -> Table:
    """The refused requests of a record that `with_refusals` gave."""
    return refused_table(
        "Refused requests about this record",
        map(_from_json, record.its_refusals),
        f"None in the last {settings.NPQ_REFUSED_REQUESTS_KEPT_DAYS} days.",
    )


def _from_json(facts: dict[str, Any]) -> RefusedRequest:
    provider, at = facts.pop("provider"), timestamp_or_none(facts.pop("at"))
    return RefusedRequest(
        at=at or wall_clock(), lead_provider=LeadProvider(name=provider) if provider else None, **facts
    )


def refusals_of_provider(provider_id: int) -> Table:
    """A provider's newest refused requests."""
    return refused_table(
        f"Refused requests of the last {settings.NPQ_REFUSED_REQUESTS_KEPT_DAYS} days",
        refusals().filter(lead_provider_id=provider_id)[:MOST_SHOWN],
        "None: every request was answered.",
    )


def codes_table(found: QuerySet[RefusedRequest], *, at: datetime, calls: int) -> Table:
    """Which codes refused how many of the calls of the last week."""
    recent = found.filter(at__gte=at - WEEK).order_by("-id").values_list("status", "codes")[:MOST_COUNTED]
    numbers: dict[tuple[int, str], int] = {}
    for status, codes in recent:
        for code in codes or [""]:
            numbers[status, code] = numbers.get((status, code), 0) + 1
    rows = sorted(numbers.items(), key=lambda each: (-each[1], each[0]))
    return Table(
        "Why requests were refused in the last 7 days",
        ["Status", "Error code", "What it means", "Refused requests", "Share of calls"],
        [
            [
                str(status),
                code or None,
                meaning_of(code) if code else STATUS_MEANINGS.get(status),
                f"{number:,}",
                f"{100 * number / calls:.1f}%" if calls else None,
            ]
            for (status, code), number in rows
        ],
        "No request was refused.",
    )


def common_codes() -> list[str]:
    """The codes among the newest refusals, for a filter, in alphabetical order."""
    newest = RefusedRequest.objects.order_by("-id").values_list("codes", flat=True)[:MOST_COUNTED]
    return sorted({code for codes in newest for code in codes})


def left_out_sentence(since: datetime, **of: Any) -> str:
    """How many refusals since then were counted but not kept, in a sentence; empty when none."""
    number = left_out_of(RefusalCount.objects.filter(hour__gte=since, **of))
    if not number:
        return ""
    return f"{number:,} more were counted but not kept: a token has room for so many of a kind in an hour."
