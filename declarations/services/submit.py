"""Submitting a declaration."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from declarations.choices import DeclarationState, DeclarationType, IneligibleReason, OutcomeState
from declarations.errors import SlotHeld
from declarations.models import Declaration
from declarations.queries.claims import Facts, facts_about, find_claimant
from declarations.queries.given import Claim
from declarations.queries.locks import lock_newest_enrolment
from declarations.queries.partners import partners_by_id, partners_named
from declarations.services.claim_rules import Situation, is_fundable, refusals_of
from declarations.services.partner_rules import PartnerSituation
from declarations.services.telling import tell_outcome
from finance.choices import LineState
from finance.errors import NoOpenStatement
from finance.services.lines import place_on_statement
from npq.core.audit import Actor, acting_as
from npq.core.clock import uk_date
from npq.core.constraints import violation_means
from npq.core.errors import refuse_if_any
from participants.models import Enrolment, Participant, ParticipantIdChange
from participants.queries import lock_people
from participants.queries.people import id_change_of

ONE_LIVE = "declaration_one_live_per_enrolment_and_type"


def submit_declaration(*, lead_provider_id: int, claim: Claim, by: Actor, now: datetime) -> int:
    """Records a provider's declaration and returns its internal id (api.md §5.3, §7.1; domain.md §3.11).

    An exact copy of a declaration that stands changes nothing and gives the id of that one, whatever has happened
    to the participant, the contract or the provider's hold on them since (decisions.md §1.2). A declaration for
    somebody whom DfE funds is eligible and lands on the next open statement of `now`'s UK date; one that another
    person with the same verified TRN already holds is ineligible; any other stays submitted. A completed one on a
    course that ends in an outcome brings its outcome, which the participant is told.

    Refuses with the errors of `declarations.errors`, NoContractTerms and NoOpenStatement.
    """
    with acting_as(by, "submit_declaration"):
        claimant = find_claimant(claim, lead_provider_id=lead_provider_id)
        if claimant is not None and claimant.copy_id is not None:
            return claimant.copy_id
        people: Mapping[int, Participant] = {}
        enrolment = facts = None
        known = claimant is not None and claimant.visible
        if claimant is not None and known:
            people = lock_people([claimant.participant_id])
            known = people[claimant.participant_id].merged_into_id is None
            enrolment = lock_newest_enrolment(
                participant_id=claimant.participant_id,
                lead_provider_id=lead_provider_id,
                course_identifier=claim.course_identifier,
            )
        if enrolment is not None:
            facts = facts_about(claim, enrolment, people=people, day=uk_date(now))
            if facts.copy_id is not None:
                return facts.copy_id
        partners = _partners(claim, lead_provider_id, enrolment, facts)
        retired = None if known else _retired(claim, lead_provider_id)
        refuse_if_any(refusals_of(Situation(claim, now, known, retired, enrolment, facts, partners)))
        assert enrolment is not None
        assert facts is not None
        return _record(claim, enrolment, facts, partners, now).id


def _retired(claim: Claim, lead_provider_id: int) -> ParticipantIdChange | None:
    """What became of the id, if it is retired and the provider may see the person it stands for now."""
    change = id_change_of(claim.participant_id) if isinstance(claim.participant_id, uuid.UUID) else None
    if change is None:
        return None
    mine = Enrolment.objects.standing().filter(lead_provider_id=lead_provider_id, participant=change.participant_id)
    return change if mine.exists() else None


def _partners(
    claim: Claim, lead_provider_id: int, enrolment: Enrolment | None, facts: Facts | None
) -> PartnerSituation | None:
    given = claim.delivery_partners
    if given is None:
        return None
    if enrolment is None or facts is None:
        return PartnerSituation(given, partners_by_id(partners_named(given, lead_provider_id, None)), None, None)
    return PartnerSituation(given, facts.partners, enrolment.application, enrolment.cohort)


def _record(
    claim: Claim, enrolment: Enrolment, facts: Facts, partners: PartnerSituation | None, now: datetime
) -> Declaration:
    assert claim.declaration_type is not None
    assert isinstance(claim.declaration_date, datetime)
    duplicate = facts.duplicate_of_id is not None
    fundable = is_fundable(enrolment.application, facts)
    asks_for_result = claim.declaration_type == DeclarationType.COMPLETED and enrolment.course.has_outcome
    state = DeclarationState.ELIGIBLE if fundable else DeclarationState.SUBMITTED
    with violation_means(ONE_LIVE, SlotHeld(declaration_type=claim.declaration_type)):
        declaration = Declaration.objects.create(
            enrolment=enrolment,
            lead_provider=enrolment.lead_provider,
            cohort=enrolment.cohort,
            course=enrolment.course,
            declaration_type=claim.declaration_type,
            declaration_date=claim.declaration_date,
            has_passed=claim.has_passed if asks_for_result else None,
            state=DeclarationState.INELIGIBLE if duplicate else state,
            ineligible_reason=IneligibleReason.DUPLICATE if duplicate else None,
            superseded_by_id=facts.duplicate_of_id,
            delivery_partner_id=partners.primary_id if partners else None,
            secondary_delivery_partner_id=partners.secondary_id if partners else None,
        )
    _place(declaration, fundable=fundable, now=now)
    if asks_for_result:
        _record_outcome(declaration, enrolment)
    return declaration


def _place(declaration: Declaration, *, fundable: bool, now: datetime) -> None:
    """Puts what is not merely submitted on a statement; only what DfE pays for must have one."""
    if declaration.state == DeclarationState.ELIGIBLE:
        place_on_statement(declaration, day=uk_date(now), state=LineState.ELIGIBLE)
    elif declaration.state == DeclarationState.INELIGIBLE:
        try:
            place_on_statement(declaration, day=uk_date(now), state=LineState.INELIGIBLE)
        except NoOpenStatement:
            if fundable:
                raise


def _record_outcome(declaration: Declaration, enrolment: Enrolment) -> None:
    state = OutcomeState.PASSED if declaration.has_passed else OutcomeState.FAILED
    outcome = declaration.append_outcome(state, uk_date(declaration.declaration_date))
    tell_outcome(outcome, enrolment.application)
