"""`load_delivery_partners`: one row per pairing, good rows kept, safe to repeat (decisions.md §6, §8)."""

from pathlib import Path
from typing import Any

import pytest

from declarations.models import DeliveryPartner, DeliveryPartnership
from npq.core.models import Change
from tests.commands import CommandRun, run_command
from tests.factories import CohortFactory, DeliveryPartnerFactory, LeadProviderFactory

pytestmark = pytest.mark.django_db

NORTHBECK = "b2e7d7c4-33a1-4d0b-8d29-7f1f0a5c6e02"


@pytest.fixture(autouse=True)
def _references(provider: Any) -> None:
    CohortFactory(capped=True)
    CohortFactory(start_year=2025, suffix="b")
    LeadProviderFactory(code="ucl")


@pytest.fixture
def load(tmp_path: Path) -> Any:
    def run(*lines: str, apply: bool = True, header: str = "id,name,lead_provider,cohort") -> CommandRun:
        file = tmp_path / "partners.csv"
        file.write_text("\n".join([header, *lines]) + "\n")
        return run_command("load_delivery_partners", file, "--format", "json", *(["--apply"] if apply else []))

    return run


def pairings() -> set[tuple[str, str, str]]:
    return {
        (one.delivery_partner.name, one.lead_provider.code, one.cohort.identifier)
        for one in DeliveryPartnership.objects.all()
    }


def test_partners_are_made_and_paired(load: Any) -> None:
    run = load(
        f"{NORTHBECK},Northbeck Teaching Hub,ambition,2024",
        f"{NORTHBECK},Northbeck Teaching Hub,ucl,2025b",
        ",  Ashgrove   Teaching Hub ,ambition,2024a",
    )

    assert run.code == 0
    assert run.json["counts"] == {"paired": 3}
    assert pairings() == {
        ("Northbeck Teaching Hub", "ambition", "2024a"),
        ("Northbeck Teaching Hub", "ucl", "2025b"),
        ("Ashgrove Teaching Hub", "ambition", "2024a"),
    }
    assert str(DeliveryPartner.objects.get(name="Northbeck Teaching Hub").public_id) == NORTHBECK
    assert set(Change.objects.filter(action="pair_delivery_partner").values_list("table", flat=True)) == {
        "declarations_deliverypartner",
        "declarations_deliverypartnership",
    }


def test_without_apply_nothing_is_written(load: Any) -> None:
    run = load(",Northbeck Teaching Hub,ambition,2024", apply=False)

    assert (run.code, run.json["applied"], run.json["counts"]) == (0, False, {"paired": 1})
    assert not DeliveryPartner.objects.exists()


def test_again_is_unchanged(load: Any) -> None:
    line = f"{NORTHBECK},Northbeck Teaching Hub,ambition,2024"
    load(line)
    before = DeliveryPartner.objects.get().updated_at

    run = load(line, ",NORTHBECK teaching hub,ambition,2024")

    assert run.json["counts"] == {"unchanged": 2}
    assert DeliveryPartner.objects.get().updated_at == before


def test_good_rows_are_kept(load: Any) -> None:
    run = load(
        ",Northbeck Teaching Hub,nobody,2024",
        ",Northbeck Teaching Hub,ambition,1999",
        "x,,ambition,2024",
        ",Northbeck Teaching Hub,ambition,2024",
    )

    assert run.code == 1
    assert run.errors == [
        (2, "lead_provider", "invalid"),
        (3, "cohort", "invalid"),
        (4, "name", "blank"),
        (4, "id", "invalid"),
    ]
    assert pairings() == {("Northbeck Teaching Hub", "ambition", "2024a")}


def test_id_and_name_of_two_partners_are_refused(load: Any) -> None:
    DeliveryPartnerFactory(name="Ashgrove Teaching Hub")
    DeliveryPartnerFactory(name="Southmoor Teaching Hub", public_id=NORTHBECK)

    run = load(f"{NORTHBECK},Ashgrove Teaching Hub,ambition,2024", f"{NORTHBECK},Northbeck Teaching Hub,ambition,2024")

    assert run.code == 1
    assert run.errors == [(2, "name", "partner_name_taken"), (3, "id", "partner_id_taken")]
    assert not DeliveryPartnership.objects.exists()


def test_a_new_year_on_the_list_moves_the_partner(load: Any, provider: Any) -> None:
    partner = DeliveryPartnerFactory(name="Northbeck Teaching Hub")

    load(",Northbeck Teaching Hub,ambition,2024")

    assert DeliveryPartner.objects.get().updated_at > partner.updated_at


@pytest.mark.parametrize(
    ("header", "lines"),
    [("name,lead_provider", [",x"]), ("id,name,lead_provider,cohort", [])],
    ids=["column missing", "no rows"],
)
def test_a_file_that_makes_no_sense_is_bad_input(load: Any, header: str, lines: list[str]) -> None:
    assert load(*lines, header=header).code == 2
