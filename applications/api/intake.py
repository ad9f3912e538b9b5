"""The registration service's door: one application in a request (decisions.md §5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpResponseBase
from rest_framework.request import Request

from applications.choices import (
    ApplicationStatus,
    EmploymentType,
    FundingChoice,
    FundingEligibilityStatusCode,
    HeadteacherStatus,
    TeacherCatchment,
    WorksAsSenco,
)
from applications.errors import FieldUnreadable, WrongField
from applications.services import receive_application
from applications.services.receive import Receipt
from npq.api.documentation import documented
from npq.api.errors import answer
from npq.api.inputs import Field, FlatBody, any_text, day, identifier, instant, or_null, words, yes_or_no
from npq.api.output import Attribute, Schema, object_schema, text
from npq.api.output import identifier as identifier_shown
from npq.api.requests import object_of_body
from npq.api.views import ApiViewSet
from npq.api.vocabulary import COURSES, LEAD_PROVIDERS
from npq.core import clock
from npq.core.choices import TokenScope

_REQUIRED = {
    "id": identifier(
        "The application's id. It makes the delivery safe to repeat.",
        required=True,
        example="2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11",
    ),
    "participant_id": identifier(
        "The person's id; a retired one stands for the survivor.",
        required=True,
        example="9d1e7c44-6b0a-4f7e-8a2d-3c5b1f0d2e90",
    ),
    "full_name": any_text("The name; the one they had before is kept.", required=True, example="Priya Okafor"),
    "email": any_text("The address of this application.", required=True, example="p.okafor@ash-grove.example.org"),
    "course_identifier": words(COURSES, "The course applied for.", required=True, example="npq-headship"),
    "lead_provider": words(LEAD_PROVIDERS, "The lead provider's short code.", required=True),
    "cohort": Field(
        {"oneOf": [{"type": "string", "pattern": r"^\d{4}$"}, {"type": "integer"}]},
        "The cohort's start year, as text or as a number.",
        required=True,
        example="2024",
    ),
    "eligible_for_funding": yes_or_no("Whether DfE would fund the person, as registered.", required=True),
}
_OPTIONAL = {
    "email_validated": yes_or_no("Whether the address was validated; false when left out."),
    "teacher_reference_number": any_text("The TRN: 7 digits."),
    "teacher_reference_number_validated": yes_or_no("Whether the TRN was validated; false when left out."),
    "date_of_birth": day("The person's date of birth."),
    "funding_choice": words(FundingChoice.values, "Who pays when DfE does not."),
    "headteacher_status": words(HeadteacherStatus.values, "Whether and since when the person is a headteacher."),
    "school_urn": any_text("The school's URN."),
    "school_ukprn": any_text("The school's UKPRN."),
    "private_childcare_provider_urn": any_text("The URN of a private childcare provider."),
    "works_in_school": yes_or_no("Whether the person works in a school."),
    "employer_name": any_text("The employer, where it is not a school."),
    "employment_role": any_text("The role with that employer."),
    "employment_type": words(EmploymentType.values, "Where the person works when it is not a school."),
    "itt_provider": any_text("The legal name of the ITT provider."),
    "lead_mentor": yes_or_no("Whether the person is a lead mentor."),
    "teacher_catchment": words(TeacherCatchment.values, "Where the person works."),
    "teacher_catchment_country": any_text("The country the person works in."),
    "teacher_catchment_iso_country_code": any_text("Its ISO 3166 code of three letters."),
    "targeted_delivery_funding_eligibility": yes_or_no("Whether the uplift applies; false when left out."),
    "works_as_senco": words(WorksAsSenco.values, "Whether the person is a SENCO."),
    "senco_start_date": day("Since when."),
    "cohort_suffix": any_text("Tells apart the cohorts of one year; a when left out."),
    "funding_eligibility_status_code": words(FundingEligibilityStatusCode.values, "Why DfE would fund them or not."),
    "previous_names": Field({"type": "array", "items": {"type": "string"}}, "Names the person had before."),
    "created_at": instant("When the person applied; now when left out."),
}
SUBMISSION = {
    "v1": FlatBody(
        name="Application",
        type="",
        attributes={**_REQUIRED, **{name: or_null(given) for name, given in _OPTIONAL.items()}},
    )
}


@dataclass(frozen=True)
class Answer:
    """An answer without a type: the attributes are the whole of it."""

    name: str
    attributes: Mapping[str, Attribute]

    def published(self) -> Schema:
        """Its JSON schema."""
        return object_schema(self.attributes)


RECEIPT = {
    "v1": Answer(
        "Receipt",
        {
            "id": identifier_shown("", "The application's id, as it was sent."),
            "participant_id": identifier_shown("", "The person's id: the survivor's, where a retired one was sent."),
            "status": text("", "Where the application stands.", enum=ApplicationStatus.values, example="pending"),
        },
    )
}


# An unreadable text never gets past the door: the whole body is refused.
_REFUSALS = tuple(kind for kind in WrongField.__subclasses__() if kind is not FieldUnreadable)


class IntakeViewSet(ApiViewSet):
    """Where the registration service delivers."""

    scope = TokenScope.REGISTRATION
    tag = "Applications"
    noun = "application"

    @documented(
        "deliver_application",
        "Deliver an application",
        one=RECEIPT,
        body=SUBMISSION,
        created=True,
        refusals=_REFUSALS,
    )
    def create(self, request: Request, **_: Any) -> HttpResponseBase:
        """Stores one application and its person.

        The first delivery of an id answers 201; the same content again changes nothing and answers 200; other
        content under a known id answers 409. An application about a known person brings their name and TRN up to
        date. Fields of other names are ignored, and each field that cannot be taken is an error of its own.
        """
        receipt = receive_application(content=object_of_body(request), by=self.caller.actor, now=clock.now())
        return answer(_shown(receipt), 201 if receipt.created else 200)


def _shown(receipt: Receipt) -> bytes:
    shown = {"id": receipt.id, "participant_id": receipt.participant_id, "status": receipt.status}
    return orjson.dumps({"data": shown})
