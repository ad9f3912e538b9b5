"""What staff see of an application (backoffice.md §2.1)."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet

from applications.api.outputs import APPLICATION
from applications.choices import ApplicationStatus, FundingEligibilityStatusCode
from applications.models import Application
from declarations.models import Declaration
from npq.backoffice import columns
from npq.backoffice.cases import case_facts, decided_so, others_table, why_ineligible
from npq.backoffice.catalogue.applications import transfers_table
from npq.backoffice.catalogue.guards import remember_standing
from npq.backoffice.filters import (
    CurrentCohort,
    by_cohort,
    by_course,
    by_dates,
    by_lead_provider,
    by_truth,
    by_words,
    choice,
)
from npq.backoffice.inspecting import InspectAdmin
from npq.backoffice.pages import Facts, Page, Section, link, shown
from npq.backoffice.parts import (
    declarations_table,
    detailed,
    enrolments_table,
    messages_table,
    notes_table,
)
from npq.backoffice.provider_view import as_provider_sees, provider_views
from npq.backoffice.tags import tag
from npq.backoffice.timeline import Event, events_about_person
from npq.core.clock import uk_date
from participants.choices import TrainingStatus
from participants.models import Enrolment
from participants.queries.people import notes_about

WORK_SETTINGS = [
    ("school", "School", Q(works_in_school=True)),
    ("childcare", "Childcare", Q(private_childcare_provider_urn__isnull=False)),
    (
        "another",
        "Another",
        Q(private_childcare_provider_urn__isnull=True) & (Q(works_in_school=False) | Q(works_in_school__isnull=True)),
    ),
]


@admin.register(Application)
class ApplicationAdmin(InspectAdmin):
    """The list and the page of applications."""

    tasks = ("bulk", "transfers")
    list_display = (
        "name",
        "received",
        columns.course,
        "lead_provider",
        "cohort",
        "decision",
        "training",
        "eligible",
        "place",
        "workplace",
        "email",
    )
    list_filter = (
        by_words("status", "status", ApplicationStatus.choices),
        by_words("training_status", "training status", TrainingStatus.choices, "enrolment__training_status"),
        by_lead_provider(),
        by_cohort(CurrentCohort),
        by_course(),
        choice("work_setting", "work setting", lambda: WORK_SETTINGS),
        by_truth("eligible", "eligible for funding", "eligible_for_funding"),
        by_truth("funded_place", "funded place", unset="Not set"),
        by_words(
            "funding_status",
            "funding status",
            FundingEligibilityStatusCode.choices,
            "funding_eligibility_status_code",
        ),
        by_dates("created_at", "received"),
    )
    list_select_related = ("participant", "course", "cohort", "lead_provider", "enrolment")
    search_help_text = "An ID, TRN, email, name or URN"
    ordering = ("-id",)
    named_in_requests = True

    @admin.display(description="name")
    def name(self, application: Application) -> str:
        """The applicant's name."""
        return application.participant.full_name

    @admin.display(description="submitted")
    def received(self, application: Application) -> str:
        """The UK date it came in."""
        return str(shown(uk_date(application.created_at)))

    @admin.display(description="eligible")
    def eligible(self, application: Application) -> str:
        """Whether it is eligible for funding as registered."""
        return str(shown(application.eligible_for_funding))

    @admin.display(description="funded place")
    def place(self, application: Application) -> str:
        """Whether there is a funded place, where that is known."""
        return str(shown(application.funded_place))

    @admin.display(description="workplace")
    def workplace(self, application: Application) -> str:
        """Where the applicant works: the employer or, by its URN, the school or the childcare provider."""
        urn = application.school_urn or application.private_childcare_provider_urn
        return application.employer_name or (f"URN {urn}" if urn else "not set")

    @admin.display(description="status")
    def decision(self, application: Application) -> str:
        """Its status, as a tag."""
        return tag(application.get_status_display())

    @admin.display(description="training", empty_value="not accepted")
    def training(self, application: Application) -> str | None:
        """The training status, as a tag."""
        return tag(application.enrolment.get_training_status_display()) if application.enrolment else None

    def records(self) -> QuerySet[Any]:
        return Application.objects.select_related(
            "participant", "course", "cohort", "lead_provider", "enrolment__schedule"
        ).annotate(**case_facts(), **provider_views(APPLICATION))

    def events_of(self, record: Any) -> list[Event]:
        return events_about_person(record.participant_id)

    def about(self, record: Any) -> str:
        name, provider = record.participant.full_name, record.lead_provider.name
        return f"{name}: {record.course.name}, {record.cohort}, with {provider}"

    def page_of(self, record: Any) -> Page:
        declarations = detailed(Declaration.objects.filter(enrolment__application=record))
        remember_standing(record, declarations)
        return Page(
            title=f"Application of {record.participant.full_name}",
            tag=record.get_status_display(),
            lead=decided_so(record),
            sections=[
                _overview(record),
                _funding(record),
                enrolments_table(Enrolment.objects.filter(application=record)),
                declarations_table(declarations),
                others_table(record),
                transfers_table(record),
                messages_table(
                    application_public_id=record.public_id, participant_public_id=record.participant.public_id
                ),
                notes_table(notes_about(record.participant_id)),
                _workplace(record),
                as_provider_sees(APPLICATION, record),
            ],
        )


def _overview(record: Any) -> Section:
    return Facts(
        "Application",
        [
            ("Application ID", record.public_id),
            (
                "Participant",
                link(record.participant, f"{record.participant.full_name} ({record.participant.public_id})"),
            ),
            ("Email", record.email),
            ("Email validated", record.email_validated),
            ("TRN", record.participant.teacher_reference_number),
            ("TRN verified", record.participant.teacher_reference_number_verified),
            ("Course", link(record.course, f"{record.course.name} ({record.course})")),
            ("Lead provider", link(record.lead_provider, record.lead_provider.name)),
            ("Cohort", link(record.cohort, str(record.cohort))),
            ("Schedule", link(record.enrolment.schedule, str(record.enrolment.schedule)) if record.enrolment else None),
            ("Training status", record.enrolment.get_training_status_display() if record.enrolment else None),
            ("Received", record.created_at),
            ("Decided", record.decided_at),
            ("Last updated", record.updated_at),
        ],
    )


def _funding(record: Any) -> Section:
    return Facts(
        "Funding",
        [
            ("Eligible for funding, all considered", record.funded_all_considered),
            ("Why not eligible", why_ineligible(record)),
            ("Eligible as registered", record.eligible_for_funding),
            ("Funding status", record.get_funding_eligibility_status_code_display()),
            ("Cohort's funding", record.cohort.get_funding_display().split(":")[0]),
            ("Funded place", record.funded_place),
            ("Funding choice", record.get_funding_choice_display()),
            ("Targeted delivery funding", record.targeted_delivery_funding_eligibility),
        ],
    )


def _workplace(record: Any) -> Section:
    return Facts(
        "Workplace",
        [
            ("School URN", record.school_urn),
            ("School UKPRN", record.school_ukprn),
            ("Childcare provider URN", record.private_childcare_provider_urn),
            ("Works in a school", record.works_in_school),
            ("Employer", record.employer_name),
            ("Role", record.employment_role),
            ("Employment", record.get_employment_type_display()),
            ("Headteacher", record.get_headteacher_status_display()),
            ("ITT provider", record.itt_provider),
            ("Lead mentor", record.lead_mentor),
            ("Where", record.get_teacher_catchment_display()),
            ("Country", record.teacher_catchment_country),
            ("Works as SENCO", record.get_works_as_senco_display()),
            ("SENCO start date", record.senco_start_date),
        ],
    )
