"""load_contracts: what a file may say, every way it can be wrong, and what a change does to statements."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from finance.models import ContractTerms
from finance.services.load_contracts import COLUMNS
from npq.core.models import Change
from tests.commands import CommandRun, run_command
from tests.factories import (
    CohortFactory,
    ContractTermsFactory,
    CourseFactory,
    DeclarationFactory,
    LineItemFactory,
    StatementFactory,
)

pytestmark = pytest.mark.django_db

HEADER = ",".join(COLUMNS)
ROW = "ambition,2023,npq-headship,30,1000.75,24,false,,"


@pytest.fixture
def load(tmp_path: Path, provider, rival_provider) -> Callable[..., CommandRun]:
    """Loads a file of these lines; with `header=None` the first line is the header."""
    CourseFactory(), CourseFactory(specialist=True), CourseFactory(ehco=True), CourseFactory(aso=True)
    CohortFactory(), CohortFactory(start_year=2025, suffix="b")

    def run(*lines: str, header: str | None = HEADER, apply: bool = True, encoding: str = "utf-8") -> CommandRun:
        file = tmp_path / "contracts.csv"
        text = "\n".join([header, *lines] if header is not None else lines)
        file.write_bytes(text.encode(encoding))
        return run_command("load_contracts", file, "--format", "json", *(["--apply"] if apply else []))

    return run


def cells(**changed: str) -> str:
    """The usual row with some cells changed."""
    values = dict(zip(COLUMNS, ROW.split(","), strict=True)) | changed
    return ",".join(f'"{value}"' if "," in value else value for value in values.values())


def test_pence_stay_pence_and_the_course_group_fixes_the_rest(load) -> None:
    run = load(ROW, cells(course_identifier="npq-leading-teaching", monthly_service_fee="99.99"))

    assert run.code == 0, run.err
    headship, teaching = ContractTerms.objects.order_by("id")
    assert headship.per_participant == Decimal("1000.75")
    assert (headship.number_of_payment_periods, headship.service_fee_percentage) == (4, 40)
    assert headship.monthly_service_fee is None
    assert headship.effective_month is None
    assert headship.targeted_delivery_funding_per_participant == Decimal("100.00")
    assert (teaching.number_of_payment_periods, teaching.output_payment_percentage) == (3, 60)
    assert teaching.monthly_service_fee == Decimal("99.99")


@pytest.mark.parametrize("course", ["npq-early-headship-coaching-offer", "npq-additional-support-offer"])
def test_coaching_offers_have_no_service_fee_and_pay_all_as_output(load, course) -> None:
    load(cells(course_identifier=course, service_fee_installments="0"))

    terms = ContractTerms.objects.get()
    assert (terms.number_of_payment_periods, terms.service_fee_percentage, terms.output_payment_percentage) == (
        4,
        0,
        100,
    )


def test_cohort_suffix_month_and_zero_fee(load) -> None:
    load(cells(cohort="2025b", effective_month="2026-03", monthly_service_fee="0", special_course="YES"))

    terms = ContractTerms.objects.get()
    assert terms.cohort.identifier == "2025b"
    assert terms.effective_month == date(2026, 3, 1)
    assert terms.monthly_service_fee == 0
    assert terms.special_course is True


@pytest.mark.parametrize(
    ("text", "special"),
    [("true", True), ("No", False), ("N0", None), ("1", True), ("0", False), ("", False), ("y", None)],
)
def test_booleans_are_strict(load, text: str, special: bool | None) -> None:
    run = load(cells(special_course=text))

    if special is None:
        assert run.code == 2
        assert run.errors == [(2, "special_course", "invalid")]
    else:
        assert ContractTerms.objects.get().special_course is special


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("lead_provider", "", "blank"),
        ("lead_provider", "Ambition Institute", "invalid"),
        ("cohort", "", "blank"),
        ("cohort", "2099", "invalid"),
        ("cohort", "23", "invalid"),
        ("course_identifier", "npq-juggling", "invalid"),
        ("recruitment_target", "", "blank"),
        ("recruitment_target", "0", "invalid"),
        ("recruitment_target", "-3", "invalid"),
        ("recruitment_target", "30.5", "invalid"),
        ("recruitment_target", "99999999999", "invalid"),
        ("per_participant", "", "blank"),
        ("per_participant", "0", "invalid"),
        ("per_participant", "0.00", "invalid"),
        ("per_participant", "-1", "invalid"),
        ("per_participant", "1,000.75", "invalid"),
        ("per_participant", "£1000", "invalid"),
        ("per_participant", "1e3", "invalid"),
        ("per_participant", "NaN", "invalid"),
        ("per_participant", "Infinity", "invalid"),
        ("per_participant", "1000.755", "invalid"),
        ("per_participant", "99999999999.00", "invalid"),
        ("per_participant", "٣", "invalid"),
        ("service_fee_installments", "", "blank"),
        ("service_fee_installments", "0", "fee_not_derivable"),
        ("service_fee_installments", "99999", "invalid"),
        ("monthly_service_fee", "-0.01", "invalid"),
        ("monthly_service_fee", "none", "invalid"),
        ("effective_month", "2025-13", "invalid"),
        ("effective_month", "March 2025", "invalid"),
        ("effective_month", "2025-03-01", "invalid"),
        ("effective_month", "1999-01", "invalid"),
    ],
)
def test_each_bad_cell_is_named_with_its_line(load, column: str, cell: str, code: str) -> None:
    run = load(cells(course_identifier="npq-leading-teaching"), cells(**{column: cell}))

    assert run.code == 2
    assert run.errors == [(3, column, code)]
    assert ContractTerms.objects.count() == 0


def test_all_errors_of_all_lines_are_listed(load) -> None:
    run = load(ROW, cells(cohort="1066", per_participant="x"), cells(lead_provider="nobody", recruitment_target=""))

    assert run.errors == [
        (3, "cohort", "invalid"),
        (3, "per_participant", "invalid"),
        (4, "lead_provider", "invalid"),
        (4, "recruitment_target", "blank"),
    ]
    assert "line 3: cohort" in run.err
    assert "the cohorts are 2023a, 2025b" in run.err


def test_two_prices_for_one_month_name_both_lines(load) -> None:
    run = load(ROW, cells(course_identifier="npq-leading-teaching"), cells(per_participant="1000.00"))

    assert run.errors == [(4, "", "repeated")]
    assert "as line 2 does" in run.err


def test_the_same_course_from_another_month_is_no_repetition(load) -> None:
    run = load(ROW, cells(effective_month="2025-03"))

    assert run.code == 0, run.err
    assert ContractTerms.objects.count() == 2


def test_columns_in_any_order_and_others_ignored(load) -> None:
    names = [*reversed(COLUMNS), "remarks"]
    values = dict(zip(COLUMNS, ROW.split(","), strict=True)) | {"remarks": "agreed by phone"}

    run = load(",".join(values[name] for name in names), header=",".join(names))

    assert run.code == 0, run.err
    assert ContractTerms.objects.get().per_participant == Decimal("1000.75")


def test_a_file_as_spreadsheets_write_it(load) -> None:
    run = load(ROW + "\r", ",,,,,,,,\r", header="﻿" + HEADER + "\r")

    assert run.code == 0, run.err
    assert ContractTerms.objects.count() == 1


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], "file_empty"),
        ([HEADER], "no_rows"),
        ([HEADER, ",,,,,,,,"], "no_rows"),
        ([HEADER.replace("per_participant", "price"), ROW], "column_missing"),
        ([HEADER + ",cohort", ROW + ",2023"], "column_repeated"),
        ([HEADER, ROW + ",surplus"], "wrong_number_of_cells"),
        ([HEADER, ROW.rpartition(",")[0]], "wrong_number_of_cells"),
        ([HEADER, '"ambition,2023'], "not_csv"),
    ],
)
def test_bad_files(load, lines: list[str], code: str) -> None:
    run = load(*lines, header=None)

    assert run.code == 2
    assert [error[2] for error in run.errors] == [code]


def test_a_file_that_is_not_there_or_not_utf8(load, tmp_path) -> None:
    assert run_command("load_contracts", tmp_path / "nowhere.csv").code == 2
    assert run_command("load_contracts", tmp_path).code == 2
    assert load(cells(lead_provider="ambiti\u00f3n"), encoding="latin-1").errors == [(2, "", "not_utf8")]
    assert run_command("load_contracts").code == 2


def test_loading_again_changes_nothing(load) -> None:
    load(ROW)
    changes = Change.objects.count()

    run = load(ROW)

    assert run.json["counts"] == {"unchanged": 1}
    assert Change.objects.count() == changes


def test_without_apply_nothing_is_stored_and_the_output_says_so(load) -> None:
    run = load(ROW, apply=False)

    assert run.code == 0
    assert run.json["applied"] is False
    assert run.json["counts"] == {"created": 1}
    assert ContractTerms.objects.count() == 0


def test_the_preview_shows_each_open_statements_total_before_and_after(load, provider) -> None:
    terms = ContractTermsFactory(lead_provider=provider, per_participant=Decimal("1000.00"))
    open_one = StatementFactory(lead_provider=provider, cohort=terms.cohort, year=2025, month=2)
    other_cohort = StatementFactory(lead_provider=provider, cohort=CohortFactory(start_year=2022))
    declaration = DeclarationFactory(
        enrolment__application__lead_provider=provider, enrolment__application__cohort=terms.cohort, state="eligible"
    )
    LineItemFactory(declaration=declaration, statement=open_one)

    preview, done = load(ROW, apply=False), load(ROW)

    effects = [row for row in preview.json["rows"] if row["result"] == "recalculated"]
    # Service fee 30 × P × 40 % ÷ 24 = P ÷ 2, output payment P × 60 % ÷ 4 = 0.15 P.
    assert [(row["id"], row["total_before"], row["total_after"], row["difference"]) for row in effects] == [
        (str(open_one.public_id), "650.00", "650.49", "0.49")
    ]
    assert preview.json["rows"] == done.json["rows"]
    assert preview.json["rows"][0]["changes"] == "per_participant 1000.00 → 1000.75"
    assert str(other_cohort.public_id) not in preview.out


def test_terms_a_payable_or_paid_statement_rests_on_are_kept(load, provider) -> None:
    terms = ContractTermsFactory(lead_provider=provider, per_participant=Decimal("1000.00"))
    StatementFactory(lead_provider=provider, cohort=terms.cohort, year=2025, month=1, paid=True)
    StatementFactory(lead_provider=provider, cohort=terms.cohort, year=2025, month=2, payable=True)
    StatementFactory(lead_provider=provider, cohort=terms.cohort, year=2025, month=3)

    run = load(ROW)

    assert run.errors == [(2, "", "statement_closed")]
    assert "January 2025 (paid), February 2025 (payable)" in run.err
    terms.refresh_from_db()
    assert terms.per_participant == Decimal("1000.00")


@pytest.mark.parametrize(("month", "code"), [("2025-02", 2), ("2025-03", 0)])
def test_new_terms_may_begin_after_the_last_closed_statement(load, provider, month: str, code: int) -> None:
    terms = ContractTermsFactory(lead_provider=provider)
    StatementFactory(lead_provider=provider, cohort=terms.cohort, year=2025, month=2, payable=True)

    assert load(cells(effective_month=month)).code == code


def test_terms_before_a_closed_month_may_change_when_later_ones_hold_there(load, provider) -> None:
    first = ContractTermsFactory(lead_provider=provider, per_participant=Decimal("900.00"))
    ContractTermsFactory(lead_provider=provider, effective_month=date(2025, 1, 1))
    StatementFactory(lead_provider=provider, cohort=first.cohort, year=2025, month=2, paid=True)

    assert load(ROW).code == 0
    first.refresh_from_db()
    assert first.per_participant == Decimal("1000.75")


def test_a_course_that_a_closed_statement_lacked_cannot_be_added_from_the_first(load, provider) -> None:
    terms = ContractTermsFactory(lead_provider=provider)
    StatementFactory(lead_provider=provider, cohort=terms.cohort, year=2025, month=2, paid=True)

    run = load(cells(course_identifier="npq-leading-teaching"))

    assert run.errors == [(2, "", "statement_closed")]


def test_another_providers_terms_stay_as_they_are(load, rival_provider) -> None:
    theirs = ContractTermsFactory(lead_provider=rival_provider)

    load(ROW)

    theirs.refresh_from_db()
    assert theirs.per_participant == Decimal("1237.00")


def test_the_trail_names_who_loaded(load) -> None:
    load(ROW)

    change = Change.objects.get(table="finance_contractterms")
    assert (change.operation, change.action, change.actor_kind) == ("insert", "load_contracts", "command")
    assert change.after["per_participant"] == 1000.75


def test_a_table_for_people(load, tmp_path) -> None:
    load(ROW, apply=False)

    run = run_command("load_contracts", tmp_path / "contracts.csv")

    assert "per_participant 1000.75" in run.out
    assert "Run it again with --apply" in run.out
