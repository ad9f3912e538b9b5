"""The provider's door to applications."""

from typing import Any

from django.http import HttpResponseBase
from rest_framework.request import Request

from applications.api.inputs import ACCEPT, APPLICATIONS, APPLICATIONS_CSV, CHANGE_FUNDED_PLACE
from applications.api.outputs import APPLICATION, APPLICATION_CSV
from applications.errors import (
    AcceptedCannotBeRejected,
    AlreadyAccepted,
    AlreadyRejected,
    AnotherApplicationAccepted,
    CohortNotCapped,
    FundedPlaceFrozen,
    FundedPlaceMustBeFalse,
    FundedPlaceNotBoolean,
    FundedPlaceRequired,
    NoDefaultSchedule,
    NotAccepted,
    NotEligibleForFundedPlace,
    ScheduleNotForCourse,
    ScheduleNotInCohort,
)
from applications.queries import applications_for_api
from applications.services import accept_application, change_funded_place, reject_application
from npq.api.documentation import documented
from npq.api.requests import attributes_of, uuid_or_404
from npq.api.views import ApiViewSet
from npq.core import clock


class ApplicationViewSet(ApiViewSet):
    """A provider's applications: list, read, accept, reject, change the funded place."""

    tag = "Applications"
    noun = "application"

    @documented("list_applications", "List applications", many=APPLICATION, query=APPLICATIONS)
    def list(self, request: Request, **_: Any) -> HttpResponseBase:
        """Your applications in every status, oldest first."""
        query = APPLICATIONS[self.version].arguments(self.filters, request)
        found = applications_for_api(lead_provider_id=self.caller.provider_id, **query)
        return self.answer_page(APPLICATION[self.version], found)

    @documented("export_applications", "Export applications", csv=APPLICATION_CSV, query=APPLICATIONS_CSV)
    def export(self, request: Request, **_: Any) -> HttpResponseBase:
        """Your applications in every status as CSV, oldest first, all of them at once."""
        query = APPLICATIONS_CSV[self.version].arguments(self.filters, request)
        found = applications_for_api(lead_provider_id=self.caller.provider_id, **query)
        return self.answer_csv(APPLICATION_CSV[self.version].csv(found, self.caller))

    @documented("show_application", "Show an application", one=APPLICATION)
    def retrieve(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """One of your applications. Another provider's is not found."""
        mine = applications_for_api(lead_provider_id=self.caller.provider_id)
        return self.answer_one(APPLICATION[self.version], mine.filter(public_id=uuid_or_404(public_id)))

    @documented(
        "accept_application",
        "Accept an application",
        one=APPLICATION,
        body=ACCEPT,
        refusals=(
            AlreadyAccepted,
            AlreadyRejected,
            AnotherApplicationAccepted,
            FundedPlaceMustBeFalse,
            FundedPlaceRequired,
            NoDefaultSchedule,
            NotEligibleForFundedPlace,
            ScheduleNotForCourse,
            ScheduleNotInCohort,
        ),
    )
    def accept(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """Accepts a pending application and enrols the participant.

        The participant's other pending applications for the same course and cohort are rejected, whatever the
        provider. The body may be left out where the cohort is fully funded.
        """
        attributes = attributes_of(request, ACCEPT[self.version], optional=True)
        accept_application(
            application_id=self._internal_id(public_id),
            held_by=self.caller.provider_id,
            by=self.caller.actor,
            now=clock.now(),
            funded_place=attributes.get("funded_place"),
            schedule_identifier=attributes.get("schedule_identifier"),
        )
        return self.retrieve(request, public_id)

    @documented(
        "reject_application",
        "Reject an application",
        one=APPLICATION,
        refusals=(AcceptedCannotBeRejected, AlreadyRejected),
    )
    def reject(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """Rejects a pending application. A body is ignored."""
        reject_application(
            application_id=self._internal_id(public_id),
            held_by=self.caller.provider_id,
            by=self.caller.actor,
            now=clock.now(),
        )
        return self.retrieve(request, public_id)

    @documented(
        "change_funded_place",
        "Change whether a place is funded",
        one=APPLICATION,
        body=CHANGE_FUNDED_PLACE,
        refusals=(FundedPlaceNotBoolean, NotAccepted, NotEligibleForFundedPlace, CohortNotCapped, FundedPlaceFrozen),
    )
    def change_funded_place(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """Changes the funded place of an accepted application in a capped cohort.

        It cannot change while the participant has submitted, eligible, payable or paid declarations for it.
        """
        attributes = attributes_of(request, CHANGE_FUNDED_PLACE[self.version], optional=True)
        change_funded_place(
            application_id=self._internal_id(public_id),
            held_by=self.caller.provider_id,
            by=self.caller.actor,
            funded_place=attributes.get("funded_place"),
        )
        return self.retrieve(request, public_id)

    def _internal_id(self, public_id: str) -> int:
        mine = applications_for_api(lead_provider_id=self.caller.provider_id)
        return mine.values_list("id", flat=True).get(public_id=uuid_or_404(public_id))
