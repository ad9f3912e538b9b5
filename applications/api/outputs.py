"""What an application looks like on the wire, per version."""

from django.db.models import BooleanField, Case, Q, Value, When

from applications.choices import (
    UK_CATCHMENTS,
    ApplicationStatus,
    FundingChoice,
    HeadteacherStatus,
    IneligibleForFundingReason,
    ReasonForRejection,
    WorksAsSenco,
)
from applications.queries import effective_eligibility, ineligible_for_funding_reason
from npq.api.output import Shape, boolean, day, identifier, text, timestamp, year
from npq.api.vocabulary import COURSES, SCHEDULES

_IN_THE_UK = Case(
    When(Q(teacher_catchment__isnull=True), then=Value(None)),
    When(teacher_catchment__in=UK_CATCHMENTS, then=Value(True)),
    default=Value(False),
    output_field=BooleanField(),
)

_V1 = Shape(
    type="npq_application",
    name="ApplicationV1",
    attributes={
        "course_identifier": text(
            "course__identifier", "The course applied for.", enum=COURSES, example="npq-headship"
        ),
        "email": text("email", "The address used for this application.", example="p.okafor@ash-grove.example.org"),
        "email_validated": boolean("email_validated", "Whether the address has been validated.", example=True),
        "employer_name": text("employer_name", "The employer, where it is not a school.", null=True),
        "employment_role": text("employment_role", "The role with that employer.", null=True),
        "full_name": text("participant__full_name", "The applicant's name.", example="Priya Okafor"),
        "funding_choice": text(
            "funding_choice", "Who pays when DfE does not.", null=True, enum=FundingChoice.values, example="trust"
        ),
        "headteacher_status": text(
            "headteacher_status",
            "Whether and since when the applicant is a headteacher.",
            null=True,
            enum=HeadteacherStatus.values,
            example="no",
        ),
        "ineligible_for_funding_reason": text(
            ineligible_for_funding_reason(),
            "Why the applicant is not eligible for funding.",
            null=True,
            enum=IneligibleForFundingReason.values,
        ),
        "participant_id": identifier("participant__public_id", "The participant's id."),
        "private_childcare_provider_urn": text(
            "private_childcare_provider_urn", "The URN of a private childcare provider.", null=True, example="EY944860"
        ),
        "teacher_reference_number": text(
            "participant__teacher_reference_number", "The TRN as supplied; 7 digits.", null=True, example="9000001"
        ),
        "teacher_reference_number_validated": boolean(
            "participant__teacher_reference_number_verified", "Whether the TRN has been validated."
        ),
        "school_urn": text("school_urn", "The school's URN.", null=True, example="140233"),
        "school_ukprn": text("school_ukprn", "The school's UKPRN.", null=True, example="10041122"),
        "status": text("status", "Where the application stands.", enum=ApplicationStatus.values, example="pending"),
        "works_in_school": boolean("works_in_school", "Whether the applicant works in a school.", null=True),
        "cohort": year("cohort__start_year", "The contract year that funds the training.", null=True),
        "eligible_for_funding": boolean(effective_eligibility(), "Whether DfE funds the applicant, all considered."),
        "targeted_delivery_funding_eligibility": boolean(
            "targeted_delivery_funding_eligibility",
            "Whether a started declaration is paid targeted delivery funding too.",
        ),
        "teacher_catchment": boolean(
            _IN_THE_UK, "Whether the applicant works in the UK, Jersey, Guernsey or the Isle of Man.", null=True
        ),
        "teacher_catchment_country": text(
            "teacher_catchment_country", "The country the applicant works in.", null=True
        ),
        "teacher_catchment_iso_country_code": text(
            "teacher_catchment_iso_country_code", "Its ISO 3166 code of three letters.", null=True, example="GBR"
        ),
        "itt_provider": text("itt_provider", "The legal name of the ITT provider.", null=True),
        "lead_mentor": boolean("lead_mentor", "Whether the applicant is a lead mentor.", null=True),
        "funded_place": boolean("funded_place", "null until decided, and always in a fully funded cohort.", null=True),
        "reason_for_rejection": text(
            "reason_for_rejection", "Why it was rejected.", null=True, enum=ReasonForRejection.values
        ),
        "created_at": timestamp("created_at", "When the person applied."),
        "updated_at": timestamp("updated_at", "When anything shown here last changed."),
    },
    csv_columns=(
        "id",
        "participant_id",
        "full_name",
        "email",
        "email_validated",
        "teacher_reference_number",
        "teacher_reference_number_validated",
        "school_urn",
        "school_ukprn",
        "private_childcare_provider_urn",
        "headteacher_status",
        "eligible_for_funding",
        "funded_place",
        "funding_choice",
        "course_identifier",
        "status",
        "works_in_school",
        "employer_name",
        "employment_role",
        "created_at",
        "updated_at",
        "cohort",
        "ineligible_for_funding_reason",
        "targeted_delivery_funding_eligibility",
        "teacher_catchment",
        "teacher_catchment_country",
        "teacher_catchment_iso_country_code",
        "itt_provider",
        "lead_mentor",
    ),
)

_V3 = _V1.plus(
    "ApplicationV3",
    schedule_identifier=text(
        "enrolment__schedule__identifier",
        "null until accepted.",
        null=True,
        enum=SCHEDULES,
        example="npq-leadership-autumn",
    ),
    works_as_senco=text("works_as_senco", "The applicant's answer, as given.", null=True, enum=WorksAsSenco.values),
    senco_start_date=day("senco_start_date", "The day on which the applicant became a SENCO.", null=True),
    cohort_suffix=text("cohort__suffix", "Tells apart the cohorts of one year.", null=True, example="a"),
)

APPLICATION = {"v1": _V1, "v2": _V1, "v3": _V3}
APPLICATION_CSV = {"v1": _V1, "v2": _V1}
