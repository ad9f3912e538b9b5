"""Corrections of applications and of their enrolments (backoffice.md §2.1)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms

from applications.choices import FundingChoice
from applications.models import Application
from applications.queries import rejected_by_acceptance
from applications.services import (
    cancel_transfer,
    change_cohort,
    change_course,
    change_email,
    change_funded_place,
    change_funding_choice,
    change_funding_eligibility,
    change_lead_provider,
    plan_transfer,
    reassign_application,
    undo_acceptance,
    undo_rejection,
)
from declarations.choices import DeclarationState
from finance.models import ContractTerms
from npq.backoffice.catalogue import guards
from npq.backoffice.catalogue.claiming import cannot_declare, claim_fields, situation, submit
from npq.backoffice.catalogue.fields import (
    UNCHOSEN,
    ByPublicId,
    DayField,
    PersonField,
    course_words,
    note_fields,
    schedule_field,
    yes_or_no,
)
from npq.backoffice.comparing import side_by_side
from npq.backoffice.corrections import Answers, Correction
from npq.backoffice.pages import Facts, Section, Table, link, shown
from npq.backoffice.wording import staff_words
from npq.core import clock
from npq.core.audit import Actor
from npq.core.models import Cohort, Course, LeadProvider
from participants.choices import DeferralReason, TrainingStatus, WithdrawalReason
from participants.models import Schedule
from participants.queries.cohorts import funding_refusals
from participants.services import (
    StaffTraining,
    append_note_to_application,
    change_schedule,
    defer_participant,
    resume_participant,
    withdraw_participant,
)

APPLICATION = "applications.application"
AS_IT_IS = " – as it is now"

# The decision ------------------------------------------------------------------------------------------


def _siblings(record: Application) -> list[Application]:
    """What the acceptance rejected, read once for a page."""
    known: list[Application] | None = vars(record).get("_siblings")
    if known is None:
        enrolment = record.enrolment
        known = vars(record)["_siblings"] = list(rejected_by_acceptance(enrolment)) if enrolment else []
    return known


def _undo_acceptance_fields(record: Application) -> dict[str, forms.Field]:
    siblings = _siblings(record)
    if not siblings:
        return {}
    return {
        "restore_siblings": forms.TypedMultipleChoiceField(
            label="Make pending again",
            help_text="This acceptance rejected them. Those you leave out stay rejected.",
            choices=[(str(each.public_id), f"{each.public_id} with {each.lead_provider.name}") for each in siblings],
            coerce=UUID,
            widget=forms.CheckboxSelectMultiple,
            required=False,
        )
    }


def _undo_acceptance(record: Application, answers: Answers, by: Actor) -> Any:
    chosen = answers.get("restore_siblings", [])
    return undo_acceptance(application_id=record.id, by=by, now=clock.now(), restore_siblings=chosen)


def _rejected_with_it(record: Application, _: Answers) -> Sequence[Section]:
    return (
        Table(
            "Rejected by this acceptance",
            ["Application", "Lead provider", "Received", "Rejected"],
            [[link(each), each.lead_provider.name, each.created_at, each.decided_at] for each in _siblings(record)],
            "No other application was rejected by this acceptance and is still rejected.",
        ),
    )


def _undo_rejection(record: Application, _: Answers, by: Actor) -> Any:
    return undo_rejection(application_id=record.id, by=by)


# Course, cohort, schedule, provider ----------------------------------------------------------------------


def _with_contract(record: Application, name: str) -> set[int]:
    """For which of the records of one kind there are contract terms, all else about the application being as it is."""
    kept = {"lead_provider": record.lead_provider_id, "cohort": record.cohort_id, "course": record.course_id}
    del kept[name]
    return set(ContractTerms.objects.filter(**kept).values_list(f"{name}_id", flat=True))


def _words(text: str, *drawbacks: str) -> str:
    said = "; ".join(each for each in drawbacks if each)
    return f"{text} – not possible: {said}" if said else text


def _course_fields(record: Application) -> dict[str, forms.Field]:
    contracts = _with_contract(record, "course")
    courses = [
        (each, _words(course_words(each), "" if each.id in contracts or not guards.accepted(record) else "no contract"))
        for each in Course.objects.exclude(id=record.course_id).order_by("position", "id")
    ]
    groups: dict[str, list[tuple[str, str]]] = {}
    for each in Schedule.objects.filter(cohort=record.cohort).order_by("course_group", "starts_on", "id"):
        groups.setdefault(f"{each.get_course_group_display()} courses", []).append(
            (each.identifier, f"{each.name} ({each.identifier})")
        )
    help_text = "Only where the new course needs another one than the default of the day of acceptance."
    return {
        "course": ByPublicId(courses, "New course"),
        "schedule": schedule_field(list(groups.items()), help_text, required=False),
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
    contracts = _with_contract(record, "cohort")
    cohorts = [
        (
            each,
            _words(
                f"{each} ({each.get_funding_display().lower()})",
                "" if each.id in contracts or not guards.accepted(record) else "no contract",
                "other funding" if funding_refusals(record.cohort, each) else "",
            ),
        )
        for each in Cohort.objects.exclude(id=record.cohort_id).order_by("start_year", "suffix")
    ]
    named: dict[str, list[Schedule]] = {}
    others = Schedule.objects.filter(course_group=record.course.group).exclude(cohort=record.cohort)
    for each in others.select_related("cohort").order_by("cohort__start_year", "cohort__suffix", "starts_on", "id"):
        named.setdefault(each.identifier, []).append(each)
    schedules = [
        (identifier, f"{of[0].name} ({identifier}): cohort {', '.join(str(each.cohort) for each in of)}")
        for identifier, of in named.items()
    ]
    help_text = "Only where the new cohort has none of the same name."
    return {
        "cohort": ByPublicId(cohorts, "New cohort"),
        "schedule": schedule_field(schedules, help_text, required=False),
    }


def _change_cohort(record: Application, answers: Answers, by: Actor) -> Any:
    return change_cohort(
        application_id=record.id,
        cohort=answers["cohort"],
        schedule_identifier=answers.get("schedule") or None,
        by=by,
        now=clock.now(),
    )


def _schedule_fields(record: Application) -> dict[str, forms.Field]:
    current = record.enrolment.schedule_id if record.enrolment else 0
    found = Schedule.objects.filter(cohort=record.cohort, course_group=record.course.group)
    choices = [
        (
            each.identifier,
            f"{each.name} ({each.identifier}), from {each.starts_on:%-d %B %Y}"
            + (AS_IT_IS if each.id == current else ""),
        )
        for each in found.order_by("starts_on", "id")
    ]
    help_text = f"The schedules for this course in cohort {record.cohort}."
    return {"schedule": schedule_field(choices, help_text, required=True)}


def _training(record: Application) -> StaffTraining:
    return StaffTraining(enrolment_id=record.enrolment_id or 0)


def _change_schedule(record: Application, answers: Answers, by: Actor) -> Any:
    return change_schedule(training=_training(record), schedule_identifier=answers["schedule"], by=by)


def _provider_fields(record: Application) -> dict[str, forms.Field]:
    contracts = _with_contract(record, "lead_provider")
    drawback = f"no contract for {record.course.identifier} in cohort {record.cohort}"
    providers = [
        (each, _words(each.name, "" if each.id in contracts else drawback))
        for each in LeadProvider.objects.exclude(id=record.lead_provider_id).order_by("name")
    ]
    return {
        "lead_provider": ByPublicId(providers, "New lead provider"),
        "due_on": DayField(
            "On which day",
            required=False,
            help_text="Leave it empty to transfer now. For a day to come the transfer is planned: it is carried "
            "out shortly after that midnight, or this application says why it cannot be.",
        ),
    }


def _change_lead_provider(record: Application, answers: Answers, by: Actor) -> Any:
    order = {"application_id": record.id, "lead_provider": answers["lead_provider"], "by": by, "now": clock.now()}
    due_on = answers.get("due_on")
    return plan_transfer(**order, due_on=due_on) if due_on else change_lead_provider(**order)


def _transferred(record: Application, answers: Answers) -> str:
    if not answers.get("due_on"):
        return "done."
    return (
        f"planned for {shown(answers['due_on'])}. Until then the application stays with {record.lead_provider.name}, "
        f"then it goes to {answers['lead_provider'].name}."
    )


def transfers_table(record: Application) -> Table:
    """Every transfer of an application that was planned, and what became of it."""
    return Table(
        "Planned transfers",
        ["To", "On", "State", "Planned by", "Reason", "Why it was refused"],
        [
            [
                each.lead_provider.name,
                each.due_on,
                each.get_state_display(),
                each.requested_by,
                each.reason,
                staff_words(each.refusal or "–"),
            ]
            for each in guards.planned_transfers(record)
        ],
        "No transfer was ever planned.",
    )


def _cancel_transfer(record: Application, _: Answers, by: Actor) -> Any:
    return cancel_transfer(application_id=record.id, by=by, now=clock.now())


# Training ----------------------------------------------------------------------------------------------


def _status_fields(record: Application) -> dict[str, forms.Field]:
    reasons = [
        ("", "None (to make active)"),
        ("For a deferral", list(DeferralReason.choices)),
        ("For a withdrawal", list(WithdrawalReason.choices)),
    ]
    current = record.enrolment.training_status if record.enrolment else None
    statuses = [(name, f"{label}{AS_IT_IS if name == current else ''}") for name, label in TrainingStatus.choices]
    return {
        "status": forms.ChoiceField(label="New training status", choices=[UNCHOSEN, *statuses]),
        "status_reason": forms.ChoiceField(label="Why training changes", choices=reasons, required=False),
    }


def _change_status(record: Application, answers: Answers, by: Actor) -> Any:
    training, now = _training(record), clock.now()
    if answers["status"] == TrainingStatus.ACTIVE:
        return resume_participant(training=training, by=by, now=now)
    change = defer_participant if answers["status"] == TrainingStatus.DEFERRED else withdraw_participant
    return change(training=training, reason=answers["status_reason"] or None, by=by, now=now)


# Funding -----------------------------------------------------------------------------------------------


def _funding_choice_fields(record: Application) -> dict[str, forms.Field]:
    choices = [("", "Not stated"), *FundingChoice.choices]
    return {
        "funding_choice": forms.ChoiceField(
            label="Funding choice", choices=choices, required=False, initial=record.funding_choice
        )
    }


def _change_funding_choice(record: Application, answers: Answers, by: Actor) -> Any:
    return change_funding_choice(application_id=record.id, funding_choice=answers["funding_choice"] or None, by=by)


def _change_eligibility(record: Application, answers: Answers, by: Actor) -> Any:
    return change_funding_eligibility(
        application_id=record.id, eligible=answers["eligible"] == "yes", by=by, now=clock.now()
    )


def _what_rests_on_eligibility(record: Application, _: Answers) -> Sequence[Section]:
    waiting = [each for each in guards.standing(record) if each.state == DeclarationState.SUBMITTED]
    obstacles = [
        guards.declared("The person cannot be made ineligible for funding")(record),
        "The application holds a funded place, which has to be taken away first." if record.funded_place else "",
    ]
    sections: list[Section] = [
        Table(
            "Submitted declarations that wait for funding",
            ["Declaration", "Declared for"],
            [[link(each, each.get_declaration_type_display()), each.declaration_date] for each in waiting],
            "None: no declaration becomes payable.",
        )
    ]
    said = " ".join(each for each in obstacles if each)
    if said:
        sections.append(Facts("Not possible now", [("To make them ineligible", said)]))
    return sections


def _change_funded_place(record: Application, answers: Answers, by: Actor) -> Any:
    return change_funded_place(
        application_id=record.id, held_by=None, by=by, funded_place=answers["funded_place"] == "yes"
    )


# Email -------------------------------------------------------------------------------------------------


def _email_fields(record: Application) -> dict[str, forms.Field]:
    widget = forms.TextInput(attrs={"inputmode": "email", "autocomplete": "off", "spellcheck": "false"})
    return {
        "email": forms.CharField(
            label="New email address",
            initial=record.email,
            widget=widget,
            help_text="A new address is not validated. Mark it as validated separately, when it is.",
        )
    }


def _change_email(record: Application, answers: Answers, by: Actor) -> Any:
    return change_email(application_id=record.id, email=answers["email"], by=by)


def _validate_email(record: Application, _: Answers, by: Actor) -> Any:
    return change_email(application_id=record.id, validated=True, by=by)


def _unvalidate_email(record: Application, _: Answers, by: Actor) -> Any:
    return change_email(application_id=record.id, validated=False, by=by)


# Whose it is, and notes --------------------------------------------------------------------------------


def _reassign(record: Application, answers: Answers, by: Actor) -> Any:
    return reassign_application(
        application_id=record.id, participant_id=answers["participant"].id, by=by, now=clock.now()
    )


def _both_people(record: Application, answers: Answers) -> Sequence[Section]:
    target = answers.get("participant")
    if target is None or target.id == record.participant_id:
        return ()
    return (side_by_side(record.participant, target, ("Has it now", "Would get it")),)


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
        guards.no_acceptance,
        _rejected_with_it,
    ),
    Correction(
        "undo_rejection",
        "Undo rejection",
        APPLICATION,
        "caseworker",
        _undo_rejection,
        "The application becomes pending again.",
        not_possible=guards.no_rejection,
    ),
    Correction(
        "change_course",
        "Change course",
        APPLICATION,
        "caseworker",
        _change_course,
        fields=_course_fields,
        not_possible=guards.declared("The course cannot change"),
    ),
    Correction(
        "change_cohort",
        "Change cohort",
        APPLICATION,
        "caseworker",
        _change_cohort,
        fields=_cohort_fields,
        not_possible=guards.declared("The cohort cannot change"),
    ),
    Correction(
        "change_schedule",
        "Change schedule",
        APPLICATION,
        "caseworker",
        _change_schedule,
        fields=_schedule_fields,
        not_possible=guards.no_schedule_to_change,
    ),
    Correction(
        "change_lead_provider",
        "Change lead provider",
        APPLICATION,
        "caseworker",
        _change_lead_provider,
        "Declarations stay with the provider that made them; ask it to make the rest before you transfer.",
        _provider_fields,
        beside=lambda it, _: (transfers_table(it),) if guards.planned_transfers(it) else (),
        done=_transferred,
    ),
    Correction(
        "cancel_transfer",
        "Cancel planned transfer",
        APPLICATION,
        "caseworker",
        _cancel_transfer,
        "The application stays with the lead provider that has it.",
        not_possible=guards.nothing_planned,
        beside=lambda it, _: (transfers_table(it),),
    ),
    Correction(
        "change_training_status",
        "Change training status",
        APPLICATION,
        "caseworker",
        _change_status,
        "The participant is told by email. Staff may withdraw somebody who has no started declaration.",
        _status_fields,
        guards.not_accepted,
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
        beside=_what_rests_on_eligibility,
    ),
    Correction(
        "change_funded_place",
        "Change funded place",
        APPLICATION,
        "caseworker",
        _change_funded_place,
        fields=lambda _: yes_or_no("funded_place", "Funded place"),
        not_possible=guards.funded_place_fixed,
    ),
    Correction("change_email", "Change email", APPLICATION, "caseworker", _change_email, fields=_email_fields),
    Correction(
        "validate_email",
        "Mark email as validated",
        APPLICATION,
        "caseworker",
        _validate_email,
        "You know that messages to this address reach the participant.",
        not_possible=guards.email_validated,
    ),
    Correction(
        "unvalidate_email",
        "Take back email validation",
        APPLICATION,
        "caseworker",
        _unvalidate_email,
        "The address stays, but is not known to be the participant's.",
        not_possible=guards.email_not_validated,
    ),
    Correction(
        "submit_declaration",
        "Submit a declaration",
        APPLICATION,
        "finance",
        submit,
        "On the lead provider's behalf, by the same rules as if the provider had sent it. A day counts from its start.",
        claim_fields,
        cannot_declare,
        situation,
    ),
    Correction(
        "reassign_application",
        "Reassign to another participant",
        APPLICATION,
        "caseworker",
        _reassign,
        "Enrolments and declarations go with the application.",
        lambda _: {"participant": PersonField(label="Participant ID that gets it")},
        beside=_both_people,
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
