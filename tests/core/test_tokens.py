"""API tokens by command: made, listed, revoked; the secret shown once and never stored."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from npq.core import clock, tokens
from npq.core.audit import Actor
from npq.core.choices import TokenScope
from npq.core.clock import wall_clock
from npq.core.errors import ExpiryPassed, ReasonMissing, Refused, TokenIssuedBefore, TokenRevoked
from npq.core.models import ApiToken, Change, LeadProvider
from npq.core.tokens import create_api_token
from tests.commands import run_command
from tests.factories import ApiTokenFactory, ApiTokenUseFactory

pytestmark = pytest.mark.django_db


def test_a_new_token_is_shown_once_and_stored_as_a_digest(provider: LeadProvider) -> None:
    run = run_command(
        "create_api_token", "--provider", "ambition", "--label", "spring", "--format", "json", "--actor", "Ada"
    )

    token = ApiToken.objects.get()
    secret = run.json["token"]
    assert run.json == {
        "id": str(token.public_id),
        "token": secret,
        "provider": "ambition",
        "scope": "lead_provider",
        "expires_at": None,
    }
    assert (token.digest, token.label, len(secret)) == (ApiToken.digest_of(secret), "spring", 43)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_change WHERE after::text LIKE %s", [f"%{token.digest}%"])
        assert cursor.fetchone() == (0,)


def test_making_a_token_leaves_a_trail(provider: LeadProvider) -> None:
    run_command("create_api_token", "--provider", "ambition", "--actor", "Ada", "--reason", "onboarding")

    change = Change.objects.filter(table="core_apitoken").get()
    assert (change.actor_kind, change.actor_name, change.reason) == ("command", "Ada", "onboarding")
    assert (change.action, change.operation) == ("create_api_token", "insert")


def test_every_secret_is_another(provider: LeadProvider) -> None:
    secrets = {
        run_command("create_api_token", "--provider", "ambition", "--format", "json").json["token"] for _ in range(5)
    }

    assert len(secrets) == 5


def test_the_table_shows_the_secret_too(provider: LeadProvider) -> None:
    run = run_command("create_api_token", "--provider", "ambition")

    secret = next(line.split()[1] for line in run.out.splitlines() if line.startswith("token "))
    assert ApiToken.objects.filter(digest=ApiToken.digest_of(secret)).exists()


def test_a_token_of_the_registration_service(db: Any) -> None:
    run = run_command("create_api_token", "--scope", "registration", "--format", "json")

    assert (run.json["scope"], run.json["provider"]) == ("registration", None)


@pytest.mark.parametrize(
    ("day", "expires_at"),
    [("2030-01-01", datetime(2030, 1, 2, tzinfo=UTC)), ("2030-06-30", datetime(2030, 6, 30, 23, tzinfo=UTC))],
)
def test_a_token_works_until_the_end_of_its_last_day_in_the_uk(
    provider: LeadProvider, day: str, expires_at: datetime
) -> None:
    run_command("create_api_token", "--provider", "ambition", "--expires", day)

    assert ApiToken.objects.get().expires_at == expires_at


def test_a_day_in_the_past_is_noticed(provider: LeadProvider) -> None:
    run = run_command("create_api_token", "--provider", "ambition", "--expires", "2020-01-01")

    assert run.code == 0
    assert "expired already" in run.err
    assert not ApiToken.objects.get().valid_at(wall_clock())


def test_staff_issue_no_token_that_has_expired(provider: LeadProvider) -> None:
    by = Actor.staff("Sam Reyes", identifier="7", reason="asked for by the provider")
    yesterday, today = (tokens.end_of(clock.today() - timedelta(days=ago)) for ago in (1, 0))

    with pytest.raises(ExpiryPassed):
        create_api_token(by=by, scope=TokenScope.LEAD_PROVIDER, lead_provider=provider, expires_at=yesterday)
    create_api_token(by=by, scope=TokenScope.LEAD_PROVIDER, lead_provider=provider, expires_at=today)

    assert ApiToken.objects.count() == 1


def service_call(name: str, token: ApiToken, **more: Any) -> Callable[[], object]:
    """A call of one of the services about a token, by staff with a reason."""
    by = Actor.staff("Sam Reyes", identifier="7", reason=more.pop("reason", "asked for by the provider"))
    return lambda: getattr(tokens, name)(public_id=token.public_id, by=by, **more)


def test_label_and_expiry_are_changed_and_leave_a_trail(provider: LeadProvider) -> None:
    token = ApiTokenFactory(lead_provider=provider, label="spring", expires_at=wall_clock() - timedelta(days=1))
    later = wall_clock() + timedelta(days=30)

    service_call("change_api_token_label", token, label=" autumn ")()
    service_call("change_api_token_expiry", token, expires_at=later)()
    token.refresh_from_db()
    reopened = token.valid_at(wall_clock())
    service_call("change_api_token_expiry", token, expires_at=None)()
    token.refresh_from_db()

    assert (token.label, token.expires_at, reopened) == ("autumn", None, True)
    trail = Change.objects.filter(table="core_apitoken", operation="update").order_by("id")
    assert [(each.action, each.actor_name, bool(each.reason)) for each in trail] == [
        ("change_api_token_label", "Sam Reyes", True),
        ("change_api_token_expiry", "Sam Reyes", True),
        ("change_api_token_expiry", "Sam Reyes", True),
    ]


@pytest.mark.parametrize(
    ("call", "more", "refusal"),
    [
        ("change_api_token_label", {"label": "x", "reason": " "}, ReasonMissing),
        ("change_api_token_expiry", {"expires_at": None, "reason": ""}, ReasonMissing),
        ("revoke_api_token", {"reason": ""}, ReasonMissing),
        ("change_api_token_expiry", {"expires_at": datetime(2025, 1, 1, tzinfo=UTC)}, ExpiryPassed),
    ],
)
def test_what_staff_cannot_change(call: str, more: dict[str, Any], refusal: type[Refused]) -> None:
    token = ApiTokenFactory(label="spring", expires_at=wall_clock() + timedelta(days=9))

    with pytest.raises(refusal):
        service_call(call, token, **more)()

    unchanged = ApiToken.objects.get()
    assert (unchanged.label, unchanged.expires_at, unchanged.revoked_at) == ("spring", token.expires_at, None)


@pytest.mark.parametrize(
    ("call", "more"), [("change_api_token_expiry", {"expires_at": None}), ("revoke_api_token", {})]
)
def test_a_revoked_token_stays_revoked(call: str, more: dict[str, Any]) -> None:
    token = ApiTokenFactory(revoked_at=wall_clock(), expires_at=wall_clock() + timedelta(days=9))

    with pytest.raises(TokenRevoked):
        service_call(call, token, **more)()

    assert ApiToken.objects.get().revoked_at == token.revoked_at


def test_the_same_request_makes_one_token(provider: LeadProvider, actor: Actor) -> None:
    wanted = {"by": actor, "scope": TokenScope.LEAD_PROVIDER, "lead_provider": provider, "public_id": uuid.uuid4()}
    create_api_token(**wanted)

    with pytest.raises(TokenIssuedBefore):
        create_api_token(**wanted)

    assert ApiToken.objects.count() == 1


def test_staff_say_why_they_issue(provider: LeadProvider) -> None:
    with pytest.raises(ReasonMissing):
        create_api_token(
            by=Actor.staff("Sam Reyes", identifier="7"), scope=TokenScope.LEAD_PROVIDER, lead_provider=provider
        )

    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--scope", "registration", "--provider", "ambition"),
        ("--provider", "nobody"),
        ("--provider", "ambition", "--scope", "everything"),
        ("--provider", "ambition", "--expires", "tomorrow"),
        ("--provider", "ambition", "--expires", "9999-12-31"),
        ("--provider", "ambition", "--apply"),
    ],
)
def test_what_cannot_be_made(provider: LeadProvider, arguments: tuple[str, ...]) -> None:
    run = run_command("create_api_token", *arguments)

    assert (run.code, ApiToken.objects.count()) == (2, 0)
    assert run.err


def test_revoking_ends_a_token_and_again_changes_nothing(provider: LeadProvider) -> None:
    token = ApiTokenFactory(lead_provider=provider)

    first = run_command("revoke_api_token", token.public_id, "--actor", "Ada", "--format", "json")
    token.refresh_from_db()
    revoked_at = token.revoked_at
    again = run_command("revoke_api_token", token.public_id, "--format", "json")
    token.refresh_from_db()

    assert revoked_at is not None
    assert not token.valid_at(wall_clock())
    assert [run.json["rows"][0]["result"] for run in (first, again)] == ["revoked", "revoked before"]
    assert (first.code, again.code, token.revoked_at) == (0, 0, revoked_at)
    assert Change.objects.filter(table="core_apitoken", action="revoke_api_token", actor_name="Ada").count() == 1


@pytest.mark.parametrize("identifier", ["00000000-0000-4000-8000-000000000000", "1", "", "ambition"])
def test_revoking_what_is_not_there(provider: LeadProvider, identifier: str) -> None:
    ApiTokenFactory(lead_provider=provider)

    run = run_command("revoke_api_token", identifier)

    assert run.code == 2
    assert not ApiToken.objects.filter(revoked_at__isnull=False).exists()


def test_the_list_shows_state_and_use_and_no_secret(provider: LeadProvider, django_assert_num_queries: Any) -> None:
    now = wall_clock()
    used = ApiTokenFactory(lead_provider=provider, secret="the-secret", label="main")
    ApiTokenUseFactory(token=used, last_used_at=now)
    ApiTokenFactory(lead_provider=provider, expires_at=now - timedelta(seconds=1))
    ApiTokenFactory(lead_provider=None, scope="registration", revoked_at=now)

    with django_assert_num_queries(1):
        run = run_command("list_api_tokens", "--format", "json")

    assert [(row["result"], row["provider"], row["scope"], row["label"]) for row in run.json["rows"]] == [
        ("valid", "ambition", "lead_provider", "main"),
        ("expired", "ambition", "lead_provider", ""),
        ("revoked", None, "registration", ""),
    ]
    assert [bool(row["last_used_at"]) for row in run.json["rows"]] == [True, False, False]
    assert "the-secret" not in run.out
    assert used.digest not in run.out


def test_the_end_of_a_day() -> None:
    assert tokens.end_of(datetime(2024, 3, 30, tzinfo=UTC).date()) == datetime(2024, 3, 31, 0, 0, tzinfo=UTC)
    assert tokens.end_of(datetime(2024, 3, 31, tzinfo=UTC).date()) == datetime(2024, 3, 31, 23, 0, tzinfo=UTC)
