"""Corrections of applications and of their enrolments (backoffice.md §2.1)."""

from typing import Any

from django import forms

from applications.choices import ApplicationStatus, FundingChoice
from applications.models import Application
from applications.services import (
    change_cohort,
    change_course,
    change_email,
    change_funded_place,
    change_funding_choice,
    change_funding_eligibility,
    change_lead_provider,
    reassign_application,
    undo_acceptance,
    undo_rejection,
)
from npq.backoffice.catalogue.fields import ByName, PersonField, note_fields, yes_or_no
from npq.backoffice.corrections import Answers, Correction
from npq.core import clock
from npq.core.audit import Actor
from npq.core.models import Cohort, Course, LeadProvider
from participants.choices import DeferralReason, TrainingStatus, WithdrawalReason
from participants.queries import schedules_for
from participants.services import (
    StaffTraining,
    append_note_to_application,
    change_schedule,
    defer_participant,
    resume_participant,
    withdraw_participant,
)

APPLICATION = "applications.application"


def accepted(application: Application) -> bool:
    """Whether it has an enrolment to correct."""
    return application.status == ApplicationStatus.ACCEPTED


def _undo_acceptance(record: Application, answers: Answers, by: Actor) -> Any:
    return undo_acceptance(
        application_id=record.id, by=by, now=clock.now(), restore_siblings=bool(answers.get("restore_siblings"))
    )


def _undo_acceptance_fields(_: Any) -> dict[str, forms.Field]:
    return {
        "restore_siblings": forms.BooleanField(
            label="Make the applications that this acceptance rejected pending again", required=False
        )
    }


def _undo_rejection(record: Application, answers: Answers, by: Actor) -> Any:
    return undo_rejection(application_id=record.id, by=by)


def _schedule_field(required: bool, help_text: str, choices: list[str]) -> forms.Field:
    listed = [("", "---------"), *((each, each) for each in choices)]
    return forms.ChoiceField(label="Schedule", choices=listed, required=required, help_text=help_text)


def _course_fields(record: Application) -> dict[str, forms.Field]:
    return {
        "course": ByName(Course.objects.order_by("position", "id"), "New course"),
        "schedule": forms.SlugField(
            label="Schedule", required=False, help_text="Only where the new course needs another one."
        ),
    }


def _change_course(record: Application, answers: Answers, by: Actor) -> Any:
    return change_course(
        application_id=record.id,
        course=answers["course"],
        schedule_identifier=answers.get("schedule") or None,
        by=by,
        now=clock.now(),
    )


def _cohort_fields(record: Application) -> dict[str, forms.Field]:
    return {
        "cohort": ByName(Cohort.objects.order_by("start_year", "suffix"), "New cohort"),
        "schedule": forms.SlugField(
            label="Schedule", required=False, help_text="Only where the new cohort has none of the same name."
        ),
    }


def _change_cohort(record: Application, answers: Answers, by: Actor) -> Any:
    return change_cohort(
        application_id=record.id,
        cohort=answers["cohort"],
        schedule_identifier=answers.get("schedule") or None,
        by=by,
        now=clock.now(),
    )


def _change_schedule_fields(record: Application) -> dict[str, forms.Field]:
    return {"schedule": _schedule_field(True, "In the same cohort.", list(schedules_for(record.course, record.cohort)))}


def _training(record: Application) -> StaffTraining:
    return StaffTraining(enrolment_id=record.enrolment_id or 0)


def _change_schedule(record: Application, answers: Answers, by: Actor) -> Any:
    return change_schedule(training=_training(record), schedule_identifier=answers["schedule"], by=by)


def _provider_fields(record: Application) -> dict[str, forms.Field]:
    others = LeadProvider.objects.exclude(id=record.lead_provider_id).order_by("name")
    return {"lead_provider": ByName(others, "New lead provider")}


def _change_lead_provider(record: Application, answers: Answers, by: Actor) -> Any:
    return change_lead_provider(
        application_id=record.id, lead_provider=answers["lead_provider"], by=by, now=clock.now()
    )


def _funding_choice_fields(record: Application) -> dict[str, forms.Field]:
    choices = [("", "Not stated"), *FundingChoice.choices]
    return {"funding_choice": forms.ChoiceField(label="Funding choice", choices=choices, required=False)}


def _change_funding_choice(record: Application, answers: Answers, by: Actor) -> Any:
    return change_funding_choice(application_id=record.id, funding_choice=answers["funding_choice"] or None, by=by)


def _change_eligibility(record: Application, answers: Answers, by: Actor) -> Any:
    return change_funding_eligibility(
        application_id=record.id, eligible=answers["eligible"] == "yes", by=by, now=clock.now()
    )


