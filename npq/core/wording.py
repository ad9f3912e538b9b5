"""The words of a message: `templates/messages/<kind>.txt`, a subject line and a body in plain English.

The text is what people read in an e-mail and, with `# headings`, what GOV.UK Notify formats.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template import Context, Engine, Template

from npq.core.choices import MessageKind

TEMPLATES = Path(settings.ROOT) / "templates" / "messages"

# What `Application.tell_participant` always gives, and what one kind needs besides.
ALWAYS_NEEDED = ("full_name", "course_name", "lead_provider", "application_id")
ALSO_NEEDED = {MessageKind.APPLICATION_REJECTED_AUTOMATICALLY: ("accepted_lead_provider",)}


class CannotBeWritten(Exception):
    """The message lacks a value that its template needs."""


@dataclass(frozen=True)
class Letter:
    """A message as it is sent."""

    subject: str
    body: str


def letter_for(kind: str, values: Mapping[str, Any]) -> Letter:
    """Fills in the template of a kind; raises CannotBeWritten naming the values that are missing or blank."""
    needed = ALWAYS_NEEDED + ALSO_NEEDED.get(MessageKind(kind), ())
    tidy = {name: one_line(str(value)) for name, value in values.items() if value is not None}
    missing = [name for name in needed if not tidy.get(name)]
    if missing:
        raise CannotBeWritten(f"the message lacks {', '.join(missing)}")
    tidy["full_name"] = harmless(tidy["full_name"])
    text = _template(kind).render(Context(tidy, autoescape=False))
    subject, _, body = text.partition("\n")
    return Letter(subject.removeprefix("Subject: ").strip(), body.strip() + "\n")


@cache
def _template(kind: str) -> Template:
    return Engine(autoescape=False).from_string((TEMPLATES / f"{kind}.txt").read_text(encoding="utf-8"))


def one_line(value: str) -> str:
    """The text with every run of blanks and line breaks made one space."""
    return " ".join(value.split())


def harmless(name: str) -> str:
    """A name as somebody gave it, unable to become a link, a heading or another mark-up in our message.

    Anybody may apply with anybody's e-mail address, so a name must not carry words of the sender's choosing that
    a reader could click on.
    """
    kept = "".join(
        letter if letter in " .,'’-()" or unicodedata.category(letter)[0] in "LM" else " " for letter in name
    )
    return one_line(re.sub(r"\.(?=\w)", ". ", kept)) or "applicant"
