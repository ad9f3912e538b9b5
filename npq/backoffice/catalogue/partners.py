"""Delivery partners and the lists they are on (backoffice.md §2.6)."""

from collections.abc import Sequence
from typing import Any

from django import forms

from declarations.models import DeliveryPartner
from declarations.queries.partners import similar_partners
from declarations.services import pair_delivery_partner, rename_delivery_partner
from npq.backoffice.catalogue.fields import ByPublicId
from npq.backoffice.corrections import Answers, Correction
from npq.backoffice.pages import Section, Table, link
from npq.core.audit import Actor
from npq.core.models import Cohort, LeadProvider

PARTNER = "declarations.deliverypartner"
PROVIDER = "core.leadprovider"
LONGEST_NAME = 200


def _name_field(initial: str = "") -> forms.Field:
    return forms.CharField(
        label="Name of the delivery partner",
        max_length=LONGEST_NAME,
        initial=initial,
        help_text="As it calls itself. Partners with a similar name are shown before you confirm.",
    )


def _cohort_field() -> forms.Field:
    return ByPublicId(((each, str(each)) for each in Cohort.objects.order_by("-start_year", "-suffix")), "Cohort")


def tidy(name: str) -> str:
    """A name without superfluous blanks."""
    return " ".join(name.split())


def _similar(name: str, but: DeliveryPartner | None) -> Sequence[Section]:
    if not name:
        return []
    found = similar_partners(tidy(name), but=but.id if but else None)
    return [
        Table(
            "Delivery partners with a similar name",
            ["Name", "ID"],
            [[link(each, each.name), each.public_id] for each in found],
            "There is none.",
        )
    ]


def _add(record: LeadProvider, answers: Answers, by: Actor) -> Any:
    return pair_delivery_partner(
        name=tidy(answers["partner_name"]),
        public_id=None,
        lead_provider_id=record.id,
        cohort_id=answers["cohort"].id,
        by=by,
    )


def _pair(record: DeliveryPartner, answers: Answers, by: Actor) -> Any:
    return pair_delivery_partner(
        name=record.name,
        public_id=record.public_id,
        lead_provider_id=answers["lead_provider"].id,
        cohort_id=answers["cohort"].id,
        by=by,
    )


def _rename(record: DeliveryPartner, answers: Answers, by: Actor) -> Any:
    return rename_delivery_partner(delivery_partner_id=record.id, name=tidy(answers["partner_name"]), by=by)


PARTNERS: tuple[Correction, ...] = (
    Correction(
        "add_delivery_partner",
        "Add a delivery partner",
        PROVIDER,
        "configuration",
        _add,
        "The partner goes on this provider's list for the cohort. It is made when nobody has the name yet.",
        lambda _: {"partner_name": _name_field(), "cohort": _cohort_field()},
        beside=lambda _, answers: _similar(answers.get("partner_name", ""), None),
    ),
    Correction(
        "pair_delivery_partner",
        "Put on a provider's list",
        PARTNER,
        "configuration",
        _pair,
        "The provider may then name the partner in declarations of the cohort.",
        lambda _: {
            "lead_provider": ByPublicId(
                ((each, each.name) for each in LeadProvider.objects.order_by("name")), "Lead provider"
            ),
            "cohort": _cohort_field(),
        },
    ),
    Correction(
        "rename_delivery_partner",
        "Rename",
        PARTNER,
        "configuration",
        _rename,
        "Every provider that has the partner on a list sees the new name. Its ID stays.",
        lambda record: {"partner_name": _name_field(record.name)},
        beside=lambda record, answers: _similar(answers.get("partner_name", ""), record),
    ),
)
