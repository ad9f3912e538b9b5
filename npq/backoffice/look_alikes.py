"""People who are probably one: what two participants have in common, strongest first (backoffice.md §2.2).

Usually somebody looks like another when they arrive, so the newest people and applications are compared with
everybody, each sign by an index of its own; that costs the same however many people there are. Comparing everybody
with everybody reads three indexes from end to end, which takes seconds with a million people. Either way the list
is bounded, and pairs that staff have decided are two people do not come back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from applications.models import Application
from participants.models import Participant

# So many of the newest people, and of the newest applications, are compared with everybody.
NEWEST = 5_000
# Of everybody, so many values that several people share are looked at.
MOST_SHARED = 2_000


@dataclass(frozen=True)
class Sign:
    """Something to have in common. Two statements for values that several people share, and one for who has them.

    `newest` gives the values of the newest people, `shared` those that more than one has, as `value` and `other`;
    `members` finds everybody who has them. When more than `crowd` people have a value it says nothing.
    """

    title: str
    newest: str
    shared: str
    members: str
    crowd: int = 10


SIGNS = (
    Sign(
        "The same TRN",
        """
        SELECT DISTINCT teacher_reference_number AS value, '' AS other FROM (
          SELECT teacher_reference_number FROM participants_participant
          WHERE merged_into_id IS NULL AND teacher_reference_number IS NOT NULL
          ORDER BY id DESC LIMIT %(newest)s) AS newest
        WHERE teacher_reference_number <> '0000000'
        """,
        """
        SELECT teacher_reference_number AS value, '' AS other FROM participants_participant
        WHERE merged_into_id IS NULL AND teacher_reference_number IS NOT NULL
          AND teacher_reference_number <> '0000000'
        GROUP BY teacher_reference_number HAVING count(*) > 1 LIMIT %(shared)s
        """,
        """
        SELECT alike.value, alike.other, person.id FROM alike JOIN participants_participant AS person
          ON person.teacher_reference_number = alike.value AND person.merged_into_id IS NULL
        """,
        crowd=1_000,
    ),
    Sign(
        "The same name and date of birth",
        """
        SELECT DISTINCT lower(full_name) AS value, date_of_birth AS other FROM (
          SELECT full_name, date_of_birth FROM participants_participant
          WHERE merged_into_id IS NULL AND date_of_birth IS NOT NULL
          ORDER BY id DESC LIMIT %(newest)s) AS newest
        """,
        """
        SELECT lower(full_name) AS value, date_of_birth AS other FROM participants_participant
        WHERE merged_into_id IS NULL AND date_of_birth IS NOT NULL
        GROUP BY lower(full_name), date_of_birth HAVING count(*) > 1 LIMIT %(shared)s
        """,
        """
        SELECT alike.value, alike.other, person.id FROM alike JOIN participants_participant AS person
          ON lower(person.full_name) = alike.value AND person.date_of_birth = alike.other
          AND person.merged_into_id IS NULL
        """,
    ),
    # An address that many give is a shared mailbox.
    Sign(
        "The same email on applications",
        """
        SELECT DISTINCT lower(email) AS value, '' AS other FROM (
          SELECT email FROM applications_application ORDER BY id DESC LIMIT %(newest)s) AS newest
        """,
        """
        SELECT lower(email) AS value, '' AS other FROM applications_application
        GROUP BY lower(email) HAVING min(participant_id) <> max(participant_id) LIMIT %(shared)s
        """,
        """
        SELECT DISTINCT alike.value, alike.other, person.id FROM alike
        JOIN applications_application AS application ON lower(application.email) = alike.value
        JOIN participants_participant AS person
          ON person.id = application.participant_id AND person.merged_into_id IS NULL
        """,
    ),
)
PAIRS = """
WITH alike AS MATERIALIZED ({values}),
member AS MATERIALIZED ({members}),
counted AS (SELECT *, count(*) OVER (PARTITION BY value, other) AS crowd FROM member)
SELECT first.id, second.id FROM counted AS first
JOIN counted AS second ON second.value = first.value AND second.other = first.other AND first.id < second.id
WHERE first.crowd BETWEEN 2 AND %(crowd)s
  AND NOT EXISTS (SELECT FROM backoffice_notthesameperson AS decided
                  WHERE decided.first_id = first.id AND decided.second_id = second.id)
LIMIT %(most)s
"""


@dataclass(frozen=True)
class LookAlike:
    """Two current participants, `first` the one added first, and what they have in common."""

    first: Participant
    second: Participant
    signs: tuple[str, ...]


def look_alikes(most: int = 50, *, everybody: bool = False) -> list[LookAlike]:
    """People who are probably one, those with most in common first: at most `most` pairs, in four queries.

    The newest are compared with everybody; with `everybody`, everybody is.
    """
    signs: dict[tuple[int, int], list[int]] = {}
    for number, sign in enumerate(SIGNS):
        for pair in _pairs(sign, most, everybody):
            signs.setdefault(pair, []).append(number)
    pairs = sorted(signs, key=lambda pair: (-len(signs[pair]), signs[pair], pair))[:most]
    people = Participant.objects.in_bulk({each for pair in pairs for each in pair})
    return [
        LookAlike(people[pair[0]], people[pair[1]], tuple(SIGNS[number].title for number in signs[pair]))
        for pair in pairs
    ]


def _pairs(sign: Sign, most: int, everybody: bool) -> Iterator[tuple[int, int]]:
    values = sign.shared if everybody else sign.newest
    with connection.cursor() as cursor:
        cursor.execute(
            PAIRS.format(values=values, members=sign.members),
            {"most": most, "newest": NEWEST, "shared": MOST_SHARED, "crowd": sign.crowd},
        )
        yield from cursor.fetchall()


def left_with_retired(most: int = 50) -> list[Any]:
    """Applications that an ID which is retired still holds: leftovers of a merge, to be given to the survivor."""
    found = Application.objects.filter(participant__merged_into__isnull=False)
    return list(found.select_related("participant__merged_into", "course", "lead_provider").order_by("id")[:most])
