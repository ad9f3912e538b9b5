"""Every kind from the file to the result: five rows of which two are bad, and what is there afterwards."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from applications.choices import ReasonForRejection
from declarations.models import Declaration, DeliveryPartner, DeliveryPartnership
from finance.models import Adjustment, ContractTerms, LineItem, Statement
from finance.queries.moved import StatementTotals
from npq.backoffice.bulk import checking, work
from npq.backoffice.bulk.catalogue import KINDS
from npq.backoffice.bulk.choices import JobState
from npq.backoffice.bulk.kinds import Kind
from npq.backoffice.bulk.models import BulkJob, BulkRow
from npq.core.audit import Actor, acting_as
from npq.core.clock import clock_at
from npq.core.models import LeadProvider, Message
from participants.models import Participant
from tests.backoffice.bulk.uploading import Office, codes, csv_file, states
from tests.declarations.conftest import NOW, trainee
from tests.factories import (
    AdjustmentFactory,
    ApplicationFactory,
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    DeclarationFactory,
    DeliveryPartnerFactory,
    DeliveryPartnershipFactory,
    EnrolmentFactory,
    ParticipantFactory,
    StatementFactory,
)

Offices = Callable[[str, str], Office]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: str(kind.name))
def test_the_template_is_a_file_of_its_kind(office: Offices, kind: Kind) -> None:
    clerk = office(kind.role, kind.name)
    content = b"".join(clerk.client.get(f"{clerk.address}template.csv").streaming_content)

    job = clerk.checked(content)

    # Its example is invented, so what it names is not known; but it can be read.
    (row,) = BulkRow.objects.filter(job=job)
    assert row.state == "refused"
    assert {error["code"] for error in row.errors} <= {"invalid", "participant_not_recognised"}
    assert all("no " in each or "is not a " in each for each in row.sentences)


def test_reject_applications(office: Offices) -> None:
    pending = [ApplicationFactory() for _ in range(2)]
    rejected, accepted = ApplicationFactory(rejected=True), ApplicationFactory(accepted=True)
    content = csv_file(
        ["id", "reason"],
        [pending[0].public_id, ""],
        [accepted.public_id, ""],
        [pending[1].public_id, "rejected_by_provider"],
        [rejected.public_id, ""],
        [uuid.uuid4(), "because"],
    )
    clerk = office("caseworker", "reject_application")

    job = clerk.checked(content)
    page = clerk.page(job)
    job = clerk.confirm(job)

    assert "3 rows can be done (1 with nothing to do), 2 rows cannot" in page
    assert "Messages to participants</dt><dd>2</dd>" in page
    assert "it cannot be rejected. Undo the acceptance first." in page
    assert states(job) == ["done", "refused", "done", "unchanged", "refused"]
    assert codes(job)[1] == ["accepted_application_cannot_be_rejected"]
    assert codes(job)[4] == ["invalid", "invalid"]
    for one in pending:
        one.refresh_from_db()
    assert [one.reason_for_rejection for one in pending] == [
        ReasonForRejection.REGISTRATION_EXPIRED,
        ReasonForRejection.REJECTED_BY_PROVIDER,
    ]
    assert sorted(Message.objects.values_list("application_public_id", flat=True)) == sorted(
        one.public_id for one in pending
    )


def test_a_trn_that_was_copied_down_the_column_makes_no_two_people_one(office: Offices) -> None:
    one, two = (ParticipantFactory(without_trn=True).public_id for _ in range(2))
    content = csv_file(["participant_id", "teacher_reference_number"], [one, "9000001"], [two, "9000001"])

    job = office("caseworker", "change_trn").do(content)

    assert (states(job), codes(job)) == (["done", "refused"], [[], ["repeated"]])
    assert "is the same as line 2 in teacher_reference_number" in job.rows.get(line=3).sentences[0]


def test_change_trns(office: Offices) -> None:
    people = [ParticipantFactory(without_trn=True) for _ in range(3)]
    ParticipantFactory(teacher_reference_number="9000001")
    clerk = office("caseworker", "change_trn")
    content = csv_file(
        ["participant_id", "teacher_reference_number"],
        [people[0].public_id, "9000001"],
        [people[1].public_id, "900002"],
        [people[2].public_id, "90 00003"],
        [uuid.uuid4(), "9000004"],
        [people[0].public_id, "9000005"],
    )

    job = clerk.checked(content)
    assert "counts as the same person from now on" in clerk.page(job)
    job = clerk.confirm(job)

    assert states(job) == ["done", "refused", "done", "refused", "refused"]
    assert codes(job) == [[], ["trn_malformed"], [], ["invalid"], ["repeated"]]
    assert "counts as the same person from now on" in clerk.page(job)
    trns = [Participant.objects.get(id=one.id).verified_trn for one in people]
    assert trns == ["9000001", None, "9000003"]


DECLARATION_COLUMNS = (
    "participant_id",
    "declaration_type",
    "declaration_date",
    "course_identifier",
    "delivery_partner_id",
    "secondary_delivery_partner_id",
    "lead_provider",
    "has_passed",
)


def test_submit_declarations_with_their_pounds(
    office: Offices, provider: LeadProvider, rival_provider: LeadProvider
) -> None:
    first, second = trainee(provider), trainee(provider)

    def row(enrolment: Any, type_: str = "started", date: str = "2024-11-01", **more: Any) -> list[Any]:
        values = {"partner": "", "secondary": "", "provider": "ambition", "passed": "", **more}
        return [enrolment.participant.public_id, type_, date, "npq-headship", *values.values()]

    content = csv_file(
        DECLARATION_COLUMNS,
        row(first),
        row(second, provider="ucl"),
        row(second, date="2024-11-01T09:30:00Z"),
        row(first, "completed", "01/11/2024"),
        row(second, "completed", passed="yes"),
    )
    clerk = office("finance", "submit_declaration")

    with clock_at(NOW):
        job = clerk.checked(content)
        page = clerk.page(job)
        assert not Declaration.objects.exists()
        job = clerk.confirm(job)

    # 1,237.00 × 60 % ÷ 4 = 185.55 for each of three.
    assert "+£556.65" in page
    assert page.count(f"<div>Statement of {provider} for ") == page.count(": +£185.55</div>") == 3
    assert "3 rows can be done, 2 rows cannot" in page
    assert "Lines 4 and 6 are about the same person." in page
    assert states(job) == ["done", "refused", "done", "refused", "done"]
    assert codes(job)[1:4] == [["participant_not_recognised"], [], ["invalid"]]
    made = Declaration.objects.order_by("id")
    assert [(one.declaration_type, one.declaration_date) for one in made] == [
        ("started", datetime(2024, 11, 1, tzinfo=UTC)),
        ("started", datetime(2024, 11, 1, 9, 30, tzinfo=UTC)),
        ("completed", datetime(2024, 11, 1, tzinfo=UTC)),
    ]
    assert made[2].has_passed
    assert LineItem.objects.count() == 3


def declared_by(number: int, provider: LeadProvider) -> bytes:
    """A file of declarations that start so many people."""
    ids = [trainee(provider).participant.public_id for _ in range(number)]
    rows = ([each, "started", "2024-11-01", "npq-headship", "", "", "ambition", ""] for each in ids)
    return csv_file(DECLARATION_COLUMNS, *rows)


def pounds_of_rows(job: BulkJob) -> list[str]:
    return [row.pounds[0]["difference"] for row in BulkRow.objects.filter(job=job).order_by("line")]


def test_pounds_are_the_rows_own_though_others_move_the_statement_meanwhile(
    office: Offices, provider: LeadProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = declared_by(3, provider)
    rehearsed = checking._rehearsed

    def and_somebody_adjusts(*arguments: Any) -> Any:
        found = rehearsed(*arguments)
        if not Adjustment.objects.exists():
            AdjustmentFactory(statement=Statement.objects.get(), amount=Decimal(500))
        return found

    monkeypatch.setattr(checking, "_rehearsed", and_somebody_adjusts)
    with clock_at(NOW):
        job = office("finance", "submit_declaration").checked(content)

    assert Adjustment.objects.count() == 1
    assert pounds_of_rows(job) == ["185.55"] * 3


def test_a_cell_that_can_no_longer_be_read_when_its_turn_comes_is_told(office: Offices, provider: LeadProvider) -> None:
    clerk = office("finance", "submit_declaration")
    with clock_at(NOW):
        job = clerk.checked(declared_by(1, provider))
        assert states(job) == ["ready"]
        with acting_as(Actor.system("test"), "rename_provider"):
            LeadProvider.objects.filter(id=provider.id).update(code="renamed")
        job = clerk.confirm(job)

    assert (states(job), codes(job)) == (["failed"], [["invalid"]])
    assert "'ambition' is not a lead provider; the codes are " in job.rows.get().sentences[0]
    assert not Declaration.objects.exists()


def test_whom_nobody_knows_is_not_linked_to(office: Offices, provider: LeadProvider) -> None:
    row = [uuid.uuid4(), "started", "2024-11-01", CourseFactory().identifier, "", "", provider.code, ""]

    job = office("finance", "submit_declaration").checked(csv_file(DECLARATION_COLUMNS, row))

    assert codes(job) == [["participant_not_recognised"]]
    assert (job.rows.get().about, job.rows.get().person) == (None, None)


def test_what_a_statement_comes_to_without_any_row_is_added_up_once_for_many(
    office: Offices, provider: LeadProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = declared_by(6, provider)
    added_up = []
    amounts = StatementTotals.amounts

    def counted(self: StatementTotals, ids: Any) -> Any:
        added_up.append(list(ids))
        return amounts(self, added_up[-1])

    monkeypatch.setattr(StatementTotals, "amounts", counted)
    with clock_at(NOW):
        job = office("finance", "submit_declaration").checked(content)

    assert pounds_of_rows(job) == ["185.55"] * 6
    # With each row, once without, and once more to see that it held.
    assert len(added_up) == 6 + 2


def test_a_declaration_needs_its_delivery_partner_as_the_api_says(office: Offices, provider: LeadProvider) -> None:
    enrolment = trainee(provider, cohort=CohortFactory(start_year=2024))
    pairing = DeliveryPartnershipFactory(lead_provider=provider, cohort=enrolment.cohort)
    common = [enrolment.participant.public_id, "started", "2024-11-01", "npq-headship"]
    clerk = office("finance", "submit_declaration")

    with clock_at(NOW):
        without = clerk.checked(csv_file(DECLARATION_COLUMNS, [*common, "", "", "ambition", ""]))
        partner = pairing.delivery_partner.public_id
        named = clerk.do(csv_file(DECLARATION_COLUMNS, [*common, partner, "", "ambition", ""]))

    assert codes(without) == [["delivery_partner_missing"]]
    assert states(named) == ["done"]
    assert Declaration.objects.get().delivery_partner == pairing.delivery_partner


def test_pair_delivery_partners(office: Offices, provider: LeadProvider) -> None:
    cohort = CohortFactory(start_year=2025)
    known = DeliveryPartnerFactory(name="Harbour Hub")
    content = csv_file(
        ["name", "lead_provider", "cohort", "id"],
        ["New  Hub", "ambition", "2025a", ""],
        ["Harbour Hub", "Ambition Institute", "2025a", ""],
        ["harbour hub", "ambition", "2025", known.public_id],
        ["Other Hub", "ambition", "1999", ""],
        ["Third Hub", "ambition", "2025", ""],
    )

    job = office("configuration", "pair_delivery_partner").do(content)

    assert states(job) == ["done", "refused", "done", "refused", "done"]
    assert [row.errors[0]["field"] for row in BulkRow.objects.filter(job=job, state="refused").order_by("line")] == [
        "lead_provider",
        "cohort",
    ]
    pairings = DeliveryPartnership.objects.filter(lead_provider=provider, cohort=cohort)
    names = sorted(pairings.values_list("delivery_partner__name", flat=True))
    assert names == ["Harbour Hub", "New Hub", "Third Hub"]
    assert DeliveryPartner.objects.count() == 3


def test_fill_delivery_partners_and_never_replace_one(office: Offices, provider: LeadProvider) -> None:
    partners = [DeliveryPartnershipFactory(lead_provider=provider).delivery_partner for _ in range(2)]
    enrolments = [ApplicationFactory(lead_provider=provider, accepted=True).enrolment for _ in range(4)]
    declarations = [DeclarationFactory(enrolment=each) for each in enrolments]
    for each in (2, 3):
        declarations[each].delivery_partner = partners[0]
        declarations[each].save()
    ids = [each.public_id for each in declarations]
    content = csv_file(
        ["declaration_id", "delivery_partner_id", "secondary_delivery_partner_id"],
        [ids[0], partners[0].public_id, "#N/A"],
        [ids[1], "#N/A", ""],
        [ids[2], partners[0].public_id, partners[1].public_id],
        [ids[3], partners[1].public_id, ""],
        [ids[0], partners[1].public_id, ""],
    )

    desk = office("configuration", "fill_delivery_partner")
    job = desk.do(content)

    assert states(job) == ["done", "refused", "done", "refused", "refused"]
    assert codes(job) == [[], ["blank"], [], ["delivery_partner_named"], ["repeated"]]
    found = [Declaration.objects.get(id=each.id) for each in declarations]
    assert [(each.delivery_partner, each.secondary_delivery_partner) for each in found] == [
        (partners[0], None),
        (None, None),
        (partners[0], partners[1]),
        (partners[0], None),
    ]
    # Those who set the service up do not see people.
    page = desk.page(job)
    assert str(ids[0]) in page
    assert not any(each.participant.full_name in page for each in enrolments)


CONTRACT_COLUMNS = [
    "lead_provider",
    "cohort",
    "course_identifier",
    "recruitment_target",
    "per_participant",
    "service_fee_installments",
    "special_course",
    "monthly_service_fee",
    "effective_month",
]


def terms(course: str, price: str = "1000.00", **more: str) -> list[str]:
    values = {"target": "30", "price": price, "installments": "24", "special": "", "fee": "", "month": "", **more}
    return ["ambition", "2024", course, *values.values()]


@pytest.fixture
def courses(provider: LeadProvider) -> list[Any]:
    CohortFactory(start_year=2024)
    return [CourseFactory(identifier=f"npq-course-{number}") for number in range(5)]


def test_contract_terms_are_all_or_nothing(office: Offices, courses: list[Any]) -> None:
    good = [terms(course.identifier) for course in courses[:3]]
    clerk = office("configuration", "load_contracts")

    job = clerk.checked(csv_file(CONTRACT_COLUMNS, *good, terms("npq-course-3", "0"), terms("npq-course-9")))
    answer = clerk.act(job, "confirm", reason="A reason", seen=job.checked_at.isoformat() if job.checked_at else "")

    assert states(job) == ["ready", "ready", "ready", "refused", "refused"]
    page = clerk.page(job)
    assert "Nothing can be loaded: 2 rows of 5 must be put right first" in page
    assert "Can be done" not in page
    assert "Before you confirm" not in page
    assert "Confirm: do the rows" not in page
    assert "There is nothing that can be done." in answer.content.decode()
    assert not ContractTerms.objects.exists()


def test_contract_terms_with_their_pounds(office: Offices, provider: LeadProvider, courses: list[Any]) -> None:
    cohort = CohortFactory(start_year=2024)
    ContractTermsFactory(lead_provider=provider, cohort=cohort, course=courses[0], per_participant=Decimal("1000.00"))
    statement = StatementFactory(lead_provider=provider, cohort=cohort)
    clerk = office("configuration", "load_contracts")

    job = clerk.checked(csv_file(CONTRACT_COLUMNS, terms("npq-course-0"), terms("npq-course-1"), terms("npq-course-2")))
    page = clerk.page(job)
    job = clerk.confirm(job)

    # 30 × 1,000 × 40 % ÷ 24 = 500 of service fee for each of two.
    assert f"statement of {provider} for {statement.name}, cohort 2024a: +£1,000.00" in page
    assert (job.state, states(job)) == (JobState.FINISHED, ["unchanged", "done", "done"])
    assert ContractTerms.objects.count() == 3


STATEMENT_COLUMNS = ["lead_provider", "cohort", "year", "month", "deadline_date", "payment_date", "output_fee"]


def test_statements_are_all_or_nothing(office: Offices, provider: LeadProvider) -> None:
    cohort = CohortFactory(start_year=2024)
    StatementFactory(lead_provider=provider, cohort=cohort, year=2025, month=1, paid=True)
    clerk = office("configuration", "load_statements")

    def row(month: int, deadline: str, payment: str = "2025-06-25", flag: str = "yes") -> list[Any]:
        return ["ambition", "2024", 2025, month, deadline, payment, flag]

    good = [row(3, "2025-02-25"), row(4, "2025-03-25"), row(5, "2025-04-25")]
    bad = clerk.checked(csv_file(STATEMENT_COLUMNS, *good, row(1, "2024-12-24"), row(6, "2025-07-25")))
    done = clerk.do(csv_file(STATEMENT_COLUMNS, *good))

    assert codes(bad) == [[], [], [], ["statement_closed"], ["deadline_after_payment"]]
    assert states(done) == ["done", "done", "done"]
    assert sorted(Statement.objects.values_list("month", flat=True)) == [1, 3, 4, 5]


def test_what_has_become_impossible_is_not_loaded_in_part(
    office: Offices, provider: LeadProvider, courses: list[Any]
) -> None:
    clerk = office("configuration", "load_statements")
    row = ["ambition", "2024", 2025, 1, "2024-12-24", "2025-01-25", "yes"]
    job = clerk.checked(csv_file(STATEMENT_COLUMNS, row, [*row[:3], 2, *row[4:]]))
    StatementFactory(lead_provider=provider, cohort=CohortFactory(start_year=2024), year=2025, month=1, paid=True)

    job = clerk.confirm(job)

    assert (job.state, states(job), codes(job)) == (
        JobState.FINISHED,
        ["failed", "ready"],
        [["statement_closed"], []],
    )
    assert Statement.objects.count() == 1
    assert "1 row not done because of errors" in clerk.page(job)


@pytest.mark.parametrize("meanwhile", [JobState.CANCELLED, JobState.STOPPED])
def test_what_was_ended_meanwhile_is_not_loaded(
    office: Offices, provider: LeadProvider, courses: list[Any], monkeypatch: pytest.MonkeyPatch, meanwhile: JobState
) -> None:
    clerk = office("configuration", "load_statements")
    job = clerk.checked(csv_file(STATEMENT_COLUMNS, ["ambition", "2024", 2025, 1, "2024-12-24", "2025-01-25", "yes"]))
    run = work.run

    def ended_first(job: BulkJob, kind: Any) -> None:
        BulkJob.objects.filter(id=job.id).update(state=meanwhile)
        run(job, kind)

    monkeypatch.setattr(work, "run", ended_first)
    job = clerk.confirm(job)

    assert (job.state, states(job)) == (meanwhile, ["ready"])
    assert not Statement.objects.exists()


def test_a_rejection_whose_application_was_accepted_meanwhile_is_refused_then(office: Offices) -> None:
    application = ApplicationFactory()
    clerk = office("caseworker", "reject_application")
    job = clerk.checked(csv_file(["id"], [application.public_id]))
    EnrolmentFactory(application=application)

    job = clerk.confirm(job)

    assert (states(job), codes(job)) == (["failed"], [["accepted_application_cannot_be_rejected"]])
    assert "Could be done when checked, refused when done</dt><dd>1</dd>" in clerk.page(job)
