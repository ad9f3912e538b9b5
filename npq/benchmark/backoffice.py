"""The back office on a million applications: each kind of search, the lists, and the pages of one record.

There is nothing to compare with: the target is what a person waits for, and what a page may ask the database.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from applications.models import Application
from declarations.models import Declaration
from finance.models import Statement
from npq.backoffice.pages import address_of
from npq.benchmark.measuring import Finding, medians
from npq.core.audit import Actor, acting_as
from npq.core.models import ApiToken, LeadProvider, RefusedRequest
from participants.models import Participant

MOST_MILLISECONDS = 1_000
MOST_QUERIES = 12
ROLES = ("finance", "access manager")

FIND = "/admin/find/"


def back_office_cases(rounds: int) -> list[Finding]:
    """How long each page takes and how many queries it makes, as a member of staff who may see all of it."""
    client = Client()
    client.force_login(_member_of_staff())
    return [_measured(name, client, address, query, rounds) for name, address, query in _pages()]


def _measured(name: str, client: Client, address: str, query: dict[str, str], rounds: int) -> Finding:
    look = _looking(client, address, query)
    milliseconds = medians({name: look}, rounds)[name]
    # The fewer of two: once a minute a session is saved besides.
    queries = min(_queries_of(look), _queries_of(look))
    beside = f"{queries} queries; at most {MOST_MILLISECONDS:,} ms, {MOST_QUERIES} queries"
    ratio = max(milliseconds / MOST_MILLISECONDS, queries / MOST_QUERIES)
    return Finding(f"back office: {name}", f"{milliseconds:.0f} ms", beside, ratio, 1.0)


def _queries_of(look: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        look()
    return len(captured)


def _looking(client: Client, address: str, query: dict[str, str]) -> Callable[[], Any]:
    def look() -> Any:
        response = client.get(address, query)
        if response.status_code not in (200, 302):
            raise RuntimeError(f"{address} answered {response.status_code}")
        return response.content

    return look


def _member_of_staff() -> User:
    with acting_as(Actor.system("benchmark"), "make_staff"):
        user, _ = User.objects.get_or_create(username="benchmark", defaults={"is_staff": True})
        user.groups.set(Group.objects.filter(name__in=ROLES))
    return user


def _pages() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Name, address and query of each page. The records are from the middle, which nothing keeps at hand."""
    middle = Application.objects.count() // 2
    application = Application.objects.filter(id__gte=middle, enrolment__isnull=False).order_by("id")[0]
    person = Participant.objects.get(id=application.participant_id)
    declaration = Declaration.objects.filter(enrolment__application=application)[0]
    statement = Statement.objects.order_by("id")[0]
    childcare = (
        Application.objects.exclude(private_childcare_provider_urn=None).filter(id__gte=middle).order_by("id")[0]
    )
    refused = RefusedRequest.objects.order_by("id")[RefusedRequest.objects.count() // 2]
    token = ApiToken.objects.order_by("-id")[0]
    provider = LeadProvider.objects.get(id=application.lead_provider_id)
    first, _, last = person.full_name.partition(" ")
    terms = {
        "application ID": application.public_id,
        "participant ID": person.public_id,
        "declaration ID": declaration.public_id,
        "statement ID": statement.public_id,
        "token ID": token.public_id,
        "an ID that nothing has": "00000000-0000-4000-8000-000000000000",
        "TRN": person.teacher_reference_number,
        "email": application.email,
        "part of an email": application.email[:-4],
        "an email's domain": "@example.org",
        "full name": person.full_name,
        "last name": last,
        "part of a name": last[1:5],
        "three letters": first[:3],
        "a name that nobody has": "Zebulon Quixworth",
        "school URN": application.school_urn,
        "childcare provider's URN": childcare.private_childcare_provider_urn,
        "request ID": refused.request_id,
    }
    for name, term in terms.items():
        yield f"find, {name}", FIND, {"q": str(term)}
    lists = {
        "applications": Application,
        "participants": Participant,
        "declarations": Declaration,
        "statements": Statement,
        "refused requests": RefusedRequest,
        "API tokens": ApiToken,
    }
    for name, model in lists.items():
        yield f"list of {name}", f"/admin/{model._meta.app_label}/{model._meta.model_name}/", {}
    applications = "/admin/applications/application/"
    yield "list of applications, filtered", applications, {"status": "rejected", "lead_provider": provider.code}
    yield "list of applications, by last name", applications, {"q": last}
    yield (
        "list of declarations, by TRN",
        "/admin/declarations/declaration/",
        {"q": str(person.teacher_reference_number)},
    )
    yield "list of refused requests, by record", "/admin/core/refusedrequest/", {"q": str(refused.record_ids[0])}
    for record in (application, person, declaration, statement, provider, token, refused):
        yield f"page of a {record._meta.verbose_name}", address_of(record, record.public_id), {}
    yield "contract gaps of a lead provider", f"/admin/providers/{provider.public_id}/gaps/", {}
    yield "first page", "/admin/", {}
