"""Corrections of declarations and their outcomes (backoffice.md §2.1, §2.3).

What moves money is finance's: voiding, and submitting (which is a button of the application). An outcome and the
delivery partners move none, so they are a caseworker's (backoffice.md §1.3).
"""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.html import format_html_join

from declarations.choices import DeclarationState, DeclarationType, OutcomeState
from declarations.models import Declaration, DeliveryPartner
from declarations.queries.given import GivenPartners
from declarations.services import change_delivery_partner, correct_outcome, void_declaration
from finance.choices import LineState
from finance.models import LineItem
from npq.backoffice.catalogue.fields import ByPublicId, DayField
from npq.backoffice.corrections import Answers, Correction
from npq.backoffice.pages import Facts, Section, link
from npq.core import clock
from npq.core.audit import Actor

DECLARATION = "declarations.declaration"
TAKEN_BACK = {DeclarationState.AWAITING_CLAWBACK, DeclarationState.CLAWED_BACK}


def _void(record: Declaration, _: Answers, by: Actor) -> Any:
    return void_declaration(declaration_id=record.id, held_by=None, by=by, now=clock.now())


def _stay_unpaid(record: Declaration, _: Answers) -> Sequence[Section]:
    """What was paid nothing because this one counted: a statement that has been paid is not reckoned up again."""
    paid = LineItem.objects.filter(declaration=record, state=LineState.PAID).exclude(output_payment=0).first()
    if paid is None or record.state != DeclarationState.PAID:
        return ()
    others = LineItem.objects.filter(
        statement=paid.statement_id,
        course=paid.course_id,
        declaration_type=paid.declaration_type,
        declaration__enrolment__participant=record.enrolment.participant_id,
        state=LineState.PAID,
        output_payment=0,
    ).select_related("declaration")
    links = format_html_join(", ", "{}", ((link(each.declaration),) for each in others))
    if not links:
        return ()
    facts = [
        ("Paid nothing because this one counted", links),
        ("What happens to it", "It stays unpaid. If it should be paid now, put an adjustment on a later statement."),
    ]
    return (Facts("Another declaration of the same person", facts),)


def _cannot_be_voided(record: Declaration) -> str:
    if record.state == DeclarationState.VOIDED:
        return "The declaration is voided already."
    if record.state in TAKEN_BACK:
        return "The declaration was voided after it was paid. What was paid is being taken back, or has been."
    return ""


def _outcome_fields(record: Declaration) -> dict[str, forms.Field]:
    newest = record.newest_outcome()
    choices = [(each.value, each.label) for each in (OutcomeState.PASSED, OutcomeState.FAILED)]
    return {
        "state": forms.ChoiceField(
            label="Outcome", choices=choices, widget=forms.RadioSelect, initial=newest.state if newest else None
        ),
        "completion_date": DayField(
            "Completion date", initial=newest.completion_date if newest else None, help_text="Not in the future."
        ),
    }


def _correct_outcome(record: Declaration, answers: Answers, by: Actor) -> Any:
    return correct_outcome(
        declaration_id=record.id,
        state=answers["state"],
        completion_date=answers["completion_date"],
        by=by,
        now=clock.now(),
    )


def _has_no_outcome(record: Declaration) -> str:
    if record.declaration_type != DeclarationType.COMPLETED:
        kind = record.get_declaration_type_display().lower()
        return f"This is a {kind} declaration. Only a completed one has an outcome."
    if not record.course.has_outcome:
        return f"{record.course.name} does not end in an outcome."
    if record.state == DeclarationState.VOIDED or record.state in TAKEN_BACK:
        return "The declaration was voided, and its outcome taken back with it."
    return ""


def partner_fields(lead_provider_id: int, cohort_id: int, required: bool = False) -> dict[str, forms.Field]:
    """A choice among the delivery partners on a provider's list for a cohort, and a second one."""
    listed = DeliveryPartner.objects.filter(
        partnerships__lead_provider_id=lead_provider_id, partnerships__cohort_id=cohort_id
    )
    words = [(each, each.name) for each in listed.order_by("name", "id")]
    none = "" if words else " The provider has none for this cohort."
    return {
        "delivery_partner": ByPublicId(
            words, "Delivery partner", required=required, help_text=f"Those on the provider's list.{none}"
        ),
        "secondary_delivery_partner": ByPublicId(words, "Secondary delivery partner", required=False),
    }


def given_partners(answers: Answers) -> GivenPartners:
    """The delivery partners that were chosen."""
    chosen = [answers.get(name) for name in ("delivery_partner", "secondary_delivery_partner")]
    return GivenPartners(*(each.public_id if each else None for each in chosen))


def _change_partners(record: Declaration, answers: Answers, by: Actor) -> Any:
    return change_delivery_partner(declaration_id=record.id, held_by=None, given=given_partners(answers), by=by)


DECLARATIONS: tuple[Correction, ...] = (
    Correction(
        "void_declaration",
        "Void declaration",
        DECLARATION,
        "finance",
        _void,
        "What has not been paid leaves its statement; what has been paid is taken back on the next one.",
        not_possible=_cannot_be_voided,
        beside=_stay_unpaid,
    ),
    Correction(
        "correct_outcome",
        "Correct outcome",
        DECLARATION,
        "caseworker",
        _correct_outcome,
        "The outcome that is recorded stays in the history. To take an outcome back altogether, void the declaration.",
        _outcome_fields,
        _has_no_outcome,
    ),
    Correction(
        "change_delivery_partners",
        "Change delivery partners",
        DECLARATION,
        "caseworker",
        _change_partners,
        fields=lambda it: partner_fields(it.lead_provider_id, it.cohort_id, required=True),
    ),
)
