"""Values that arrive as text, read strictly: what cannot be read is None or False, never an exception."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

_TIMESTAMP = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})T(?P<time>\d{2}:\d{2}:\d{2})(?:[.,](?P<fraction>\d+))?"
    r"(?P<zone>Z|[+\- ]\d{2}(?::?\d{2})?)?",
    re.IGNORECASE | re.ASCII,
)


def is_readable(text: str) -> bool:
    """Whether a text can be stored: no NUL, no lone surrogate."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def uuid_or_none(value: Any) -> uuid.UUID | None:
    """A UUID in its usual form with hyphens, or None."""
    if not isinstance(value, str) or len(value) != 36:
        return None
    try:
        found = uuid.UUID(value)
    except ValueError:
        return None
    return found if str(found) == value.lower() else None


def timestamp_or_none(value: Any) -> datetime | None:
    """An RFC 3339 date and time (api.md §6.3), in UTC: a zone may be left out (UTC is meant), a fraction may
    follow a point or a comma, and the space that a raw `+` becomes in a URL is read as `+`. None for all else.
    """
    match = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    zone = (match["zone"] or "Z").replace(" ", "+").upper()
    if zone != "Z" and len(zone) == 3:
        zone += ":00"
    fraction = (match["fraction"] or "0")[:6].ljust(6, "0")
    try:
        return datetime.fromisoformat(f"{match['day']}T{match['time']}.{fraction}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
