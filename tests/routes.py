"""Walks the URL configuration: every route of the API, so that no test of all routes can forget one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

# The singular spellings of the outcome paths work, and are not documented on their own (decisions.md §1.3).
ALIAS = "participant/npq/"


@dataclass(frozen=True)
class Route:
    """One method of one path of the API."""

    method: str
    path: str
    view: Any
    action: str
    is_alias: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def api_routes() -> list[Route]:
    """Every route below /api/ that a viewset answers; paths hold `{id}` where an id stands."""
    return [route for pattern, path in _patterns(get_resolver(), "/") for route in _routes(pattern, path)]


def _patterns(resolver: URLResolver, prefix: str) -> Iterator[tuple[URLPattern, str]]:
    for entry in resolver.url_patterns:
        path = prefix + (entry.pattern._route if isinstance(entry.pattern, RoutePattern) else "")
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, path)
        elif path.startswith("/api/"):
            yield entry, path


def _routes(pattern: URLPattern, path: str) -> Iterator[Route]:
    view = getattr(pattern.callback, "cls", None)
    if view is None:
        return
    path = path.replace("<str:public_id>", "{id}")
    is_alias = path.split("/", 3)[3].startswith(ALIAS)
    for method, action in sorted(pattern.callback.actions.items()):
        if method != "head":
            yield Route(method.upper(), path, view, action, is_alias)
