"""The published table of error codes: those of the catalogue that a document's endpoints can answer with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from npq.api.examples import for_readers, sample_sentence
from npq.api.schema import openapi
from npq.core.errors import ErrorCode, catalogue


@dataclass(frozen=True)
class PublishedCode:
    """A row of the published table: the code, an example of its sentence, and where it can occur."""

    error: ErrorCode
    meaning: str
    detail: str
    operations: tuple[str, ...]

    @property
    def breakable_code(self) -> SafeString:
        """The code as HTML that may break after an underscore."""
        return _breakable(self.error.code)

    @property
    def breakable_title(self) -> SafeString:
        """The title as HTML that may break after an underscore."""
        return _breakable(self.error.title)

    @property
    def everywhere(self) -> bool:
        """Whether it can occur wherever a request can be sent, so that listing the places says nothing."""
        return len(self.operations) > 8


def _breakable(text: str) -> SafeString:
    return format_html_join(mark_safe("_<wbr>"), "{}", ((part,) for part in text.split("_")))


def codes_of(name: str) -> list[PublishedCode]:
    """The error codes of a document, by code, each with the endpoints that can answer with it."""
    places: dict[str, list[str]] = {}
    for summary, codes in _operations(openapi(name)):
        for code in codes:
            places.setdefault(code, []).append(summary)
    return [
        PublishedCode(error, for_readers(error.meaning), sample_sentence(error.detail), tuple(places[error.code]))
        for error in catalogue()
        if error.code in places
    ]


def statuses_of(name: str) -> set[str]:
    """Every status that an endpoint of a document can answer with."""
    return {
        status
        for methods in openapi(name)["paths"].values()
        for operation in methods.values()
        for status in operation["responses"]
    }


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for methods in document["paths"].values():
        for operation in methods.values():
            contents = [answer.get("content", {}) for answer in operation["responses"].values()]
            examples = [one.get("application/json", {}).get("examples", {}) for one in contents]
            yield operation["summary"], [code for found in examples for code in found]
