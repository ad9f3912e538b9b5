import django.db.models.deletion
import django.db.models.functions.datetime
import npq.core.clock
import uuid
from django.db import migrations, models

from npq.core.database import keep_trail


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0005_trail_is_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="MessageDecision",
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
                (
                    "step",
                    models.CharField(
                        choices=[("sent_again", "Sent again"), ("dealt_with", "Dealt with")],
                        verbose_name="what was decided",
                    ),
                ),
                ("failed_at", models.CharField(verbose_name="address it could not be sent to")),
                ("error", models.TextField(blank=True, default="", verbose_name="why it could not be sent")),
                ("decided_by", models.CharField()),
                ("reason", models.TextField()),
            ],
            options={
                "verbose_name": "decision about a message",
            },
        ),
        migrations.RemoveConstraint(
            model_name="message",
            name="message_state_known",
        ),
        migrations.AlterField(
            model_name="message",
            name="state",
            field=models.CharField(
                choices=[
                    ("pending", "Waiting to be sent"),
                    ("sending", "Being sent"),
                    ("sent", "Sent"),
                    ("failed", "Failed for good"),
                    ("dealt_with", "Failed for good (dealt with)"),
                ],
                default="pending",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(condition=models.Q(("state", "failed")), fields=["id"], name="message_failed"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "sending", "sent", "failed", "dealt_with"])),
                name="message_state_known",
            ),
        ),
        migrations.AddField(
            model_name="messagedecision",
            name="message",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="core.message"
            ),
        ),
        migrations.AddConstraint(
            model_name="messagedecision",
            constraint=models.CheckConstraint(
                condition=models.Q(("step__in", ["sent_again", "dealt_with"])), name="message_step_known"
            ),
        ),
        keep_trail("core_messagedecision"),
    ]
