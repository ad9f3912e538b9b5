"""Refused API requests for staff: found by what the provider has in hand, and explained."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from npq.backoffice.pages import address_of
from npq.backoffice.refused import advice_of, meaning_of
from npq.core import clock
from npq.core.clock import wall_clock
from npq.core.errors import catalogue
from npq.core.models import LeadProvider, RefusedRequest
from tests.backoffice.conftest import ROLE_NAMES
from tests.conftest import ApiClient
from tests.factories import (
    ApiTokenFactory,
    ApplicationFactory,
    ContractTermsFactory,
    DeclarationFactory,
    DeliveryPartnershipFactory,
    ParticipantFactory,
    RateCounterFactory,
    RefusalCountFactory,
    RefusedRequestFactory,
    StatementFactory,
)

LIST = "/admin/core/refusedrequest/"
MAY_LOOK = {"viewer", "caseworker", "finance", "access manager"}


def page_of(client: Client, record: Any) -> str:
    return client.get(address_of(record, record.public_id)).content.decode()


def listed(client: Client, **query: str) -> set[str]:
    """The request ids on the list."""
    response = client.get(LIST, query)
    assert response.status_code == 200
    return {request_id for request_id in _all_ids() if f">{request_id}<" in response.content.decode()}


def _all_ids() -> list[str]:
    return list(RefusedRequest.objects.values_list("request_id", flat=True))


def test_a_caseworker_reads_why_a_provider_was_refused(
    as_role: Callable[[str], Client], provider: LeadProvider
) -> None:
    ApiTokenFactory(lead_provider=provider, secret="good", label="main")
    application = ApplicationFactory(lead_provider=provider, rejected=True)
    answer = ApiClient("good").post("v3", f"/npq-applications/{application.public_id}/accept", {})
    code = answer.json()["errors"][0]["code"]

    page = page_of(as_role("caseworker"), RefusedRequest.objects.get())

    for told in (code, str(application.public_id), answer["X-Request-Id"], "Ambition Institute", "main", "Valid"):
        assert told in page
    assert escape(meaning_of(code)) in page
    assert escape(advice_of(code)) in page


@pytest.mark.parametrize(
    ("facts", "said"),
    [({"revoked_at": -1}, "Revoked on"), ({"expires_at": -1}, "Expired on"), ({"expires_at": 1}, "Valid")],
)
def test_a_token_that_opens_nothing_is_told_apart(
    as_role: Callable[[str], Client], facts: dict[str, int], said: str
) -> None:
    token = ApiTokenFactory(**{name: wall_clock() + timedelta(hours=hours) for name, hours in facts.items()})
    refused = RefusedRequestFactory(token=token, status=401, codes=[], titles=[])

    page = page_of(as_role("viewer"), refused)

    assert said in page
    assert "was revoked, or is for something else" in page


@pytest.mark.parametrize("error", catalogue(), ids=lambda error: error.code)
def test_every_code_is_explained(error: Any) -> None:
    assert meaning_of(error.code).endswith(".")
    assert any(map(str.isalpha, advice_of(error.code)))
    assert "{" not in advice_of(error.code).replace('{"data"', "").replace('{"type"', "").replace("{…}", "")


def test_a_code_that_is_gone_and_a_status_without_words_have_a_page(as_role: Callable[[str], Client]) -> None:
    refused = RefusedRequestFactory(codes=["retired_code"], titles=["base"], lead_provider=None, status=418)

    assert "not in the catalogue any more" in page_of(as_role("viewer"), refused)


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_who_may_look(as_role: Callable[[str], Client], role: str) -> None:
    application = ApplicationFactory()
    refused = RefusedRequestFactory(record_id=application.public_id, token__lead_provider=application.lead_provider)
    client = as_role(role)

    statuses = {client.get(LIST).status_code, client.get(address_of(refused, refused.public_id)).status_code}
    beside = [address_of(refused, refused.public_id) in page_of(client, it) for it in (application.lead_provider,)]

    assert statuses == {200 if role in MAY_LOOK else 403}
    assert beside == [role in MAY_LOOK]


def test_the_list_is_narrowed_by_each_filter(as_role: Callable[[str], Client], provider: LeadProvider) -> None:
    client = as_role("caseworker")
    token = ApiTokenFactory(lead_provider=provider)
    RefusedRequestFactory(request_id="its", token=token)
    RefusedRequestFactory(request_id="coded", codes=["bad_filter"], titles=["Bad request"])
    RefusedRequestFactory(request_id="numbered", status=429, codes=[], titles=[])
    RefusedRequestFactory(request_id="old", at=wall_clock() - timedelta(days=2))

    found = {
        name: listed(client, **query)
        for name, query in {
            "all": {},
            "provider": {"lead_provider": "ambition"},
            "token": {"token": str(token.public_id)},
            "code": {"code": "bad_filter"},
            "status": {"status": "429"},
            "day": {"day": str(clock.uk_date(wall_clock() - timedelta(days=2)))},
            "nonsense": {"day": "yesterday"},
        }.items()
    }

    assert found == {
        "all": {"its", "coded", "numbered", "old"},
        "provider": {"its"},
        "token": {"its"},
        "code": {"coded"},
        "status": {"numbered"},
        "day": {"old"},
        "nonsense": set(),
    }


def test_a_request_is_found_by_its_id_and_by_any_record_it_named(as_role: Callable[[str], Client]) -> None:
    client, record = as_role("caseworker"), uuid.uuid4()
    RefusedRequestFactory(request_id="abc-1", record_id=record)
    theirs, wordy = (RefusedRequestFactory(request_id=f"{prefix}{uuid.uuid4()}") for prefix in ("", "batch-7-"))
    ours = RefusedRequestFactory(request_id=uuid.uuid4().hex)

    for term, expected in (
        ("abc-1", "abc-1"),
        (f" {str(record).upper()} ", "abc-1"),
        (f"/api/v3/npq-applications/{record}/accept", "abc-1"),
        (theirs.request_id, theirs.request_id),
        (wordy.request_id, wordy.request_id),
        (ours.request_id, ours.request_id),
    ):
        assert listed(client, q=term) == {expected}
        response = client.get("/admin/find/", {"q": term})
        assert response["Location"] == address_of(
            RefusedRequest, RefusedRequest.objects.get(request_id=expected).public_id
        )
    assert listed(client, q="nothing") == set()


@pytest.mark.parametrize("kind", ["application", "participant", "declaration"])
def test_a_record_shows_the_refused_requests_that_named_it(as_role: Callable[[str], Client], kind: str) -> None:
    make = {"application": ApplicationFactory, "participant": ParticipantFactory, "declaration": DeclarationFactory}[
        kind
    ]
    record = make()
    its = RefusedRequestFactory(record_id=record.public_id)
    other = RefusedRequestFactory()

    page = page_of(as_role("caseworker"), record)
    hidden = page_of(as_role("finance approver"), record)

    assert address_of(its, its.public_id) in page
    assert address_of(other, other.public_id) not in page
    assert "Refused requests about this record" not in hidden


@pytest.mark.django_db
def test_they_are_found_through_their_index() -> None:
    condition = RefusedRequest.objects.filter(record_ids__contains=[uuid.uuid4()])

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")

    assert "refused_about_record" in condition.explain()


# The provider's page ------------------------------------------------------------------------------------


def provider_with_everything(provider: LeadProvider, number: int) -> None:
    for _ in range(number):
        terms = ContractTermsFactory(lead_provider=provider, course__identifier=f"npq-{uuid.uuid4().hex[:8]}")
        DeliveryPartnershipFactory(lead_provider=provider, cohort=terms.cohort)
        token = ApiTokenFactory(lead_provider=provider)
        for code in ("bad_filter", "application_already_accepted", "application_already_accepted"):
            RefusedRequestFactory(token=token, codes=[code], titles=["x"])
        RateCounterFactory(token=token, window=int(wall_clock().timestamp() // 300), requests=30)


@pytest.mark.parametrize("role", ["viewer", "access manager"])
def test_the_page_of_a_provider_costs_at_most_twelve_queries(
    as_role: Callable[[str], Client], provider: LeadProvider, role: str
) -> None:
    client, costs = as_role(role), []
    for number in (1, 12):
        provider_with_everything(provider, number)
        with CaptureQueriesContext(connection) as queries:
            page_of(client, provider)
        costs.append(len(queries))

    assert costs[0] == costs[1] <= 12


def test_a_provider_shows_its_tokens_cohorts_and_refusals(
    as_role: Callable[[str], Client], provider: LeadProvider
) -> None:
    provider_with_everything(provider, 2)
    statement = StatementFactory(lead_provider=provider)
    other = RefusedRequestFactory()

    page = page_of(as_role("caseworker"), provider)

    assert "60 (0.0% refused)" in page
    assert "6.7%" in page  # four of sixty calls had one code
    assert escape(meaning_of("application_already_accepted")) in page
    assert f"2 in {statement.cohort}" in page
    assert address_of(other, other.public_id) not in page
    assert "counted but not kept" not in page


def test_what_was_not_kept_is_said(as_role: Callable[[str], Client], provider: LeadProvider, settings: Any) -> None:
    settings.NPQ_REFUSED_REQUESTS_PER_HOUR = 100
    token = ApiTokenFactory(lead_provider=provider)
    RefusalCountFactory(token=token, hour=wall_clock() - timedelta(days=1), requests=1350)
    RefusalCountFactory(token=token, hour=wall_clock() - timedelta(days=2), requests=99)

    assert "1,250 more were counted but not kept" in page_of(as_role("caseworker"), provider)


def test_a_provider_with_nothing_has_a_page(as_role: Callable[[str], Client], provider: LeadProvider) -> None:
    page = page_of(as_role("viewer"), provider)

    assert "No token has been issued." in page
    assert "never" in page
    assert "None: every request was answered." in page


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_gaps_and_partners_open_for_whoever_sees_them(
    as_role: Callable[[str], Client], provider: LeadProvider, role: str
) -> None:
    provider_with_everything(provider, 1)
    client = as_role(role)
    names = ("gaps", "partners")

    statuses = {name: client.get(f"/admin/providers/{provider.public_id}/{name}/").status_code for name in names}
    linked = {name: f"/{name}/" in page_of(client, provider) for name in names}

    may = role not in {"access manager", ""}
    assert statuses == dict.fromkeys(names, 200 if may else 403)
    assert linked == dict.fromkeys(names, may)


def test_gaps_and_partners_are_of_this_provider_alone(
    as_role: Callable[[str], Client], provider: LeadProvider, rival_provider: LeadProvider
) -> None:
    client = as_role("viewer")
    ApplicationFactory(lead_provider=provider)
    ApplicationFactory(lead_provider=rival_provider)
    mine, theirs = (DeliveryPartnershipFactory(lead_provider=each) for each in (provider, rival_provider))

    with CaptureQueriesContext(connection) as queries:
        gaps = client.get(f"/admin/providers/{provider.public_id}/gaps/").content.decode()
    partners = client.get(f"/admin/providers/{provider.public_id}/partners/").content.decode()

    assert gaps.count("no contract terms; load them") == 1
    assert "1 pending application," in gaps
    assert len(queries) <= 12
    assert mine.delivery_partner.name in partners
    assert theirs.delivery_partner.name not in partners
    assert client.get(f"/admin/providers/{uuid.uuid4()}/gaps/").status_code == 404
