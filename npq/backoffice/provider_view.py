"""A record exactly as the API answers it to the provider: the oldest version and the newest, in one query."""

import json
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from npq.api.output import Shape
from npq.backoffice.pages import Text


def as_provider_sees(shapes: Mapping[str, Shape], records: QuerySet[Any] | None, caller: Any = None) -> Text:
    """The section with the JSON of the first of the records; empty for None, where a provider is shown nothing."""
    if records is None:
        return Text("As the provider sees it", [])
    versions = list(dict.fromkeys([min(shapes), max(shapes)]))
    named = {f"_shown_{version}": shapes[version].record(caller) for version in versions}
    row = records.annotate(**named).values(*named).first() or {}
    texts = [
        (f"API {version}", json.dumps({"data": json.loads(row[f"_shown_{version}"])}, indent=2, ensure_ascii=False))
        for version in versions
        if row
    ]
    return Text("As the provider sees it", texts)
