"""What a provider sends about a declaration, read and not yet judged."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Unreadable(Enum):
    """Stands in for a value that was given and cannot be read."""

    VALUE = "unreadable"


UNREADABLE = Unreadable.VALUE
GivenId = uuid.UUID | Unreadable | None


@dataclass(frozen=True)
class GivenPartners:
    """The delivery partners a declaration names; None for one that it does not name."""

    primary: GivenId = None
    secondary: GivenId = None


@dataclass(frozen=True)
class Claim:
    """A declaration as it was sent. What was left out or blank is None.

    `delivery_partners` is None where the contract does not ask for any (v1 and v2, decisions.md §8).
    """

    participant_id: GivenId
    course_identifier: str | None
    declaration_type: str | None
    declaration_date: datetime | Unreadable | None
    has_passed: bool | None = None
    delivery_partners: GivenPartners | None = None
