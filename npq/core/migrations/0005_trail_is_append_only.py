from django.db import migrations, models

from npq.core.database import append_only


class Migration(migrations.Migration):
    dependencies = [("core", "0004_cohort_funding_in_words")]

    operations = [
        append_only("core_change"),
        migrations.AddConstraint(
            model_name="course",
            constraint=models.UniqueConstraint(fields=("id", "family"), name="course_with_family"),
        ),
    ]
