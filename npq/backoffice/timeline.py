"""The audit timeline: what was done about a person, or about one record, the newest first (decisions.md §4.2)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import connection
from django.utils.text import capfirst

from npq.backoffice.pages import shown
from npq.core.effects import EMPTY, NOT_SHOWN, PRIVATE
from npq.core.models import Change
from npq.core.texts import timestamp_or_none

MOST = 500
WITHOUT_NEWS = {"id", "public_id", "created_at", "updated_at", "submission", "payment"}

# Every row of the audit trail that is about a person, under any id they ever had: one statement.
OF_PERSON = """
WITH people AS MATERIALIZED (
  SELECT id FROM participants_participant WHERE id = %(person)s OR merged_into_id = %(person)s),
applied AS MATERIALIZED (SELECT id FROM applications_application WHERE participant_id IN (SELECT id FROM people)),
enrolled AS MATERIALIZED (SELECT id FROM participants_enrolment WHERE participant_id IN (SELECT id FROM people)),
declared AS MATERIALIZED (SELECT id FROM declarations_declaration WHERE enrolment_id IN (SELECT id FROM enrolled)),
records (table_name, record_id) AS (
  SELECT 'participants_participant', id FROM people
  UNION ALL SELECT 'participants_participantidchange', id FROM participants_participantidchange
    WHERE participant_id IN (SELECT id FROM people)
  UNION ALL SELECT 'applications_application', id FROM applied
  UNION ALL SELECT 'applications_plannedtransfer', id FROM applications_plannedtransfer
    WHERE application_id IN (SELECT id FROM applied)
  UNION ALL SELECT 'participants_enrolment', id FROM enrolled
  UNION ALL SELECT 'participants_trainingstatuschange', id FROM participants_trainingstatuschange
    WHERE enrolment_id IN (SELECT id FROM enrolled)
  UNION ALL SELECT 'participants_note', id FROM participants_note
    WHERE application_id IN (SELECT id FROM applied) OR participant_id IN (SELECT id FROM people)
  UNION ALL SELECT 'declarations_declaration', id FROM declared
  UNION ALL SELECT 'declarations_outcome', id FROM declarations_outcome
    WHERE declaration_id IN (SELECT id FROM declared)
  UNION ALL SELECT 'backoffice_notthesameperson', id FROM backoffice_notthesameperson
    WHERE first_id IN (SELECT id FROM people) OR second_id IN (SELECT id FROM people)
  UNION ALL SELECT 'finance_lineitem', id FROM finance_lineitem WHERE declaration_id IN (SELECT id FROM declared))
SELECT change.* FROM records JOIN core_change AS change
  ON change."table" = records.table_name AND change.record_id = records.record_id
ORDER BY change.id DESC LIMIT %(most)s
"""

# Every row of the audit trail that is about a statement's own records, also those that are gone; not about its lines,
# of which there may be tens of thousands.
OF_STATEMENT = """
WITH records (table_name, record_id) AS (
  SELECT 'finance_statement', %(statement)s::bigint
  UNION SELECT "table", record_id FROM core_change
    WHERE "table" IN ('finance_adjustment', 'finance_paymentrequest', 'finance_export')
      AND operation IN ('insert', 'delete')
      AND coalesce(after, before) ->> 'statement_id' = %(statement)s::bigint::text)
SELECT change.* FROM records JOIN core_change AS change
  ON change."table" = records.table_name AND change.record_id = records.record_id
