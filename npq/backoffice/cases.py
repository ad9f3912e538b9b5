"""What a caseworker asks about an application beyond its own row: the person's others, and why it was decided so.

What is needed is read with the application itself (`case_facts`), so that the page costs no query for it.
"""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.utils.html import format_html

from applications.choices import ApplicationStatus, IneligibleForFundingReason, ReasonForRejection
from applications.models import Application
from applications.queries import effective_eligibility, ineligible_for_funding_reason
from npq.backoffice.pages import Table, address_of, shown
from npq.core.clock import uk_date
from npq.core.texts import timestamp_or_none
from participants.choices import TrainingStatus
from participants.models import Enrolment

MOST_OTHERS = 50


def case_facts() -> dict[str, Any]:
    """What to annotate applications with: eligibility and its reason, and the person's other applications."""
    accepted = Enrolment.objects.filter(application=OuterRef("pk")).order_by("id").values("accepted_at")
    others = (
        Application.objects.filter(participant=OuterRef("participant"))
        .exclude(pk=OuterRef("pk"))
        .order_by("-id")
        .values(
            json=JSONObject(
                id="public_id",
                course="course__identifier",
                family="course__family",
                year="cohort__start_year",
                suffix="cohort__suffix",
                provider="lead_provider__name",
                provider_id="lead_provider_id",
                status="status",
                training="enrolment__training_status",
                why="reason_for_rejection",
                received="created_at",
                accepted=ArraySubquery(accepted),
            )
        )[:MOST_OTHERS]
    )
    return {
        "funded_all_considered": effective_eligibility(),
        "why_ineligible": ineligible_for_funding_reason(),
        "others": ArraySubquery(others),
    }


def why_ineligible(record: Any) -> str:
    """Why DfE does not fund the person, in words."""
    code = record.why_ineligible
    return str(IneligibleForFundingReason(code).label) if code else "–"


def decided_so(record: Any) -> str:
    """Why an application is as it is: the reason of a rejection and, of an automatic one, the acceptance behind it."""
    if record.status == ApplicationStatus.PENDING:
        return "Waits for the lead provider's decision."
    if record.status == ApplicationStatus.ACCEPTED:
        return f"Accepted on {shown(record.decided_at)}."
    why = ReasonForRejection(record.reason_for_rejection).label
    if record.reason_for_rejection != ReasonForRejection.OTHER_APPLICATION_ACCEPTED:
        return f"Rejected on {shown(record.decided_at)}: {why}."
    behind = _acceptance_behind(record)
    if behind is None:
        return f"Rejected by itself on {shown(record.decided_at)}: {why}."
    return format_html(
        'Rejected by itself on {}: {}. That was <a href="{}">application {} with {}</a>.',
        shown(record.decided_at),
        why,
        address_of(Application, behind["id"]),
        behind["id"],
        behind["provider"],
    )


def status_and_why(application: Application) -> str:
    """An application's status, since when and, of a rejected one, why."""
    said = application.get_status_display()
    if application.decided_at is not None:
        said += f" on {shown(uk_date(application.decided_at))}"
    why = application.get_reason_for_rejection_display()
    return f"{said}: {why}" if why else said


def _acceptance_behind(record: Any) -> dict[str, Any] | None:
    """The person's application whose acceptance bears the rejection's instant.

    Of several it is the one for the same course and cohort; another may have been corrected since.
    """
    same = (str(record.course), record.cohort.start_year, record.cohort.suffix)
    behind = [
        each
        for each in record.others
        if record.decided_at in [timestamp_or_none(instant) for instant in each["accepted"]]
    ]
    behind.sort(key=lambda each: (each["course"], each["year"], each["suffix"]) != same)
    return behind[0] if behind else None


def others_table(record: Any) -> Table:
    """The person's other applications."""
    return Table(
        "Other applications of the same person",
        ["Application", "Course", "Cohort", "Lead provider", "Status", "Why rejected", "Training", "Received"],
        [
            [
                format_html('<a href="{}">{}</a>', address_of(Application, each["id"]), each["id"]),
                each["course"],
                f"{each['year']}{each['suffix']}",
                each["provider"],
                ApplicationStatus(each["status"]).label,
                ReasonForRejection(each["why"]).label if each["why"] else "–",
                TrainingStatus(each["training"]).label if each["training"] else "–",
                shown(timestamp_or_none(each["received"])),
            ]
            for each in record.others
        ],
        "This is the person's only application.",
    )
