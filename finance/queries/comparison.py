"""What differs between two payment resources of one statement, in words: what has moved since somebody looked."""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from declarations.choices import DeclarationType
from npq.core.money import in_pounds

FIGURES = {
    "output_payment": "Output payment",
    "targeted_delivery_funding": "Targeted delivery funding",
    "service_fee": "Service fee",
    "clawback": "Clawbacks",
    "adjustment": "Adjustments",
    "total": "Total",
}
COUNTS = {"count": "paid", "refunded": "taken back"}

Document = Mapping[str, Any]


def differences(before: Document, after: Document) -> list[str]:
    """A sentence for each figure, count and adjustment that is not what it was; none when nothing has moved."""
    return [*_figures(before, after), *_courses(before, after), *_adjustments(before, after)]


def _figures(before: Document, after: Document) -> Iterator[str]:
    for name, title in FIGURES.items():
        if before[name] != after[name]:
            yield f"{title}: {_pounds(before[name])} → {_pounds(after[name])}"


def _courses(before: Document, after: Document) -> Iterator[str]:
    was, now = _counts(before), _counts(after)
    for key in [*was, *(key for key in now if key not in was)]:
        if was[key] != now[key]:
            course, declaration_type, count = key
            words = DeclarationType(declaration_type).label
            yield f"{course}, {words}: {was[key]} → {now[key]} {COUNTS[count]}"


def _counts(document: Document) -> Counter[tuple[str, str, str]]:
    return Counter(
        {
            (course["course_identifier"], each["declaration_type"], count): each[count]
            for course in document["courses"]
            for each in course["declarations"]
            for count in COUNTS
        }
    )


def _adjustments(before: Document, after: Document) -> Iterator[str]:
    was, now = (
        Counter((each["description"], each["amount"]) for each in document["adjustments"])
        for document in (before, after)
    )
    for word, gone_or_come in (("removed", was - now), ("added", now - was)):
        for description, amount in gone_or_come.elements():
            yield f"Adjustment {word}: {description}, {_pounds(amount)}"


def _pounds(amount: str) -> str:
    return in_pounds(Decimal(amount))
