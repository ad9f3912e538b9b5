"""Examples for the documentation, made of what is declared: of schemas, of refusals and of their sentences."""

import inspect
import re
import string
from collections.abc import Mapping
from typing import Any

from npq.api.output import Schema
from npq.core.errors import Refused

RETIRED_ID = "5b7f3a10-0c61-4a4d-9f3e-77c1d2a8e601"
SURVIVING_ID = "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90"
CHANGED_AT = "2022-12-01T00:10:00Z"

SAMPLE_FACTS = {
    "cohort": "2024a",
    "course": "npq-headship",
    "schedules": "npq-leadership-autumn, npq-leadership-spring",
    "day": "2024-10-01",
    "name": "updated_since",
    "course_identifier": "npq-headship",
    "courses": "npq-headship, npq-leading-teaching",
    "schedule": "npq-leadership-autumn",
    "first_day": "2024-10-01",
    "declaration_type": "started",
    "types": "started, retained-1, retained-2, completed",
    "withdrawn_at": "2024-11-05T09:00:00Z",
    "year": "2024",
    "reasons": "bereavement, long-term-sickness, parental-leave",
    "statuses": '["active", "deferred", "withdrawn"]',
    "from_participant_id": RETIRED_ID,
    "to_participant_id": SURVIVING_ID,
    "expected": "must be an ISO 8601 date and time, for example 2024-03-01T09:30:00Z",
}


_SOURCES = re.compile(r"\s*\((?:[a-z]+\.md )?(?:§|[a-z]+\.md)[^)]*\)")


class _SampleFacts(string.Formatter):
    """Fills a refusal's sentence with facts of an example; an unknown fact shows as its name."""

    def get_value(self, key: int | str, args: Any, kwargs: Mapping[str, Any]) -> Any:
        return SAMPLE_FACTS.get(str(key), f"‹{str(key).replace('_', ' ')}›")

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return value

    def format_field(self, value: Any, format_spec: str) -> str:
        return str(value)


def sample_sentence(detail: str) -> str:
    """A refusal's sentence, given as its format string, with the facts of an example."""
    return _SampleFacts().format(detail)


def for_readers(docstring: str | None) -> str:
    """A docstring as documentation: its sources, which providers cannot look up, are left out."""
    return _SOURCES.sub("", inspect.cleandoc(docstring or ""))


def example_of(schema: Schema) -> Any:
    """An example of what a schema describes, made of the examples of its parts."""
    if "example" in schema:
        return schema["example"]
    if schema.get("nullable"):
        return None
    if "oneOf" in schema:
        return example_of(schema["oneOf"][0])
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: example_of(part) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema["items"])]
    samples = {"boolean": False, "integer": 1, "number": 1, "uuid": "2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11"}
    samples |= {"date-time": "2023-07-01T12:00:00Z", "date": "2024-05-25"}
    return samples.get(schema.get("format", ""), samples.get(str(kind), "text"))


def error_example(kind: type[Refused]) -> Schema:
    """An example of the answer with one refusal; 410 also says which ids have changed."""
    problem: Schema = {"title": kind.title, "detail": sample_sentence(kind.detail), "code": kind.code}
    if kind.status == 410:
        change = {"from_participant_id": RETIRED_ID, "to_participant_id": SURVIVING_ID, "changed_at": CHANGED_AT}
        problem["participant_id_changes"] = [change]
    return {"summary": for_readers(kind.__doc__), "value": {"errors": [problem]}}
