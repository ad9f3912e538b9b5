"""The usual way, as a yardstick: the same page of applications through DRF's ModelSerializers."""

from typing import Any

from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from applications.models import Application
from applications.queries import effective_eligibility, ineligible_for_funding_reason

_TIMESTAMP = "%Y-%m-%dT%H:%M:%SZ"


class ApplicationAttributes(serializers.ModelSerializer[Application]):
    """The attributes of the v3 application resource."""

    course_identifier = serializers.CharField(source="course.identifier")
    full_name = serializers.CharField(source="participant.full_name")
    ineligible_for_funding_reason = serializers.CharField(source="_reason")
    participant_id = serializers.UUIDField(source="participant.public_id")
    teacher_reference_number = serializers.CharField(source="participant.teacher_reference_number")
    teacher_reference_number_validated = serializers.BooleanField(
        source="participant.teacher_reference_number_verified"
    )
    cohort = serializers.CharField(source="cohort.start_year")
    cohort_suffix = serializers.CharField(source="cohort.suffix")
    eligible_for_funding = serializers.BooleanField(source="_eligible")
    teacher_catchment = serializers.SerializerMethodField()
    schedule_identifier = serializers.CharField(source="enrolment.schedule.identifier", default=None)
    created_at = serializers.DateTimeField(format=_TIMESTAMP)
    updated_at = serializers.DateTimeField(format=_TIMESTAMP)

    class Meta:
        model = Application
        fields = (
            "course_identifier",
            "email",
            "email_validated",
            "employer_name",
            "employment_role",
            "full_name",
            "funding_choice",
            "headteacher_status",
            "ineligible_for_funding_reason",
            "participant_id",
            "private_childcare_provider_urn",
            "teacher_reference_number",
            "teacher_reference_number_validated",
            "school_urn",
            "school_ukprn",
            "status",
            "works_in_school",
            "cohort",
            "eligible_for_funding",
            "targeted_delivery_funding_eligibility",
            "teacher_catchment",
            "teacher_catchment_country",
            "teacher_catchment_iso_country_code",
            "itt_provider",
            "lead_mentor",
            "funded_place",
            "reason_for_rejection",
            "created_at",
            "updated_at",
            "schedule_identifier",
            "works_as_senco",
            "senco_start_date",
            "cohort_suffix",
        )

    def get_teacher_catchment(self, application: Application) -> bool | None:
        """Whether the applicant works in the UK."""
        return application.teacher_catchment != "another" if application.teacher_catchment else None


class ApplicationResource(serializers.ModelSerializer[Application]):
    """Id, type and attributes."""

    id = serializers.UUIDField(source="public_id")
    type = serializers.ReadOnlyField(default="npq_application")
    attributes = ApplicationAttributes(source="*")

    class Meta:
        model = Application
        fields = ("id", "type", "attributes")


def page_of_applications(lead_provider_id: int, per_page: int) -> bytes:
    """The first page as bytes, with everything loaded by one query."""
    found: Any = (
        Application.objects.of_provider(lead_provider_id)
        .select_related("participant", "course", "cohort", "enrolment__schedule")
        .annotate(_eligible=effective_eligibility(), _reason=ineligible_for_funding_reason())
        .order_by("created_at", "id")[:per_page]
    )
    return JSONRenderer().render({"data": ApplicationResource(found, many=True).data})
