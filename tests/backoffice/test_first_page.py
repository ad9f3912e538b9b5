"""The first page: what needs a person today, for whom, how many, and where all of them are."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from npq.backoffice import today
from npq.backoffice.bulk.choices import JobState
from npq.backoffice.models import CheckKind
from npq.core.choices import MessageState
from npq.core.clock import now
from tests.backoffice.conftest import ROLE_NAMES
from tests.factories import (
    ApiTokenFactory,
    ApplicationFactory,
    BulkJobFactory,
    CheckResultFactory,
    LeadProviderFactory,
    MessageFactory,
    NotTheSamePersonFactory,
    ParticipantFactory,
    PaymentRequestFactory,
    StatementFactory,
)

MOST_QUERIES = 12


def old_application(**facts: Any) -> Any:
    return ApplicationFactory(created_at=now() - timedelta(days=31), **facts)


def make_everything(number: int = 1) -> None:
    """So many of everything that waits."""
    for each in range(number):
        provider = LeadProviderFactory()
        StatementFactory(payable=True, lead_provider=provider)
        PaymentRequestFactory(statement=StatementFactory(payable=True, lead_provider=provider, month=2))
        MessageFactory(state=MessageState.FAILED, last_error="Nobody reads at this address")
        old_application()
        BulkJobFactory(state=JobState.CHECKED)
        ApiTokenFactory(lead_provider=provider, expires_at=now() + timedelta(days=3), label=f"token {each}")
        for kind in CheckKind:
            CheckResultFactory(kind=kind, found=1, first=[[str(provider.public_id), "something is wrong"]])


def sections(client: Client) -> dict[str, str]:
    """What each section shows, by its heading; the number with it."""
    page = client.get("/admin/").content.decode()
    parts = re.findall(r'<h2>(.*?) <span class="count[^"]*">(.*?)</span></h2>(.*?)</section>', page, re.DOTALL)
    return {title: f"{number}|{content}" for title, number, content in parts}


SEEN_BY_CASES = {
    "Payments that wait for a second person",
    "Statements to check and ask payment for",
    "Broken rules of the data",
    "Gaps in contracts and statements",
    "People who may have two participant IDs",
    "Messages that could not be sent",
    "Applications that have waited longer than 30 days",
}
BULK = "Bulk changes to confirm, or that stopped"
TOKENS = "API tokens that need attention"
SEEN = {
    "viewer": SEEN_BY_CASES,
    "caseworker": SEEN_BY_CASES | {BULK},
    "finance": SEEN_BY_CASES | {BULK},
    "finance approver": SEEN_BY_CASES,
    "configuration": {
        "Payments that wait for a second person",
        "Statements to check and ask payment for",
        "Broken rules of the data",
        "Gaps in contracts and statements",
        BULK,
    },
    "access manager": {TOKENS},
    "": set(),
}


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_each_role_sees_what_it_may(as_role: Callable[[str], Client], role: str) -> None:
    make_everything()

    assert set(sections(as_role(role))) == SEEN[role]


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_it_costs_at_most_twelve_queries_however_much_waits(as_role: Callable[[str], Client], role: str) -> None:
    client = as_role(role)
    costs = []
    for number in (1, 11):
        make_everything(number)
        with CaptureQueriesContext(connection) as caught:
            client.get("/admin/")
        costs.append(len(caught))

    assert costs[0] == costs[1] <= MOST_QUERIES


def test_with_every_role_it_costs_no_more(staff: Callable[[str], User], as_role: Callable[[str], Client]) -> None:
    client = as_role("caseworker")
    User.objects.get(username="caseworker").groups.set(Group.objects.all())
    make_everything(3)

    with CaptureQueriesContext(connection) as caught:
        client.get("/admin/")

    assert len(caught) <= MOST_QUERIES


def test_with_nothing_to_do_it_says_so(as_role: Callable[[str], Client]) -> None:
    found = sections(as_role("caseworker"))

    assert {content.split("|")[0] for content in found.values()} == {"0"}
    assert "Every message has been sent" in found["Messages that could not be sent"]
    assert "The checks have not run yet" in found["Broken rules of the data"]


def test_what_waits_stands_before_what_does_not(as_role: Callable[[str], Client]) -> None:
    old_application()

    assert next(iter(sections(as_role("caseworker")))) == "Applications that have waited longer than 30 days"


@pytest.mark.parametrize(
    ("role", "first"),
    [
        ("caseworker", "People who may have two participant IDs"),
        ("finance", "Statements to check and ask payment for"),
        ("finance approver", "Payments that wait for a second person"),
        ("configuration", "Gaps in contracts and statements"),
    ],
)
def test_what_the_role_acts_on_stands_before_what_colleagues_do(
    as_role: Callable[[str], Client], role: str, first: str
) -> None:
    make_everything()
    client = as_role(role)

    found = sections(client)
    page = client.get("/admin/").content.decode()

    own = [each for each in found if each != "Broken rules of the data"]  # those are everybody's
    links = re.findall(r'<li><a href="#([\w-]+)">', page)
    assert own[0] == first
    assert len(links) == sum(not shown.startswith("0|") for shown in found.values())
    assert set(links) <= set(re.findall(r'<section class="part" id="([\w-]+)"', page))


def test_who_does_what_is_said_where_something_waits(as_role: Callable[[str], Client]) -> None:
    old_application()

    found = sections(as_role("viewer"))

    assert "A caseworker asks the lead provider" in found["Applications that have waited longer than 30 days"]
    assert "A caseworker puts the email right" not in found["Messages that could not be sent"]


def test_the_first_ten_are_shown_and_no_more_than_a_hundred_counted(
    as_role: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(today, "MOST_COUNTED", 12)
    MessageFactory.create_batch(13, state=MessageState.FAILED)

    shown = sections(as_role("caseworker"))["Messages that could not be sent"]

    assert shown.startswith("more than 12|")
    assert shown.count("/admin/core/message/") == today.MOST_SHOWN + 1  # and the link to all of them


def test_a_payment_says_who_asked_and_to_the_asker_that_another_has_to(
    as_role: Callable[[str], Client], staff: Callable[[str], User]
) -> None:
    client = as_role("finance")
    me = User.objects.get(username="finance")
    PaymentRequestFactory(requester=str(me.pk), requested_by="Sam Reyes", total="12.50")

    own = sections(client)["Payments that wait for a second person"]
    others = sections(as_role("finance approver"))["Payments that wait for a second person"]

    assert "£12.50" in own
    assert "Sam Reyes (you: somebody else authorises)" in own
    assert "(you" not in others


@pytest.mark.parametrize(
    ("section", "model", "make"),
    [
        (
            "Payments that wait for a second person",
            "finance/statement",
            lambda: (PaymentRequestFactory().statement, StatementFactory(payable=True, month=3)),
        ),
        (
            "Statements to check and ask payment for",
            "finance/statement",
            lambda: (StatementFactory(payable=True, month=3), PaymentRequestFactory().statement),
        ),
        (
            "Messages that could not be sent",
            "core/message",
            lambda: (MessageFactory(state=MessageState.FAILED), MessageFactory()),
        ),
        (
            "Applications that have waited longer than 30 days",
            "applications/application",
            lambda: (old_application(), ApplicationFactory()),
        ),
    ],
)
def test_see_all_leads_to_the_list_of_just_these(
    as_role: Callable[[str], Client], section: str, model: str, make: Callable[[], tuple[Any, Any]]
) -> None:
    client = as_role("viewer")
    waits, does_not = make()

    link = re.search(r'href="([^"]+)">See all', sections(client)[section])
    assert link
    listed = client.get(link[1].replace("&amp;", "&")).content.decode()

    assert f"/admin/{model}/{waits.public_id}/" in listed
    assert str(does_not.public_id) not in listed


def test_when_an_application_has_waited_too_long_is_a_setting(as_role: Callable[[str], Client], settings: Any) -> None:
    settings.NPQ_APPLICATION_WAITS_DAYS = 90
    old_application()

    assert sections(as_role("viewer"))["Applications that have waited longer than 90 days"].startswith("0|")


def test_what_the_checks_found_is_shown_with_when_and_where(as_role: Callable[[str], Client]) -> None:
    record = ParticipantFactory()
    CheckResultFactory(sentence="One of each.", found=40, first=[[str(record.public_id), "there are two"]])
    CheckResultFactory(
        kind=CheckKind.DUPLICATES,
        found=100,
        at_least=True,
        first=[[f"{record.public_id} {record.public_id}", "A and B"]],
    )
    client = as_role("viewer")

    found = sections(client)
    page = client.get("/admin/checks/").content.decode()

    assert found["Broken rules of the data"].startswith("40|")
    assert "Last checked" in found["Broken rules of the data"]
    assert f"/admin/find/?q={record.public_id}" in found["Broken rules of the data"]
    assert found["People who may have two participant IDs"].startswith("more than 100|")
    assert (
        f"/admin/duplicates/{record.public_id}/{record.public_id}/" in found["People who may have two participant IDs"]
    )
    assert "One of each." in page
    assert "100 or more" in page


def test_the_checks_show_nobody_what_they_may_not_see(as_role: Callable[[str], Client]) -> None:
    CheckResultFactory(kind=CheckKind.DUPLICATES, found=1, sentence="Everybody has one ID.", first=[["", "A and B"]])
    CheckResultFactory(found=1, sentence="A rule.", first=[["a code", "is broken"]])

    page = as_role("configuration").get("/admin/checks/").content.decode()

    assert "A rule." in page
    assert "A and B" not in page


def test_people_who_were_merged_or_told_apart_wait_no_longer(as_role: Callable[[str], Client]) -> None:
    merged = ParticipantFactory(merged_into=ParticipantFactory())
    apart = [ParticipantFactory(), ParticipantFactory()]
    NotTheSamePersonFactory(first=apart[0], second=apart[1])
    others = [ParticipantFactory(), ParticipantFactory()]
    pairs = [(merged.merged_into, merged), (apart[1], apart[0]), tuple(others)]
    first = [[f"{one.public_id} {other.public_id}", "A and B: the same TRN"] for one, other in pairs]
    CheckResultFactory(kind=CheckKind.DUPLICATES, found=3, first=first)
    client = as_role("caseworker")

    found = sections(client)["People who may have two participant IDs"]
    page = client.get(f"/admin/duplicates/{merged.public_id}/{merged.merged_into.public_id}/").content.decode()

    assert found.startswith("1|")
    assert str(merged.public_id) not in found
    assert str(others[0].public_id) in found
    assert "has been merged already" in page
