"""People who are probably one: what two participants have in common, strongest first (backoffice.md §2.2).

Each sign is found in an index of its own, and the list is bounded. Pairs that staff have decided are two people
do not come back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from applications.models import Application
from participants.models import Participant

# An address that more applications give than this is a shared mailbox, and says nothing about who somebody is.
MOST_WITH_ADDRESS = 10

# What is looked at in the order in which it tells; `alike` are the groups of current people who have it in common.
SIGNS = {
    "The same TRN": """
        SELECT teacher_reference_number AS common FROM participants_participant
        WHERE merged_into_id IS NULL AND teacher_reference_number IS NOT NULL
          AND teacher_reference_number <> '0000000'
        GROUP BY teacher_reference_number HAVING count(*) > 1
    """,
    "The same name and date of birth": """
        SELECT lower(full_name) AS name, date_of_birth AS born FROM participants_participant
        WHERE merged_into_id IS NULL AND date_of_birth IS NOT NULL
        GROUP BY lower(full_name), date_of_birth HAVING count(*) > 1
    """,
    "The same email on applications": """
        SELECT lower(email) AS common FROM applications_application
        GROUP BY lower(email)
        HAVING min(participant_id) <> max(participant_id) AND count(*) <= %(most_with_address)s
    """,
}
MEMBERS = {
    "The same TRN": """
        SELECT alike.common, person.id FROM alike JOIN participants_participant AS person
          ON person.teacher_reference_number = alike.common AND person.merged_into_id IS NULL
    """,
    "The same name and date of birth": """
        SELECT alike.name || alike.born, person.id FROM alike JOIN participants_participant AS person
          ON lower(person.full_name) = alike.name AND person.date_of_birth = alike.born
          AND person.merged_into_id IS NULL
    """,
    "The same email on applications": """
        SELECT DISTINCT alike.common, person.id FROM alike
        JOIN applications_application AS application ON lower(application.email) = alike.common
        JOIN participants_participant AS person
          ON person.id = application.participant_id AND person.merged_into_id IS NULL
    """,
}
PAIRS = """
WITH alike AS ({sign}), member (common, id) AS ({members})
SELECT first.id, second.id FROM member AS first
JOIN member AS second ON second.common = first.common AND first.id < second.id
WHERE NOT EXISTS (SELECT FROM backoffice_notthesameperson AS decided
                  WHERE decided.first_id = first.id AND decided.second_id = second.id)
LIMIT %(most)s
"""


@dataclass(frozen=True)
class LookAlike:
    """Two current participants, `first` the one added first, and what they have in common."""

    first: Participant
    second: Participant
    signs: tuple[str, ...]


def look_alikes(most: int = 50) -> list[LookAlike]:
    """People who are probably one, those with the strongest signs first: at most `most` pairs, in four queries."""
    signs: dict[tuple[int, int], list[str]] = {}
    for sign in SIGNS:
        for pair in _pairs(sign, most):
            signs.setdefault(pair, []).append(sign)
    pairs = sorted(signs, key=lambda pair: (-len(signs[pair]), list(SIGNS).index(signs[pair][0]), pair))[:most]
    people = Participant.objects.in_bulk({each for pair in pairs for each in pair})
    return [
        LookAlike(people[first], people[second], tuple(signs[first, second]))
        for first, second in pairs
        # Merged since they were found.
        if first in people and second in people
    ]


def _pairs(sign: str, most: int) -> Iterator[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            PAIRS.format(sign=SIGNS[sign], members=MEMBERS[sign]),
            {"most": most, "most_with_address": MOST_WITH_ADDRESS},
        )
        yield from cursor.fetchall()


def left_with_retired(most: int = 50) -> list[Any]:
    """Applications that an ID which is retired still holds: leftovers of a merge, to be given to the survivor."""
    found = Application.objects.filter(participant__merged_into__isnull=False)
    return list(found.select_related("participant__merged_into", "course", "lead_provider").order_by("id")[:most])
