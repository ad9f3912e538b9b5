"""The 38 faults of finance.md §7, by number: each is a requirement to do better.

`test_hazard_N_…` shows that fault N does not occur here; where it cannot occur, `CANNOT_OCCUR` says why. Those of a
statement's life are in test_hazards_in_life.py.
"""

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from finance.models import ContractTerms, Export, Statement
from finance.queries.calculation import figures_of
from finance.queries.expected import expectation_of
from finance.queries.terms import terms_of_month
from npq.core.models import Change
from participants.models import Enrolment
from tests.commands import CommandRun, run_command
from tests.conftest import ApiClient
from tests.factories import (
    CohortFactory,
    ContractTermsFactory,
    LeadProviderFactory,
    MilestoneFactory,
    ParticipantFactory,
    ScheduleFactory,
    StatementFactory,
)
from tests.finance import test_hazards_in_life
from tests.finance.books import Books

pytestmark = pytest.mark.django_db

CANNOT_OCCUR = {
    18: "There are no shared templates to pick from: terms belong to one provider, cohort and course.",
    29: "A cohort is read by one parser, and every command writes the same audit trail as every other write.",
    37: "A fault of tests: ours use pence, and queries/test_calculation.py reproduces the worked examples.",
}

HAZARDS = range(1, 39)


def test_every_hazard_has_a_test_or_cannot_occur() -> None:
    names = [*globals(), *vars(test_hazards_in_life)]
    tested = {int(name.split("_")[2]) for name in names if name.startswith("test_hazard_")}

    assert sorted(tested | set(CANNOT_OCCUR)) == list(HAZARDS)


CONTRACTS = (
    "lead_provider,cohort,course_identifier,recruitment_target,per_participant,service_fee_installments,"
    "special_course,monthly_service_fee,effective_month"
)
STATEMENTS = "lead_provider,cohort,year,month,deadline_date,payment_date,output_fee"


@pytest.fixture
def books(provider) -> Books:
    books = Books(provider)
    books.terms("npq-headship", per_participant=Decimal("1237.00"))
    return books


def load(directory: Path, command: str, header: str, *lines: str) -> CommandRun:
    file = directory / "file.csv"
    file.write_text("\n".join([header, *lines]))
    return run_command(command, file, "--format", "json", "--apply")


def change(*arguments: object) -> CommandRun:
    contract = ["--lead-provider", "ambition", "--cohort", "2023", "--course", "npq-headship"]
    return run_command("change_contract", *contract, *arguments, "--format", "json", "--apply")


def test_hazard_4_terms_that_are_missing_are_named_before_money_is_lost(books: Books) -> None:
    january = books.statement(2025, 1)
    terms = books.terms("npq-leading-teaching")
    books.declare(january, "npq-leading-teaching")
    ContractTerms.objects.filter(id=terms.id).update(effective_month=date(2025, 2, 1))

    run = run_command("check_contracts", "--format", "json")

    assert run.code == 1
    assert "lines_without_terms" in {row["gap"] for row in run.json["rows"]}
    assert figures_of(january).without_terms == {"npq-leading-teaching": 1}


def test_hazard_14_fees_charged_beyond_the_instalments_are_named(books: Books) -> None:
    books.terms("npq-leading-teaching", service_fee_installments=1)
    books.statement(2030, 1), books.statement(2030, 2)

    run = run_command("check_contracts", "--format", "json")

    gaps = {row["gap"]: row["errors"][0]["detail"] for row in run.json["rows"]}
    assert "charged on 2 statements: beyond them 2030-02" in gaps["installments_used_up"]


def test_hazard_14_no_fee_and_a_derived_fee_are_told_apart(books: Books, tmp_path: Path) -> None:
    books.course("npq-leading-teaching")
    load(
        tmp_path,
        "load_contracts",
        CONTRACTS,
        "ambition,2023,npq-leading-teaching,30,1000,20,,0,2025-01",
        "ambition,2023,npq-leading-teaching,30,1000,20,,,2025-02",
    )

    fees = [
        figures_of(books.statement(2025, month)).service_fee - figures_of(books.statement(2024, month)).service_fee
        for month in (1, 2)
    ]
    assert fees == [0, 600]


