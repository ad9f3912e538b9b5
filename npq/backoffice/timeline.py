"""The audit timeline: what was done about a person, or about one record, the newest first (decisions.md §4.2)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import groupby
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.utils.text import capfirst

from npq.core.effects import EMPTY, FieldChange
from npq.core.models import Change, MessageDecision

MOST = 500
# What says nothing to people, or nothing that the record's own name does not say.
WITHOUT_NEWS = {"id", "public_id", "created_at", "updated_at", "submission", "payment", "declaration_id"}

# Every row of the audit trail that is about a person, under any id they ever had: one statement. `about` tells a
# person's records of one kind apart.
OF_PERSON = """
WITH people AS MATERIALIZED (
  SELECT id, CASE WHEN merged_into_id IS NOT NULL THEN public_id::text END AS about
  FROM participants_participant WHERE id = %(person)s OR merged_into_id = %(person)s),
applied AS MATERIALIZED (
  SELECT application.id, concat(course.identifier, ', ', application.public_id) AS about
  FROM applications_application AS application JOIN core_course AS course ON course.id = application.course_id
  WHERE participant_id IN (SELECT id FROM people)),
enrolled AS MATERIALIZED (
  SELECT enrolment.id, concat(course.identifier, ', ', provider.name) AS about
  FROM participants_enrolment AS enrolment JOIN core_course AS course ON course.id = enrolment.course_id
  JOIN core_leadprovider AS provider ON provider.id = enrolment.lead_provider_id
  WHERE participant_id IN (SELECT id FROM people)),
declared AS MATERIALIZED (
  SELECT declaration.id, concat(declaration_type, ', ', declaration.public_id) AS about
  FROM declarations_declaration AS declaration WHERE enrolment_id IN (SELECT id FROM enrolled)),
records (table_name, record_id, about) AS (
  SELECT 'participants_participant', id, about FROM people
  UNION ALL SELECT 'participants_participantidchange', id, NULL FROM participants_participantidchange
    WHERE participant_id IN (SELECT id FROM people)
  UNION ALL SELECT 'applications_application', id, about FROM applied
  UNION ALL SELECT 'applications_plannedtransfer', transfer.id, about
    FROM applications_plannedtransfer AS transfer JOIN applied ON applied.id = application_id
  UNION ALL SELECT 'participants_enrolment', id, about FROM enrolled
  UNION ALL SELECT 'participants_trainingstatuschange', status.id, about
    FROM participants_trainingstatuschange AS status JOIN enrolled ON enrolled.id = enrolment_id
  UNION ALL SELECT 'participants_note', id, NULL FROM participants_note
    WHERE application_id IN (SELECT id FROM applied) OR participant_id IN (SELECT id FROM people)
  UNION ALL SELECT 'declarations_declaration', id, about FROM declared
  UNION ALL SELECT 'declarations_outcome', outcome.id, about
    FROM declarations_outcome AS outcome JOIN declared ON declared.id = declaration_id
  UNION ALL SELECT 'backoffice_notthesameperson', id, NULL FROM backoffice_notthesameperson
    WHERE first_id IN (SELECT id FROM people) OR second_id IN (SELECT id FROM people)
  UNION ALL SELECT 'core_messagedecision', decision.id, concat(replace(message.kind, '_', ' '), ', ', message.public_id)
    FROM core_messagedecision AS decision JOIN core_message AS message ON message.id = message_id
    WHERE participant_public_id IN
      (SELECT public_id FROM participants_participant WHERE id IN (SELECT id FROM people))
  UNION ALL SELECT 'finance_lineitem', line.id, about
    FROM finance_lineitem AS line JOIN declared ON declared.id = declaration_id)
SELECT change.*, records.about, staff.username FROM records JOIN core_change AS change
  ON change."table" = records.table_name AND change.record_id = records.record_id
LEFT JOIN auth_user AS staff ON change.actor_kind = 'staff' AND staff.id::text = change.actor_identifier
ORDER BY change.id DESC LIMIT %(most)s
"""

OF_RECORD = """
SELECT change.*, staff.username FROM core_change AS change
LEFT JOIN auth_user AS staff ON change.actor_kind = 'staff' AND staff.id::text = change.actor_identifier
WHERE change."table" = %(table)s AND change.record_id = %(record)s
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
SELECT change.*, staff.username FROM records JOIN core_change AS change
  ON change."table" = records.table_name AND change.record_id = records.record_id
