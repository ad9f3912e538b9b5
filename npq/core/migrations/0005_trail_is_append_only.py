from django.db import migrations

from npq.core.database import append_only


class Migration(migrations.Migration):
    dependencies = [("core", "0004_cohort_funding_in_words")]

    operations = [append_only("core_change")]
