"""The provider's door to declarations, outcomes and delivery partners."""

from typing import Any

from django.http import HttpResponseBase
from rest_framework.request import Request

from declarations.api.inputs import (
    CHANGE_DELIVERY_PARTNER,
    DECLARATIONS,
    DECLARE,
    DELIVERY_PARTNERS,
    OUTCOME_REQUEST,
    OUTCOMES,
    claim_of,
    day_of,
    partners_of,
)
from declarations.api.outputs import DECLARATION, DELIVERY_PARTNER, OUTCOME
from declarations.errors import (
    AlreadyClawedBack,
    AlreadyVoided,
    CompletionDateInFuture,
    CompletionDateMissing,
    CompletionDateUnreadable,
    DatedAfterWithdrawal,
    DeclarationDateBeforeSchedule,
    DeclarationDateInFuture,
    DeclarationDateMissing,
    DeclarationDateUnreadable,
    DeclarationOfAnotherProvider,
    DeclarationTypeMissing,
    DeclarationTypeNotOnSchedule,
    DeclarationTypeNotRecognised,
    DeliveryPartnerMissing,
    DeliveryPartnerNotFound,
    DeliveryPartnerNotOnList,
    DeliveryPartnerOverseas,
    DeliveryPartnersSame,
    HasPassedMissing,
    NoCompletedDeclaration,
    NotAcceptedOnDeclaredCourse,
    OutcomeCourseMissing,
    OutcomeCourseNotRecognised,
    OutcomeStateMissing,
    OutcomeStateNotRecognised,
    ParticipantIdMissing,
    ParticipantIdReplaced,
    ParticipantNotRecognised,
    SecondaryDeliveryPartnerAlone,
    SlotHeld,
)
from declarations.models import Declaration, Outcome
from declarations.queries.seen import (
    declarations_for_api,
    delivery_partners_for_api,
    outcomes_for_api,
    visible_declarations,
)
from declarations.services import change_delivery_partner, record_outcome, submit_declaration, void_declaration
from finance.errors import NoContractTerms, NoOpenStatement, PaymentRecordsDisagree
from npq.api.documentation import documented
from npq.api.requests import attributes_of, text_or_none, uuid_or_404
from npq.api.views import ApiViewSet
from npq.core import clock
from participants.errors import ParticipantIdChanged
from participants.queries.people import visible_participant_id

# The versions in which a provider reads what others declared for enrolments it took over (api.md §4.2).
WITH_TRANSFERRED = {"v1": False, "v2": False, "v3": True}

PARTNER_REFUSALS = (
    DeliveryPartnerMissing,
    DeliveryPartnerNotFound,
    DeliveryPartnerNotOnList,
    DeliveryPartnerOverseas,
    DeliveryPartnersSame,
    SecondaryDeliveryPartnerAlone,
)


