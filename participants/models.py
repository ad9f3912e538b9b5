"""People, their id changes, schedules, enrolments and the history of their training status."""

from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from applications.models import Application
from npq.core.choices import CourseGroup
from npq.core.models import Cohort, Course, LeadProvider, Record, TouchQuerySet
from participants.choices import MOVES, DeferralReason, TrainingStatus, WithdrawalReason


class ParticipantQuerySet(TouchQuerySet):
    """Filters that services and queries share."""

    def lock(self) -> "ParticipantQuerySet":
        """Locks the rows in id order, the order every service keeps; evaluate it inside a transaction."""
        return self.order_by("id").select_for_update(no_key=True)

    def touch_all(self) -> None:
        """Marks people and every application of theirs as changed: both show the person's name and TRN."""
        people = list(self.values_list("id", flat=True))
        Participant.objects.filter(id__in=people).touch()
        Application.objects.filter(participant_id__in=people).touch()


class Participant(Record):
    """A person. `public_id` is the participant id providers know.

    A merge keeps the retired row, pointing at the survivor; chains are flattened, so one hop always suffices.
    """

    full_name = models.CharField("name")
    previous_names = ArrayField(models.CharField(), default=list, blank=True)
    teacher_reference_number = models.CharField("TRN", null=True, blank=True)
    teacher_reference_number_verified = models.BooleanField("TRN verified", default=False)
    date_of_birth = models.DateField(null=True, blank=True)
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="retired")

    objects = ParticipantQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(name="participant_trn", fields=["teacher_reference_number"]),
            models.Index(name="participant_created", fields=["created_at", "id"]),
            models.Index(name="participant_updated", fields=["updated_at", "id"]),
            GinIndex(OpClass(Lower("full_name"), name="gin_trgm_ops"), name="participant_name_trigram"),
            # For finding those few who have another name than at first by that one.
            models.Index(name="participant_renamed", fields=["id"], condition=~Q(previous_names=[])),
            # For finding people who are probably one: each is read from end to end, and alone.
            models.Index(
                name="participant_alike_trn",
                fields=["teacher_reference_number", "id"],
                condition=Q(merged_into__isnull=True, teacher_reference_number__isnull=False),
            ),
            models.Index(
                Lower("full_name"),
                "date_of_birth",
                "id",
                name="participant_alike_name",
                # Without it the expression could not be read from the index alone.
                include=["full_name"],
                condition=Q(merged_into__isnull=True, date_of_birth__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="participant_trn_seven_digits",
                condition=Q(teacher_reference_number__isnull=True) | Q(teacher_reference_number__regex=r"^[0-9]{7}$"),
            ),
            models.CheckConstraint(
                name="participant_verified_has_trn",
                condition=Q(teacher_reference_number_verified=False) | Q(teacher_reference_number__isnull=False),
            ),
            models.CheckConstraint(
                name="participant_not_merged_into_itself",
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")),
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def long_name(self) -> str:
        """Name and id: `Ada Byron (1f0c…)`."""
        return f"{self.full_name} ({self.public_id})"

    @property
    def verified_trn(self) -> str | None:
        """The TRN when it is verified, else None: the only one that rules about a person look at."""
        return self.teacher_reference_number if self.teacher_reference_number_verified else None


class ParticipantIdChange(Record):
    """A retired participant id and the id that stands for it now (decisions.md §1.11)."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="id_changes")
    from_participant_id = models.UUIDField(unique=True)
    to_participant_id = models.UUIDField(db_index=True)

    def __str__(self) -> str:
        return f"{self.from_participant_id} is now {self.to_participant_id}"


class Schedule(Record):
    """When a course group runs in a cohort, and which declarations it knows (domain.md §4)."""

    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT)
    identifier = models.SlugField(db_index=False)
    name = models.CharField()
    course_group = models.CharField(choices=CourseGroup)
    starts_on = models.DateField("first day", help_text="Declarations count from the start of this day, UK time.")
    allowed_declaration_types = ArrayField(models.CharField())

    class Meta:
        constraints = [
            models.UniqueConstraint(name="schedule_unique", fields=["cohort", "identifier"]),
            models.UniqueConstraint(name="schedule_with_cohort", fields=["id", "cohort"]),
            models.CheckConstraint(name="schedule_group_known", condition=Q(course_group__in=CourseGroup.values)),
            models.CheckConstraint(
                name="schedule_types_known",
                condition=Q(
                    allowed_declaration_types__contained_by=["started", "retained-1", "retained-2", "completed"],
                    allowed_declaration_types__len__gt=0,
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.identifier

    @property
    def long_name(self) -> str:
        """Identifier and cohort: `npq-leadership-autumn (2024a)`."""
        return f"{self.identifier} ({self.cohort})"


class ScheduleWindow(Record):
    """Which schedule an acceptance gets by default, by the UK date it happens on (decisions.md §1.9).

    A dated window covers first_day to last_day, open where a side is empty. A yearly one compares month and
    day only, wrapping over New Year when its first day falls after its last. Dated windows win over yearly ones.
    """

    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT)
    course_group = models.CharField(choices=CourseGroup)
    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT, related_name="windows")
    first_day = models.DateField(null=True, blank=True)
    last_day = models.DateField(null=True, blank=True)
    every_year = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="schedule_window_unique",
                fields=["cohort", "course_group", "first_day", "every_year"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="schedule_window_in_order",
                condition=Q(every_year=True)
                | Q(first_day__isnull=True)
                | Q(last_day__isnull=True)
                | Q(first_day__lte=F("last_day")),
            ),
            models.CheckConstraint(
                name="schedule_window_yearly_has_days",
                condition=Q(every_year=False) | Q(first_day__isnull=False, last_day__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.schedule_id}: {self.first_day or 'always'} to {self.last_day or 'always'}"

    def covers(self, day: date) -> bool:
        """Whether an acceptance on `day` (UK) falls into the window."""
        if self.every_year and self.first_day and self.last_day:
            first, last, this = (
                (self.first_day.month, self.first_day.day),
                (self.last_day.month, self.last_day.day),
                (day.month, day.day),
            )
            return first <= this <= last if first <= last else this >= first or this <= last
        return (self.first_day is None or self.first_day <= day) and (self.last_day is None or day <= self.last_day)


class EnrolmentQuerySet(TouchQuerySet):
    """Filters that services and queries share."""

    def standing(self) -> "EnrolmentQuerySet":
        """Those whose acceptance stands: never undone, in any training status."""
        return self.filter(undone_at__isnull=True)

    def holding_the_course(self) -> "EnrolmentQuerySet":
        """Those that keep the person from another acceptance in the course family: standing, not withdrawn."""
        return self.standing().exclude(training_status=TrainingStatus.WITHDRAWN)


class Enrolment(Record):
    """One acceptance: a person on a course with a provider, on a schedule, with a training status.

    An undone acceptance keeps its row and history (`undone_at`). Person, provider, course and cohort repeat
    the application's, so that the rules about them can be constraints; a composite foreign key keeps them equal.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="enrolments")
    # Not indexed by itself: enrolment_of_family begins with it, and the planner should take enrolment_of_provider.
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="enrolments", db_index=False)
    lead_provider = models.ForeignKey(LeadProvider, on_delete=models.PROTECT)
    course = models.ForeignKey(Course, on_delete=models.PROTECT)
    course_family = models.SlugField(db_index=False)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT)
    schedule = models.ForeignKey(Schedule, on_delete=models.PROTECT)
    accepted_at = models.DateTimeField("accepted")
    undone_at = models.DateTimeField("acceptance undone", null=True, blank=True)
    transferred_at = models.DateTimeField(
        "transferred", null=True, blank=True, help_text="When staff last moved it to another provider."
    )
    training_status = models.CharField(choices=TrainingStatus, default=TrainingStatus.ACTIVE)

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                name="enrolment_of_provider",
                fields=["lead_provider", "participant"],
                condition=Q(undone_at__isnull=True),
            ),
            models.Index(name="enrolment_of_family", fields=["participant", "course_family", "accepted_at"]),
            models.Index(
                name="enrolment_transferred", fields=["lead_provider"], condition=Q(transferred_at__isnull=False)
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                name="enrolment_one_per_person_and_course_family",
                fields=["participant", "course_family"],
                condition=Q(undone_at__isnull=True) & ~Q(training_status=TrainingStatus.WITHDRAWN),
            ),
            models.UniqueConstraint(
                name="enrolment_one_standing_per_application",
                fields=["application"],
                condition=Q(undone_at__isnull=True),
            ),
            models.UniqueConstraint(
                name="enrolment_as_the_application",
                fields=["id", "application", "participant", "lead_provider", "course", "cohort"],
            ),
            models.CheckConstraint(
                name="enrolment_training_status_known", condition=Q(training_status__in=TrainingStatus.values)
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    def may_move_to(self, status: str) -> bool:
        """Whether the training status may change to `status`."""
        return status in MOVES[TrainingStatus(self.training_status)]


class TrainingStatusChange(Record):
    """The history of an enrolment's training status: append-only, who, when, why.

    `changed_at` is the time the rules saw (the sandbox may move it); `lead_provider` is the provider that
    recorded it, null for staff. Only that provider is shown the reason and the date (decisions.md §1.7).
    """

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="status_changes")
    status = models.CharField(choices=TrainingStatus)
    reason = models.CharField(
        choices=[("Of a deferral", DeferralReason.choices), ("Of a withdrawal", WithdrawalReason.choices)],
        null=True,
        blank=True,
    )
    lead_provider = models.ForeignKey(LeadProvider, null=True, blank=True, on_delete=models.PROTECT)
    recorded_by = models.CharField()
    changed_at = models.DateTimeField("changed", db_default=Now())

    class Meta:
        indexes = [models.Index(name="status_change_newest", fields=["enrolment", "-id"])]
        constraints = [
            models.CheckConstraint(name="status_change_known", condition=Q(status__in=TrainingStatus.values)),
        ]

    def __str__(self) -> str:
        return f"{self.enrolment_id}: {self.status}"


class Note(Record):
    """What a member of staff wrote down about a person or an application: signed, dated, never changed.

    A note about a person stays with the participant id it was written about; `notes_about` follows merges.
    """

    participant = models.ForeignKey(Participant, null=True, blank=True, on_delete=models.PROTECT, related_name="notes")
    application = models.ForeignKey(Application, null=True, blank=True, on_delete=models.PROTECT, related_name="notes")
    text = models.TextField()
    written_by = models.CharField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="note_about_person_or_application",
                condition=Q(participant__isnull=True, application__isnull=False)
                | Q(participant__isnull=False, application__isnull=True),
            ),
            models.CheckConstraint(name="note_signed_text", condition=~Q(text="") & ~Q(written_by="")),
        ]

    def __str__(self) -> str:
        return f"{self.written_by}: {self.text[:40]}"
