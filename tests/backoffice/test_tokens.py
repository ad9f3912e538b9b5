"""API tokens in the back office: issued once with a secret shown once, changed by button, and how they are used."""

import re
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from npq.backoffice.pages import address_of
from npq.core import clock
from npq.core.clock import wall_clock
from npq.core.models import ApiToken, Change, LeadProvider
from npq.core.token_use import rate_window
from npq.core.tokens import end_of
from tests.backoffice.conftest import ROLE_NAMES
from tests.conftest import ApiClient
from tests.factories import (
    ApiTokenFactory,
    ApiTokenUseFactory,
    RateCounterFactory,
    RefusalCountFactory,
    TokenDayFactory,
)

ADDRESS = "/admin/tokens/issue/"


def answers(provider: LeadProvider | None, **more: Any) -> dict[str, Any]:
    """A filled-in form."""
    return {
        "token_id": str(uuid.uuid4()),
        "scope": "lead_provider" if provider else "registration",
        "lead_provider": str(provider.public_id) if provider else "",
        "label": "spring",
        "last_day": "2099-06-30",
        "reason": "Asked for by the provider",
        **more,
    }


def secret_in(response: Any) -> str:
    found = re.search(r'<code id="secret">([\w-]{43})</code>', response.content.decode())
    assert found, response.content.decode()
    return found[1]


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_access_managers_alone_issue_tokens(
    as_role: Callable[[str], Client], provider: LeadProvider, role: str
) -> None:
    client, may = as_role(role), role == "access manager"

    opened = client.get(ADDRESS)
    done = client.post(ADDRESS, {**answers(provider), "confirm": "yes"})

    assert [opened.status_code, done.status_code] == [200 if may else 403] * 2
    assert ApiToken.objects.count() == int(may)
    assert (ADDRESS in client.get("/admin/").content.decode()) is may


def test_a_token_is_looked_at_before_it_is_issued(as_role: Callable[[str], Client], provider: LeadProvider) -> None:
    checked = as_role("access manager").post(ADDRESS, answers(provider))

    page = checked.content.decode()
    assert "Ambition Institute" in page
    assert "30 June 2099" in page
    assert 'name="confirm"' in page
    assert not ApiToken.objects.exists()
    assert not Change.objects.filter(table="core_apitoken").exists()


def test_the_secret_works_and_is_nowhere_but_on_the_answer(
    as_role: Callable[[str], Client], provider: LeadProvider, caplog: pytest.LogCaptureFixture
) -> None:
    client = as_role("access manager")
    caplog.set_level(0)

    response = client.post(ADDRESS, {**answers(provider), "confirm": "yes"})

    secret, token = secret_in(response), ApiToken.objects.get()
    assert ApiClient(secret).get("v3", "/npq-applications").status_code == 200
    assert (token.label, token.lead_provider, str(token.expires_at)) == (
        "spring",
        provider,
        "2099-06-30 23:00:00+00:00",
    )
    assert "no-store" in response["Cache-Control"]
    kept = [
        caplog.text,
        str(response.headers),
        str(client.cookies),
        str([session.get_decoded() for session in Session.objects.all()]),
        *(client.get(address).content.decode() for address in (ADDRESS, address_of(token, token.public_id), "/admin/")),
        str(list(Change.objects.values())),
        str(list(ApiToken.objects.values())),
    ]
    assert [text for text in kept if secret in text] == []
    change = Change.objects.get(table="core_apitoken")
    assert (change.actor_name, change.action, change.reason) == (
        "Sam Reyes",
        "create_api_token",
        "Asked for by the provider",
    )


def test_the_same_confirmation_sent_again_issues_nothing_and_shows_nothing(
    as_role: Callable[[str], Client], provider: LeadProvider
) -> None:
    client, form = as_role("access manager"), {**answers(provider), "confirm": "yes"}
    secret = secret_in(client.post(ADDRESS, form))

    again = client.post(ADDRESS, form)
    checked_again = client.post(ADDRESS, {name: value for name, value in form.items() if name != "confirm"})

    for page in (again.content.decode(), checked_again.content.decode()):
        assert "has been issued and its secret is not shown again" in page
        assert address_of(ApiToken, form["token_id"]) in page
        assert secret not in page
    assert ApiToken.objects.count() == 1


def test_every_form_is_for_another_token(as_role: Callable[[str], Client]) -> None:
    client = as_role("access manager")
    pages = [client.get(ADDRESS) for _ in range(2)]

    ids = {re.search(r'name="token_id" value="([\w-]{36})"', page.content.decode())[1] for page in pages}  # type: ignore[index]

    assert len(ids) == 2
    assert all("no-store" in page["Cache-Control"] for page in pages)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"lead_provider": ""}, "needs a provider"),
        ({"scope": "registration"}, "takes none"),
        ({"scope": "everything"}, "Select a valid choice"),
        ({"lead_provider": str(uuid.uuid4())}, "Select a valid choice"),
        ({"lead_provider": "1"}, "is not a valid UUID"),
        ({"label": " "}, "Say what the token is for"),
        ({"label": "x" * 101}, "at most 100 characters"),
        ({"label": "a\x00b"}, "ull characters are not allowed"),
        ({"reason": ""}, "Give the reason"),
        ({"last_day": "2020-01-01"}, "That day is over"),
        ({"last_day": "31/02/2099"}, "Enter a day that exists"),
        ({"last_day": "9999-12-31"}, "Enter an earlier day"),
        ({"token_id": "1"}, "Enter a valid UUID"),
    ],
)
def test_what_is_not_issued(
    as_role: Callable[[str], Client], provider: LeadProvider, more: dict[str, str], said: str
) -> None:
    client = as_role("access manager")

    pages = [client.post(ADDRESS, {**answers(provider, **more), **confirm}) for confirm in ({}, {"confirm": "yes"})]

    assert [page.status_code for page in pages] == [200, 200]
    assert [said in page.content.decode() for page in pages] == [True, True]
    assert not ApiToken.objects.exists()


