"""Changing a contract from a month on (backoffice.md §2.4, decisions.md §3.5)."""

from collections.abc import Callable, Sequence
from copy import copy
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from finance.models import ContractTerms, Statement
from finance.queries.figures import CourseFigures
from finance.queries.terms import terms_of_month
from finance.queries.workings import month_in_words, rate_of, service_fee_of
from finance.services import change_contract
from finance.services.load_contracts import fee, installments, price, target
from npq.backoffice.catalogue.money import pounds_of
from npq.backoffice.corrections import Answers, Correction
from npq.backoffice.pages import Section, Table
from npq.core.audit import Actor
from npq.core.effects import Corrected
from npq.core.money import in_pounds
from npq.core.parsing import year_month

CONTRACT = "finance.contractterms"
DERIVED = "derived"
# The names a file has them under, so that one reading serves both.
READ: dict[str, Callable[[str], Any]] = {
    "per_participant": price,
    "recruitment_target": target,
    "service_fee_installments": installments,
    "monthly_service_fee": lambda text: DERIVED if text.lower() == DERIVED else fee(text),
}


class Parsed(forms.CharField):
    """A text read as a contract file reads it; nothing typed means that it stays as it is."""

    def __init__(self, parse: Callable[[str], Any], **more: Any) -> None:
        super().__init__(required=False, **more)
        self.parse = parse

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return self.parse(text.strip())
        except ValueError as problem:
            raise ValidationError(f"{self.label}: {problem}") from problem


def _fields(record: ContractTerms) -> dict[str, forms.Field]:
    months = [
        (f"{each.year}-{each.month:02d}", f"{each.name} ({each.get_state_display().lower()})")
        for each in _statements_of(record)
    ]
    now = {
        "per_participant": ("Price per participant, in pounds", in_pounds(record.per_participant), ""),
        "recruitment_target": ("Recruitment target", str(record.recruitment_target), ""),
        "service_fee_installments": ("Service fee instalments", str(record.service_fee_installments), ""),
        "monthly_service_fee": (
            "Monthly service fee, in pounds",
            service_fee_of(CourseFigures(record, ())),
            f" An amount is charged as it is, 0 is none, {DERIVED} works it out from price, target and instalments.",
        ),
    }
    return {
        "from_month": forms.ChoiceField(
            label="From the statement of",
            help_text="Earlier months keep their terms. A payable or paid statement never changes.",
            choices=[("", "Choose a month"), *months],
        ),
        **{
            name: Parsed(
                READ[name],
                label=label,
                help_text=f"These terms: {value}. Leave empty to keep it.{more}",
            )
            for name, (label, value, more) in now.items()
        },
    }


def _statements_of(record: ContractTerms) -> Any:
    found = Statement.objects.filter(lead_provider=record.lead_provider, cohort=record.cohort)
    return found.defer("payment").order_by("year", "month")


def _contract_beside(record: ContractTerms, answers: Answers) -> Sequence[Section]:
    """The terms in force in the month that was chosen, beside those that would follow."""
    if not answers.get("from_month"):
        return []
    month = _first_day(answers)
    now = terms_of_month(record.lead_provider_id, record.cohort_id, month).get(record.course_id)
    if now is None:
        return []
    then = copy(now)
    for name, value in _values(answers).items():
        setattr(then, name, value)
    if not then.service_fee_installments and then.monthly_service_fee is None and then.service_fee_percentage:
        return []  # refused: no fee can be derived
    return [
        Table(
            f"The contract from {month_in_words(month)}",
            ["Term", "Before", "After"],
            [[name, before, after] for name, before, after in zip(TERMS, _told(now), _told(then), strict=True)],
        )
    ]


TERMS = (
    "Recruitment target",
    "Price per participant",
    "Payment for one declaration",
    "Service fee instalments",
    "Service fee a month",
)


def _told(terms: ContractTerms) -> list[str]:
    figures = CourseFigures(terms, ())
    return [
        str(terms.recruitment_target),
        in_pounds(terms.per_participant),
        rate_of(figures),
        str(terms.service_fee_installments),
        service_fee_of(figures),
    ]


def _first_day(answers: Answers) -> date:
    year, month = year_month(answers["from_month"])
    return date(year, month, 1)


def _values(answers: Answers) -> dict[str, Any]:
    """What was answered, as `change_contract` takes it."""
    values = {name: answers[name] for name in READ if answers.get(name) is not None}
    if values.get("monthly_service_fee") == DERIVED:
        values["monthly_service_fee"] = None
    return values


def _change(record: ContractTerms, answers: Answers, by: Actor) -> Any:
    changed = change_contract(
        lead_provider=record.lead_provider,
        cohort=record.cohort,
        course=record.course,
        from_month=_first_day(answers),
        values=_values(answers),
        by=by,
    )
    if changed.proposal.result == "unchanged":
        return Corrected(changed=False)
    number = len(changed.effects)
    since = month_in_words(changed.proposal.effective_month)
    notes = [f"Open statements that rest on the terms from {since}: {number}."]
    if changed.until:
        notes.append(f"From {month_in_words(changed.until)} other terms hold, which this does not touch.")
    return Corrected(notes=tuple(notes), pounds=pounds_of(changed.effects))


def without_statements(record: ContractTerms) -> str:
    """Why there is no month from which the terms could change."""
    if _statements_of(record).exists():
        return ""
    return "The provider has no statement in the cohort. Load statements first."


CONTRACTS: tuple[Correction, ...] = (
    Correction(
        "change_contract",
        "Change price, target or fee",
        CONTRACT,
        "configuration",
        _change,
        "New terms hold from the month you choose. What they do to each open statement is shown before you confirm.",
        _fields,
        not_possible=without_statements,
        beside=_contract_beside,
    ),
)
