"""Each correction: shown before it is done, done with a reason and a name, refused in words, denied to others."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from applications.choices import ApplicationStatus, TransferState
from declarations.choices import DeclarationState, OutcomeState
from finance.choices import StatementState
from npq.backoffice.catalogue import CORRECTIONS
from npq.backoffice.pages import address_of
from npq.core.choices import MessageState
from npq.core.clock import wall_clock
from npq.core.models import Change
from participants.choices import TrainingStatus
from tests.backoffice.money_cases import CHECKED, MONEY_CASES, MONEY_REFUSED
from tests.factories import (
    AdjustmentFactory,
    ApiTokenFactory,
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    DeclarationFactory,
    DeliveryPartnershipFactory,
    LeadProviderFactory,
    MessageFactory,
    OutcomeFactory,
    ParticipantFactory,
    PaymentRequestFactory,
    PlannedTransferFactory,
    ScheduleFactory,
    StatementFactory,
)

REASON = "Asked for by the provider on the telephone"


def correct(client: Client, record: Any, name: str, **answers: Any) -> tuple[Any, Any]:
    """Looks at what would change, then confirms it; both answers."""
    address = f"{address_of(record, record.public_id)}{name}/"
    data = {"reason": REASON, **answers}
    first = client.post(address, data)
    return first, client.post(address, {**data, **confirming(first)})


def confirming(preview: Any) -> dict[str, str]:
    """What the button to confirm posts, as far as the page has it."""
    page = preview.content.decode()
    found = {name: re.search(rf'name="{name}" value="([\w-]+)"', page) for name in ("seen", "confirmation")}
    return {"confirm": "yes", **{name: match[1] for name, match in found.items() if match}}


def accepted(**facts: Any) -> Any:
    """An accepted application whose provider has a contract."""
    application = ApplicationFactory(accepted=True, **facts)
    ContractTermsFactory(lead_provider=application.lead_provider, cohort=application.cohort, course=application.course)
    return application


Case = tuple[Any, dict[str, Any], Callable[[Any], Any], Any]


def failed_message_of_corrected_address() -> Any:
    """A failed message of an application whose address has been put right since."""
    application = ApplicationFactory(email="right@example.org")
    message = MessageFactory(
        application_public_id=application.public_id, to="wrong@example.org", state=MessageState.FAILED
    )
    return message, {}, lambda it: (it.state, it.to), (MessageState.PENDING, "right@example.org")


def happy_cases() -> dict[str, Callable[[], Case]]:
    """For each correction a record, the answers, what to look at afterwards and what it should be."""

    def another_course() -> Case:
        one = accepted()
        course = CourseFactory(identifier="npq-executive-leadership")
        ContractTermsFactory(lead_provider=one.lead_provider, cohort=one.cohort, course=course)
        return one, {"course": course.public_id}, lambda it: it.course, course

    def another_cohort() -> Case:
        one = accepted()
        cohort = CohortFactory(start_year=2022)
        ScheduleFactory(cohort=cohort)
        ContractTermsFactory(lead_provider=one.lead_provider, cohort=cohort, course=one.course)
        return one, {"cohort": cohort.public_id}, lambda it: it.cohort, cohort

    def another_schedule() -> Case:
        one = accepted()
        schedule = ScheduleFactory(cohort=one.cohort, identifier="npq-leadership-spring")
        return one, {"schedule": "npq-leadership-spring"}, lambda it: it.enrolment.schedule, schedule

    def another_provider() -> Case:
        one, other = accepted(), LeadProviderFactory(code="other")
        ContractTermsFactory(lead_provider=other, cohort=one.cohort, course=one.course)
        return one, {"lead_provider": other.public_id}, lambda it: it.lead_provider, other

    def another_person() -> Case:
        one, person = accepted(), ParticipantFactory()
        return one, {"participant": person.public_id}, lambda it: it.participant, person

    def merged() -> Case:
        survivor = ParticipantFactory()
        retired = ParticipantFactory(without_trn=True)
        return retired, {"survivor": survivor.public_id}, lambda it: it.merged_into, survivor

    def withdrawn() -> Case:
        answers = {"status": "withdrawn", "status_reason": "personal-reason-moving-school"}
        return accepted(), answers, lambda it: it.enrolment.training_status, TrainingStatus.WITHDRAWN

    def declared() -> Case:
        one = accepted(eligible_for_funding=False)
        partner = DeliveryPartnershipFactory(lead_provider=one.lead_provider, cohort=one.cohort).delivery_partner
        answers = {
            "declaration_type": "started",
            "declaration_date": "2024-10-07",
            "delivery_partner": partner.public_id,
        }
        return one, answers, lambda it: it.enrolment.declarations.get().declaration_type, "started"

    def partnered() -> Case:
        one = DeclarationFactory()
        partner = DeliveryPartnershipFactory(lead_provider=one.lead_provider, cohort=one.cohort).delivery_partner
        return one, {"delivery_partner": partner.public_id}, lambda it: it.delivery_partner, partner

    return {
        "undo_acceptance": lambda: (accepted(), {}, lambda it: it.status, ApplicationStatus.PENDING),
        "undo_rejection": lambda: (
            ApplicationFactory(rejected=True),
            {},
            lambda it: it.status,
            ApplicationStatus.PENDING,
        ),
        "change_course": another_course,
        "change_cohort": another_cohort,
        "change_schedule": another_schedule,
        "change_lead_provider": another_provider,
        "change_training_status": withdrawn,
        "change_funding_choice": lambda: (
            ApplicationFactory(),
            {"funding_choice": "trust"},
            lambda it: it.funding_choice,
            "trust",
        ),
        "change_funding_eligibility": lambda: (
            ApplicationFactory(eligible_for_funding=False),
            {"eligible": "yes"},
            lambda it: it.eligible_for_funding,
            True,
        ),
        "change_funded_place": lambda: (
            accepted(cohort=CohortFactory(capped=True), funded_place=False),
            {"funded_place": "yes"},
            lambda it: it.funded_place,
            True,
        ),
        "validate_email": lambda: (ApplicationFactory(email_validated=False), {}, lambda it: it.email_validated, True),
        "unvalidate_email": lambda: (
            ApplicationFactory(email_validated=True),
            {},
            lambda it: it.email_validated,
            False,
        ),
        "cancel_transfer": lambda: (
            PlannedTransferFactory().application,
            {},
            lambda it: it.planned_transfers.get().state,
            TransferState.CANCELLED,
        ),
        "submit_declaration": declared,
        "change_email": lambda: (
            ApplicationFactory(),
            {"email": "new@example.org"},
            lambda it: it.email,
            "new@example.org",
        ),
        "reassign_application": another_person,
        "add_note": lambda: (ApplicationFactory(), {"text": "Called"}, lambda it: it.notes.get().text, "Called"),
        "change_trn": lambda: (
            ParticipantFactory(),
            {"trn": "9123456"},
            lambda it: it.teacher_reference_number,
            "9123456",
        ),
        "verify_trn": lambda: (
            ParticipantFactory(teacher_reference_number_verified=False),
            {},
            lambda it: it.teacher_reference_number_verified,
            True,
        ),
        "unverify_trn": lambda: (ParticipantFactory(), {}, lambda it: it.teacher_reference_number_verified, False),
        "remove_trn": lambda: (ParticipantFactory(), {}, lambda it: it.teacher_reference_number, None),
        "merge_participants": merged,
        "add_participant_note": lambda: (
            ParticipantFactory(),
            {"text": "Called"},
            lambda it: it.notes.get().text,
            "Called",
        ),
        "void_declaration": lambda: (
            DeclarationFactory(),
            {},
            lambda it: it.state,
            DeclarationState.VOIDED,
        ),
        "correct_outcome": lambda: (
            OutcomeFactory(declaration=DeclarationFactory(completed=True)).declaration,
            {"state": "failed", "completion_date": "2024-09-01"},
            lambda it: it.newest_outcome().state,
            OutcomeState.FAILED,
        ),
        "change_delivery_partners": partnered,
        "send_message_again": failed_message_of_corrected_address,
        "mark_message_as_dealt_with": lambda: (
            MessageFactory(state=MessageState.FAILED),
            {},
            lambda it: it.get_state_display(),
            "Failed for good (dealt with)",
        ),
        **MONEY_CASES,
        "change_api_token_label": lambda: (ApiTokenFactory(), {"label": "autumn"}, lambda it: it.label, "autumn"),
        "change_api_token_expiry": lambda: (
            ApiTokenFactory(),
            {"last_day": "2099-06-30"},
            lambda it: it.expires_at,
            datetime(2099, 6, 30, 23, tzinfo=UTC),
        ),
        "revoke_api_token": lambda: (ApiTokenFactory(), {}, lambda it: it.revoked_at is not None, True),
    }


HAPPY = happy_cases()
ROLE_OF = {each.name: each.role for each in CORRECTIONS}
# What a program writes for itself: `{'state': …`, or a name that nobody has put in words.
NO_WORDS = re.compile(r"\{(?:&#x27;|')|<td>[a-z]+_[a-z_]+</td>")


def test_every_correction_has_a_case() -> None:
    assert set(HAPPY) == set(ROLE_OF)


@pytest.mark.parametrize("name", HAPPY)
def test_it_is_shown_first_and_done_when_confirmed(as_role: Callable[[str], Client], name: str) -> None:
    client = as_role(ROLE_OF[name])
    record, answers, look, expected = HAPPY[name]()
    model = type(record)
    changes = Change.objects.count()

    page = client.get(f"{address_of(record, record.public_id)}{name}/")
    preview = client.post(f"{address_of(record, record.public_id)}{name}/", {"reason": REASON, **answers})
    untouched = Change.objects.count() == changes
    _, done = correct(client, record, name, **answers)

    assert page.status_code == preview.status_code == 200
    assert "What will change" in preview.content.decode()
    assert not NO_WORDS.findall(preview.content.decode())
    assert untouched
    assert done.status_code == 302, done.content.decode()
    assert look(model.objects.filter(pk=record.pk).first()) == expected
    change = Change.objects.latest("id")
    assert (change.actor_kind, change.actor_name, change.reason) == ("staff", "Sam Reyes", REASON)
    assert change.actor_identifier == str(User.objects.get(username=ROLE_OF[name].replace(" ", "-")).pk)


@pytest.mark.parametrize("name", HAPPY)
def test_without_a_reason_nothing_is_done(as_role: Callable[[str], Client], name: str) -> None:
    client = as_role(ROLE_OF[name])
    record, answers, _, _ = HAPPY[name]()
    changes = Change.objects.count()

    _, done = correct(client, record, name, **{**answers, "reason": "  "})

    assert done.status_code == 200
    assert "Give the reason for this correction." in done.content.decode()
    assert Change.objects.count() == changes


def declared_on() -> Any:
    """A declaration that stands."""
    return DeclarationFactory()


# What an answer in a case of refusal stands for: it is made when the case is.
STANDS_FOR: dict[str, Callable[[Any], Any]] = {
    "npq-executive-leadership": lambda _: CourseFactory(identifier="npq-executive-leadership"),
    "2022a": lambda _: CohortFactory(start_year=2022),
    "stranger": lambda _: LeadProviderFactory(code="stranger"),
    "retired": lambda _: ParticipantFactory(merged_into=ParticipantFactory()),
    "another verified TRN": lambda _: ParticipantFactory(),
    "on the list": lambda it: (
        DeliveryPartnershipFactory(lead_provider=it.lead_provider, cohort=it.cohort).delivery_partner
    ),
}
# They ask for nothing, or for nothing that could be refused: what is so already changes nothing.
NEVER_REFUSED = {"change_funding_choice", "validate_email", "unvalidate_email"}
CASES = {"applications.application", "participants.participant", "declarations.declaration", "core.message"}

REFUSED: dict[str, tuple[Callable[[], Any], dict[str, str]]] = {
    "revoke_api_token": (lambda: ApiTokenFactory(revoked_at=wall_clock()), {}),
    "change_api_token_expiry": (ApiTokenFactory, {"last_day": "2020-01-01"}),
    "send_message_again": (lambda: MessageFactory(state=MessageState.SENDING), {}),
    "mark_message_as_dealt_with": (lambda: MessageFactory(state=MessageState.DEALT_WITH), {}),
    "undo_acceptance": (lambda: DeclarationFactory().enrolment.application, {}),
    "undo_rejection": (ApplicationFactory, {}),
    "change_schedule": (accepted, {"schedule": "npq-leadership-autumn"}),
    "change_training_status": (accepted, {"status": "active"}),
    "change_email": (ApplicationFactory, {"email": "nowhere"}),
    "change_funded_place": (ApplicationFactory, {"funded_place": "yes"}),
    "change_trn": (ParticipantFactory, {"trn": "0000000"}),
    "change_course": (lambda: declared_on().enrolment.application, {"course": "npq-executive-leadership"}),
    "change_cohort": (lambda: declared_on().enrolment.application, {"cohort": "2022a"}),
    "change_lead_provider": (accepted, {"lead_provider": "stranger"}),
    "change_funding_eligibility": (lambda: declared_on().enrolment.application, {"eligible": "no"}),
    "cancel_transfer": (accepted, {}),
    "submit_declaration": (
        accepted,
        {"declaration_type": "started", "declaration_date": "2023-01-01", "has_passed": ""},
    ),
    "reassign_application": (accepted, {"participant": "retired"}),
    "verify_trn": (lambda: ParticipantFactory(without_trn=True), {}),
    "unverify_trn": (lambda: ParticipantFactory(teacher_reference_number_verified=False), {}),
    "remove_trn": (lambda: ParticipantFactory(without_trn=True), {}),
    "merge_participants": (ParticipantFactory, {"survivor": "another verified TRN"}),
    "add_participant_note": (lambda: ParticipantFactory(merged_into=ParticipantFactory()), {"text": "Called"}),
    "correct_outcome": (DeclarationFactory, {"state": "passed", "completion_date": "2024-09-01"}),
    "change_delivery_partners": (
        lambda: DeclarationFactory(
            enrolment__application__teacher_catchment="wales", enrolment__application__school_urn=None
        ),
        {"delivery_partner": "on the list"},
    ),
    "add_note": (ApplicationFactory, {"text": "x" * 100_000}),
    "void_declaration": (lambda: DeclarationFactory(voided=True), {}),
    **MONEY_REFUSED,
}


def test_every_correction_that_can_be_refused_has_a_case() -> None:
    of_cases = {each.name for each in CORRECTIONS if each.model in CASES}
    assert of_cases - NEVER_REFUSED <= set(REFUSED)


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_said_in_words_and_changes_nothing(as_role: Callable[[str], Client], name: str) -> None:
    make, given = REFUSED[name]
    record = make()
    answers = {key: STANDS_FOR[text](record).public_id if text in STANDS_FOR else text for key, text in given.items()}
    changes = Change.objects.count()

    preview, done = correct(as_role(ROLE_OF[name]), record, name, **answers)

    for answer in (preview, done):
        assert answer.status_code == 200
        assert "This is not possible" in answer.content.decode()
        assert "Confirm:" not in answer.content.decode()
    assert Change.objects.count() == changes


def test_which_answer_is_missing_is_said(as_role: Callable[[str], Client]) -> None:
    application = accepted()
    address = f"{address_of(application, application.public_id)}change_lead_provider/"

    page = as_role("caseworker").post(address, {"reason": REASON}).content.decode()

    assert "Choose an answer to “New lead provider”." in page
    assert "<title>Error: Change lead provider" in page
    assert "This field is required" not in page


def test_an_unknown_correction_is_not_found(as_role: Callable[[str], Client]) -> None:
    record = ApplicationFactory()

    assert as_role("caseworker").get(f"{address_of(record, record.public_id)}make_tea/").status_code == 404


def test_whoever_asks_for_a_payment_does_not_authorise_it(staff: Callable[[str], User]) -> None:
    client, user, statement = Client(), staff("finance"), StatementFactory(payable=True)
    user.groups.add(Group.objects.get(name="finance approver"))
    client.force_login(user)
    correct(client, statement, "request_payment", **CHECKED)

    _, done = correct(client, statement, "approve_payment")

    statement.refresh_from_db()
    assert "You asked for the payment" in done.content.decode()
    assert statement.state == StatementState.PAYABLE


def test_another_total_than_was_asked_for_is_not_authorised(as_role: Callable[[str], Client]) -> None:
    statement = PaymentRequestFactory(requester="0").statement
    AdjustmentFactory(statement=statement)

    _, done = correct(as_role("finance approver"), statement, "approve_payment")

    statement.refresh_from_db()
    assert "This is not possible" in done.content.decode()
    assert statement.state == StatementState.PAYABLE
