"""What was confirmed, so that it is done once, and which people are not one."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import npq.core.clock
from npq.core.database import keep_trail


class Migration(migrations.Migration):
    initial = True

    dependencies = [("backoffice", "0001_access_log_and_identities"), ("participants", "0004_notes")]

    operations = [
        migrations.CreateModel(
            name="Confirmation",
            fields=[
                ("public_id", models.UUIDField(editable=False, primary_key=True, serialize=False, verbose_name="ID")),
                ("confirmed_at", models.DateTimeField(default=npq.core.clock.wall_clock, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="NotTheSamePerson",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "public_id",
                    models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="ID"),
                ),
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
                ("decided_by", models.CharField()),
                ("reason", models.TextField()),
                (
                    "first",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.participant",
                    ),
                ),
                (
                    "second",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="participants.participant",
                    ),
                ),
            ],
            options={
                "verbose_name": "decision about two people",
                "constraints": [
                    models.UniqueConstraint(name="not_the_same_once", fields=("first", "second")),
                    models.CheckConstraint(
                        name="not_the_same_in_order", condition=models.Q(("first__lt", models.F("second")))
                    ),
                ],
            },
        ),
        keep_trail("backoffice_notthesameperson"),
    ]
