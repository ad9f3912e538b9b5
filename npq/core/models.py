"""The ground floor's tables: reference data, API tokens, outgoing messages and the audit trail."""

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from npq.core.choices import (
    GROUPS_WITH_OUTCOMES,
    CohortFunding,
    CourseGroup,
    MessageKind,
    MessageState,
    MessageStep,
    TokenScope,
)
from npq.core.clock import wall_clock
from npq.core.listening import hear_touched


class Record(models.Model):
    """A row with a public id. The integer key stays inside; only `public_id` is ever shown.

    `updated_at` is moved by a trigger whenever any column changes, by whatever route (decisions.md §1.12).
    A service that changes something shown *elsewhere* moves that row too, with `touch()`.
    """

    id = models.BigAutoField(primary_key=True)
    public_id = models.UUIDField("ID", unique=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(default=wall_clock, db_default=Now(), editable=False)
    updated_at = models.DateTimeField(default=wall_clock, db_default=Now(), editable=False)

    class Meta:
        abstract = True


class TouchQuerySet(models.QuerySet):
    """A queryset whose rows can be marked as changed because something they show has changed."""

    def touch(self) -> int:
        """Moves `updated_at` to the real time now; returns how many rows."""
        hear_touched(self)
        return self.update(updated_at=wall_clock())


class LeadProvider(Record):
    """An organisation paid to train participants; the owner of an API token."""

    code = models.SlugField("short code", unique=True, help_text="The name used in files and commands.")
    name = models.CharField(unique=True)

    class Meta:
        verbose_name = "lead provider"

    def __str__(self) -> str:
        return self.name


class Course(Record):
    """One of the twelve NPQ courses (domain.md §5)."""

    identifier = models.SlugField(unique=True)
    name = models.CharField()
    short_code = models.CharField(unique=True)
    group = models.CharField(choices=CourseGroup)
    family = models.SlugField(
        help_text="Courses of one family count as one course for a person: ASO was renamed EHCO.",
    )
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="course_group_known", condition=Q(group__in=CourseGroup.values)),
            models.UniqueConstraint(name="course_with_family", fields=["id", "family"]),
        ]

    def __str__(self) -> str:
        return self.identifier

    @property
    def has_outcome(self) -> bool:
        """Whether completing it ends in a pass or a fail (not for ASO and EHCO)."""
        return self.group in GROUPS_WITH_OUTCOMES


class Cohort(Record):
    """A contract year, with a suffix where a year has several (2026a, 2026b)."""

    start_year = models.PositiveSmallIntegerField()
    suffix = models.CharField(max_length=1, default="a")
    funding = models.CharField(choices=CohortFunding, default=CohortFunding.FULL)
    registration_start_date = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="cohort_unique", fields=["start_year", "suffix"]),
            models.CheckConstraint(name="cohort_year_in_range", condition=Q(start_year__range=(2020, 2050))),
            models.CheckConstraint(name="cohort_suffix_is_a_letter", condition=Q(suffix__regex=r"^[a-z]$")),
            models.CheckConstraint(name="cohort_funding_known", condition=Q(funding__in=CohortFunding.values)),
        ]

    def __str__(self) -> str:
        return self.identifier

    @property
    def identifier(self) -> str:
        """Year and suffix: `2026b`."""
        return f"{self.start_year}{self.suffix}"

    @property
    def capped(self) -> bool:
        """Whether an acceptance must say if the place is funded."""
        return self.funding == CohortFunding.CAPPED


