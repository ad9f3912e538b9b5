"""States as tags: the words say it, a colour makes it easier to find. Whoever sees no colours misses nothing."""

from django.utils.html import format_html

COLOURS = {
    "pending": "yellow",
    "accepted": "green",
    "rejected": "red",
    "active": "green",
    "deferred": "yellow",
    "withdrawn": "grey",
    "submitted": "purple",
    "eligible": "",
    "payable": "yellow",
    "paid": "green",
    "voided": "grey",
    "ineligible": "red",
    "awaiting clawback": "yellow",
    "clawed back": "grey",
    "open": "",
    "passed": "green",
    "failed": "red",
    "waiting to be sent": "",
    "being sent": "",
    "sent": "green",
    "failed for good": "red",
    "revoked": "grey",
    "expired": "grey",
    "merged": "grey",
    "holds": "green",
    "broken": "red",
}


def tag(words: str) -> str:
    """The words as a tag; nothing for none. What stands in brackets after a state does not change its colour."""
    if not words:
        return ""
    colour = COLOURS.get(words.split(" (")[0].lower(), "")
    return format_html('<strong class="tag{}">{}</strong>', f" tag-{colour}" if colour else "", words)
