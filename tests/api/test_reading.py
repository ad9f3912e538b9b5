"""Whatever comes in is read or refused: no reader of ours ever fails in another way."""

import contextlib
import json
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from django.http import QueryDict
from hypothesis import example, given, settings
from hypothesis import strategies as st

from applications.services.submission import FIELDS, Reference, Submission, read_submission
from npq.api.errors import BadFilter, BadPage, BadRequest, UnreadableText
from npq.api.pagination import LARGEST_PAGE, _positive
from npq.api.requests import Filters, parse_json, sorting
from npq.core.clock import start_of_uk_day, uk_date
from npq.core.errors import Refused
from npq.core.models import Cohort, Course, LeadProvider
from npq.core.texts import is_readable, timestamp_or_none, uuid_or_none

quick = settings(max_examples=200, deadline=None, database=None, derandomize=True)

# Any text at all: NUL characters and halves of surrogate pairs included.
any_text = st.text(st.characters(codec=None, exclude_categories=[]), max_size=60)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=20,
)


@quick
@given(st.binary(max_size=200))
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"1" * 100_000)
@example(b'"\\ud800"')
@example(b"\xef\xbb\xbf{}")
def test_a_body_of_any_bytes(body: bytes) -> None:
    with contextlib.suppress(BadRequest):
        parse_json(body)


@quick
@given(any_json)
def test_a_body_of_any_json_is_read_as_it_is_unless_it_cannot_be_stored(value: Any) -> None:
    body = json.dumps(value).encode()
    readable = all(is_readable(text) for text in texts_of(value))

    if readable:
        assert parse_json(body) == value
    else:
        with pytest.raises(UnreadableText):
            parse_json(body)


def texts_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts_of(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts_of(part)]
    return [value] if isinstance(value, str) else []


@quick
@given(any_text | any_json)
def test_any_value_as_an_id(value: Any) -> None:
    found = uuid_or_none(value)

    assert found is None or str(found) == value.lower()


@quick
@given(st.uuids())
def test_every_uuid_is_an_id_in_one_form_only(value: uuid.UUID) -> None:
    assert uuid_or_none(str(value)) == uuid_or_none(str(value).upper()) == value
    assert uuid_or_none(value.hex) is uuid_or_none(f"{{{value}}}") is uuid_or_none(value.urn) is None


@quick
@given(any_text | any_json)
@example("0001-01-01T00:00:00+23:59")
@example("9999-12-31T23:59:59-23:59")
@example("2024-03-01T00:00:00+24:00")
@example("2024-03-01T24:00:00Z")
@example("2024-03-01T00:00:00." + "9" * 10_000)
def test_any_value_as_a_timestamp(value: Any) -> None:
    found = timestamp_or_none(value)

    assert found is None or found.tzinfo == UTC


@quick
@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["+01:00", "-0330", "+05", "Z", ""]))
def test_every_timestamp_is_read_to_the_instant(instant: datetime, zone: str) -> None:
    text = instant.isoformat()[:19] + zone

    found = timestamp_or_none(text)

    try:
        wanted = datetime.fromisoformat(text if zone else text + "Z").astimezone(UTC)
    except OverflowError:
        assert found is None
    else:
        assert found == wanted


@quick
@given(st.datetimes(timezones=st.just(UTC)))
@example(datetime.min.replace(tzinfo=UTC))
@example(datetime.max.replace(tzinfo=UTC))
def test_every_instant_has_a_uk_date(instant: datetime) -> None:
    assert abs((uk_date(instant) - instant.date()).days) <= 1


@quick
@given(st.dates())
def test_every_uk_day_begins(day: Any) -> None:
    assert uk_date(start_of_uk_day(day)) == day


def query_of(pairs: list[tuple[str, str]]) -> QueryDict:
    return QueryDict("&".join(f"{encoded(key)}={encoded(value)}" for key, value in pairs))


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"))


names = st.sampled_from(["cohort", "updated_since", "participant_id", "x", "", "cohort][", "participant_id][a"])
keys = names.map(lambda name: f"filter[{name}]") | any_text | st.sampled_from(["sort", "page[page]", "filter["])


@quick
@given(st.lists(st.tuples(keys, any_text), max_size=6))
def test_any_query(pairs: list[tuple[str, str]]) -> None:
    query = query_of(pairs)
    with contextlib.suppress(BadRequest):
        filters = Filters(query)
        filters.years()
        filters.instant("updated_since")
        filters.identifiers("participant_id")
    order = sorting(query, ("created_at", "updated_at"), ("created_at", "id"))
    assert {key.lstrip("-") for key in order} <= {"created_at", "updated_at", "id"}
    assert order[-1].lstrip("-") == "id"


@quick
@given(any_text)
def test_any_text_as_an_instant_filter(value: str) -> None:
    query = query_of([("filter[updated_since]", value)])
    try:
        found = Filters(query).instant("updated_since")
    except (BadFilter, UnreadableText):
        return
    assert found is None or found.tzinfo == UTC


@quick
@given(any_text | st.integers().map(str))
def test_any_text_as_a_page(value: str) -> None:
    try:
        found = _positive(value, 7)
    except BadPage:
        return
    assert 1 <= found <= LARGEST_PAGE


REFERENCE = Reference(
    courses={"npq-headship": Course(identifier="npq-headship")},
    cohorts={"2024a": Cohort(start_year=2024, suffix="a")},
    lead_providers={"ambition": LeadProvider(code="ambition")},
)
NOW = datetime(2024, 10, 10, 9, 0, tzinfo=UTC)
SMALLEST = {
    "id": "2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11",
    "participant_id": "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90",
    "full_name": "Priya Okafor",
    "email": "priya@example.org",
    "course_identifier": "npq-headship",
    "lead_provider": "ambition",
    "cohort": 2024,
    "eligible_for_funding": True,
}


@quick
@given(st.dictionaries(st.sampled_from(list(FIELDS)) | any_text, any_json | any_text, max_size=8))
def test_a_submission_of_anything(fields: dict[str, Any]) -> None:
    try:
        found = read_submission({**SMALLEST, **fields}, reference=REFERENCE, now=NOW)
    except Refused as refusal:
        titles = [problem.title for problem in refusal.problems]
        assert len(titles) == len(set(titles))
        assert set(titles) <= set(FIELDS)
    else:
        assert isinstance(found, Submission)
        # What is stored to know a repeat by is JSON that a column can hold, and reads as the same again.
        assert read_submission(found.content, reference=REFERENCE, now=NOW).content == found.content
        assert is_readable(json.dumps(found.content, ensure_ascii=False))
