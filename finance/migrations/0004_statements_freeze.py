"""What closes with a statement stays closed, whoever writes (decisions.md §2, §3.2, §3.3).

Lines are checked a statement at a time, with transition tables: one query each for however many lines an SQL
statement touches. Each check holds a share lock on the statements concerned, so that a statement cannot change its
state between the check and the commit.

A statement and its lines change state in one transaction: the statement first or both in one SQL statement. That no
line was left behind is checked when the transaction commits.
"""

from django.db import migrations

# Which states a line can have on a statement of a state.
LINE_FITS = """
CREATE FUNCTION finance_line_fits(statement_state text, line_state text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
  line_state IN ('voided', 'ineligible')
  OR statement_state = 'open' AND line_state IN ('eligible', 'awaiting-clawback')
  OR statement_state = 'payable' AND line_state IN ('payable', 'awaiting-clawback')
  OR statement_state = 'paid' AND line_state IN ('paid', 'clawed-back');
"""

# After an INSERT or UPDATE of lines: new lines go on open statements only, every line fits its statement, and what
# is taken back is one paid line of the same declaration, on its terms, to the last decimal.
CHECK_LINES = """
CREATE FUNCTION finance_check_lines() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  wrong record;
BEGIN
  PERFORM FROM finance_statement WHERE id IN (SELECT statement_id FROM written) ORDER BY id FOR SHARE;
  SELECT l.public_id, l.state, s.state AS statement_state INTO wrong
    FROM written AS l JOIN finance_statement AS s ON s.id = l.statement_id
    WHERE NOT finance_line_fits(s.state, l.state) OR tg_op = 'INSERT' AND s.state <> 'open' LIMIT 1;
  IF found THEN
    RAISE EXCEPTION 'line % (%) cannot be written on a statement that is %',
      wrong.public_id, wrong.state, wrong.statement_state
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'line_fits_statement';
  END IF;
  SELECT l.public_id INTO wrong
    FROM written AS l JOIN finance_lineitem AS paid ON paid.id = l.paid_line_id
    WHERE (l.declaration_id, l.terms_id, l.output_payment, l.targeted_delivery_funding) IS DISTINCT FROM
          (paid.declaration_id, paid.terms_id, -paid.output_payment, -paid.targeted_delivery_funding)
       OR paid.state <> 'paid' LIMIT 1;
  IF found THEN
    RAISE EXCEPTION 'line % does not take back exactly what a line of its declaration was paid', wrong.public_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'line_takes_back_what_was_paid';
  END IF;
  RETURN NULL;
END $function$;

CREATE TRIGGER finance_lineitem_added AFTER INSERT ON finance_lineitem
  REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION finance_check_lines();
CREATE TRIGGER finance_lineitem_changed AFTER UPDATE ON finance_lineitem
  REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION finance_check_lines();
"""

# After an UPDATE of lines: one that moves goes to an open statement; what was authorised is never edited. The one
# change a paid statement's lines go through is becoming paid or clawed back with it.
CHECK_FROZEN_LINES = """
CREATE FUNCTION finance_check_frozen_lines() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  wrong record;
BEGIN
  PERFORM FROM finance_statement WHERE id IN (SELECT statement_id FROM replaced) ORDER BY id FOR SHARE;
  SELECT was.public_id INTO wrong
    FROM replaced AS was JOIN written AS l ON l.id = was.id
    JOIN finance_statement AS source ON source.id = was.statement_id
    JOIN finance_statement AS target ON target.id = l.statement_id
    WHERE l.statement_id <> was.statement_id AND target.state <> 'open'
       OR source.state = 'paid'
          AND to_jsonb(l) - 'updated_at' <> to_jsonb(was) - 'updated_at'
          AND NOT ((was.state, l.state) IN (('payable', 'paid'), ('awaiting-clawback', 'clawed-back'))
                   AND to_jsonb(l) - '{updated_at,state}'::text[] = to_jsonb(was) - '{updated_at,state}'::text[])
    LIMIT 1;
  IF found THEN
    RAISE EXCEPTION 'line % cannot change: its statement, or the one it would move to, is closed', wrong.public_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'line_frozen',
            HINT = 'What was paid is taken back with a clawback line or corrected with an adjustment.';
  END IF;
  RETURN NULL;
END $function$;

CREATE TRIGGER finance_lineitem_frozen AFTER UPDATE ON finance_lineitem
  REFERENCING OLD TABLE AS replaced NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION finance_check_frozen_lines();

CREATE TRIGGER finance_lineitem_kept BEFORE DELETE ON finance_lineitem
  FOR EACH ROW EXECUTE FUNCTION core_refuse_edit();
"""

