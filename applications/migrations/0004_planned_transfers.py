import django.db.models.deletion
import django.db.models.functions.datetime
import npq.core.clock
import uuid
from django.db import migrations, models

from npq.core.database import keep_trail


class Migration(migrations.Migration):
    dependencies = [
        ("applications", "0003_rules"),
        ("core", "0002_triggers"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlannedTransfer",
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
                ("due_on", models.DateField(verbose_name="day")),
                ("requested_by", models.CharField()),
                ("reason", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for its day"),
                            ("done", "Done"),
                            ("refused", "Refused on its day"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="waiting",
                    ),
                ),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("refusal", models.TextField(blank=True, default="", help_text="Why it was refused on its day.")),
                (
                    "application",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="planned_transfers",
                        to="applications.application",
                    ),
                ),
                (
                    "lead_provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.leadprovider"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("state", "waiting")), fields=["due_on", "id"], name="transfer_due")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")),
                        fields=("application",),
                        name="transfer_one_waiting_per_application",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "done", "refused", "cancelled"])),
                        name="transfer_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("settled_at__isnull", True), ("state", "waiting")),
                            models.Q(models.Q(("state", "waiting"), _negated=True), ("settled_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="transfer_settled_iff_not_waiting",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "refused"), models.Q(("refusal", ""), _negated=True)),
                            models.Q(models.Q(("state", "refused"), _negated=True), ("refusal", "")),
                            _connector="OR",
                        ),
                        name="transfer_refused_iff_refusal",
                    ),
                ],
            },
        ),
        keep_trail("applications_plannedtransfer"),
    ]
