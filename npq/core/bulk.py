"""Storing many rows at once."""

from collections.abc import Sequence

import orjson
from django.db import connection
from django.db.models import Model


def insert_rows(rows: Sequence[Model], *, skip_known: bool = False) -> None:
    """Inserts unsaved rows of one model as one JSON parameter, in a fraction of the time of `bulk_create`.

    For columns that JSON can hold (text, numbers, booleans, dates, UUIDs, arrays, JSON). The rows learn no primary
    key. `skip_known` leaves out rows whose unique values are stored already, and waits for whoever is storing them.
    """
    if not rows:
        return
    model = type(rows[0])
    attributes = {str(field.column): field.attname for field in model._meta.concrete_fields if not field.primary_key}
    sent = orjson.dumps([{column: getattr(row, name) for column, name in attributes.items()} for row in rows])
    quote = connection.ops.quote_name
    table, columns = quote(model._meta.db_table), ", ".join(map(quote, attributes))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {columns} "  # noqa: S608  names of our own
            f"FROM json_populate_recordset(NULL::{table}, %s::json)"
            f"{' ON CONFLICT DO NOTHING' if skip_known else ''}",
            [sent.decode()],
        )
