"""The checks of the night: what they find is kept, in place of what they found before."""

import pytest

from npq.backoffice import checks
from npq.backoffice.checks import MOST_KEPT, Check, every_check, keep_result, run_checks
from npq.backoffice.models import CheckKind, CheckResult
from npq.core.audit import Actor
from npq.core.invariants import Breach
from tests.factories import ApplicationFactory, ParticipantFactory

pytestmark = pytest.mark.django_db


def rule(most: int | None = None) -> Check:
    return Check("no_blue_moons", CheckKind.RULE, "No moon is blue.", list, most)


def breaches(number: int) -> list[Breach]:
    return [Breach(str(each), f"moon {each} is blue") for each in range(number)]


def test_every_check_is_run_and_kept(actor: Actor) -> None:
    found = run_checks(by=actor)

    assert found == 0
    assert set(CheckResult.objects.values_list("code", flat=True)) == {each.code for each in every_check()}
    assert {each.kind for each in CheckResult.objects.all()} == set(CheckKind)


def test_what_is_found_is_counted_and_the_first_kept(actor: Actor) -> None:
    number = keep_result(rule(), iter(breaches(12)), by=actor)

    result = CheckResult.objects.get()
    assert (number, result.found, result.at_least, len(result.first)) == (12, 12, False, MOST_KEPT)
    assert result.first[0] == ["0", "moon 0 is blue"]


def test_a_check_that_stops_counting_says_at_least(actor: Actor) -> None:
    keep_result(rule(most=3), breaches(3), by=actor)

    assert CheckResult.objects.get().at_least


def test_the_next_run_replaces_the_result(actor: Actor) -> None:
    keep_result(rule(), breaches(2), by=actor)
    before = CheckResult.objects.get().checked_at

    keep_result(rule(), [], by=actor)

    result = CheckResult.objects.get()
    assert (result.found, result.first) == (0, [])
    assert result.checked_at > before


def test_gaps_and_pairs_are_told_in_words(actor: Actor) -> None:
    application = ApplicationFactory(accepted=True)
    first, second = (ParticipantFactory(full_name="Ada Okafor", teacher_reference_number="9123456") for _ in range(2))

    run_checks(by=actor)

    gap = CheckResult.objects.get(code="contract_gaps")
    pair = CheckResult.objects.get(code="duplicates")
    assert gap.first[0][0] == str(application.lead_provider.public_id)
    assert gap.first[0][1].startswith(f"{application.lead_provider.name}, {application.cohort}")
    assert pair.first == [
        [
            f"{first.public_id} {second.public_id}",
            "Ada Okafor and Ada Okafor: the same TRN, the same name and date of birth",
        ]
    ]


def test_pairs_are_counted_to_a_hundred(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MOST_PAIRS", 1)
    for trn in ("9123456", "9123457"):
        ParticipantFactory.create_batch(2, teacher_reference_number=trn, teacher_reference_number_verified=False)

    run_checks(by=actor)

    assert CheckResult.objects.get(code="duplicates").found == 1