LEFT JOIN auth_user AS staff ON change.actor_kind = 'staff' AND staff.id::text = change.actor_identifier
ORDER BY change.id DESC LIMIT %(most)s
"""

# What the ids in the trail stand for, by table. Of reference data there is little; of others only those are read that
# occur. An id of any other table is nobody's business: it points within the same group of records.
NAMES = """
SELECT 'core_leadprovider', id, name FROM core_leadprovider
UNION ALL SELECT 'core_course', id, identifier FROM core_course
UNION ALL SELECT 'core_cohort', id, start_year || suffix FROM core_cohort
UNION ALL SELECT 'participants_schedule', id, identifier FROM participants_schedule
UNION ALL SELECT 'participants_participant', id, concat(full_name, ' (', public_id, ')')
  FROM participants_participant WHERE id = ANY(%(participants_participant)s)
UNION ALL SELECT 'applications_application', id, public_id::text
  FROM applications_application WHERE id = ANY(%(applications_application)s)
UNION ALL SELECT 'declarations_declaration', id, concat(declaration_type, ' (', public_id, ')')
  FROM declarations_declaration WHERE id = ANY(%(declarations_declaration)s)
UNION ALL SELECT 'declarations_deliverypartner', id, concat(name, ' (', public_id, ')')
  FROM declarations_deliverypartner WHERE id = ANY(%(declarations_deliverypartner)s)
UNION ALL SELECT 'finance_statement', id,
    concat(to_char(make_date(year, month, 1), 'FMMonth YYYY'), ' (', public_id, ')')
  FROM finance_statement WHERE id = ANY(%(finance_statement)s)
"""
NAMED_BY_ID = (
    "participants_participant",
    "applications_application",
    "declarations_declaration",
    "declarations_deliverypartner",
    "finance_statement",
)


@dataclass(frozen=True)
class Step:
    """One record that changed: what happened to it, and each field before and after; `address` is its page's."""

    record: str
    operation: str
    fields: list[tuple[str, Any, Any]]
    address: str = ""


@dataclass
class Event:
    """What one person or program did at once: one action, one transaction."""

    at: datetime
    who: str
    action: str
    reason: str
    steps: list[Step] = field(default_factory=list)

    @property
    def subjects(self) -> list[Step]:
        """What it was about: of each page that shows a part of it the first, then kinds of records without a page."""
        return list({step.address or step.record: step for step in reversed(self.steps)}.values())[::-1]


def events_about_person(participant_id: int) -> list[Event]:
    """What was done about a person across their records: at most the 500 newest changed rows."""
    return _events(Change.objects.raw(OF_PERSON, {"person": participant_id, "most": MOST}))


def events_about_record(table: str, record_id: int) -> list[Event]:
    """What was done to one record."""
    return _events(Change.objects.raw(OF_RECORD, {"table": table, "record": record_id, "most": MOST}))


def events_about_message(message_id: int) -> list[Event]:
    """What people decided about a message that had failed; the trail knows nothing of the message itself."""
    decisions = MessageDecision.objects.filter(message_id=message_id).values_list("id", flat=True)
    trail = Change.objects.filter(table=MessageDecision._meta.db_table, record_id__in=list(decisions[:MOST]))
    return _events(trail.order_by("-id")[:MOST])


def trail_of_statement(statement_id: int) -> list[Change]:
    """What was done to a statement, its adjustments, the requests for its payment and its files; the newest first."""
    return list(Change.objects.raw(OF_STATEMENT, {"statement": statement_id, "most": MOST}))


def events_in(changes: Iterable[Change], names: "Names | None" = None) -> list[Event]:
    """A trail already read as events; `names` are what the ids in it stand for, looked up unless they are given.

    A change may say besides `about` what its record is, the `address` of its page and the `username` of who did it.
    """
    return _events(changes, names)


IN_CAPITALS = {"trn": "TRN", "api": "API", "id": "ID"}


