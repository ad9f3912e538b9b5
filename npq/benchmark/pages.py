"""Pages of 3,000 records through the whole stack, beside hand-written SQL and DRF's ModelSerializers."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from npq.benchmark import handwritten, serializers
from npq.benchmark.measuring import Finding, compared, medians

PER_PAGE = 3000


@dataclass(frozen=True)
class Provider:
    """The provider whose pages are measured."""

    id: int
    token: str


@cache
def _client() -> Client:
    """One for all requests: like a server, it loads the middleware once."""
    return Client()


def _fetch(provider: Provider, path: str, **parameters: Any) -> bytes:
    response = _client().get(path, parameters, headers={"Authorization": f"Bearer {provider.token}"})
    if response.status_code != 200:
        raise RuntimeError(f"{path} answered {response.status_code}: {response.content[:500]!r}")
    return response.content


def _page(provider: Provider, path: str, page: int = 1, per_page: int = PER_PAGE, **more: Any) -> Callable[[], bytes]:
    return lambda: _fetch(provider, path, **{"page[page]": page, "page[per_page]": per_page, **more})


def _by_hand(sql: str, provider: Provider) -> Callable[[], str]:
    def run() -> str:
        with connection.cursor() as cursor:
            cursor.execute(sql, {"provider": provider.id, "limit": PER_PAGE})
            (document,) = cursor.fetchone()
        return str(document)

    return run


def _queries(run: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        run()
    return len(captured)


PAGES = {
    "applications": ("/api/v3/npq-applications", handwritten.APPLICATIONS),
    "participants": ("/api/v3/participants/npq", handwritten.PARTICIPANTS),
    "declarations": ("/api/v3/participant-declarations", handwritten.DECLARATIONS),
    "outcomes": ("/api/v3/participants/npq/outcomes", handwritten.OUTCOMES),
}


def page_cases(provider: Provider, rounds: int, names: Iterable[str]) -> list[Finding]:
    """The named lists of the API, first page of 3,000, each checked to be what the hand-written SQL yields."""
    findings = []
    for name in names:
        path, sql = PAGES[name]
        api, by_hand = _page(provider, path), _by_hand(sql, provider)
        if json.loads(api()) != json.loads(by_hand()):
            raise RuntimeError(f"the API and the hand-written SQL disagree about the page of {name}")
        sides: dict[str, Callable[[], object]] = {"api": api, "sql": by_hand}
        if name == "applications":
            sides["serializers"] = lambda: serializers.page_of_applications(provider.id, PER_PAGE)
        times = medians(sides, rounds)
        case = f"{name}: page of {PER_PAGE:,}"
        findings.append(compared(case, times["api"], times["sql"], beside="hand-written SQL", target=1.5))
        if "serializers" in times:
            findings.append(
                compared(case, times["api"], times["serializers"], beside="ModelSerializers", target=8, at_least=True)
            )
        few, many = _queries(_page(provider, path, per_page=2)), _queries(api)
        findings.append(
            Finding(f"{name}: queries", f"{many} for {PER_PAGE:,} rows", f"{few} for 2 rows", many / few, 1.0)
        )
    return findings


def depth_cases(provider: Provider, rounds: int) -> list[Finding]:
    """A deep page beside the first, and a poll with few changes beside a page of 100."""
    path = "/api/v3/npq-applications"
    first, deep = _page(provider, path), _page(provider, path, page=30)
    times = medians({"first": first, "deep": deep}, rounds)
    findings = [compared("applications: page 30", times["deep"], times["first"], beside="page 1", target=1.3)]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE applications_application SET updated_at = clock_timestamp() WHERE id IN "
            "(SELECT id FROM applications_application WHERE lead_provider_id = %s ORDER BY created_at LIMIT 20)",
            [provider.id],
        )
        cursor.execute("SELECT clock_timestamp() - interval '1 minute'")
        (moment,) = cursor.fetchone()
    changed = _page(provider, path, per_page=100, **{"filter[updated_since]": moment.isoformat()})
    hundred = _page(provider, path, per_page=100)
    times = medians({"changed": changed, "hundred": hundred}, rounds * 3)
    case = "applications: updated_since, few changes"
    findings.append(compared(case, times["changed"], times["hundred"], beside="page of 100", target=1.0))
    return findings