@pytest.mark.parametrize("amount", ["1000.75", "0.01", "99.99"])
def test_hazard_15_pence_stay_pence(books: Books, tmp_path: Path, amount: str) -> None:
    books.course("npq-leading-teaching")
    preview = load(
        tmp_path, "load_contracts", CONTRACTS, f"ambition,2023,npq-leading-teaching,30,{amount},20,no,{amount},"
    )

    terms = ContractTerms.objects.get(course__identifier="npq-leading-teaching")
    assert terms.per_participant == terms.monthly_service_fee == Decimal(amount)
    assert f"per_participant {amount}" in preview.json["rows"][0]["changes"]
    change("--from", "2025-06", "--per-participant", amount)
    assert ContractTerms.objects.get(effective_month=date(2025, 6, 1)).per_participant == Decimal(amount)


@pytest.mark.parametrize("text", ["", "0", "-1", "1e3", "nan", "1000.005"])
def test_hazard_16_what_is_no_amount_is_refused_and_not_taken_for_zero(books: Books, text: str) -> None:
    run = change("--from", "2025-06", f"--per-participant={text}")

    assert run.code == 2
    assert ContractTerms.objects.count() == 1


def test_hazard_17_what_is_taken_back_is_negative_wherever_it_is_shown(api: ApiClient, books: Books) -> None:
    january, february = books.statement(2025, 1), books.statement(2025, 2)
    declaration = books.declare(january, "npq-headship")
    books.pay(january)
    books.void(declaration, on=february.deadline_date)

    shown = run_command("show_statement", february.public_id, "--format", "json").json["rows"][0]
    read = api.get("v3", f"/statements/{february.public_id}/payment").json()["data"]["attributes"]
    line = api.get("v3", f"/statements/{february.public_id}/declarations").json()["data"][0]["attributes"]
    exported = csv.DictReader(io.StringIO(run_command("export_statement", february.public_id, "--kind", "payment").out))

    assert shown["clawback"] == read["clawback"] == line["amount"] == "-185.55"
    assert {row["amount"] for row in exported if row["item"] == "clawback"} == {"-185.55", "0.00"}


def test_hazard_19_changing_one_contract_leaves_every_other_alone(books: Books) -> None:
    others = [
        ContractTermsFactory(lead_provider=LeadProviderFactory(), cohort=books.cohort),
        ContractTermsFactory(lead_provider=books.lead_provider, cohort=CohortFactory(start_year=2022)),
        books.terms("npq-leading-teaching"),
    ]

    change("--from", "2025-06", "--per-participant", "1500")

    for terms in others:
        before = terms.per_participant
        terms.refresh_from_db()
        assert terms.per_participant == before


