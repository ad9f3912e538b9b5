"""The tables of bulk changes: a job for each file, a row for each of its lines."""

from django.db import models
from django.db.models import Q

from npq.backoffice.bulk.choices import UNDER_WAY, BulkKind, JobState, RowState
from npq.core.models import Record


class BulkJob(Record):
    """A file that somebody uploaded, and what became of it. Whoever confirms it acts in every row."""

    kind = models.CharField(choices=BulkKind)
    file_name = models.CharField("file")
    digest = models.CharField("SHA-256 of what its rows ask for", max_length=64)
    header = models.JSONField(help_text="The names of the columns, as they were written.")
    state = models.CharField(choices=JobState, default=JobState.CHECKING)
    uploaded_by = models.CharField()
    uploader = models.CharField("uploader's user number")
    check_begun_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")
    confirmed_by = models.CharField(blank=True, default="")
    confirmer = models.CharField("confirmer's user number", blank=True, default="")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    stripped_at = models.DateTimeField("uploaded data removed", null=True, blank=True)

    class Meta:
        verbose_name = "bulk change"
        default_permissions = ("view",)
        permissions = [(f"bulk_{each.value}", f"In bulk: {each.label}") for each in BulkKind]
        constraints = [
            models.CheckConstraint(name="bulk_job_kind_known", condition=Q(kind__in=BulkKind.values)),
            models.CheckConstraint(name="bulk_job_state_known", condition=Q(state__in=JobState.values)),
            models.UniqueConstraint(
                name="bulk_job_one_of_a_file_under_way",
                fields=["kind", "digest"],
                condition=Q(state__in=UNDER_WAY),
            ),
            models.CheckConstraint(
                name="bulk_job_confirmed_by_somebody_for_a_reason",
                condition=Q(confirmed_at=None) | (~Q(confirmer="") & ~Q(reason="")),
            ),
        ]
        indexes = [
            models.Index(name="bulk_job_of_a_file", fields=["digest", "kind"]),
            models.Index(name="bulk_job_under_way", fields=["id"], condition=Q(state__in=UNDER_WAY)),
            models.Index(name="bulk_job_to_strip", fields=["created_at"], condition=Q(stripped_at=None)),
            models.Index(name="bulk_job_of_a_kind", fields=["kind", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.file_name}"

    @property
    def permission(self) -> str:
        """What it takes to see and to run it."""
        return permission_for(self.kind)


class BulkRow(models.Model):
    """A line of a file. It is its own account: what was asked, what it would do, what it did, why it was refused.

    `pounds` are the figures that moved when it was checked, `seen` a fingerprint of what was shown then; `differs`
    says that it did something else in the end.
    """

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, related_name="rows", db_index=False)
    line = models.PositiveIntegerField()
    cells = models.JSONField(default=list)
    state = models.CharField(choices=RowState, default=RowState.WAITING)
    about = models.UUIDField("ID of the record", null=True)
    person = models.UUIDField("ID of the person", null=True)
    name = models.CharField(blank=True, default="")
    said = models.JSONField(default=list)
    errors = models.JSONField(default=list)
    messages = models.PositiveIntegerField(default=0)
    pounds = models.JSONField(default=list)
    seen = models.CharField(max_length=64, blank=True, default="")
    differs = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="bulk_row_unique", fields=["job", "line"]),
            models.CheckConstraint(name="bulk_row_state_known", condition=Q(state__in=RowState.values)),
        ]
        indexes = [models.Index(name="bulk_row_by_state", fields=["job", "state", "line"])]

    def __str__(self) -> str:
        return f"line {self.line}: {self.state}"

    @property
    def sentences(self) -> list[str]:
        """Why it was not done."""
        return [each["detail"] for each in self.errors]


def permission_for(kind: str) -> str:
    """What it takes to change something in bulk."""
    return f"backoffice.bulk_{kind}"
