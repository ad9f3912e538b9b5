"""What an enrolment's copy of the course family points at; no course can break it, its id being unique by itself."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0006_decisions_about_messages")]

    operations = [
        migrations.AddConstraint(
            model_name="course",
            constraint=models.UniqueConstraint(fields=("id", "family"), name="course_with_family"),
        ),
    ]