@pytest.mark.parametrize(
    "broken",
    [
        {"number_of_payment_periods": 0},
        {"service_fee_installments": 0, "monthly_service_fee": None},
        {"per_participant": 0},
        {"recruitment_target": 0},
        {"targeted_delivery_funding_per_participant": None},
    ],
)
def test_hazard_20_terms_that_cannot_be_calculated_cannot_be_stored(books: Books, broken: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ContractTerms.objects.update(**broken)


@pytest.mark.parametrize(
    "broken", [{"deadline_date": None}, {"payment_date": None}, {"payment_date": date(2020, 1, 1)}]
)
def test_hazard_20_statements_have_dates_in_order(books: Books, broken: dict[str, Any]) -> None:
    books.statement()

    with pytest.raises(IntegrityError), transaction.atomic():
        Statement.objects.update(**broken)


@pytest.mark.parametrize("state", ["payable", "paid"])
def test_hazard_21_a_price_change_looks_at_payable_statements_too(books: Books, provider, state: str) -> None:
    StatementFactory(lead_provider=provider, cohort=books.cohort, month=6, **{state: True})

    run = change("--from", "2025-06", "--per-participant", "1500")

    assert (run.code, [error[2] for error in run.errors]) == (1, ["statement_closed"])


def test_hazard_21_a_price_change_works_month_by_month(books: Books) -> None:
    change("--from", "2025-06", "--per-participant", "1500")

    prices = [
        terms_of_month(books.lead_provider.id, books.cohort.id, month)[books.course("npq-headship").id].per_participant
        for month in (date(2025, 5, 1), date(2025, 6, 1), date(2026, 1, 1))
    ]
    assert prices == [Decimal("1237.00"), Decimal("1500.00"), Decimal("1500.00")]


def test_hazard_21_a_course_without_terms_is_a_clear_refusal(books: Books) -> None:
    books.course("npq-leading-teaching")
    contract = ["--lead-provider", "ambition", "--cohort", "2023", "--course", "npq-leading-teaching"]

    run = run_command("change_contract", *contract, "--from", "2025-06", "--per-participant", "1500")

    assert run.code == 1
    assert "no contract terms for npq-leading-teaching" in run.out


def test_hazard_22_two_prices_for_one_contract_are_an_error_naming_both_lines(books: Books, tmp_path: Path) -> None:
    run = load(
        tmp_path,
        "load_contracts",
        CONTRACTS,
        "ambition,2023,npq-headship,30,1237.00,24,no,,",
        "ambition,2023,npq-headship,30,1238.00,24,no,,",
    )

    assert run.errors == [(3, "", "repeated")]
    assert "line 2" in run.err


def test_hazard_22_one_month_with_two_dates_is_an_error(books: Books, tmp_path: Path) -> None:
    run = load(
        tmp_path,
        "load_statements",
        STATEMENTS,
        "ambition,2023,2025,1,2024-12-25,2025-01-25,yes",
        "ambition,2023,2025,1,2024-12-26,2025-01-25,yes",
        "ambition,2023,2025,2,2025-02-26,2025-02-25,yes",
    )

    assert run.errors == [(3, "", "repeated"), (4, "deadline_date", "deadline_after_payment")]
    assert Statement.objects.count() == 0


@pytest.mark.parametrize(("text", "stored"), [("False", False), ("no", False), ("N", None), ("", None), ("TRUE", True)])
def test_hazard_22_no_is_no(books: Books, tmp_path: Path, text: str, stored: bool | None) -> None:
    run = load(tmp_path, "load_statements", STATEMENTS, f"ambition,2023,2025,1,2024-12-25,2025-01-25,{text}")

    assert (run.code == 0) is (stored is not None)
    assert list(Statement.objects.values_list("output_fee", flat=True)) == ([] if stored is None else [stored])


def test_hazard_22_line_numbers_hold_whatever_came_before(books: Books, provider, tmp_path: Path) -> None:
    StatementFactory(lead_provider=provider, cohort=books.cohort, month=3, paid=True)

    run = load(
        tmp_path,
        "load_statements",
        STATEMENTS,
        "nobody,2023,2025,1,2024-12-25,2025-01-25,yes",
        "",
        '"ambition\n",2023,2025,2,2025-01-25,2025-02-25,yes',
        "ambition,2023,2025,3,2025-02-25,2025-03-26,yes",
    )

    assert [(line, code) for line, _, code in run.errors] == [(2, "invalid"), (6, "statement_closed")]


def test_hazard_23_a_milestone_needs_no_statement(books: Books, rival_provider) -> None:
    schedule = ScheduleFactory(cohort=books.cohort)
    milestone = MilestoneFactory(schedule=schedule, deadline_date=date(2024, 12, 1))
    books.enrol("npq-headship"), Books(rival_provider, books.cohort).enrol("npq-headship")
    january, march = books.statement(2025, 1), books.statement(2025, 3)

    milestone.deadline_date = date(2025, 1, 10)
    milestone.save()

    day = date(2024, 11, 1)
    assert [len(expectation_of(each, day=day).missing) for each in (january, march)] == [0, 1]


@pytest.mark.parametrize("state", ["payable", "paid"])
def test_hazard_26_the_output_flag_of_a_closed_statement_stays(books: Books, provider, state: str) -> None:
    statement = StatementFactory(lead_provider=provider, cohort=books.cohort, **{state: True})

    run = run_command("set_statement", statement.public_id, "--output-fee", "false", "--apply", "--format", "json")

    assert [error[2] for error in run.errors] == ["statement_not_open"]
    assert Statement.objects.get().output_fee is True


def test_hazard_28_expected_is_who_is_still_to_be_paid_for(books: Books) -> None:
    january, march = books.statement(2025, 1), books.statement(2025, 3)
    books.enrol("npq-headship", eligible_for_funding=False)
    books.enrol("npq-headship", training_status="withdrawn")
    voided = books.void(books.declare(january, "npq-headship"), on=january.deadline_date)
    twice = ParticipantFactory()
    books.terms("npq-leading-teaching")
    for course in ("npq-headship", "npq-leading-teaching"):
        books.enrol(course, participant=twice)

    expectation = expectation_of(january, day=date(2024, 11, 1))

    # The person on two courses is expected twice; the voided start is outstanding, and its next type not yet due.
    assert expectation.missing[0].application_id == voided.enrolment.application.public_id
    assert [each.declaration_type for each in expectation.missing] == ["started"] * 3
    assert len(expectation_of(march, day=date(2024, 11, 1)).missing) == 3


def test_hazard_28_received_stays_received_on_a_paid_statement(books: Books) -> None:
    january, february = books.statement(2025, 1), books.statement(2025, 2)
    declaration = books.declare(january, "npq-headship")
    books.pay(january)
    books.void(declaration, on=february.deadline_date)

    started = expectation_of(january, day=date(2025, 1, 20)).types[0]
    assert (started.declaration_type, started.received) == ("started", 1)


def test_hazard_30_terms_are_chosen_by_date_and_not_by_text(books: Books) -> None:
    for month in (date(2025, 2, 1), date(2025, 9, 1), date(2025, 10, 1)):
        books.terms("npq-headship", effective_month=month, recruitment_target=month.month)

    (terms,) = terms_of_month(books.lead_provider.id, books.cohort.id, date(2025, 12, 1)).values()
    assert terms.recruitment_target == 10


def test_hazard_31_a_statement_is_shown_in_as_many_queries_whatever_its_size(api: ApiClient, books: Books) -> None:
    statement = books.statement(2025, 1)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            api.get("v3", f"/statements/{statement.public_id}/payment")
        return len(captured)

    books.declare(statement, "npq-headship")
    queries()
    few = queries()
    for course in ("npq-leading-teaching", "npq-leading-literacy", "npq-senior-leadership"):
        books.terms(course)
        books.declare_many(2, statement, course)
    assert queries() == few


def test_hazard_33_public_ids_and_states_of_lines(api: ApiClient, books: Books) -> None:
    statement = books.statement(2025, 1)
    voided = books.void(books.declare(statement, "npq-headship"), on=statement.deadline_date)

    (record,) = api.get("v3", f"/statements/{statement.public_id}/declarations").json()["data"]

    assert (record["id"], record["attributes"]["state"]) == (str(voided.public_id), "voided")


def test_hazard_34_the_assurance_report_drops_nobody_and_leaves_a_trail(books: Books) -> None:
    statement = books.statement(2025, 1)
    made = [
        books.declare(statement, "npq-headship", participant=ParticipantFactory(full_name="@SUM(1)")),
        books.declare(statement, "npq-headship", participant=ParticipantFactory(full_name="@SUM(1)")),
    ]
    Enrolment.objects.filter(id=made[0].enrolment_id).update(training_status="withdrawn")

    first, second = (
        run_command("export_statement", statement.public_id, "--kind", "assurance", "--actor", "Jo Baker").out
        for _ in range(2)
    )

    rows = list(csv.DictReader(io.StringIO(first)))
    assert first == second
    assert [row["Declaration ID"] for row in rows] == [str(declaration.public_id) for declaration in made]
    assert {row["Participant Name"] for row in rows} == {"'@SUM(1)"}
    assert Export.objects.count() == 2
    assert set(Change.objects.filter(table="finance_export").values_list("actor_name", flat=True)) == {"Jo Baker"}


def test_hazard_35_equal_payment_dates_keep_their_order_over_pages(api: ApiClient, provider) -> None:
    made = [
        StatementFactory(lead_provider=provider, cohort=CohortFactory(start_year=year)) for year in (2024, 2021, 2023)
    ]

    pages = [
        api.get("v3", "/statements", {"page[per_page]": "1", "page[page]": str(page)}).json()["data"][0]["id"]
        for page in (1, 2, 3)
    ]

    assert pages == [str(statement.public_id) for statement in made]


def test_hazard_36_two_cohorts_of_one_year_are_told_apart(provider) -> None:
    for suffix in ("a", "b"):
        Books(provider, CohortFactory(start_year=2025, suffix=suffix)).terms("npq-headship")

    rows = list(csv.DictReader(io.StringIO(run_command("export_contracts", "--cohort", "2025b").out)))

    assert [row["cohort"] for row in rows] == ["2025b"]
