from django.db import migrations

from npq.core.database import append_only, keep_trail

# An outcome belongs to a completed declaration (its own declaration_type is always `completed`).
OUTCOME_OF_COMPLETED = """
ALTER TABLE declarations_outcome
  ADD CONSTRAINT outcome_of_completed_declaration
  FOREIGN KEY (declaration_id, declaration_type) REFERENCES declarations_declaration (id, declaration_type)
  DEFERRABLE INITIALLY DEFERRED;
"""


class Migration(migrations.Migration):
    dependencies = [("declarations", "0001_initial"), ("core", "0002_triggers")]

    operations = [
        migrations.RunSQL(
            OUTCOME_OF_COMPLETED,
            "ALTER TABLE declarations_outcome DROP CONSTRAINT outcome_of_completed_declaration;",
        ),
        keep_trail("declarations_deliverypartner"),
        keep_trail("declarations_deliverypartnership"),
        keep_trail("declarations_declaration"),
        keep_trail("declarations_outcome"),
        append_only("declarations_outcome"),
    ]