class DeclarationViewSet(ApiViewSet):
    """A provider's declarations: list, read, submit, void, change the delivery partner."""

    tag = "Declarations"
    noun = "declaration"

    @documented("list_declarations", "List declarations", many=DECLARATION, query=DECLARATIONS)
    def list(self, request: Request, **_: Any) -> HttpResponseBase:
        """Your declarations in every state, oldest first.

        Version 3 also lists what other providers declared for participants who were transferred to you.
        """
        return self.answer_page(DECLARATION[self.version], self._declarations(request))

    @documented("export_declarations", "Export declarations", csv=DECLARATION, query=DECLARATIONS)
    def csv(self, request: Request, **_: Any) -> HttpResponseBase:
        """Your declarations as CSV, all of them at once. With no declarations the file is empty."""
        shape = DECLARATION[self.version]
        return self.answer_csv(shape.csv(self._declarations(request), self.caller, header_when_empty=False))

    @documented("show_declaration", "Show a declaration", one=DECLARATION)
    def retrieve(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """One declaration. One that you cannot see is not found."""
        return self._show(self._internal_id(public_id))

    @documented(
        "submit_declaration",
        "Submit a declaration",
        one=DECLARATION,
        body=DECLARE,
        refusals=(
            DatedAfterWithdrawal,
            DeclarationDateBeforeSchedule,
            DeclarationDateInFuture,
            DeclarationDateMissing,
            DeclarationDateUnreadable,
            DeclarationTypeMissing,
            DeclarationTypeNotOnSchedule,
            DeclarationTypeNotRecognised,
            HasPassedMissing,
            NoContractTerms,
            NoOpenStatement,
            NotAcceptedOnDeclaredCourse,
            ParticipantIdMissing,
            ParticipantIdReplaced,
            ParticipantNotRecognised,
            SlotHeld,
        ),
        refusals_in={"v3": PARTNER_REFUSALS},
    )
    def create(self, request: Request, **_: Any) -> HttpResponseBase:
        """Declares that a participant reached a milestone.

        Sending an exact copy of a declaration that stands is safe: it answers with the declaration as it is now
        and changes nothing. Any type that the participant's schedule has is accepted, in any order, dated from the
        schedule's first day on. A participant who is deferred may be declared for.
        """
        attributes = attributes_of(request, DECLARE[self.version])
        declaration_id = submit_declaration(
            lead_provider_id=self.caller.provider_id,
            claim=claim_of(attributes, self.version),
            by=self.caller.actor,
            now=clock.now(),
        )
        return self._show(declaration_id)

    @documented(
        "void_declaration",
        "Void a declaration",
        one=DECLARATION,
        refusals=(AlreadyClawedBack, AlreadyVoided, NoOpenStatement, PaymentRecordsDisagree),
        refusals_in={"v3": (DeclarationOfAnotherProvider,)},
    )
    def void(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """Takes a declaration back. One that was paid awaits clawback on your next open statement.

        The outcome of a completed declaration is retracted too, and a participant who had passed is told.
        """
        declaration_id = self._internal_id(public_id)
        void_declaration(
            declaration_id=declaration_id,
            held_by=self.caller.provider_id,
            by=self.caller.actor,
            now=clock.now(),
        )
        return self._show(declaration_id)

    @documented(
        "change_delivery_partner",
        "Change the delivery partner",
        one=DECLARATION,
        body=CHANGE_DELIVERY_PARTNER,
        refusals=(DeclarationOfAnotherProvider, *PARTNER_REFUSALS),
    )
    def change_delivery_partner(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """Replaces the delivery partners of a declaration. Leaving the secondary one out removes it."""
        attributes = attributes_of(request, CHANGE_DELIVERY_PARTNER[self.version])
        declaration_id = self._internal_id(public_id)
        change_delivery_partner(
            declaration_id=declaration_id,
            held_by=self.caller.provider_id,
            given=partners_of(attributes),
            by=self.caller.actor,
        )
        return self._show(declaration_id)

    def _declarations(self, request: Request) -> Any:
        return declarations_for_api(
            lead_provider_id=self.caller.provider_id,
            with_transferred=WITH_TRANSFERRED[self.version],
            **DECLARATIONS[self.version].arguments(self.filters, request),
        )

    def _internal_id(self, public_id: str) -> int:
        visible = visible_declarations(
            lead_provider_id=self.caller.provider_id, with_transferred=WITH_TRANSFERRED[self.version]
        )
        return visible.values_list("id", flat=True).get(public_id=uuid_or_404(public_id))

    def _show(self, declaration_id: int) -> HttpResponseBase:
        return self.answer_one(DECLARATION[self.version], Declaration.objects.filter(id=declaration_id))


class OutcomeViewSet(ApiViewSet):
    """The log of outcomes on a provider's completed declarations."""

    tag = "Outcomes"
    noun = "participant"

    @documented("list_outcomes", "List outcomes", many=OUTCOME, query=OUTCOMES)
    def list(self, request: Request, **_: Any) -> HttpResponseBase:
        """Every outcome on your declarations, oldest first. It is a log: a participant's last one counts."""
        found = outcomes_for_api(
            lead_provider_id=self.caller.provider_id, **OUTCOMES[self.version].arguments(self.filters, request)
        )
        return self.answer_page(OUTCOME[self.version], found)

    @documented(
        "list_participant_outcomes", "List a participant's outcomes", many=OUTCOME, refusals=(ParticipantIdChanged,)
    )
    def list_of_participant(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """Every outcome on your declarations for one participant, oldest first."""
        found = outcomes_for_api(
            lead_provider_id=self.caller.provider_id, participant_id=self._participant_id(public_id)
        )
        return self.answer_page(OUTCOME[self.version], found)

    @documented(
        "submit_outcome",
        "Submit an outcome",
        one=OUTCOME,
        body=OUTCOME_REQUEST,
        refusals=(
            CompletionDateInFuture,
            CompletionDateMissing,
            CompletionDateUnreadable,
            NoCompletedDeclaration,
            OutcomeCourseMissing,
            OutcomeCourseNotRecognised,
            OutcomeStateMissing,
            OutcomeStateNotRecognised,
            ParticipantIdChanged,
        ),
    )
    def create(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """Records or corrects the outcome of a participant's completed declaration.

        A correction is added to the log, be it of the result or of the date; an outcome equal to the newest one
        changes nothing. The participant is told.
        """
        attributes = attributes_of(request, OUTCOME_REQUEST[self.version])
        outcome_id = record_outcome(
            participant_id=self._participant_id(public_id),
            lead_provider_id=self.caller.provider_id,
            course_identifier=text_or_none(attributes.get("course_identifier")),
            state=text_or_none(attributes.get("state")),
            completion_date=day_of(attributes.get("completion_date")),
            by=self.caller.actor,
            now=clock.now(),
        )
        return self.answer_one(OUTCOME[self.version], Outcome.objects.filter(id=outcome_id))

    def _participant_id(self, public_id: str) -> int:
        return visible_participant_id(lead_provider_id=self.caller.provider_id, public_id=uuid_or_404(public_id))


class DeliveryPartnerViewSet(ApiViewSet):
    """The delivery partners on a provider's list."""

    tag = "Delivery partners"
    noun = "delivery partner"

    @documented("list_delivery_partners", "List delivery partners", many=DELIVERY_PARTNER, query=DELIVERY_PARTNERS)
    def list(self, request: Request, **_: Any) -> HttpResponseBase:
        """The delivery partners on your list in any cohort, by name."""
        found = delivery_partners_for_api(
            lead_provider_id=self.caller.provider_id,
            **DELIVERY_PARTNERS[self.version].arguments(self.filters, request),
        )
        return self.answer_page(DELIVERY_PARTNER[self.version], found)

    @documented("show_delivery_partner", "Show a delivery partner", one=DELIVERY_PARTNER)
    def retrieve(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        """One of the delivery partners on your list."""
        mine = delivery_partners_for_api(lead_provider_id=self.caller.provider_id)
        return self.answer_one(DELIVERY_PARTNER[self.version], mine.filter(public_id=uuid_or_404(public_id)))
