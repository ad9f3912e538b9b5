"""The provider's door to participants and their training."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponseBase
from rest_framework.request import Request

from applications.errors import ScheduleNotForCourse
from npq.api.documentation import documented
from npq.api.inputs import Body
from npq.api.requests import attributes_of, text_or_none, uuid_or_404
from npq.api.views import ApiViewSet
from npq.core import clock
from participants.api.inputs import (
    CHANGE_SCHEDULE,
    DEFER,
    ENROLMENTS,
    PARTICIPANTS,
    RESUME,
    WITHDRAW,
    cohort_text,
)
from participants.api.outputs import ENROLMENT, PARTICIPANT
from participants.errors import (
    AlreadyActive,
    AlreadyDeferred,
    AlreadyWithdrawn,
    CohortFunded,
    CohortHasDeclarations,
    CohortNotReadable,
    CohortWithoutCap,
    CourseHeldElsewhere,
    CourseNotRecognised,
    NoContractForCohort,
    NoStartedDeclaration,
    NotAcceptedOnCourse,
    ParticipantIdChanged,
    ReasonNotRecognised,
    ScheduleInvalidatesDeclarations,
    ScheduleMissing,
    ScheduleNotFound,
    ScheduleUnchanged,
)
from participants.queries.people import (
    Viewpoint,
    enrolments_for_csv,
    participants_for_api,
    visible_participant_id,
)
from participants.services import (
    ProviderTraining,
    change_schedule,
    defer_participant,
    resume_participant,
    withdraw_participant,
)

_EVERY_ACTION = (ParticipantIdChanged, CourseNotRecognised, NotAcceptedOnCourse)


class ParticipantViewSet(ApiViewSet):
    """The people a provider has accepted: list, read, withdraw, defer, resume, change schedule."""

    tag = "Participants"
    noun = "participant"

    @documented("list_participants", "List participants", many=PARTICIPANT, query=PARTICIPANTS)
    def list(self, request: Request, **_: Any) -> HttpResponseBase:
        """Everybody with an application that you accepted, once each, with the training you accepted them for."""
        query = PARTICIPANTS[self.version].arguments(self.filters, request)
        narrowed = {name: query.pop(name, None) for name in ("training_status", "from_participant_id")}
        seen = Viewpoint(self.caller.provider_id, **narrowed)
        return self.answer_page(PARTICIPANT[self.version], participants_for_api(seen, **query), seen=seen)

    @documented("show_participant", "Show a participant", one=PARTICIPANT, refusals=(ParticipantIdChanged,))
    def retrieve(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """One participant. A retired id is answered with the id that stands for it now."""
        seen = Viewpoint(self.caller.provider_id)
        found = participants_for_api(seen).filter(public_id=uuid_or_404(public_id))
        try:
            return self.answer_one(PARTICIPANT[self.version], found, seen=seen)
        except Http404:
            self._internal_id(public_id)
            raise

    @documented(
        "withdraw_participant",
        "Withdraw a participant",
        one=PARTICIPANT,
        body=WITHDRAW,
        refusals=(*_EVERY_ACTION, ReasonNotRecognised, AlreadyWithdrawn, NoStartedDeclaration),
    )
    def withdraw(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """Tells DfE that a participant has left the course, from now on.

        They must have a started declaration. What was declared for dates before stays and is paid.
        """
        return self._stop(request, public_id, WITHDRAW, withdraw_participant)

    @documented(
        "defer_participant",
        "Defer a participant",
        one=PARTICIPANT,
        body=DEFER,
        refusals=(*_EVERY_ACTION, ReasonNotRecognised, AlreadyDeferred, AlreadyWithdrawn),
    )
    def defer(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """Tells DfE that a participant takes a break and means to come back; possible at any time."""
        return self._stop(request, public_id, DEFER, defer_participant)

    @documented(
        "resume_participant",
        "Resume a participant",
        one=PARTICIPANT,
        body=RESUME,
        refusals=(*_EVERY_ACTION, AlreadyActive, CourseHeldElsewhere),
    )
    def resume(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """Tells DfE that a deferred or withdrawn participant is back in training."""
        attributes = attributes_of(request, RESUME[self.version])
        training = self._training(public_id, attributes)
        resume_participant(training=training, by=self.caller.actor, now=clock.now())
        return self.retrieve(request, public_id)

    @documented(
        "change_schedule",
        "Change a participant's schedule",
        one=PARTICIPANT,
        body=CHANGE_SCHEDULE,
        refusals=(
            *_EVERY_ACTION,
            AlreadyWithdrawn,
            CohortFunded,
            CohortHasDeclarations,
            CohortNotReadable,
            CohortWithoutCap,
            NoContractForCohort,
            ScheduleInvalidatesDeclarations,
            ScheduleMissing,
            ScheduleNotFound,
            ScheduleNotForCourse,
            ScheduleUnchanged,
        ),
    )
    def change_schedule(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """Puts a participant on another schedule, in their cohort or in another one.

        A participant who moves from a fully funded cohort to one with capped places gets a funded place if eligible
        for funding. Between cohorts with capped places it stays as it is, and in an unfunded cohort it is taken away.
        """
        attributes = attributes_of(request, CHANGE_SCHEDULE[self.version])
        change_schedule(
            training=self._training(public_id, attributes),
            schedule_identifier=text_or_none(attributes.get("schedule_identifier")),
            cohort=cohort_text(attributes.get("cohort")),
            by=self.caller.actor,
        )
        return self.retrieve(request, public_id)

    def _stop(
        self, request: Request, public_id: str, body: dict[str, Body], service: Callable[..., None]
    ) -> HttpResponseBase:
        attributes = attributes_of(request, body[self.version])
        service(
            training=self._training(public_id, attributes),
            reason=text_or_none(attributes.get("reason")),
            by=self.caller.actor,
            now=clock.now(),
        )
        return self.retrieve(request, public_id)

    def _training(self, public_id: str, attributes: dict[str, Any]) -> ProviderTraining:
        return ProviderTraining(
            participant_id=self._internal_id(public_id),
            course_identifier=text_or_none(attributes.get("course_identifier")),
            lead_provider_id=self.caller.provider_id,
        )

    def _internal_id(self, public_id: str) -> int:
        provider_id = self.caller.provider_id
        return visible_participant_id(lead_provider_id=provider_id, public_id=uuid_or_404(public_id))


class EnrolmentViewSet(ApiViewSet):
    """The training of a provider's participants, as a CSV file."""

    tag = "Participants"
    noun = "enrolment"

    @documented("export_enrolments", "Export enrolments", csv=ENROLMENT, query=ENROLMENTS)
    def csv(self, request: Request, **_: Any) -> HttpResponseBase:
        """One row for each application you accepted. Pagination has no effect."""
        query = ENROLMENTS[self.version].arguments(self.filters, request)
        found = enrolments_for_csv(lead_provider_id=self.caller.provider_id, **query)
        return self.answer_csv(ENROLMENT[self.version].csv(found, Viewpoint(self.caller.provider_id)))