class ApiToken(Record):
    """A bearer token. The secret is shown once and only its SHA-256 digest is stored.

    The secret has 256 random bits, so a fast digest is enough: there is nothing to guess.
    """

    scope = models.CharField(choices=TokenScope)
    lead_provider = models.ForeignKey(LeadProvider, null=True, blank=True, on_delete=models.PROTECT)
    label = models.CharField(blank=True, default="")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API token"
        constraints = [
            models.CheckConstraint(
                name="api_token_provider_iff_provider_scope",
                condition=Q(scope=TokenScope.LEAD_PROVIDER, lead_provider__isnull=False)
                | Q(scope=TokenScope.REGISTRATION, lead_provider__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.label or str(self.public_id)

    @staticmethod
    def digest_of(secret: str) -> str:
        """The stored form of a secret."""
        return hashlib.sha256(secret.encode()).hexdigest()

    @classmethod
    def new_secret(cls) -> str:
        """A fresh secret: 256 random bits, safe in a header."""
        return secrets.token_urlsafe(32)

    def valid_at(self, instant: datetime) -> bool:
        """Whether it opens anything at an instant: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > instant)


class ApiTokenUse(models.Model):
    """When a token was last used, apart from the token: reading data is not a change to the token."""

    token = models.OneToOneField(ApiToken, primary_key=True, on_delete=models.CASCADE, related_name="use")
    last_used_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.token_id} at {self.last_used_at}"


class RateCounter(models.Model):
    """How many requests a token has made in a window: one atomic upsert per request."""

    pk = models.CompositePrimaryKey("token_id", "window")
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, db_index=False)
    window = models.BigIntegerField(help_text="Seconds since 1970, divided by the length of the window.")
    requests = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.token_id}/{self.window}: {self.requests}"


class TokenDay(models.Model):
    """How many requests a token made on a UK day: the sum of its rate counters that have been removed since."""

    pk = models.CompositePrimaryKey("token_id", "day")
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, db_index=False)
    day = models.DateField()
    requests = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.token_id} on {self.day}: {self.requests}"


class RefusalCount(models.Model):
    """How many requests of a token were refused in an hour with a status: exact, where the log is not complete."""

    pk = models.CompositePrimaryKey("token_id", "hour", "status")
    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, db_index=False)
    hour = models.DateTimeField(help_text="When the hour begins.")
    status = models.PositiveSmallIntegerField()
    requests = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.token_id} at {self.hour}: {self.requests} times {self.status}"


class RefusedRequest(models.Model):
    """A request of a known token that was answered with an error (docs/decisions/09-failed-requests.md).

    Of what was sent only ids, words of the API's own paths and names of parameters are kept, and it is kept for
    days, not years.
    """

    id = models.BigAutoField(primary_key=True)
    public_id = models.UUIDField("ID", unique=True, default=uuid.uuid4, editable=False)
    at = models.DateTimeField("time", default=wall_clock)
    token = models.ForeignKey(ApiToken, verbose_name="API token", on_delete=models.CASCADE, db_index=False)
    lead_provider = models.ForeignKey(LeadProvider, null=True, on_delete=models.CASCADE, db_index=False)
    method = models.CharField()
    path = models.CharField(help_text="What is neither an id nor a word of the API's paths is left out.")
    parameters = ArrayField(models.CharField(), verbose_name="query parameters", default=list)
    status = models.PositiveSmallIntegerField()
    codes = ArrayField(models.CharField(), verbose_name="error codes", default=list)
    titles = ArrayField(models.CharField(), verbose_name="error titles", default=list)
    record_ids = ArrayField(models.UUIDField(), default=list, help_text="Every id in the path, and those in the body.")
    request_id = models.CharField("request ID")
    milliseconds = models.PositiveIntegerField()

    class Meta:
        indexes = [
            models.Index(name="refused_of_provider", fields=["lead_provider", "-id"]),
            models.Index(name="refused_of_token", fields=["token", "-id"]),
            models.Index(name="refused_at", fields=["at"]),
            models.Index(name="refused_by_request_id", fields=["request_id"]),
            GinIndex(name="refused_about_record", fields=["record_ids"]),
            GinIndex(name="refused_with_code", fields=["codes"]),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Message(Record):
    """The outbox: a message to a participant, written in the transaction of the change it tells of.

    Ids are kept as plain text, without foreign keys, so that what was said survives the records it was about.
    `public_id` is the reference given to GOV.UK Notify, by which a doubtful delivery is looked up.
    """

    kind = models.CharField(choices=MessageKind)
    to = models.CharField("recipient")
    participant_public_id = models.UUIDField()
    application_public_id = models.UUIDField(null=True, blank=True)
    personalisation = models.JSONField(default=dict)
    state = models.CharField(choices=MessageState, default=MessageState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=wall_clock)
    sent_at = models.DateTimeField(null=True, blank=True)
    notify_id = models.CharField(blank=True, default="")
    last_error = models.TextField(blank=True, default="")

    class Meta:
        indexes = [
            models.Index(
                name="message_due",
                fields=["due_at", "id"],
                condition=Q(state__in=[MessageState.PENDING, MessageState.SENDING]),
            ),
            models.Index(name="message_participant", fields=["participant_public_id", "id"]),
            models.Index(name="message_failed", fields=["id"], condition=Q(state=MessageState.FAILED)),
        ]
        constraints = [
            models.CheckConstraint(name="message_kind_known", condition=Q(kind__in=MessageKind.values)),
            models.CheckConstraint(name="message_state_known", condition=Q(state__in=MessageState.values)),
            models.CheckConstraint(
                name="message_sent_iff_sent_at",
                condition=Q(state=MessageState.SENT, sent_at__isnull=False)
                | (~Q(state=MessageState.SENT) & Q(sent_at__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, to {self.to}"


class MessageDecision(Record):
    """What a person decided about a message that had failed, and how it had failed: the message may go on."""

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="decisions")
    step = models.CharField("what was decided", choices=MessageStep)
    failed_at = models.CharField("address it could not be sent to")
    error = models.TextField("why it could not be sent", blank=True, default="")
    decided_by = models.CharField()
    reason = models.TextField()

    class Meta:
        verbose_name = "decision about a message"
        constraints = [
            models.CheckConstraint(name="message_step_known", condition=Q(step__in=MessageStep.values)),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class Change(models.Model):
    """One changed row, written by the audit trigger and by nothing else (see `npq.core.audit`)."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    transaction = models.BigIntegerField(help_text="The database transaction: changes made together share it.")
    table = models.CharField()
    record_id = models.BigIntegerField()
    record_public_id = models.UUIDField(null=True)
    operation = models.CharField(max_length=6)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    actor_kind = models.CharField()
    actor_name = models.CharField()
    actor_identifier = models.CharField(blank=True, default="")
    lead_provider_id = models.BigIntegerField(null=True)
    action = models.CharField()
    reason = models.TextField(blank=True, default="")
    request_id = models.CharField(blank=True, default="")

    class Meta:
        indexes = [
            models.Index(name="change_of_record", fields=["table", "record_id", "id"]),
            models.Index(name="change_by_transaction", fields=["transaction"]),
            models.Index(name="change_by_staff", fields=["actor_identifier", "-at"], condition=Q(actor_kind="staff")),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.table} {self.record_id} by {self.actor_name}"


def by_identifier(model: type[models.Model], field: str) -> dict[str, Any]:
    """All rows of a small reference table, by the value of one field."""
    return {getattr(row, field): row for row in model._default_manager.all()}


def year_and_suffix(text: str) -> tuple[int, str]:
    """A cohort written `2024` (suffix a is meant) or `2025b`, in its parts; raises ValueError for anything else."""
    text = text.strip().lower()
    year, suffix = text[:4], text[4:] or "a"
    if not (
        year.isascii()
        and year.isdigit()
        and len(year) == 4
        and len(suffix) == 1
        and suffix.isascii()
        and suffix.isalpha()
    ):
        raise ValueError(f"{text!r} is not a cohort; write it like 2024 or 2025b")
    return int(year), suffix


def cohort_from_text(text: str) -> Q:
    """The condition for a cohort written `2024` (suffix a is meant) or `2025b`; raises ValueError otherwise."""
    year, suffix = year_and_suffix(text)
    return Q(start_year=year, suffix=suffix)
