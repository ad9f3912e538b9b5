"""Bulk changes that finance makes."""

from typing import Any
from uuid import UUID

from declarations.choices import DeclarationType
from declarations.queries.given import Claim, GivenPartners
from declarations.services import submit_declaration
from npq.backoffice.bulk.choices import BulkKind
from npq.backoffice.bulk.kinds import Column, Order, RowKind
from npq.backoffice.bulk.reading import day_or_instant
from npq.core import clock
from npq.core.audit import Actor
from npq.core.csv_files import CsvRow
from npq.core.parsing import boolean, course, lead_provider, one_of, public_id
from participants.models import Participant


def _submit_declaration(row: CsvRow) -> Order | None:
    provider = row.read("lead_provider", lead_provider)
    participant_id: UUID | None = row.read("participant_id", public_id)
    its_course = row.read("course_identifier", course)
    claim = Claim(
        participant_id=participant_id,
        course_identifier=its_course.identifier if its_course else None,
        declaration_type=row.read("declaration_type", one_of(DeclarationType.values)),
        declaration_date=row.read("declaration_date", day_or_instant),
        has_passed=row.read("has_passed", boolean, None),
        delivery_partners=GivenPartners(
            row.read("delivery_partner_id", public_id, None), row.read("secondary_delivery_partner_id", public_id, None)
        ),
    )
    if participant_id is None:
        return None

    def carry_out(by: Actor) -> Any:
        return submit_declaration(lead_provider_id=provider.id, claim=claim, by=by, now=clock.now())

    person = Participant.objects.filter(public_id=participant_id).first()
    if person is None:
        return Order(None, "", carry_out)
    return Order(person.public_id, person.full_name, carry_out, person.public_id)


SUBMIT_DECLARATION = RowKind(
    BulkKind.SUBMIT_DECLARATION,
    "finance",
    "Declares on behalf of lead providers that participants reached a milestone.",
    (
        Column("participant_id", "The participant’s current ID.", "9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90"),
        Column("declaration_type", f"The milestone: one of {', '.join(DeclarationType.values)}.", "started"),
        Column("declaration_date", "When it was reached: a day, or a date and time.", "2025-10-13"),
        Column("course_identifier", "The participant’s course.", "npq-headship"),
        Column("lead_provider", "The short code of the provider that declares, not its name.", "ambition"),
        Column("delivery_partner_id", "Who delivered the training.", "b2e7d7c4-33a1-4d0b-8d29-7f1f0a5c6e02", False),
        Column("secondary_delivery_partner_id", "A second delivery partner, if there was one.", "", False),
        Column("has_passed", "yes or no, for completed on courses that end in an outcome.", "", False),
    ),
    (
        "Each row goes through the rules that the provider’s own declarations go through, version 3 of the API.",
        "From cohort 2024 a delivery partner is needed for participants who work in England.",
        "An exact copy of a declaration that stands changes nothing.",
        "A declaration lands on the provider’s next open statement.",
    ),
    read=_submit_declaration,
    keys=(("participant_id", "course_identifier", "declaration_type", "lead_provider"),),
    model="participants.participant",
)

KINDS = (SUBMIT_DECLARATION,)