def _change_funded_place(record: Application, answers: Answers, by: Actor) -> Any:
    return change_funded_place(
        application_id=record.id, held_by=None, by=by, funded_place=answers["funded_place"] == "yes"
    )


def _email_fields(record: Application) -> dict[str, forms.Field]:
    return {
        "email": forms.CharField(label="Email", initial=record.email),
        "validated": forms.BooleanField(
            label="The address has been validated", required=False, initial=record.email_validated
        ),
    }


def _change_email(record: Application, answers: Answers, by: Actor) -> Any:
    return change_email(application_id=record.id, email=answers["email"], validated=answers["validated"], by=by)


def _status_fields(record: Application) -> dict[str, forms.Field]:
    reasons = [
        ("", "None (to make active)"),
        ("For a deferral", list(DeferralReason.choices)),
        ("For a withdrawal", list(WithdrawalReason.choices)),
    ]
    return {
        "status": forms.ChoiceField(label="New training status", choices=TrainingStatus.choices),
        "status_reason": forms.ChoiceField(label="Why training changes", choices=reasons, required=False),
    }


def _change_status(record: Application, answers: Answers, by: Actor) -> Any:
    training, now = _training(record), clock.now()
    if answers["status"] == TrainingStatus.ACTIVE:
        return resume_participant(training=training, by=by, now=now)
    change = defer_participant if answers["status"] == TrainingStatus.DEFERRED else withdraw_participant
    return change(training=training, reason=answers["status_reason"] or None, by=by, now=now)


def _reassign(record: Application, answers: Answers, by: Actor) -> Any:
    return reassign_application(
        application_id=record.id, participant_id=answers["participant"].id, by=by, now=clock.now()
    )


def _note_application(record: Application, answers: Answers, by: Actor) -> Any:
    return append_note_to_application(application_id=record.id, text=answers["text"], by=by)


APPLICATIONS: tuple[Correction, ...] = (
    Correction(
        "undo_acceptance",
        "Undo acceptance",
        APPLICATION,
        "caseworker",
        _undo_acceptance,
        "The application becomes pending again. The enrolment and its history are kept.",
        _undo_acceptance_fields,
        accepted,
    ),
    Correction(
        "undo_rejection",
        "Undo rejection",
        APPLICATION,
        "caseworker",
        _undo_rejection,
        "The application becomes pending again.",
        offered=lambda it: it.status == ApplicationStatus.REJECTED,
    ),
    Correction("change_course", "Change course", APPLICATION, "caseworker", _change_course, fields=_course_fields),
    Correction("change_cohort", "Change cohort", APPLICATION, "caseworker", _change_cohort, fields=_cohort_fields),
    Correction(
        "change_schedule",
        "Change schedule",
        APPLICATION,
        "caseworker",
        _change_schedule,
        fields=_change_schedule_fields,
        offered=accepted,
    ),
    Correction(
        "change_lead_provider",
        "Change lead provider",
        APPLICATION,
        "caseworker",
        _change_lead_provider,
        "Declarations stay with the provider that made them; ask it to make the rest before you transfer.",
        _provider_fields,
    ),
    Correction(
        "change_training_status",
        "Change training status",
        APPLICATION,
        "caseworker",
        _change_status,
        "The participant is told by email.",
        _status_fields,
        accepted,
    ),
    Correction(
        "change_funding_choice",
        "Change funding choice",
        APPLICATION,
        "caseworker",
        _change_funding_choice,
        fields=_funding_choice_fields,
    ),
    Correction(
        "change_funding_eligibility",
        "Change funding eligibility",
        APPLICATION,
        "caseworker",
        _change_eligibility,
        "Marks the application as funded, or as ineligible, by policy. Declarations that waited for it become payable.",
        lambda _: yes_or_no("eligible", "Eligible for funding"),
    ),
    Correction(
        "change_funded_place",
        "Change funded place",
        APPLICATION,
        "caseworker",
        _change_funded_place,
        fields=lambda _: yes_or_no("funded_place", "Funded place"),
        offered=accepted,
    ),
    Correction("change_email", "Change email", APPLICATION, "caseworker", _change_email, fields=_email_fields),
    Correction(
        "reassign_application",
        "Reassign to another participant",
        APPLICATION,
        "caseworker",
        _reassign,
        "Enrolments and declarations go with the application.",
        lambda _: {"participant": PersonField(label="Participant ID that gets it")},
    ),
    Correction(
        "add_note",
        "Add a note",
        APPLICATION,
        "caseworker",
        _note_application,
        "Notes are signed and dated, and never changed.",
        note_fields,
    ),
)
