"""What the pages of single corrections show, ask and say, beyond what all of them do."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape
from django.utils.text import capfirst

from applications.choices import ApplicationStatus, ReasonForRejection, TransferState
from applications.models import PlannedTransfer
from declarations.choices import DeclarationState, OutcomeState
from npq.backoffice.pages import address_of
from npq.core import clock
from tests.backoffice.conftest import ROLE_NAMES
from tests.backoffice.test_corrections import accepted, correct
from tests.backoffice.test_pages import MOST_QUERIES, looked_at
from tests.factories import (
    ACCEPTED_AT,
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    DeclarationFactory,
    DeliveryPartnershipFactory,
    LeadProviderFactory,
    OutcomeFactory,
    ParticipantFactory,
    PlannedTransferFactory,
    ScheduleFactory,
    StatementFactory,
)
from tests.finance.books import Books


def page_of(client: Client, record: Any, name: str = "", query: str = "") -> str:
    """The page of a record, or of one of its corrections."""
    return client.get(f"{address_of(record, record.public_id)}{name}{'/' if name else ''}{query}").content.decode()


# Why not, before anything is typed ----------------------------------------------------------------------

IMPOSSIBLE: dict[str, tuple[Callable[[], Any], str]] = {
    "undo_acceptance": (lambda: DeclarationFactory().enrolment.application, "while these declarations stand"),
    "undo_rejection": (ApplicationFactory, "there is no rejection to undo"),
    "change_course": (lambda: DeclarationFactory().enrolment.application, "The course cannot change while"),
    "change_cohort": (lambda: DeclarationFactory().enrolment.application, "The cohort cannot change while"),
    "change_schedule": (ApplicationFactory, "it has no schedule and no training status yet"),
    "change_training_status": (ApplicationFactory, "it has no schedule and no training status yet"),
    "change_funded_place": (accepted, "are not capped"),
    "validate_email": (ApplicationFactory, "is validated already"),
    "unvalidate_email": (lambda: ApplicationFactory(email_validated=False), "is not validated"),
    "cancel_transfer": (ApplicationFactory, "No transfer of this application is planned"),
    "verify_trn": (ParticipantFactory, "is verified already"),
    "unverify_trn": (lambda: ParticipantFactory(without_trn=True), "is not verified"),
    "remove_trn": (lambda: ParticipantFactory(without_trn=True), "has no TRN"),
    "change_trn": (lambda: ParticipantFactory(merged_into=ParticipantFactory()), "This ID is retired"),
    "merge_participants": (lambda: ParticipantFactory(merged_into=ParticipantFactory()), "This ID is retired"),
    "add_participant_note": (lambda: ParticipantFactory(merged_into=ParticipantFactory()), "This ID is retired"),
    "correct_outcome": (DeclarationFactory, "Only a completed one has an outcome"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_why_it_is_not_possible_is_said_on_the_record_and_on_its_page(
    as_role: Callable[[str], Client], name: str
) -> None:
    make, why = IMPOSSIBLE[name]
    record, client = make(), as_role("caseworker")

    listed, page = page_of(client, record), page_of(client, record, name)

    assert "Not possible now" in listed
    assert why in listed
    assert "This is not possible" in page
    assert why in page
    assert "Show what will change" not in page


def test_a_void_and_a_submission_say_so_to_finance(as_role: Callable[[str], Client]) -> None:
    client = as_role("finance")

    assert "is voided already" in page_of(client, DeclarationFactory(voided=True), "void_declaration")
    assert "No declaration can be made before it is accepted." in page_of(
        client, ApplicationFactory(), "submit_declaration"
    )


# The decision ------------------------------------------------------------------------------------------


def with_siblings() -> tuple[Any, list[Any]]:
    """An accepted application, and two that its acceptance rejected."""
    one = accepted()
    facts = {
        "participant": one.participant,
        "status": ApplicationStatus.REJECTED,
        "reason_for_rejection": ReasonForRejection.OTHER_APPLICATION_ACCEPTED,
        "decided_at": ACCEPTED_AT,
    }
    return one, [
        ApplicationFactory(lead_provider=LeadProviderFactory(code=code), **facts) for code in ("a-one", "b-two")
    ]


def test_an_acceptance_is_undone_with_the_siblings_that_are_chosen(as_role: Callable[[str], Client]) -> None:
    one, (first, second) = with_siblings()
    client = as_role("caseworker")

    page = page_of(client, one, "undo_acceptance")
    _, done = correct(client, one, "undo_acceptance", restore_siblings=[str(second.public_id)])

    assert all(text in page for text in (str(first.public_id), second.lead_provider.name, "<legend>"))
    assert done.status_code == 302
    for each in (first, second):
        each.refresh_from_db()
    assert (first.status, second.status) == (ApplicationStatus.REJECTED, ApplicationStatus.PENDING)
    assert one.enrolments.get().undone_at is not None


def test_one_that_this_acceptance_did_not_reject_cannot_be_chosen(as_role: Callable[[str], Client]) -> None:
    one, _ = with_siblings()
    stranger = ApplicationFactory(rejected=True)

    _, done = correct(as_role("caseworker"), one, "undo_acceptance", restore_siblings=[str(stranger.public_id)])

    assert "There is a problem" in done.content.decode()
    one.refresh_from_db()
    assert one.status == ApplicationStatus.ACCEPTED


def test_a_rejected_application_names_the_acceptance_behind_it(as_role: Callable[[str], Client]) -> None:
    one, (sibling, _) = with_siblings()

    page = page_of(as_role("viewer"), sibling)

    assert "Rejected by itself on" in page
    assert f'<a href="{address_of(one, one.public_id)}">application {one.public_id}' in page


# Course, cohort, provider --------------------------------------------------------------------------------


def test_choices_say_what_would_not_be_possible(as_role: Callable[[str], Client]) -> None:
    one, client = accepted(), as_role("caseworker")
    CourseFactory(identifier="npq-executive-leadership")
    capped = CohortFactory(capped=True)
    ScheduleFactory(cohort=capped)
    rival, partner = LeadProviderFactory(code="rival"), LeadProviderFactory(code="friend", name="Friend")
    ContractTermsFactory(lead_provider=partner, cohort=one.cohort, course=one.course)

    course, cohort, provider = (
        page_of(client, one, f"change_{what}") for what in ("course", "cohort", "lead_provider")
    )

    assert "(npq-executive-leadership) – not possible: no contract" in course
    assert f"{capped} (" in cohort
    assert "no contract" in cohort
    assert f"cohort {capped}" in cohort
    assert f"{escape(rival.name)} – not possible: no contract for {one.course} in cohort {one.cohort}" in provider
    assert ">Friend</option>" in provider


def test_a_transfer_is_planned_shown_and_cancelled(as_role: Callable[[str], Client]) -> None:
    one, other, client = accepted(), LeadProviderFactory(code="other", name="The Other One"), as_role("caseworker")
    ContractTermsFactory(lead_provider=other, cohort=one.cohort, course=one.course)
    day = clock.today() + timedelta(days=30)
    answers = {"lead_provider": other.public_id, "due_on": f"{day:%Y-%m-%d}"}

    preview, done = correct(client, one, "change_lead_provider", **answers)

    assert "Planned transfer: new" in preview.content.decode()
    assert done.status_code == 302
    planned = PlannedTransfer.objects.get()
    assert (planned.lead_provider, planned.due_on, planned.state) == (other, day, TransferState.WAITING)
    one.refresh_from_db()
    assert one.lead_provider != other
    assert (
        f"Change lead provider: planned for {day:%-d %B %Y}. Until then the application stays with "
        f"{one.lead_provider.name}, then it goes to The Other One."
    ) in page_of(client, one)
    for page in (page_of(client, one), client.get("/admin/transfers/").content.decode()):
        assert "The Other One" in page
        assert "Waiting for its day" in page
    _, again = correct(client, one, "change_lead_provider", **answers | {"due_on": f"{day + timedelta(1):%Y-%m-%d}"})
    assert "is planned for" in again.content.decode()
    assert correct(client, one, "cancel_transfer")[1].status_code == 302
    assert "Cancelled" in page_of(client, one)


def test_a_transfer_is_not_planned_for_a_day_that_is_past(as_role: Callable[[str], Client]) -> None:
    one, other = accepted(), LeadProviderFactory(code="other")
    ContractTermsFactory(lead_provider=other, cohort=one.cohort, course=one.course)

    _, done = correct(
        as_role("caseworker"), one, "change_lead_provider", lead_provider=other.public_id, due_on="2020-01-31"
    )

    assert "This is not possible" in done.content.decode()
    assert not PlannedTransfer.objects.exists()


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_planned_transfers_open_for_those_who_see_cases(as_role: Callable[[str], Client], role: str) -> None:
    refused = PlannedTransferFactory(
        state=TransferState.REFUSED, settled_at=ACCEPTED_AT, refusal="It has no contract any more."
    )
    overdue = PlannedTransferFactory(due_on=clock.today() - timedelta(days=2))

    answer = as_role(role).get("/admin/transfers/")

    assert answer.status_code == (200 if role in {"viewer", "caseworker", "finance", "finance approver"} else 403)
    if answer.status_code == 200:
        assert refused.refusal in answer.content.decode()
        assert "Overdue" in answer.content.decode()
        assert str(overdue.application.public_id) in answer.content.decode()


# Declarations and outcomes --------------------------------------------------------------------------------


def test_a_declaration_is_submitted_for_the_provider_with_its_pounds_shown_first(
    as_role: Callable[[str], Client],
) -> None:
    one, client = accepted(), as_role("finance")
    StatementFactory(
        lead_provider=one.lead_provider,
        cohort=one.cohort,
        deadline_date=clock.today() + timedelta(days=20),
        payment_date=clock.today() + timedelta(days=40),
    )
    partner = DeliveryPartnershipFactory(lead_provider=one.lead_provider, cohort=one.cohort).delivery_partner
    stranger = DeliveryPartnershipFactory(
        cohort=one.cohort, lead_provider=LeadProviderFactory(code="x")
    ).delivery_partner
    answers = {
        "declaration_type": "completed",
        "declaration_date": "07/10/2024",
        "has_passed": "yes",
        "delivery_partner": partner.public_id,
    }

    page = page_of(client, one, "submit_declaration")
    preview, done = correct(client, one, "submit_declaration", **answers)

    assert partner.name in page
    assert stranger.name not in page
    assert "£" in preview.content.decode()
    assert "No statement’s total changes" not in preview.content.decode()
    assert done.status_code == 302
    declaration = one.enrolment.declarations.get()
    assert declaration.state == DeclarationState.ELIGIBLE
    assert (declaration.lead_provider, declaration.delivery_partner) == (one.lead_provider, partner)
    assert declaration.newest_outcome().state == OutcomeState.PASSED
    assert clock.uk_date(declaration.declaration_date).isoformat() == "2024-10-07"


def test_a_completed_declaration_asks_for_the_result_and_a_copy_changes_nothing(
    as_role: Callable[[str], Client],
) -> None:
    one, client = accepted(eligible_for_funding=False, teacher_catchment=None), as_role("finance")
    answers = {"declaration_type": "completed", "declaration_date": "2024-10-07"}

    _, without = correct(client, one, "submit_declaration", **answers)
    correct(client, one, "submit_declaration", **answers, has_passed="no")
    copy, _ = correct(client, one, "submit_declaration", **answers, has_passed="no")

    assert "This is not possible" in without.content.decode()
    assert one.enrolment.declarations.count() == 1
    assert "The same declaration stands already" in copy.content.decode()


def test_nothing_is_submitted_where_the_provider_has_accepted_again_since(as_role: Callable[[str], Client]) -> None:
    one = accepted(accepted__training_status="withdrawn")
    newer = ApplicationFactory(
        participant=one.participant,
        course=one.course,
        lead_provider=one.lead_provider,
        accepted=True,
        accepted__accepted_at=ACCEPTED_AT + timedelta(days=1),
    )

    page = page_of(as_role("finance"), one, "submit_declaration")

    assert f"as application {newer.public_id}" in page
    assert "Show what will change" not in page


def test_an_outcome_is_corrected_and_its_history_shown(as_role: Callable[[str], Client]) -> None:
    declaration = OutcomeFactory(declaration=DeclarationFactory(completed=True)).declaration
    client = as_role("caseworker")

    preview, _ = correct(client, declaration, "correct_outcome", state="failed", completion_date="2024-09-01")
    page = page_of(client, declaration)

    assert declaration.enrolment.application.email in preview.content.decode()
    assert "Passed" in page
    assert "Failed, completed 1 September 2024" in page


# People --------------------------------------------------------------------------------------------------


def test_somebody_else_with_the_trn_is_named_with_the_way_to_merge(as_role: Callable[[str], Client]) -> None:
    holder, person = ParticipantFactory(teacher_reference_number="9123456"), ParticipantFactory(without_trn=True)

    preview, _ = correct(as_role("caseworker"), person, "change_trn", trn="912 3456")

    page = preview.content.decode()
    assert f"{address_of(person, person.public_id)}merge_participants/?survivor={holder.public_id}" in page
    assert "counts as the same person from now on" in page


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (date(1985, 3, 9), ("Known, and the same",)),
        (date(1985, 3, 10), ("Known, and different",)),
        (None, ("Known", "Not known")),
    ],
)
def test_dates_of_birth_are_compared_and_not_shown(
    as_role: Callable[[str], Client], others: date | None, said: tuple[str, ...]
) -> None:
    leaves, stays = ParticipantFactory(date_of_birth=date(1985, 3, 9)), ParticipantFactory(date_of_birth=others)

    page = page_of(as_role("caseworker"), leaves, "merge_participants", f"?survivor={stays.public_id}")

    assert all(f"<td>{text}</td>" in page for text in said)
    assert "1985" not in page


def test_a_merge_shows_both_people_before_it_is_done(as_role: Callable[[str], Client]) -> None:
    leaves = accepted(email="old@example.org").participant
    DeclarationFactory(enrolment=leaves.applications.get().enrolment)
    stays = ParticipantFactory(without_trn=True, previous_names=["Priya Shah"])

    page = page_of(as_role("caseworker"), leaves, "merge_participants", f"?survivor={stays.public_id}")

    for shown in (
        leaves.full_name,
        stays.full_name,
        "Priya Shah",
        "old@example.org",
        "1 declaration",
        leaves.applications.get().lead_provider.name,
        "If this one should stay",
    ):
        assert escape(shown) in page


def test_notes_show_on_the_application_and_on_the_person(as_role: Callable[[str], Client]) -> None:
    one, client = accepted(), as_role("caseworker")

    correct(client, one, "add_note", text="The school has telephoned.")
    correct(client, one.participant, "add_participant_note", text="Prefers letters.")

    for page in (page_of(client, one), page_of(client, one.participant)):
        assert all(text in page for text in ("The school has telephoned.", "Prefers letters.", "Sam Reyes"))
        assert f"Application {one.public_id}</a>" in page


@pytest.mark.parametrize("survivor", ["nonsense", "2f0c9a5e-5a8f-4c0b-9a36-0f6a0e6f7b11", ""])
def test_an_address_with_an_unknown_survivor_is_a_page(as_role: Callable[[str], Client], survivor: str) -> None:
    person = ParticipantFactory()
    address = f"{address_of(person, person.public_id)}merge_participants/?survivor={survivor}"

    assert as_role("caseworker").get(address).status_code == 200


@pytest.mark.parametrize("address", ["nowhere", "two@example.org,three@example.org", "a b@example.org", "@", ""])
def test_no_nonsense_becomes_an_email(as_role: Callable[[str], Client], address: str) -> None:
    one = ApplicationFactory()

    _, done = correct(as_role("caseworker"), one, "change_email", email=address)

    assert done.status_code == 200
    assert type(one).objects.get(pk=one.pk).email == one.email


def test_what_becomes_payable_with_the_eligibility_is_listed(as_role: Callable[[str], Client]) -> None:
    one = accepted(eligible_for_funding=False)
    waiting = DeclarationFactory(enrolment=one.enrolment)

    page = page_of(as_role("caseworker"), one, "change_funding_eligibility")

    assert address_of(waiting, waiting.public_id) in page
    assert "To make them ineligible" in page


@pytest.mark.parametrize("role", ["caseworker", "finance", "finance approver"])
def test_pages_with_buttons_cost_at_most_twelve_queries_however_much_there_is(
    as_role: Callable[[str], Client], role: str
) -> None:
    client, costs = as_role(role), []
    for number in (1, 6):
        one, _ = with_siblings()
        for _ in range(number):
            PlannedTransferFactory(application=one, state=TransferState.CANCELLED, settled_at=ACCEPTED_AT)
            ApplicationFactory(participant=one.participant)
        declaration = DeclarationFactory(enrolment=one.enrolment, completed=True)
        records = (one, one.participant, declaration)
        costs.append([looked_at(client, address_of(each, each.public_id)) for each in records])

    assert costs[0] == costs[1]
    assert max(costs[0]) <= MOST_QUERIES


# Fields that corrections change and that stand on the record's own page.
ON_ITS_PAGE: dict[str, tuple[Callable[[], Any], set[str]]] = {
    "application": (
        accepted,
        {
            "email",
            "email_validated",
            "course",
            "lead_provider",
            "cohort",
            "decided_at",
            "eligible_for_funding",
            "funding_eligibility_status_code",
            "funded_place",
            "funding_choice",
        },
    ),
    "participant": (
        ParticipantFactory,
        {"full_name", "teacher_reference_number", "teacher_reference_number_verified", "merged_into"},
    ),
    "declaration": (
        DeclarationFactory,
        {"declaration_date", "has_passed", "delivery_partner", "secondary_delivery_partner", "superseded_by"},
    ),
}


@pytest.mark.parametrize("kind", ON_ITS_PAGE)
def test_corrections_and_history_call_a_field_what_its_page_calls_it(
    as_role: Callable[[str], Client], kind: str
) -> None:
    make, names = ON_ITS_PAGE[kind]
    record = make()

    page = page_of(as_role("caseworker"), record)

    labels = {name: capfirst(record._meta.get_field(name).verbose_name) for name in names}
    assert {name for name, label in labels.items() if f"<dt>{label}</dt>" not in page} == set()


def test_a_correction_shows_labels_and_words(as_role: Callable[[str], Client]) -> None:
    one, client = accepted(), as_role("caseworker")
    answers = {"status": "withdrawn", "status_reason": "disengaged-and-unresponsive", "reason": "Ticket 12"}

    page = client.post(f"{address_of(one, one.public_id)}change_training_status/", answers).content.decode()

    assert "<td>Training status</td><td>Active</td><td>Withdrawn</td>" in page
    assert "<td>Reason</td><td>nothing</td><td>Disengaged and unresponsive</td>" in page
    assert "<td>nothing</td><td>nothing</td>" not in page
    assert str(one.enrolment.public_id) not in page.replace(f"Enrolment {one.enrolment.public_id}", "")


def test_a_correction_says_whom_it_is_about(as_role: Callable[[str], Client]) -> None:
    declaration = DeclarationFactory()
    application = declaration.enrolment.application
    person = application.participant
    client = as_role("caseworker")

    assert f"<strong>{escape(person.full_name)}</strong>" in page_of(client, person, "change_trn")
    assert f"<strong>{escape(person.full_name)}: {application.course.name}, " in page_of(
        client, application, "add_note"
    )
    assert f"<strong>{escape(person.full_name)}: started declaration for " in page_of(
        client, declaration, "change_delivery_partners"
    )


def test_a_void_says_what_stays_unpaid_because_the_voided_one_counted(as_role: Callable[[str], Client]) -> None:
    books, client = Books(), as_role("finance")
    books.terms("npq-headship")
    january = books.statement(2025, 1)
    books.statement(2035, 1)
    first = books.enrol("npq-headship", training_status="withdrawn")
    counted = books.declare(january, "npq-headship", enrolment=first)
    surplus = books.declare(
        january, "npq-headship", enrolment=books.enrol("npq-headship", participant=first.participant)
    )
    another = books.declare(january, "npq-headship")
    books.pay(january)

    page = page_of(client, counted, "void_declaration")

    assert "Paid nothing because this one counted" in page
    assert str(surplus.public_id) in page
    assert str(another.public_id) not in page
    for other in (surplus, another):
        assert "because this one counted" not in page_of(client, other, "void_declaration")
