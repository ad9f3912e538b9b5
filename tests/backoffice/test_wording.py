"""Staff read refusals in the words of the pages, whatever programs call the same."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from declarations.errors import AlreadyVoided, SlotHeld
from npq.backoffice.bulk.catalogue import KINDS
from npq.backoffice.catalogue import CORRECTIONS
from npq.backoffice.navigating import LISTS
from npq.backoffice.pages import address_of
from npq.backoffice.site_pages import site_pages
from npq.backoffice.wording import PLACES, staff_words
from npq.core.errors import Refused, RefusedTogether, catalogue
from tests.factories import StatementFactory

# Of the registration service's requests, and of the API's pages.
NEVER_READ_BY_STAFF = {"cohort_suffix", "per_page"}


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Set '#/funded_place' to true.", "Set funded place to true."),
        ("'#/completion_date' cannot be in the future.", "Completion date cannot be in the future."),
        ("The deadline 2026-11-28 has passed.", "The deadline 28 November 2026 has passed."),
        ("No terms hold by 2026-03.", "No terms hold by March 2026."),
        ("Withdrew on 2026-07-01T09:30:00Z.", "Withdrew on 1 July 2026, 10:30."),
        ("Load them (load_contracts).", "Load them (“Bulk changes: Load contract terms”)."),
        ("It is no day: 2026-02-31.", "It is no day: 2026-02-31."),
        ("In 2026-27, and 2026-40.", "In 2026-27, and 2026-40."),
        ("See d54f2000-2026-5674-2052-630480812024.", "See d54f2000-2026-5674-2052-630480812024."),
    ],
)
def test_what_only_programs_say_is_said_in_words(sentence: str, words: str) -> None:
    assert staff_words(sentence) == words


def test_every_command_in_a_refusal_has_a_place_on_the_pages() -> None:
    facts = re.compile(r"\{[^}]*\}|'#/\w+'")
    named = {name for each in catalogue() for name in re.findall(r"\b[a-z]+_[a-z_]+\b", facts.sub("", each.detail))}

    assert named - NEVER_READ_BY_STAFF == PLACES.keys() & named
    assert not [each.detail for each in catalogue() if "--" in each.detail]


def test_the_places_are_there() -> None:
    titles = {each.title for each in CORRECTIONS} | {each.title for each in site_pages()} | set(LISTS)
    titles |= {f"Bulk changes: {kind.title}" for kind in KINDS.values()}

    assert set(PLACES.values()) <= titles


def test_a_correction_refuses_in_such_words(as_role: Callable[[str], Client]) -> None:
    statement = StatementFactory()
    address = f"{address_of(statement, statement.public_id)}set_statement/"
    answers = {"deadline_date": "28/11/2026", "payment_date": "1/1/2020", "output_fee": "yes", "reason": "Moved"}

    page = as_role("configuration").post(address, answers).content.decode()

    assert "The deadline 28 November 2026 would be after the payment date 1 January 2020." in page


def test_staff_are_never_told_to_contact_themselves_or_to_send_something() -> None:
    advice = re.compile(r"\b(DfE|GET|your?|send)\b", re.IGNORECASE)
    told = [each.for_staff for each in _refusals(Refused) if each.for_staff]

    assert told
    assert [each for each in told if advice.search(each)] == []


def _refusals(kind: type[Refused]) -> Iterator[type[Refused]]:
    for each in kind.__subclasses__():
        yield each
        yield from _refusals(each)


def test_several_refusals_at_once_are_said_in_the_words_for_staff_too() -> None:
    together = RefusedTogether([AlreadyVoided(), SlotHeld(declaration_type="started")])

    assert " ".join(each.detail for each in together.problems_for_staff) == together.sentence_for_staff
    assert "declare again" not in together.sentence_for_staff
    assert "declare again" in together.sentence
