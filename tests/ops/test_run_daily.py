"""`run_daily`: everything that is due, once, whenever it runs."""

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session

from applications.models import PlannedTransfer
from finance.models import ContractTerms, Statement
from npq.backoffice.models import Confirmation
from npq.core.clock import today, wall_clock
from npq.core.commands import only_run
from npq.core.models import Change, RateCounter
from npq.management.commands.run_daily import HOUSEKEEPING
from tests.commands import CommandRun, run_command
from tests.factories import (
    ApiTokenFactory,
    ContractTermsFactory,
    PlannedTransferFactory,
    RateCounterFactory,
    StatementFactory,
)
from tests.races.racing import race

pytestmark = pytest.mark.django_db


def daily(*arguments: str) -> CommandRun:
    return run_command("run_daily", "--format", "json", *arguments)


def states() -> dict[int, str]:
    return dict(Statement.objects.order_by("month").values_list("month", "state"))


@pytest.fixture
def statements() -> None:
    """Three, with deadlines long past, yesterday and today."""
    for month, deadline in ((1, date(2025, 1, 25)), (2, today() - timedelta(days=1)), (3, today())):
        StatementFactory(month=month, deadline_date=deadline, payment_date=today() + timedelta(days=30))


def test_every_statement_past_its_deadline_becomes_payable(statements: None) -> None:
    run = daily("--apply", "--actor", "nightly", "--reason", "nightly run")

    assert run.code == 0
    assert states() == {1: "payable", 2: "payable", 3: "open"}
    assert run.json["counts"] == {"payable": 2, "done": len(HOUSEKEEPING)}
    trail = Change.objects.filter(table="finance_statement", operation="update")
    assert set(trail.values_list("actor_name", "reason")) == {("nightly", "nightly run")}


def test_without_apply_it_only_says_so(statements: None) -> None:
    counter = RateCounterFactory(window=1)

    run = daily()

    assert (run.code, run.json["applied"]) == (0, False)
    assert run.json["counts"]["payable"] == 2
    assert states() == {1: "open", 2: "open", 3: "open"}
    assert RateCounter.objects.filter(token=counter.token).exists()


def test_a_second_run_finds_nothing_to_do(statements: None) -> None:
    daily("--apply")
    before = Change.objects.count()

    again = daily("--apply")

    assert (again.code, again.json["counts"]) == (0, {"done": len(HOUSEKEEPING)})
    assert Change.objects.count() == before


def test_as_of_is_that_days_today(statements: None) -> None:
    daily("--apply", "--as-of", "2025-01-25")
    on_the_deadline = states()
    daily("--apply", "--as-of", "2025-01-26")

    assert (on_the_deadline[1], states()) == ("open", {1: "payable", 2: "open", 3: "open"})


def attempt(minutes: int) -> AccessAttempt:
    """A wrong password that was entered so many minutes ago."""
    row = AccessAttempt.objects.create(username="sam", ip_address=f"192.0.2.{minutes}", failures_since_start=1)
    AccessAttempt.objects.filter(pk=row.pk).update(attempt_time=wall_clock() - timedelta(minutes=minutes))
    return row


def test_old_counters_expired_sessions_and_forgotten_attempts_go(settings: Any) -> None:
    settings.NPQ_RATE_LIMIT_WINDOW_SECONDS = 300
    token = ApiTokenFactory()
    window = int(wall_clock().timestamp() // 300)
    for age in (0, 575, 577, 5000):
        RateCounterFactory(token=token, window=window - age)
    for key, hours in (("over", -1), ("valid", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=wall_clock() + timedelta(hours=hours))

    locked, _ = attempt(14), attempt(16)
    for days in (29, 31):
        Confirmation.objects.create(public_id=uuid.uuid4(), confirmed_at=wall_clock() - timedelta(days=days))

    run = daily("--apply")

    assert AccessAttempt.objects.get() == locked
    assert {row["id"]: row["number"] for row in run.json["rows"]} == {
        "remove_old_rate_counters": 2,
        "remove_old_call_numbers": 0,
        "remove_old_refused_requests": 0,
        "remove_expired_sessions": 1,
        "remove_old_login_attempts": 1,
        "strip_old_bulk_rows": 0,
        "remove_old_confirmations": 1,
        "remove_old_access_log": 0,
        "run_checks": 0,
    }
    assert sorted(window - kept for kept in RateCounter.objects.values_list("window", flat=True)) == [0, 575]
    assert list(Session.objects.values_list("session_key", flat=True)) == ["valid"]


@pytest.fixture
def transfers() -> list[PlannedTransfer]:
    """Two, planned for yesterday and for tomorrow, to a provider with a contract."""
    terms = ContractTermsFactory()
    days = (today() - timedelta(days=1), today() + timedelta(days=1))
    return [PlannedTransferFactory(lead_provider=terms.lead_provider, due_on=day) for day in days]


def test_planned_transfers_are_carried_out_when_their_day_has_come(transfers: list[PlannedTransfer]) -> None:
    due, later = transfers

    run = daily("--apply")

    row = next(row for row in run.json["rows"] if row["step"] == "carry_out_transfers")
    assert (run.code, row["id"], row["result"]) == (0, str(due.application.public_id), "done")
    for planned, holder in ((due, due.lead_provider), (later, later.application.lead_provider)):
        planned.application.refresh_from_db()
        assert planned.application.lead_provider == holder


def test_a_transfer_that_is_refused_on_its_day_fails_the_run_once_and_says_why(
    transfers: list[PlannedTransfer],
) -> None:
    ContractTerms.objects.all().delete()

    run = daily("--apply")

    assert (run.code, daily("--apply").code) == (1, 0)
    assert run.errors == [(str(transfers[0].application.public_id), "lead_provider", "provider_without_contract")]


def test_without_apply_no_transfer_is_carried_out(transfers: list[PlannedTransfer]) -> None:
    run = daily()

    assert run.json["counts"]["done"] == len(HOUSEKEEPING) + 1
    assert not PlannedTransfer.objects.exclude(state="waiting").exists()


@pytest.mark.parametrize("day", ["yesterday", "2025-02-30", "20250101", ""])
def test_a_day_that_is_none(day: str) -> None:
    assert daily("--apply", "--as-of", day).code == 2


@pytest.mark.django_db(transaction=True)
def test_two_runs_do_not_overlap() -> None:
    with only_run("run_daily"):
        (end,) = race(lambda: daily("--apply"))

    assert end.value.code == 1
    assert "is at work" in end.value.err
