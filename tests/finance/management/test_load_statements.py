"""load_statements: what a file may say, every way it can be wrong, and what it does."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from finance.models import Statement
from finance.services.load_statements import COLUMNS
from npq.core.models import Change
from tests.commands import CommandRun, run_command
from tests.factories import (
    CohortFactory,
    ContractTermsFactory,
    DeclarationFactory,
    LeadProviderFactory,
    LineItemFactory,
    StatementFactory,
)

pytestmark = pytest.mark.django_db

HEADER = ",".join(COLUMNS)
ROW = "ambition,2023,2025,1,2024-12-25,2025-01-25,true"


@pytest.fixture
def load(tmp_path: Path, provider) -> Callable[..., CommandRun]:
    CohortFactory(), CohortFactory(start_year=2025, suffix="b")

    def run(*lines: str, header: str = HEADER, apply: bool = True) -> CommandRun:
        file = tmp_path / "statements.csv"
        file.write_text("\n".join([header, *lines]))
        return run_command("load_statements", file, "--format", "json", *(["--apply"] if apply else []))

    return run


def cells(**changed: str) -> str:
    """The usual row with some cells changed."""
    return ",".join((dict(zip(COLUMNS, ROW.split(","), strict=True)) | changed).values())


def test_a_named_provider_needs_no_terms(load, provider) -> None:
    run = load(ROW, cells(cohort="2025b", month="02", output_fee="no"))

    assert run.code == 0, run.err
    first, second = Statement.objects.order_by("month")
    assert (first.lead_provider, first.state, first.output_fee) == (provider, "open", True)
    assert (first.deadline_date, first.payment_date) == (date(2024, 12, 25), date(2025, 1, 25))
    assert (second.cohort.identifier, second.output_fee) == ("2025b", False)


def test_a_blank_provider_means_everyone_with_terms_in_the_cohort(load, provider, rival_provider) -> None:
    ContractTermsFactory(lead_provider=provider)
    ContractTermsFactory(lead_provider=provider, effective_month=date(2025, 9, 1))
    ContractTermsFactory(lead_provider=rival_provider)
    ContractTermsFactory(lead_provider=LeadProviderFactory(), cohort=CohortFactory(start_year=2022))

    run = load(cells(lead_provider=""))

    assert run.code == 0, run.err
    assert [row["lead_provider"] for row in run.json["rows"] if row["result"] == "created"] == ["ambition", "ucl"]
    assert set(Statement.objects.values_list("lead_provider", flat=True)) == {provider.id, rival_provider.id}


def test_a_blank_provider_without_any_terms_is_an_error(load) -> None:
    run = load(cells(lead_provider=""))

    assert run.code == 2
    assert run.errors == [(2, "lead_provider", "no_provider_with_terms")]


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("lead_provider", "nobody", "invalid"),
        ("cohort", "", "blank"),
        ("cohort", "1999", "invalid"),
        ("year", "", "blank"),
        ("year", "2019", "invalid"),
        ("year", "2051", "invalid"),
        ("year", "25", "invalid"),
        ("month", "", "blank"),
        ("month", "0", "invalid"),
        ("month", "13", "invalid"),
        ("month", "January", "invalid"),
        ("deadline_date", "", "blank"),
        ("deadline_date", "25/12/2024", "invalid"),
        ("deadline_date", "2024-02-30", "invalid"),
        ("deadline_date", "2025-01-26", "deadline_after_payment"),
        ("payment_date", "", "blank"),
        ("payment_date", "25 January 2025", "invalid"),
        ("output_fee", "", "blank"),
        ("output_fee", "N", "invalid"),
    ],
)
def test_each_bad_cell_is_named_with_its_line(load, column: str, cell: str, code: str) -> None:
    run = load(cells(month="3"), cells(**{column: cell}))

    assert run.code == 2
    assert run.errors == [(3, column, code)]
    assert Statement.objects.count() == 0


def test_deadline_and_payment_may_be_the_same_day(load) -> None:
    assert load(cells(deadline_date="2025-01-25")).code == 0


def test_one_month_twice_names_both_lines(load, provider) -> None:
    ContractTermsFactory(lead_provider=provider)

    run = load(ROW, cells(deadline_date="2024-12-26"), cells(lead_provider=""))

    assert run.errors == [(3, "", "repeated"), (4, "", "repeated")]
    assert "as line 2 does" in run.err


@pytest.mark.parametrize("lines", [[], [",,,,,,"]])
def test_a_file_without_rows_is_bad_input(load, lines: list[str]) -> None:
    run = load(*lines)

    assert run.code == 2
    assert [error[2] for error in run.errors] == ["no_rows"]


def test_every_missing_column_is_named(load) -> None:
    run = load("2023,2025", header="cohort,year")

    assert {error[1] for error in run.errors} == set(COLUMNS) - {"cohort", "year"}


def test_loading_again_changes_nothing(load) -> None:
    load(ROW)
    before = Change.objects.count()

    run = load(ROW)

    assert run.json["counts"] == {"unchanged": 1}
    assert Change.objects.count() == before


def test_an_open_statements_dates_and_flag_are_updated(load, provider) -> None:
    load(ROW)

    run = load(cells(deadline_date="2024-12-20", payment_date="2025-01-20", output_fee="false"))

    assert run.json["counts"] == {"updated": 1}
    assert "deadline_date 2024-12-25 → 2024-12-20" in run.json["rows"][0]["changes"]
    statement = Statement.objects.get()
    assert (statement.deadline_date, statement.output_fee) == (date(2024, 12, 20), False)


@pytest.mark.parametrize("state", ["payable", "paid"])
def test_a_closed_statement_is_unchanged_or_an_error(load, provider, state: str) -> None:
    cohort = CohortFactory()
    made = StatementFactory(
        lead_provider=provider,
        cohort=cohort,
        deadline_date=date(2024, 12, 25),
        payment_date=date(2025, 1, 25),
        **{state: True},
    )

    same, different = load(ROW), load(cells(month="2"), cells(payment_date="2025-01-26"))

    assert same.json["counts"] == {"unchanged": 1}
    assert different.code == 2
    assert different.errors == [(3, "", "statement_closed")]
    assert list(Statement.objects.all()) == [made]


def test_a_statement_with_declarations_stays_an_output_statement(load, provider) -> None:
    declaration = DeclarationFactory(enrolment__application__lead_provider=provider, state="eligible")
    LineItemFactory(declaration=declaration)

    run = load(cells(output_fee="false"))

    assert run.errors == [(2, "output_fee", "statement_has_declarations")]


def test_a_voided_line_does_not_keep_it(load, provider) -> None:
    declaration = DeclarationFactory(enrolment__application__lead_provider=provider, voided=True)
    LineItemFactory(declaration=declaration, state="voided")

    assert load(cells(output_fee="false")).code == 0


def test_the_preview_stores_nothing_and_shows_what_new_statements_come_to(load, provider) -> None:
    ContractTermsFactory(lead_provider=provider)

    run = load(cells(lead_provider=""), apply=False)

    assert Statement.objects.count() == 0
    created, effect = run.json["rows"]
    assert (created["result"], created["statement_id"]) == ("created", None)
    # The service fee of E1: 30 × 1,237.00 × 40 % ÷ 24.
    assert (effect["total_before"], effect["total_after"]) == (None, "618.50")


def test_many_rows_take_few_queries(load, provider, rival_provider, django_assert_max_num_queries) -> None:
    lines = [cells(lead_provider=code, month=str(month)) for code in ("ambition", "ucl") for month in range(1, 13)]
    load(*lines)

    with django_assert_max_num_queries(20):
        assert load(*lines).json["counts"] == {"unchanged": 24}
