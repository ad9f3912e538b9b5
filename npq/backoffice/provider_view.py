"""A record exactly as the API answers it to the provider: the oldest version and the newest."""

import json
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import BaseExpression

from npq.api.output import Shape
from npq.backoffice.pages import Text

TITLE = "As the provider sees it"


def provider_views(shapes: Mapping[str, Shape], caller: Any = None, name: str = "shown") -> dict[str, BaseExpression]:
    """What to annotate records with, so that `as_provider_sees` finds it: read together with the record itself."""
    return {f"{name}_{version}": shapes[version].record(caller) for version in _versions(shapes)}


def as_provider_sees(shapes: Mapping[str, Shape], record: Any) -> Text:
    """The section with the JSON that a record was annotated with, as its lead provider gets it."""
    who = record.lead_provider.name
    texts = [
        (f"API {version}, to {who}", _pretty(getattr(record, f"shown_{version}"))) for version in _versions(shapes)
    ]
    return Text(TITLE, texts)


def as_providers_see(
    shapes: Mapping[str, Shape], records: QuerySet[Any], callers: Mapping[str, Any], *, empty: str
) -> Text:
    """The section with the JSON of one record for each of some callers, by their names; in one query.

    `empty` is said where there is no caller.
    """
    named = {
        name: expression
        for number, caller in enumerate(callers.values())
        for name, expression in provider_views(shapes, caller, f"shown_to_{number}").items()
    }
    row = (records.annotate(**named).values(*named).first() or {}) if named else {}
    texts = [
        (f"API {version}, to {who}", _pretty(row[f"shown_to_{number}_{version}"]))
        for number, who in enumerate(callers)
        for version in _versions(shapes)
        if row
    ]
    return Text(TITLE, texts, empty)


def as_answered(body: bytes) -> str:
    """An answer of the API, to be read by people."""
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)


def _versions(shapes: Mapping[str, Shape]) -> list[str]:
    return list(dict.fromkeys([min(shapes), max(shapes)]))


def _pretty(text: str) -> str:
    return json.dumps({"data": json.loads(text)}, indent=2, ensure_ascii=False)