def test_going_back_to_the_form_keeps_what_was_typed(as_role: Callable[[str], Client], provider: LeadProvider) -> None:
    form = answers(provider)

    page = as_role("access manager").post(ADDRESS, {**form, "change": "yes"}).content.decode()

    assert all(value in page for value in (form["token_id"], "spring", "2099-06-30", "Asked for by the provider"))
    assert "Continue" in page
    assert not ApiToken.objects.exists()


def test_a_token_without_an_end_and_one_of_the_registration_service(as_role: Callable[[str], Client]) -> None:
    client = as_role("access manager")

    client.post(ADDRESS, {**answers(None, last_day=""), "confirm": "yes"})

    token = ApiToken.objects.get()
    assert (token.scope, token.lead_provider, token.expires_at) == ("registration", None, None)


def test_the_last_day_that_is_shown_is_the_one_that_was_given(as_role: Callable[[str], Client]) -> None:
    token = ApiTokenFactory(expires_at=end_of(clock.today() + timedelta(days=9)))

    page = as_role("access manager").get(f"{address_of(token, token.public_id)}change_api_token_expiry/")

    assert f'value="{clock.today() + timedelta(days=9):%d/%m/%Y}"' in page.content.decode()


# Use ----------------------------------------------------------------------------------------------------


def busy(provider: LeadProvider) -> ApiToken:
    """A token with 10 calls today, 100 four days ago and 1,000 twenty days ago; of each, one in ten was refused."""
    token = ApiTokenFactory(lead_provider=provider, label="busy")
    at = wall_clock()
    RateCounterFactory(token=token, window=rate_window(at), requests=10)
    RefusalCountFactory(token=token, hour=at.replace(minute=0, second=0, microsecond=0), requests=1)
    for days, requests in ((4, 100), (20, 1000)):
        TokenDayFactory(token=token, day=clock.today() - timedelta(days=days), requests=requests)
        RefusalCountFactory(token=token, hour=at - timedelta(days=days), requests=requests // 10)
    return token


FIGURES = ("10 (10.0% refused)", "110 (10.0% refused)", "1,110 (10.0% refused)")


def test_calls_and_error_rates_are_shown_for_three_periods(
    as_role: Callable[[str], Client], provider: LeadProvider
) -> None:
    token = busy(provider)
    client = as_role("access manager")

    pages = [
        client.get(address).content.decode()
        for address in (
            "/admin/core/apitoken/",
            address_of(token, token.public_id),
            address_of(provider, provider.public_id),
        )
    ]

    assert [[figure in page for figure in FIGURES] for page in pages] == [[True] * 3] * 3


def test_a_call_and_its_refusal_are_counted(as_role: Callable[[str], Client], provider: LeadProvider) -> None:
    token = ApiTokenFactory(lead_provider=provider, secret="good")
    for path in ("/npq-applications", f"/npq-applications/{uuid.uuid4()}"):
        ApiClient("good").get("v3", path)

    page = as_role("access manager").get(address_of(token, token.public_id)).content.decode()

    assert page.count("2 (50.0% refused)") == 3


def test_the_list_costs_the_same_however_many_there_are(
    as_role: Callable[[str], Client], provider: LeadProvider
) -> None:
    client, costs = as_role("access manager"), []
    for number in (2, 20):
        for _ in range(number):
            busy(provider)
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/admin/core/apitoken/").status_code == 200
        costs.append(len(queries))

    assert costs[0] == costs[1] <= 12


@pytest.mark.parametrize(
    ("facts", "used_days_ago", "warning"),
    [
        ({"expires_at": timedelta(days=13)}, 1, "Expires within 14 days."),
        ({"expires_at": timedelta(days=15)}, 1, ""),
        ({"expires_at": timedelta(days=-1)}, 100, ""),
        ({"expires_at": timedelta(days=1), "revoked_at": timedelta(days=-1)}, 100, ""),
        ({}, 91, "Not used for 90 days."),
        ({}, 89, ""),
        ({"created_at": timedelta(days=-91)}, None, "Not used for 90 days."),
        ({"created_at": timedelta(days=-89)}, None, ""),
        ({"expires_at": timedelta(days=1)}, 91, "Expires within 14 days, not used for 90 days."),
    ],
)
def test_tokens_that_somebody_should_look_after(
    as_role: Callable[[str], Client], facts: dict[str, timedelta], used_days_ago: int | None, warning: str
) -> None:
    at = wall_clock()
    token = ApiTokenFactory(**{name: at + delta for name, delta in facts.items()})
    if used_days_ago is not None:
        ApiTokenUseFactory(token=token, last_used_at=at - timedelta(days=used_days_ago))
    client = as_role("access manager")

    pages = [
        client.get(address).content.decode()
        for address in ("/admin/core/apitoken/", address_of(token, token.public_id), "/admin/")
    ]

    said = [any(words in page for words in ("Expires within 14 days", "ot used for 90 days")) for page in pages]
    assert said == [bool(warning)] * 3
    assert all(warning in page for page in pages)


def test_the_last_day_is_the_one_that_was_asked_for(as_role: Callable[[str], Client], provider: LeadProvider) -> None:
    token = ApiTokenFactory(lead_provider=provider, expires_at=end_of(date(2099, 6, 30)))
    client = as_role("access manager")

    own, providers = (client.get(address_of(each, each.public_id)).content.decode() for each in (token, provider))

    assert "<dt>Last day</dt><dd>30 June 2099</dd>" in own
    assert "<td>30 June 2099</td>" in providers
