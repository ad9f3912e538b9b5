"""The triggers of the ground floor, as migration operations.

`keep_trail("applications_application")` in a migration makes a table audited and its `updated_at` honest.
`append_only("declarations_outcome")` forbids editing and deleting: corrections are new rows.
"""

from django.db.migrations import RunSQL

AUDIT_FUNCTION = """
CREATE OR REPLACE FUNCTION core_record_change() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  declared text := nullif(current_setting('npq.actor', true), '');
  actor jsonb;
  old_row jsonb := CASE WHEN tg_op = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(old) - 'updated_at' - 'digest' END;
  new_row jsonb := CASE WHEN tg_op = 'DELETE' THEN '{}'::jsonb ELSE to_jsonb(new) - 'updated_at' - 'digest' END;
  before_values jsonb;
  after_values jsonb;
BEGIN
  IF tg_op = 'UPDATE' AND old_row = new_row THEN
    RETURN NULL;  -- nothing but updated_at moved
  END IF;
  IF declared IS NULL THEN
    RAISE EXCEPTION 'a write to % has no declared actor', tg_table_name
      USING ERRCODE = 'integrity_constraint_violation', HINT = 'Wrap the write in npq.core.audit.acting_as().';
  END IF;
  actor := declared::jsonb;
  IF tg_op = 'UPDATE' THEN
    SELECT jsonb_object_agg(n.key, old_row -> n.key), jsonb_object_agg(n.key, n.value)
      INTO before_values, after_values
      FROM jsonb_each(new_row) AS n WHERE n.value IS DISTINCT FROM old_row -> n.key;
  ELSIF tg_op = 'INSERT' THEN
    after_values := jsonb_strip_nulls(new_row);
  ELSE
    before_values := jsonb_strip_nulls(old_row);
  END IF;
  INSERT INTO core_change (at, transaction, "table", record_id, record_public_id, operation, before, after,
                           actor_kind, actor_name, actor_identifier, lead_provider_id, action, reason, request_id)
  VALUES (clock_timestamp(), pg_current_xact_id()::text::bigint, tg_table_name,
          coalesce(new_row ->> 'id', old_row ->> 'id')::bigint,
          coalesce(new_row ->> 'public_id', old_row ->> 'public_id')::uuid,
          lower(tg_op), before_values, after_values,
          actor ->> 'kind', actor ->> 'name', coalesce(actor ->> 'identifier', ''),
          (actor ->> 'lead_provider_id')::bigint, actor ->> 'action',
          coalesce(actor ->> 'reason', ''), coalesce(actor ->> 'request_id', ''));
  RETURN NULL;
END $function$;

CREATE OR REPLACE FUNCTION core_move_updated_at() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
  IF new.updated_at = old.updated_at AND new IS DISTINCT FROM old THEN
    new.updated_at := clock_timestamp();
  END IF;
  RETURN new;
END $function$;

CREATE OR REPLACE FUNCTION core_refuse_edit() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', tg_table_name, tg_op
    USING ERRCODE = 'integrity_constraint_violation', HINT = 'Add a new row that corrects the old one.';
END $function$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION IF EXISTS core_record_change() CASCADE;
DROP FUNCTION IF EXISTS core_move_updated_at() CASCADE;
DROP FUNCTION IF EXISTS core_refuse_edit() CASCADE;
"""


def create_functions() -> RunSQL:
    """The trigger functions themselves; once, in core's first migration."""
    return RunSQL(AUDIT_FUNCTION, DROP_FUNCTIONS)


def keep_trail(table: str) -> RunSQL:
    """Audits a table of `Record`s and keeps its `updated_at`."""
    return RunSQL(
        f"""
        CREATE TRIGGER {table}_trail AFTER INSERT OR UPDATE OR DELETE ON {table}
          FOR EACH ROW EXECUTE FUNCTION core_record_change();
        CREATE TRIGGER {table}_updated_at BEFORE UPDATE ON {table}
          FOR EACH ROW EXECUTE FUNCTION core_move_updated_at();
        """,
        f"""
        DROP TRIGGER IF EXISTS {table}_trail ON {table};
        DROP TRIGGER IF EXISTS {table}_updated_at ON {table};
        """,
    )


def append_only(table: str) -> RunSQL:
    """Forbids UPDATE and DELETE on a table."""
    return RunSQL(
        f"""
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
          FOR EACH ROW EXECUTE FUNCTION core_refuse_edit();
        """,
        f"DROP TRIGGER IF EXISTS {table}_append_only ON {table};",
    )