def is_cut_off(events: Iterable[Event]) -> bool:
    """Whether older changes were left out."""
    return sum(len(event.steps) for event in events) >= MOST


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
        event.steps = [_step(row, names) for row in reversed(rows)]
        events.append(event)
    return events


def _step(row: Change, names: "Names") -> Step:
    return Step(_record(row), WORDS[row.operation], list(_fields(row, names)), getattr(row, "address", ""))


WORDS = {"insert": "made", "update": "changed", "delete": "deleted"}
KINDS = {
    "participants_participantidchange": "participant ID change",
    "participants_trainingstatuschange": "training status",
    "backoffice_notthesameperson": "decision about two people",
    "finance_paymentrequest": "request for payment",
    "finance_export": "file taken out",
    "declarations_deliverypartnership": "delivery partner's place on a list",
    "core_apitoken": "API token",
}
# By table and internal id.
Names = dict[tuple[str, int], str]


@cache
def _fields_of(table: str) -> dict[str, "models.Field[Any, Any]"]:
    """The fields of a table's model, by column; none for a table that is no more."""
    model = _model_of(table)
    return {each.attname: each for each in model._meta.concrete_fields} if model else {}


@cache
def _model_of(table: str) -> type[models.Model] | None:
    return next((each for each in apps.get_models() if each._meta.db_table == table), None)


def _record(row: Change) -> str:
    """Which record changed: `declaration (started, 1f0c…)`; its kind alone where that is enough."""
    model = _model_of(row.table)
    kind = KINDS.get(row.table) or (str(model._meta.verbose_name) if model else row.table)
    about = getattr(row, "about", None)
    return f"{kind} ({about})" if about else kind


def _names(changes: list[Change]) -> Names:
    if not changes:
        return {}
    wanted: dict[str, set[int]] = defaultdict(set)
    for each in changes:
        for values in (each.before or {}, each.after or {}):
            for column, value in values.items():
                table = _table_behind(_fields_of(each.table).get(column))
                if table and value is not None:
                    wanted[table].add(value)
    with connection.cursor() as cursor:
        cursor.execute(NAMES, {table: list(wanted[table]) for table in NAMED_BY_ID})
        return {(table, key): text for table, key, text in cursor.fetchall()}


def _table_behind(column: "models.Field[Any, Any] | None") -> str:
    """The table a foreign key points at; empty for any other column."""
    model = column.related_model if column is not None else None
    return model._meta.db_table if isinstance(model, type) else ""


def who_did(change: Change) -> str:
    """Who made a change, and what they are: `Sam Reyes (staff, sam.reyes)`, since two may have one name."""
    kinds = {"token": "provider's token", "staff": "staff", "command": "command", "system": "system"}
    username = getattr(change, "username", None)
    told = [kinds.get(change.actor_kind, change.actor_kind), *([username] if username else [])]
    return f"{change.actor_name} ({', '.join(told)})"


def _fields(change: Change, names: Names) -> Iterator[tuple[str, Any, Any]]:
    """Each field that changed, in the words in which a correction shows it beforehand."""
    before, after, fields = change.before or {}, change.after or {}, _fields_of(change.table)
    for column in sorted({*before, *after} - WITHOUT_NEWS):
        known = fields.get(column)
        values = [each.get(column) for each in (before, after)]
        if known is None:  # a column that has since been dropped
            yield column.replace("_", " "), *(EMPTY if value is None else str(value) for value in values)
            continue
        table = _table_behind(known)
        if table and any((table, key) not in names for key in values if key is not None):
            continue
        told = FieldChange(known, *(_read(known, value, names) for value in values))
        if values[0] != values[1] and told.before_in_words == told.after_in_words == EMPTY:
            continue  # a new record holds nothing there
        yield told.label, told.before_in_words, told.after_in_words


def _read(known: "models.Field[Any, Any]", value: Any, names: Names) -> Any:
    """A value of the trail, which is JSON, in its field's type or as its name; as it is where it no longer fits."""
    if value is None:
        return None
    table = _table_behind(known)
    if table:
        return names[table, value]
    if isinstance(known, models.DecimalField):
        return Decimal(str(value))
    if not isinstance(known, models.DateField):
        return value
    try:
        return known.to_python(value)
    except ValidationError:
        return value
