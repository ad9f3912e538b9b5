"""The words of every message."""

import re
from typing import Any

import pytest

from npq.core.choices import MessageKind
from npq.core.wording import TEMPLATES, CannotBeWritten, harmless, letter_for

VALUES = {
    "full_name": "Priya Okafor",
    "course_name": "NPQ for headship",
    "lead_provider": "Ambition Institute",
    "application_id": "8a1c6f0e-0000-4000-8000-000000000001",
    "accepted_lead_provider": "Teach First",
    "completion_date": "24 November 2026",
}


@pytest.mark.parametrize("kind", MessageKind.values)
def test_every_message_names_person_course_provider_and_what_happens_next(kind: str) -> None:
    letter = letter_for(kind, VALUES)

    assert letter.subject
    assert "\n" not in letter.subject
    assert letter.body.startswith("Dear Priya Okafor\n")
    for words in ("NPQ for headship", "Ambition Institute", "# What happens next", VALUES["application_id"]):
        assert words in letter.body
    assert not re.search(r"\{\{|\{%|&#|\n\n\n", letter.subject + letter.body)
    assert letter.body.isascii()


@pytest.mark.parametrize("kind", MessageKind.values)
def test_a_message_without_a_value_it_needs_is_not_written(kind: str) -> None:
    text = (TEMPLATES / f"{kind}.txt").read_text()
    used = set(re.findall(r"\{\{ (\w+) \}\}", text)) - set(re.findall(r"\{% if (\w+) %\}", text))

    assert {"full_name", "course_name", "lead_provider", "application_id"} <= used
    for name in used:
        for blank in ({}, {name: ""}, {name: None}):
            values = {key: value for key, value in VALUES.items() if key != name} | blank
            with pytest.raises(CannotBeWritten, match=name):
                letter_for(kind, values)


def test_there_is_no_template_without_a_message() -> None:
    assert sorted(path.stem for path in TEMPLATES.iterdir()) == sorted(MessageKind.values)


def test_a_date_of_completion_is_named_when_there_is_one() -> None:
    without = {name: value for name, value in VALUES.items() if name != "completion_date"}

    assert "passed NPQ for headship on 24 November 2026." in letter_for(MessageKind.OUTCOME_PASSED, VALUES).body
    assert "passed NPQ for headship." in letter_for(MessageKind.OUTCOME_PASSED, without).body


def test_a_retracted_outcome_is_said_plainly_and_names_whom_to_ask() -> None:
    letter = letter_for(MessageKind.OUTCOME_RETRACTED, VALUES)

    assert letter.subject == "Your pass in NPQ for headship has been withdrawn"
    assert "your pass has been withdrawn" in letter.body
    assert "Ask Ambition Institute why" in letter.body


def test_an_application_closed_for_another_names_both_providers() -> None:
    body = letter_for(MessageKind.APPLICATION_REJECTED_AUTOMATICALLY, VALUES).body

    assert "application to Ambition Institute" in body
    assert "Teach First has accepted you" in body


@pytest.mark.parametrize(
    ("name", "harmless_name"),
    [
        ("Zoë O’Neill-d'Arc", "Zoë O’Neill-d'Arc"),
        ("J.R. Smith", "J. R. Smith"),
        ("Nguyễn Thị Ánh", "Nguyễn Thị Ánh"),
        ("You won https://evil.example/x", "You won https evil. example x"),
        ("[Click](http://evil.example)", "Click (http evil. example)"),
        ("# Heading\nBcc: a@b.example", "Heading Bcc a b. example"),
        ("<b>x</b> & 12", "b x b"),
        ("1234", "applicant"),
    ],
)
def test_a_name_cannot_become_a_link_or_mark_up(name: str, harmless_name: str) -> None:
    assert harmless(name) == harmless_name


def test_what_somebody_calls_themselves_is_made_harmless_in_the_letter() -> None:
    letter = letter_for(MessageKind.APPLICATION_ACCEPTED, VALUES | {"full_name": "Win https://evil.example"})

    assert "Dear Win https evil. example\n" in letter.body


def test_values_are_not_escaped_and_take_one_line(settings: Any) -> None:
    letter = letter_for(
        MessageKind.APPLICATION_ACCEPTED, VALUES | {"lead_provider": "Smith & Sons\nLtd", "full_name": "O'Neill"}
    )

    assert letter.subject.startswith("Smith & Sons Ltd has accepted")
    assert "Dear O'Neill" in letter.body
