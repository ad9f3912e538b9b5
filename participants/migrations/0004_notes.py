import django.db.models.deletion
import django.db.models.functions.datetime
import npq.core.clock
import uuid
from django.db import migrations, models

from npq.core.database import append_only, keep_trail


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0004_planned_transfers"),
        ("participants", "0003_enrolments_of_a_provider"),
    ]

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="ID")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        default=npq.core.clock.wall_clock,
                        editable=False,
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        default=npq.core.clock.wall_clock,
                        editable=False,
                    ),
                ),
                ("text", models.TextField()),
                ("written_by", models.CharField()),
                (
                    "application",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="applications.application",
                    ),
                ),
                (
                    "participant",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="participants.participant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("application__isnull", False), ("participant__isnull", True)),
                            models.Q(("application__isnull", True), ("participant__isnull", False)),
                            _connector="OR",
                        ),
                        name="note_about_person_or_application",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("text", ""), _negated=True), models.Q(("written_by", ""), _negated=True)
                        ),
                        name="note_signed_text",
                    ),
                ],
            },
        ),
        keep_trail("participants_note"),
        append_only("participants_note"),
    ]
