"""change_contract: other terms from a month on."""

from datetime import date
from decimal import Decimal

import pytest

from finance.models import ContractTerms
from tests.commands import run_command
from tests.factories import CohortFactory, ContractTermsFactory, CourseFactory, StatementFactory

pytestmark = pytest.mark.django_db

CONTRACT = ["--lead-provider", "ambition", "--cohort", "2023", "--course", "npq-headship"]


@pytest.fixture
def terms(provider) -> ContractTerms:
    return ContractTermsFactory(lead_provider=provider, per_participant=Decimal("1000.00"))


def test_new_terms_hold_from_the_month_and_the_rest_stays(terms, provider) -> None:
    before = StatementFactory(lead_provider=provider, cohort=terms.cohort, month=2, paid=True)
    after = StatementFactory(lead_provider=provider, cohort=terms.cohort, month=3)
    arguments = [*CONTRACT, "--from", "2025-03", "--per-participant", "1100.50", "--format", "json"]

    preview = run_command("change_contract", *arguments)
    assert ContractTerms.objects.count() == 1
    done = run_command("change_contract", *arguments, "--apply")

    assert (preview.code, done.code) == (0, 0), done.err
    assert preview.json["rows"] == done.json["rows"]
    old, new = ContractTerms.objects.order_by("id")
    assert old.per_participant == Decimal("1000.00")
    assert (new.effective_month, new.per_participant) == (date(2025, 3, 1), Decimal("1100.50"))
    assert (new.recruitment_target, new.service_fee_installments) == (30, 24)
    contract, effect = done.json["rows"]
    assert (contract["result"], contract["effective_from"], contract["until"]) == ("created", "2025-03", None)
    assert contract["changes"] == "per_participant 1000.00 → 1100.50"
    assert (effect["id"], effect["total_before"], effect["total_after"]) == (str(after.public_id), "500.00", "550.25")
    assert str(before.public_id) not in done.out
    assert run_command("change_contract", *arguments, "--apply").json["counts"] == {"unchanged": 1}


def test_terms_of_that_very_month_are_updated(terms) -> None:
    run_command("change_contract", *CONTRACT, "--from", "2025-03", "--recruitment-target", "40", "--apply")
    run_command("change_contract", *CONTRACT, "--from", "2025-03", "--recruitment-target", "50", "--apply")

    assert list(ContractTerms.objects.order_by("id").values_list("recruitment_target", flat=True)) == [30, 50]


def test_what_already_holds_in_the_month_adds_nothing(terms) -> None:
    run = run_command(
        "change_contract", *CONTRACT, "--from", "2025-03", "--recruitment-target", "30", "--apply", "--format", "json"
    )

    assert (run.json["counts"], ContractTerms.objects.count()) == ({"unchanged": 1}, 1)


def test_later_terms_end_what_the_change_reaches(terms, provider) -> None:
    ContractTermsFactory(lead_provider=provider, effective_month=date(2025, 9, 1), per_participant=Decimal("1200.00"))

    run = run_command(
        "change_contract", *CONTRACT, "--from", "2025-03", "--per-participant", "1100", "--format", "json"
    )

    assert run.json["rows"][0]["until"] == "2025-09"


@pytest.mark.parametrize(("text", "stored"), [("0", Decimal(0)), ("99.99", Decimal("99.99")), ("derived", None)])
def test_the_fee_may_be_none_fixed_or_derived(provider, text: str, stored: Decimal | None) -> None:
    ContractTermsFactory(lead_provider=provider, monthly_service_fee=Decimal("10.00"))

    run = run_command("change_contract", *CONTRACT, "--from", "2025-03", "--monthly-service-fee", text, "--apply")

    assert run.code == 0, run.err
    assert ContractTerms.objects.get(effective_month=date(2025, 3, 1)).monthly_service_fee == stored


@pytest.mark.parametrize("state", ["payable", "paid"])
@pytest.mark.parametrize("apply", [[], ["--apply"]])
def test_what_a_closed_statement_rests_on_is_refused(terms, provider, state: str, apply: list[str]) -> None:
    StatementFactory(lead_provider=provider, cohort=terms.cohort, month=4, **{state: True})

    run = run_command(
        "change_contract", *CONTRACT, "--from", "2025-03", "--per-participant", "1100", "--format", "json", *apply
    )

    assert run.code == 1
    assert run.errors == [(None, "effective_month", "statement_closed")]
    assert f"April 2025 ({state})" in run.json["rows"][0]["errors"][0]["detail"]
    assert ContractTerms.objects.count() == 1


def test_a_closed_statement_of_another_cohort_is_not_in_the_way(terms, provider) -> None:
    StatementFactory(lead_provider=provider, cohort=CohortFactory(start_year=2022), month=4, paid=True)

    assert run_command("change_contract", *CONTRACT, "--from", "2025-03", "--per-participant", "1100").code == 0


def test_without_terms_there_is_nothing_to_change(provider) -> None:
    CohortFactory(), CourseFactory()

    run = run_command(
        "change_contract", *CONTRACT, "--from", "2025-03", "--per-participant", "1100", "--format", "json"
    )

    assert (run.code, run.errors) == (1, [(None, "course", "no_terms_to_change")])


def test_terms_that_begin_later_are_no_terms_yet(provider) -> None:
    ContractTermsFactory(lead_provider=provider, effective_month=date(2025, 9, 1))

    run = run_command("change_contract", *CONTRACT, "--from", "2025-03", "--per-participant", "1", "--format", "json")

    assert run.errors == [(None, "course", "no_terms_to_change")]


def test_a_derived_fee_needs_instalments(provider) -> None:
    ContractTermsFactory(lead_provider=provider, service_fee_installments=0, monthly_service_fee=Decimal("10.00"))

    run = run_command(
        "change_contract", *CONTRACT, "--from", "2025-03", "--monthly-service-fee", "derived", "--format", "json"
    )

    assert run.errors == [(None, "monthly_service_fee", "fee_not_derivable")]


@pytest.mark.parametrize(
    "arguments",
    [
        [*CONTRACT, "--from", "2025-03"],
        [*CONTRACT, "--per-participant", "1100"],
        [*CONTRACT, "--from", "March", "--per-participant", "1100"],
        [*CONTRACT, "--from", "2025-03", "--per-participant", "0"],
        [*CONTRACT, "--from", "2025-03", "--per-participant", "1,100"],
        [*CONTRACT, "--from", "2025-03", "--per-participant=-5"],
        [*CONTRACT, "--from", "2025-03", "--recruitment-target", "0"],
        [*CONTRACT, "--from", "2025-03", "--monthly-service-fee=-1"],
        ["--lead-provider", "nobody", *CONTRACT[2:], "--from", "2025-03", "--per-participant", "1100"],
        [*CONTRACT[:-1], "npq-juggling", "--from", "2025-03", "--per-participant", "1100"],
    ],
)
def test_wrong_arguments_are_bad_input(terms, arguments: list[str]) -> None:
    assert run_command("change_contract", *arguments).code == 2
    assert ContractTerms.objects.count() == 1