ORDER BY change.id DESC LIMIT %(most)s
"""

# What the ids in the trail stand for. All of it is reference data, of which there is little, but for the people.
NAMES = """
SELECT 'lead_provider_id', id, name FROM core_leadprovider
UNION ALL SELECT 'course_id', id, identifier FROM core_course
UNION ALL SELECT 'cohort_id', id, start_year || suffix FROM core_cohort
UNION ALL SELECT 'schedule_id', id, identifier FROM participants_schedule
UNION ALL SELECT 'participant_id', id, public_id::text FROM participants_participant WHERE id = ANY(%(people)s)
UNION ALL SELECT 'merged_into_id', id, public_id::text FROM participants_participant WHERE id = ANY(%(people)s)
UNION ALL SELECT 'first_id', id, public_id::text FROM participants_participant WHERE id = ANY(%(people)s)
UNION ALL SELECT 'second_id', id, public_id::text FROM participants_participant WHERE id = ANY(%(people)s)
"""
PEOPLE = {"participant_id", "merged_into_id", "first_id", "second_id"}
NAMED = {"lead_provider_id", "course_id", "cohort_id", "schedule_id", *PEOPLE}


@dataclass(frozen=True)
class Step:
    """One record that changed: what happened to it, and each field before and after."""

    record: str
    operation: str
    fields: list[tuple[str, Any, Any]]


@dataclass
class Event:
    """What one person or program did at once: one action, one transaction."""

    at: datetime
    who: str
    action: str
    reason: str
    steps: list[Step] = field(default_factory=list)


def events_about_person(participant_id: int) -> list[Event]:
    """What was done about a person across their records: at most the 500 newest changed rows."""
    return _events(Change.objects.raw(OF_PERSON, {"person": participant_id, "most": MOST}))


def events_about_record(table: str, record_id: int) -> list[Event]:
    """What was done to one record."""
    return _events(Change.objects.filter(table=table, record_id=record_id).order_by("-id")[:MOST])


def trail_of_statement(statement_id: int) -> list[Change]:
    """What was done to a statement, its adjustments, the requests for its payment and its files; the newest first."""
    return list(Change.objects.raw(OF_STATEMENT, {"statement": statement_id, "most": MOST}))


def events_in(changes: Iterable[Change], names: "Names") -> list[Event]:
    """A trail already read as events; `names` are what the ids in it stand for."""
    return _events(changes, names)


IN_CAPITALS = {"trn": "TRN", "api": "API", "id": "ID"}


def action_in_words(action: str) -> str:
    """`change_trn_in_bulk` as `Change TRN in bulk`."""
    return capfirst(" ".join(IN_CAPITALS.get(word, word) for word in action.split("_")))


def _events(changes: Iterable[Change], names: "Names | None" = None) -> list[Event]:
    found = list(changes)
    names = _names(found) if names is None else names
    events = []
    for _, together in groupby(found, key=lambda each: (each.transaction, each.action)):
        rows = list(together)
        first = rows[0]
        event = Event(first.at, who_did(first), action_in_words(first.action), first.reason)
        event.steps = [
            Step(KINDS.get(row.table, row.table), WORDS[row.operation], list(_fields(row, names)))
            for row in reversed(rows)
        ]
        events.append(event)
    return events


WORDS = {"insert": "made", "update": "changed", "delete": "deleted"}
KINDS = {
    "participants_participant": "participant",
    "participants_participantidchange": "participant ID change",
    "applications_application": "application",
    "applications_plannedtransfer": "planned transfer",
    "participants_enrolment": "enrolment",
    "participants_trainingstatuschange": "training status",
    "participants_note": "note",
    "declarations_declaration": "declaration",
    "declarations_outcome": "outcome",
    "backoffice_notthesameperson": "decision about two people",
    "finance_lineitem": "line item",
    "finance_statement": "statement",
    "finance_adjustment": "adjustment",
    "finance_paymentrequest": "request for payment",
    "finance_export": "file taken out",
    "finance_contractterms": "contract terms",
    "declarations_deliverypartner": "delivery partner",
    "declarations_deliverypartnership": "delivery partner's place on a list",
}
Names = dict[tuple[str, int], str]


def _names(changes: list[Change]) -> Names:
    if not changes:
        return {}
    values = [values or {} for each in changes for values in (each.before, each.after)]
    people = {each[name] for each in values for name in PEOPLE if each.get(name)}
    with connection.cursor() as cursor:
        cursor.execute(NAMES, {"people": list(people)})
        return {(name, key): text for name, key, text in cursor.fetchall()}


def who_did(change: Change) -> str:
    """Who made a change, and what they are: `Sam Reyes (staff)`."""
    kinds = {"token": "provider's token", "staff": "staff", "command": "command", "system": "system"}
    return f"{change.actor_name} ({kinds.get(change.actor_kind, change.actor_kind)})"


def _fields(change: Change, names: Names) -> Iterator[tuple[str, Any, Any]]:
    before, after = change.before or {}, change.after or {}
    for name in sorted({*before, *after} - WITHOUT_NEWS):
        if name in NAMED:
            told = [names.get((name, values.get(name) or 0), EMPTY) for values in (before, after)]
            yield name.removesuffix("_id").replace("_", " "), told[0], told[1]
        elif not name.endswith("_id"):
            # Other ids are nobody's business: they point within the same group of records.
            yield name.replace("_", " "), _said(name, before.get(name)), _said(name, after.get(name))


def _said(name: str, value: Any) -> Any:
    if value is None or value == "" or value == []:
        return EMPTY
    if name in PRIVATE:
        return NOT_SHOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and len(value) > len("2024-10-10T") and value[10:11] == "T":
        instant = timestamp_or_none(value)
        return shown(instant) if instant else value
    return value
