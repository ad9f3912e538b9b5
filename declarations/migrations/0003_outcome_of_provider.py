"""The database notes on each outcome whose declaration it is on: a provider's log is read in order from one index."""

import django.db.models.deletion
from django.db import migrations, models

# A declaration's provider never changes, and an outcome is never edited: what is filled in once stays right.
FILL_IN = """
CREATE FUNCTION declarations_outcome_of_provider() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
  new.lead_provider_id := (SELECT d.lead_provider_id FROM declarations_declaration AS d WHERE d.id = new.declaration_id);
  RETURN new;
END $function$;

CREATE TRIGGER declarations_outcome_provider BEFORE INSERT ON declarations_outcome
  FOR EACH ROW EXECUTE FUNCTION declarations_outcome_of_provider();
"""
UNDO = """
DROP TRIGGER declarations_outcome_provider ON declarations_outcome;
DROP FUNCTION declarations_outcome_of_provider();
"""

# The log is append-only and audited; that a column is filled in is no change to what was recorded.
FILL_IN_OLD = """
ALTER TABLE declarations_outcome DISABLE TRIGGER USER;
UPDATE declarations_outcome AS o SET lead_provider_id = d.lead_provider_id
  FROM declarations_declaration AS d WHERE d.id = o.declaration_id;
ALTER TABLE declarations_outcome ENABLE TRIGGER USER;
"""


class Migration(migrations.Migration):
    dependencies = [("declarations", "0002_rules"), ("core", "0002_triggers")]

    operations = [
        migrations.AddField(
            model_name="outcome",
            name="lead_provider",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="core.leadprovider",
            ),
        ),
        migrations.RunSQL(FILL_IN, UNDO),
        migrations.RunSQL(FILL_IN_OLD, migrations.RunSQL.noop),
        migrations.RemoveIndex(model_name="outcome", name="outcome_created"),
        migrations.AddIndex(
            model_name="outcome",
            index=models.Index(fields=["lead_provider", "created_at", "id"], name="outcome_page"),
        ),
    ]
