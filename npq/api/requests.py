"""What may come in: bodies, ids and filters, read strictly and refused in the contract's words.

Structure is checked here and rules are not: a door reads, a service decides.
"""

import json
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from django.http import Http404, QueryDict
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from npq.api.errors import BadFilter, FilterNotKeyValue, MalformedJson, NotAnObject, UnreadableText, WrongStructure
from npq.core.texts import is_readable
from npq.core.texts import timestamp_or_none as timestamp_or_none
from npq.core.texts import uuid_or_none as uuid_or_none

MOST_NESTING = 64


class AnyJsonParser(BaseParser):
    """Reads the body as JSON whatever its content type says; an empty body is None."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return parse_json(stream.read())


def parse_json(body: bytes) -> Any:
    """The JSON value of a body, or None when it is empty.

    Raises MalformedJson for what is not JSON (NaN, numbers beyond reason and deep nesting included) and
    UnreadableText for NUL characters and lone surrogates, which no column can hold.
    """
    if not body.strip():
        return None
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedJson from error
    _check_readable(value)
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_readable(value: Any, depth: int = 0) -> None:
    if depth > MOST_NESTING:
        raise MalformedJson
    if isinstance(value, str):
        if not is_readable(value):
            raise UnreadableText
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_readable(key, depth + 1)
            _check_readable(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_readable(inner, depth + 1)


def attributes_of(request: Request, known: Iterable[str], *, optional: bool = False) -> dict[str, Any]:
    """The known attributes of `{"data": {"attributes": {…}}}`; unknown ones and `type` are ignored.

    With `optional`, a body without `data` means no attributes. Raises WrongStructure when the envelope is
    not as above, or holds no known attribute at all, so that a misspelling is noticed (decisions.md §1.13).
    """
    body = request.data
    if optional and (body is None or (isinstance(body, dict) and "data" not in body)):
        return {}
    data = body.get("data") if isinstance(body, dict) else None
    attributes = data.get("attributes") if isinstance(data, dict) else None
    if not isinstance(attributes, dict):
        raise WrongStructure
    found = {name: attributes[name] for name in known if name in attributes}
    if not found:
        raise WrongStructure
    return found


def object_of_body(request: Request) -> dict[str, Any]:
    """The one flat JSON object of a body without an envelope. Raises NotAnObject for anything else."""
    if not isinstance(request.data, dict):
        raise NotAnObject
    return request.data


def text_or_none(value: Any) -> str | None:
    """A text attribute: blank, null and anything that is not a text count as not given."""
    return value.strip() or None if isinstance(value, str) else None


def uuid_or_404(text: str) -> uuid.UUID:
    """The id in a path; raises Http404 for anything that is not a UUID."""
    found = uuid_or_none(text)
    if found is None:
        raise Http404
    return found


class Filters:
    """The `filter[...]` parameters of a request; unknown ones are ignored, empty ones count as absent."""

    def __init__(self, parameters: QueryDict) -> None:
        if "filter" in parameters:
            raise FilterNotKeyValue
        self._values: dict[str, str] = {}
        for key in parameters:
            value = str(parameters.get(key, ""))
            if not (is_readable(key) and is_readable(value)):
                raise UnreadableText
            if key.startswith("filter[") and key.endswith("]"):
                self._values[key[len("filter[") : -1]] = value.strip()
        self._nested = [key.split("[", 1)[0].rstrip("]") for key in self._values if "[" in key]

    def text(self, name: str) -> str | None:
        """The value of a filter, or None when it is absent or empty."""
        if name in self._nested:
            raise BadFilter(name=name, expected="must be one value, not a structure")
        return self._values.get(name) or None

    def words(self, name: str) -> list[str] | None:
        """The values of a comma list, or None when the filter is absent or empty."""
        value = self.text(name)
        return [word.strip() for word in value.split(",") if word.strip()] if value else None

    def years(self, name: str = "cohort") -> list[int] | None:
        """Cohort start years; what is not a year matches nothing, as an unknown year does."""
        words = self.words(name)
        if words is None:
            return None
        return [int(word) for word in words if word.isascii() and word.isdigit() and len(word) == 4]

    def identifiers(self, name: str) -> list[uuid.UUID] | None:
        """A comma list of UUIDs. Raises BadFilter when one is not a UUID, or none is there."""
        words = self.words(name)
        if words is None:
            return None
        found = [uuid_or_none(word) for word in words]
        if None in found or not found:
            raise BadFilter(name=name, expected="must be one id, or several separated by commas; each is a UUID")
        return [identifier for identifier in found if identifier is not None]

    def instant(self, name: str) -> datetime | None:
        """A date and time. Raises BadFilter when it is not RFC 3339; a doubly encoded value is understood."""
        value = self.text(name)
        if value is None:
            return None
        found = timestamp_or_none(value) or timestamp_or_none(unquote(value))
        if found is None:
            raise BadFilter(name=name, expected="must be an ISO 8601 date and time, for example 2024-03-01T09:30:00Z")
        return found


def sorting(parameters: QueryDict, allowed: Iterable[str], default: tuple[str, ...]) -> tuple[str, ...]:
    """The order asked for by `sort=a,-b`; unknown keys are ignored, and with none left the default holds.

    Ends with the id, so that pages never overlap.
    """
    keys: list[str] = []
    allowed = set(allowed)
    for word in parameters.get("sort", "").split(","):
        word = word.strip()
        name = word.lstrip("+-")
        if name in allowed and len(word) - len(name) <= 1 and name not in [key.lstrip("-") for key in keys]:
            keys.append(f"-{name}" if word.startswith("-") else name)
    if not keys:
        return default
    return (*keys, "-id" if keys[-1].startswith("-") else "id")
