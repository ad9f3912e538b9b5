"""The base of every API view: token, scope, rate limit, clock, and answers in the contract's form."""

import logging
from collections.abc import Iterator
from typing import Any, cast

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework import viewsets
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from npq.api.asked import asked_of
from npq.api.authentication import BearerToken, Caller, HasScope
from npq.api.errors import BadClockHeader, answer
from npq.api.output import Shape
from npq.api.pagination import page_of
from npq.api.requests import AnyJsonParser, Filters, timestamp_or_none
from npq.api.throttling import TokenRateLimit
from npq.core import clock
from npq.core.choices import TokenScope

logger = logging.getLogger("npq.api")

CLOCK_HEADER = "X-With-Server-Date"
# No rule was made for other years, and their neighbours are not even dates.
CLOCK_YEARS = range(2000, 2100)


class UrlDecides(BaseContentNegotiation):
    """The URL alone decides what comes back (api.md §1.2): neither Accept nor Content-Type changes anything."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class ApiViewSet(viewsets.ViewSet):
    """A resource of the API. The version is the URL's; rules never hear of it."""

    authentication_classes = (BearerToken,)
    permission_classes = (HasScope,)
    throttle_classes = (TokenRateLimit,)
    parser_classes = (AnyJsonParser,)
    content_negotiation_class = UrlDecides
    http_method_names = ["get", "head", "post", "put"]
    scope: str = TokenScope.LEAD_PROVIDER
    # For the documentation: the heading the endpoints stand under, and what an id in a path identifies.
    tag: str
    noun: str

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with clock.clock_at(_clock_of(request)):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        asked_of(request._request).reading = request
        if _clock_is_movable() and CLOCK_HEADER in request.headers and _clock_of(request) is None:
            raise BadClockHeader
        self.filters = Filters(request.query_params)

    @property
    def caller(self) -> Caller:
        """Who is asking."""
        return cast(Caller, self.request.user)

    @property
    def version(self) -> str:
        """v1, v2 or v3."""
        return self.kwargs["version"]

    def answer_page(self, shape: Shape, queryset: QuerySet[Any], *, seen: Any = None) -> HttpResponse:
        """One page of a list; `seen` is handed to the shape's sources in place of the caller."""
        return answer(shape.many(page_of(queryset, self.request.query_params), seen or self.caller))

    def answer_one(self, shape: Shape, queryset: QuerySet[Any], *, seen: Any = None) -> HttpResponse:
        """The one record of the queryset, `seen` as for a page; raises Http404 when there is none."""
        body = shape.one(queryset, seen or self.caller)
        if body is None:
            raise Http404
        return answer(body)

    def answer_csv(self, chunks: Iterator[bytes]) -> StreamingHttpResponse:
        """A CSV answer, streamed."""
        return StreamingHttpResponse(chunks, content_type="text/csv", headers={"Cache-Control": "no-store"})


def _clock_is_movable() -> bool:
    return settings.NPQ_ENVIRONMENT != "production"


def _clock_of(request: Any) -> Any:
    header = request.headers.get(CLOCK_HEADER)
    if header is None:
        return None
    if not _clock_is_movable():
        logger.warning("%s ignored: the clock moves in the sandbox only", CLOCK_HEADER)
        return None
    instant = timestamp_or_none(header)
    return instant if instant and instant.year in CLOCK_YEARS else None