# A statement goes open, payable, paid. Once payable, only what authorising writes may change; once paid, nothing.
CHECK_STATEMENT = """
CREATE FUNCTION finance_check_statement() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  authorising constant text[] := '{updated_at,state,paid_at,authorised_by,total,payment}';
BEGIN
  IF tg_op = 'DELETE' THEN
    IF old.state = 'open' THEN
      RETURN old;
    END IF;
  ELSIF (old.state, new.state) IN (('open', 'open'), ('open', 'payable')) THEN
    RETURN new;
  ELSIF (old.state, new.state) IN (('payable', 'payable'), ('payable', 'paid'))
        AND to_jsonb(new) - authorising = to_jsonb(old) - authorising THEN
    RETURN new;
  ELSIF to_jsonb(new) - 'updated_at' = to_jsonb(old) - 'updated_at' THEN
    RETURN new;
  END IF;
  RAISE EXCEPTION 'statement % is %: % refused', old.public_id, old.state, tg_op
    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'statement_frozen';
END $function$;

CREATE TRIGGER finance_statement_frozen BEFORE UPDATE OR DELETE ON finance_statement
  FOR EACH ROW EXECUTE FUNCTION finance_check_statement();

CREATE FUNCTION finance_check_lines_left_behind() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  wrong record;
BEGIN
  SELECT l.public_id, l.state, s.state AS statement_state INTO wrong
    FROM finance_lineitem AS l JOIN finance_statement AS s ON s.id = l.statement_id
    WHERE s.id = new.id AND NOT finance_line_fits(s.state, l.state) LIMIT 1;
  IF found THEN
    RAISE EXCEPTION 'line % is still % while its statement is %',
      wrong.public_id, wrong.state, wrong.statement_state
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'line_left_behind';
  END IF;
  RETURN NULL;
END $function$;

CREATE CONSTRAINT TRIGGER finance_statement_lines_left_behind AFTER UPDATE ON finance_statement
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (old.state IS DISTINCT FROM new.state)
  EXECUTE FUNCTION finance_check_lines_left_behind();
"""

# Adjustments come, change and go until their statement is authorised.
CHECK_ADJUSTMENT = """
CREATE FUNCTION finance_check_adjustment() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  authorised uuid;
BEGIN
  PERFORM FROM finance_statement WHERE id IN (old.statement_id, new.statement_id) ORDER BY id FOR SHARE;
  SELECT public_id INTO authorised
    FROM finance_statement WHERE id IN (old.statement_id, new.statement_id) AND state = 'paid';
  IF found THEN
    RAISE EXCEPTION 'statement % is paid: % of an adjustment refused', authorised, tg_op
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'adjustment_frozen';
  END IF;
  IF tg_op = 'DELETE' THEN
    RETURN old;
  END IF;
  RETURN new;
END $function$;

CREATE TRIGGER finance_adjustment_frozen BEFORE INSERT OR UPDATE OR DELETE ON finance_adjustment
  FOR EACH ROW EXECUTE FUNCTION finance_check_adjustment();
"""

# Terms that a payable or paid statement rests on neither change nor go, and none are slipped in under it.
CHECK_TERMS = """
CREATE FUNCTION finance_closed_statement_on(terms finance_contractterms) RETURNS uuid LANGUAGE plpgsql AS $function$
DECLARE
  since date := coalesce(terms.effective_month, '-infinity');
  closed uuid;
BEGIN
  PERFORM FROM finance_statement
    WHERE lead_provider_id = terms.lead_provider_id AND cohort_id = terms.cohort_id ORDER BY id FOR SHARE;
  SELECT s.public_id INTO closed FROM finance_statement AS s
    WHERE s.lead_provider_id = terms.lead_provider_id AND s.cohort_id = terms.cohort_id AND s.state <> 'open'
      AND make_date(s.year, s.month, 1) >= since
      AND NOT EXISTS (
        SELECT FROM finance_contractterms AS later
        WHERE later.lead_provider_id = terms.lead_provider_id AND later.cohort_id = terms.cohort_id
          AND later.course_id = terms.course_id AND later.effective_month > since
          AND later.effective_month <= make_date(s.year, s.month, 1) AND later.id <> terms.id)
    LIMIT 1;
  RETURN closed;
END $function$;

CREATE FUNCTION finance_check_terms() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  closed uuid;
BEGIN
  IF tg_op = 'UPDATE' AND to_jsonb(new) - 'updated_at' = to_jsonb(old) - 'updated_at' THEN
    RETURN new;
  END IF;
  IF tg_op <> 'INSERT' THEN
    closed := finance_closed_statement_on(old);
  END IF;
  IF tg_op <> 'DELETE' THEN
    closed := coalesce(closed, finance_closed_statement_on(new));
  END IF;
  IF closed IS NOT NULL THEN
    RAISE EXCEPTION 'statement % is closed: % of its contract terms refused', closed, tg_op
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'contract_terms_frozen',
            HINT = 'Add new terms from a later month.';
  END IF;
  IF tg_op = 'DELETE' THEN
    RETURN old;
  END IF;
  RETURN new;
END $function$;

CREATE TRIGGER finance_contractterms_frozen BEFORE INSERT OR UPDATE OR DELETE ON finance_contractterms
  FOR EACH ROW EXECUTE FUNCTION finance_check_terms();
"""

UNDO = """
DROP TRIGGER finance_contractterms_frozen ON finance_contractterms;
DROP TRIGGER finance_adjustment_frozen ON finance_adjustment;
DROP TRIGGER finance_statement_lines_left_behind ON finance_statement;
DROP TRIGGER finance_statement_frozen ON finance_statement;
DROP TRIGGER finance_lineitem_kept ON finance_lineitem;
DROP TRIGGER finance_lineitem_frozen ON finance_lineitem;
DROP TRIGGER finance_lineitem_changed ON finance_lineitem;
DROP TRIGGER finance_lineitem_added ON finance_lineitem;
DROP FUNCTION finance_check_terms(), finance_closed_statement_on(finance_contractterms), finance_check_adjustment(),
  finance_check_lines_left_behind(), finance_check_statement(), finance_check_frozen_lines(), finance_check_lines(),
  finance_line_fits(text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("finance", "0003_milestone_and_export"), ("core", "0002_triggers")]

    operations = [
        migrations.RunSQL(
            [
                LINE_FITS,
                CHECK_LINES,
                CHECK_FROZEN_LINES,
                CHECK_STATEMENT,
                CHECK_ADJUSTMENT,
                CHECK_TERMS,
            ],
            UNDO,
        ),
    ]
