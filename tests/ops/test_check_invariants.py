"""`check_invariants`: proves what must hold, and says where it does not."""

from collections.abc import Iterator
from typing import Any

import pytest

from npq.core.invariants import Breach, Invariant
from npq.management.commands import check_invariants
from npq.management.commands.check_invariants import every_invariant
from participants.models import Enrolment
from tests.commands import run_command
from tests.factories import ApplicationFactory

pytestmark = pytest.mark.django_db


def test_a_healthy_database_holds() -> None:
    ApplicationFactory(accepted=True)

    run = run_command("check_invariants", "--format", "json")

    assert run.code == 0
    assert {row["result"] for row in run.json["rows"]} == {"holds"}
    assert run.json["counts"] == {"holds": len(list(every_invariant()))}


def test_codes_are_unique_and_rules_are_sentences() -> None:
    invariants = list(every_invariant())

    assert len({each.code for each in invariants}) == len(invariants)
    assert [each.code for each in invariants if not each.sentence.endswith(".")] == []


def test_real_damage_is_named_and_ends_in_1() -> None:
    application = ApplicationFactory(accepted=True)
    Enrolment.objects.update(training_status="deferred")

    run = run_command("check_invariants", "--format", "json")

    broken = [row for row in run.json["rows"] if row["result"] == "broken"]
    assert run.code == 1
    assert [(row["id"], row["breaches"]) for row in broken] == [("status_is_newest_change", 1)]
    assert broken[0]["errors"][0]["field"] == str(application.public_id)


@pytest.fixture
def one_broken_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaches() -> Iterator[Breach]:
        yield from (Breach(f"record-{n}", "is wrong") for n in range(5))

    rule = Invariant("always_broken", "Nothing is ever right.", breaches)
    monkeypatch.setattr(check_invariants, "every_invariant", lambda: [rule])


def test_so_many_breaches_are_shown_and_all_are_counted(one_broken_rule: Any) -> None:
    run = run_command("check_invariants", "--show", "2")

    assert run.code == 1
    assert "record-0: is wrong\n    record-1: is wrong" in run.out
    assert "record-2" not in run.out
    assert "1 broken" in run.out


def test_all_breaches_are_counted_in_json(one_broken_rule: Any) -> None:
    (row,) = run_command("check_invariants", "--show", "2", "--format", "json").json["rows"]

    assert (row["breaches"], len(row["errors"])) == (5, 2)


@pytest.mark.parametrize("arguments", [("--apply",), ("--show", "-1"), ("everything",)])
def test_wrong_arguments(arguments: tuple[str, ...]) -> None:
    assert run_command("check_invariants", *arguments).code == 2
