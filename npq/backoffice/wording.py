"""Refusals as staff read them: the sentence meant for them, in the words of the pages."""

import re
from datetime import date

from django.utils.text import capfirst

from npq.backoffice.pages import shown
from npq.core.texts import timestamp_or_none

# What a sentence calls by a command's name, and staff find under another.
PLACES = {
    "change_trn": "Change TRN",
    "check_invariants": "Checks of the data",
    "list_statements": "Statements",
    "load_contracts": "Bulk changes: Load contract terms",
    "load_statements": "Bulk changes: Load statements",
    "move_declarations": "Move declarations to another month",
    "set_statement": "Change dates or payment run",
    "show_statement": "Statements",
}
_ATTRIBUTE = re.compile(r"'#/(\w+)'")
_COMMAND = re.compile(rf"\b({'|'.join(PLACES)})\b")
_TIMESTAMP = re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_DAY = re.compile(r"(?<![\w-])(\d{4})-(\d{2})-(\d{2})(?![\w-])")
_MONTH = re.compile(r"(?<![\w-])(\d{4})-(\d{2})(?![\w-])")


def staff_words(sentence: str) -> str:
    """A sentence without what only programs call so: attributes of the API, names of commands, ISO dates.

    `'#/funded_place'` becomes the funded place, `set_statement` the button's words, `2026-11-28` 28 November 2026.
    """
    if _ATTRIBUTE.match(sentence):
        sentence = sentence[:3] + capfirst(sentence[3:])
    sentence = _ATTRIBUTE.sub(lambda found: found[1].replace("_", " "), sentence)
    sentence = _COMMAND.sub(lambda found: f"“{PLACES[found[1]]}”", sentence)
    sentence = _TIMESTAMP.sub(lambda found: str(shown(timestamp_or_none(found[0]) or found[0])), sentence)
    sentence = _DAY.sub(lambda found: _date(found, "%-d %B %Y", *found.groups()), sentence)
    return _MONTH.sub(lambda found: _date(found, "%B %Y", *found.groups(), "1"), sentence)


def _date(found: "re.Match[str]", form: str, *parts: str) -> str:
    """A date in words; as it is where it only looks like one."""
    try:
        return date(*map(int, parts)).__format__(form)
    except ValueError:
        return found[0]
