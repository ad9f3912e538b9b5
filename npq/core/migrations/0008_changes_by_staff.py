"""What a member of staff did, the newest first; built beside the writing of changes, which no lock then stops."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0007_course_with_family")]

    operations = [
        AddIndexConcurrently(
            model_name="change",
            index=models.Index(
                name="change_by_staff",
                fields=["actor_identifier", "-at"],
                condition=models.Q(("actor_kind", "staff")),
            ),
        ),
    ]
