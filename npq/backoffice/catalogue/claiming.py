"""Submitting a declaration on a provider's behalf: the full rules of the API, through the same service.

For a provider without access to the API, or one that is leaving: without it participants would lose their
certificates (backoffice.md §2.3). It moves money, so it is finance's.
"""

from collections.abc import Sequence
from datetime import datetime

from django import forms

from applications.choices import ApplicationStatus
from applications.models import Application
from declarations.choices import DeclarationType
from declarations.models import Declaration
from declarations.queries.given import Claim
from declarations.services import submit_declaration
from npq.backoffice.catalogue.declarations import given_partners, partner_fields
from npq.backoffice.catalogue.fields import UNCHOSEN, DayField
from npq.backoffice.corrections import Answers
from npq.backoffice.pages import Facts, Section, Table, link
from npq.core import clock
from npq.core.audit import Actor
from npq.core.clock import start_of_uk_day
from npq.core.effects import Corrected
from npq.core.texts import timestamp_or_none


def claim_fields(record: Application) -> dict[str, forms.Field]:
    """Type, date, the result where the course ends in one, and the delivery partners."""
    enrolment = record.enrolment
    if enrolment is None:
        return {}
    types = [(each, DeclarationType(each).label) for each in enrolment.schedule.allowed_declaration_types]
    fields: dict[str, forms.Field] = {
        "declaration_type": forms.ChoiceField(label="Declaration type", choices=[UNCHOSEN, *types]),
        "declaration_date": DayField(
            "Declared for", help_text=f"From {enrolment.schedule.starts_on:%-d %B %Y}, and not in the future."
        ),
    }
    if record.course.has_outcome:
        passed = [("", "Not a completed declaration"), ("yes", "Passed"), ("no", "Failed")]
        fields["has_passed"] = forms.ChoiceField(label="Result of a completed course", choices=passed, required=False)
    return fields | partner_fields(record.lead_provider_id, record.cohort_id)


def submit(record: Application, answers: Answers, by: Actor) -> Corrected:
    """Submits it as the provider that holds the enrolment; an exact copy of one that stands changes nothing."""
    day = answers["declaration_date"]
    passed = {"yes": True, "no": False}.get(answers.get("has_passed", ""))
    before = clock.wall_clock()
    declaration_id = submit_declaration(
        lead_provider_id=record.lead_provider_id,
        claim=Claim(
            participant_id=record.participant.public_id,
            course_identifier=record.course.identifier,
            declaration_type=answers["declaration_type"],
            declaration_date=start_of_uk_day(day),
            has_passed=passed,
            delivery_partners=given_partners(answers),
        ),
        by=by,
        now=clock.now(),
    )
    return _told(declaration_id, before)


def _told(declaration_id: int, before: datetime) -> Corrected:
    made = Declaration.objects.filter(id=declaration_id, created_at__lt=before).first()
    if made is None:
        return Corrected()
    return Corrected(
        changed=False, notes=(f"The same declaration stands already: {made} ({made.get_state_display().lower()}).",)
    )


def cannot_declare(record: Application) -> str:
    """Why no declaration can be submitted for it, whatever it says."""
    if record.enrolment is None:
        status = record.get_status_display().lower()
        return f"The application is {status}. No declaration can be made before it is accepted."
    newer = [
        each
        for each in vars(record).get("others", ())
        if each["status"] == ApplicationStatus.ACCEPTED
        and each["provider_id"] == record.lead_provider_id
        and each["family"] == record.enrolment.course_family
        and (timestamp_or_none(each["accepted"][-1]) or record.enrolment.accepted_at) > record.enrolment.accepted_at
    ]
    if not newer:
        return ""
    return (
        f"The provider has accepted this participant on the course again since, as application {newer[0]['id']}. "
        "Declarations are submitted there."
    )


def situation(record: Application, _: Answers) -> Sequence[Section]:
    """Who declares for whom on which terms, and what has been declared before."""
    enrolment = record.enrolment
    if enrolment is None:
        return ()
    declared = Declaration.objects.filter(enrolment=enrolment).order_by("declaration_date", "id")
    return (
        Facts(
            "What it would be submitted for",
            [
                ("Lead provider", record.lead_provider.name),
                ("Course", f"{record.course.name} ({record.course.identifier})"),
                ("Cohort", str(record.cohort)),
                ("Schedule", f"{enrolment.schedule}, from {enrolment.schedule.starts_on:%-d %B %Y}"),
                ("Training status", enrolment.get_training_status_display()),
                ("Where they work", record.get_teacher_catchment_display()),
            ],
        ),
        Table(
            "Declared so far",
            ["Declaration", "Declared for", "State"],
            [
                [link(each, each.get_declaration_type_display()), each.declaration_date, each.get_state_display()]
                for each in declared
            ],
        ),
    )
