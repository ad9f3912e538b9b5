"""The trigger that tells the access log of every change of accounts, roles and permissions, as migration operations.

These tables are Django's, and Django, fixtures and `createsuperuser` write to them without saying who acts. So it
asks for no declared actor as `npq.core.database.keep_trail` does: such a change is recorded as not declared.
A password's hash is never copied: that it changed is all the log says.
"""

from django.db.migrations import RunSQL

TABLES = ("auth_user", "auth_user_groups", "auth_user_user_permissions", "auth_group_permissions")

FUNCTION = """
CREATE OR REPLACE FUNCTION backoffice_record_access() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  actor jsonb := coalesce(nullif(current_setting('npq.actor', true), ''), '{"name": "system: not declared"}')::jsonb;
  old_row jsonb := CASE WHEN tg_op = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(old) - 'last_login' END;
  new_row jsonb := CASE WHEN tg_op = 'DELETE' THEN '{}'::jsonb ELSE to_jsonb(new) - 'last_login' END;
  new_password boolean;
  whole_row jsonb;
  account text := '';
  doer text := coalesce(
    (SELECT username FROM auth_user WHERE actor ->> 'kind' = 'staff' AND id::text = actor ->> 'identifier'),
    actor ->> 'name');
  happened text;
  about text := '';
BEGIN
  IF tg_op = 'UPDATE' AND old_row = new_row THEN
    RETURN NULL;  -- nothing but last_login moved
  END IF;
  new_password := tg_op = 'UPDATE' AND old_row ->> 'password' IS DISTINCT FROM new_row ->> 'password';
  old_row := old_row - 'password';
  new_row := new_row - 'password';
  whole_row := CASE WHEN tg_op = 'DELETE' THEN old_row ELSE new_row END;
  IF tg_op = 'UPDATE' THEN
    SELECT string_agg(n.key || ' ' || coalesce(nullif(old_row ->> n.key, ''), 'not set') || ' → '
                      || coalesce(nullif(new_row ->> n.key, ''), 'not set'), '; ' ORDER BY n.key)
      INTO about
      FROM jsonb_each(new_row) AS n WHERE n.value IS DISTINCT FROM old_row -> n.key;
    about := concat_ws('; ', about, CASE WHEN new_password THEN 'password changed' END);
  END IF;
  IF tg_table_name = 'auth_user' THEN
    account := whole_row ->> 'username';
    happened := CASE tg_op WHEN 'INSERT' THEN 'account_made' WHEN 'DELETE' THEN 'account_deleted'
                ELSE 'account_changed' END;
    IF tg_op = 'INSERT' AND (whole_row ->> 'is_superuser')::boolean THEN
      about := 'superuser';
    END IF;
  ELSE
    SELECT username INTO account FROM auth_user WHERE id = (whole_row ->> 'user_id')::bigint;
    IF tg_table_name = 'auth_user_groups' THEN
      happened := CASE tg_op WHEN 'DELETE' THEN 'role_taken' ELSE 'role_given' END;
      SELECT name INTO about FROM auth_group WHERE id = (whole_row ->> 'group_id')::bigint;
    ELSE
      happened := CASE tg_op WHEN 'DELETE' THEN 'permission_taken' ELSE 'permission_given' END;
      SELECT codename INTO about FROM auth_permission WHERE id = (whole_row ->> 'permission_id')::bigint;
      IF tg_table_name = 'auth_group_permissions' THEN
        about := coalesce(about, '') || coalesce(
          (SELECT ', role ' || name FROM auth_group WHERE id = (whole_row ->> 'group_id')::bigint), '');
      END IF;
    END IF;
  END IF;
  INSERT INTO backoffice_accessevent (public_id, created_at, updated_at, kind, username, by, detail, reason, address,
                                      request_id)
  VALUES (gen_random_uuid(), clock_timestamp(), clock_timestamp(), happened, coalesce(account, ''), doer,
          coalesce(about, ''), coalesce(actor ->> 'reason', ''), '', coalesce(actor ->> 'request_id', ''));
  RETURN NULL;
END $function$;
"""


def tell_access_log() -> list[RunSQL]:
    """The function, and its trigger on each of TABLES."""
    return [
        RunSQL(FUNCTION, "DROP FUNCTION IF EXISTS backoffice_record_access() CASCADE;"),
        *(
            RunSQL(
                f"CREATE TRIGGER {table}_access AFTER INSERT OR UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION backoffice_record_access();",
                f"DROP TRIGGER IF EXISTS {table}_access ON {table};",
            )
            for table in TABLES
        ),
    ]


def keep_for_a_year(table: str) -> RunSQL:
    """Lets rows of an append-only table go (`npq.core.database.append_only`), a year after they were made or later."""
    return RunSQL(
        f"""
        DROP TRIGGER {table}_append_only ON {table};
        CREATE TRIGGER {table}_append_only BEFORE UPDATE ON {table}
          FOR EACH ROW EXECUTE FUNCTION core_refuse_edit();
        CREATE TRIGGER {table}_kept BEFORE DELETE ON {table}
          FOR EACH ROW WHEN (old.created_at > clock_timestamp() - interval '1 year')
          EXECUTE FUNCTION core_refuse_edit();
        """,
        f"""
        DROP TRIGGER {table}_kept ON {table};
        DROP TRIGGER {table}_append_only ON {table};
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
          FOR EACH ROW EXECUTE FUNCTION core_refuse_edit();
        """,
    )
