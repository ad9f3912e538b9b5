from django.db import migrations

from npq.core.database import keep_trail

# A line belongs to a statement of its declaration's provider and cohort (decisions.md §2).
LINE_OF_PROVIDER_AND_COHORT = """
ALTER TABLE finance_lineitem
  ADD CONSTRAINT line_statement_of_provider_and_cohort
  FOREIGN KEY (statement_id, lead_provider_id, cohort_id)
  REFERENCES finance_statement (id, lead_provider_id, cohort_id) DEFERRABLE INITIALLY DEFERRED,
  ADD CONSTRAINT line_declaration_of_provider_and_cohort
  FOREIGN KEY (declaration_id, lead_provider_id, cohort_id)
  REFERENCES declarations_declaration (id, lead_provider_id, cohort_id) DEFERRABLE INITIALLY DEFERRED;
"""

UNDO = """
ALTER TABLE finance_lineitem
  DROP CONSTRAINT line_statement_of_provider_and_cohort,
  DROP CONSTRAINT line_declaration_of_provider_and_cohort;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("finance", "0001_initial"),
        ("declarations", "0002_rules"),
        ("core", "0002_triggers"),
    ]

    operations = [
        migrations.RunSQL(LINE_OF_PROVIDER_AND_COHORT, UNDO),
        keep_trail("finance_contractterms"),
        keep_trail("finance_statement"),
        keep_trail("finance_lineitem"),
        keep_trail("finance_adjustment"),
    ]
