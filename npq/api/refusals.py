"""Keeps what staff need to answer "why was I refused?" (docs/decisions/09-failed-requests.md).

For every answer of 400 and above to a known token: when, which path, status, error codes, request id and the ids of
the records it was about. Never a body, a value of a query or a word that is not the API's own. The answer is made
before anything is written here and goes out whatever becomes of the writing.
"""

import logging
import re
import uuid
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cache
from time import perf_counter
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, get_resolver

from npq.api.asked import asked_of
from npq.api.authentication import BearerToken
from npq.core.audit import current_request_id
from npq.core.clock import wall_clock
from npq.core.texts import uuid_or_none
from npq.core.token_use import rate_window

logger = logging.getLogger("npq.api")

GetResponse = Callable[[HttpRequest], HttpResponseBase]

IDS_IN_BODY = ("id", "participant_id", "delivery_partner_id", "secondary_delivery_partner_id")
LEFT_OUT = "…"
MOST_SEGMENTS = 12
MOST_PARAMETERS = 20
_PARAMETER = re.compile(r"[a-z_]{1,30}(\[[a-z_]{0,30}\])?", re.ASCII)

# One statement: counts it, counts the call where the rate limit has not, and keeps it while the hour has room.
NOTE = """
WITH refused AS (
  INSERT INTO core_refusalcount (token_id, hour, status, requests)
  VALUES (%(token)s, date_trunc('hour', %(at)s::timestamptz, 'UTC'), %(status)s, 1)
  ON CONFLICT (token_id, hour, status) DO UPDATE SET requests = core_refusalcount.requests + 1
  RETURNING requests
), called AS (
  INSERT INTO core_ratecounter (token_id, "window", requests)
  SELECT %(token)s, %(window)s, 1 WHERE NOT %(counted)s
  ON CONFLICT (token_id, "window") DO UPDATE SET requests = core_ratecounter.requests + 1
)
INSERT INTO core_refusedrequest (public_id, at, token_id, lead_provider_id, method, path, parameters, status, codes,
  titles, record_ids, request_id, milliseconds)
SELECT %(public_id)s, %(at)s, %(token)s, %(lead_provider)s, %(method)s, %(path)s, %(parameters)s::varchar[],
  %(status)s, %(codes)s::varchar[], %(titles)s::varchar[], %(record_ids)s::uuid[], %(request_id)s, %(milliseconds)s
FROM refused WHERE refused.requests <= %(most)s
"""


def note_refusals(get_response: GetResponse) -> GetResponse:
    """The middleware: passes every answer on, and notes those of the API that refuse a known token."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        response = get_response(request)
        if response.status_code >= 400 and request.path_info.startswith("/api/"):
            try:
                _note(request, response, int((perf_counter() - started) * 1000))
            except Exception:  # the answer is made; nothing that goes wrong here may change it
                logger.exception("a refused request could not be noted")
        return response

    return middleware


def _note(request: HttpRequest, response: HttpResponseBase, milliseconds: int) -> None:
    asked = asked_of(request)
    token = asked.token if asked.looked else BearerToken.known(request)
    if token is None:
        return
    at = wall_clock()
    problems = list(_problems(response))
    facts: dict[str, Any] = {
        "public_id": uuid.uuid4(),
        "at": at,
        "window": rate_window(at),
        "counted": asked.counted,
        "token": token.id,
        "lead_provider": token.lead_provider_id,
        "method": _method(request),
        "path": shown_path(request.path_info),
        "parameters": list(_parameters(request)),
        "status": response.status_code,
        "codes": [code for code, _ in problems],
        "titles": [title for _, title in problems],
        "record_ids": list(dict.fromkeys([*_ids_in_path(request), *_ids_in_body(asked.reading)])),
        "request_id": current_request_id(),
        "milliseconds": milliseconds,
        "most": settings.NPQ_REFUSED_REQUESTS_PER_HOUR,
    }
    with connection.cursor() as cursor:
        cursor.execute(NOTE, facts)


def _method(request: HttpRequest) -> str:
    method = request.method or ""
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else LEFT_OUT


def _problems(response: HttpResponseBase) -> Iterator[tuple[str, str]]:
    """Code and title of each error in an answer; the short ones have neither."""
    if response.streaming:
        return
    body = orjson.loads(getattr(response, "content", b"") or b"null")
    errors = body.get("errors") if isinstance(body, dict) else None
    for error in errors or ():
        yield str(error.get("code", "")), str(error.get("title", ""))


def shown_path(path: str) -> str:
    """The path with ids and the API's own words; a word that is close to one of them is kept as it was misspelt."""
    segments = path.strip("/").split("/")
    shown = [_segment(each) for each in segments[:MOST_SEGMENTS]]
    return "/" + "/".join(shown + [LEFT_OUT] * (len(segments) > MOST_SEGMENTS))


def _segment(text: str) -> str:
    known = uuid_or_none(text)
    if known is not None:
        return str(known)
    near = len(text) <= 40 and not any(each.isdigit() or each.isspace() for each in text)
    if text in words() or (near and get_close_matches(text.lower(), words(), 1, cutoff=0.8)):
        return text
    return LEFT_OUT


@cache
def words() -> frozenset[str]:
    """Every fixed word of the API's paths."""
    found: set[str] = set()
    for route in _routes(get_resolver().url_patterns):
        found.update(word for word in route.split("/") if re.fullmatch(r"[a-z0-9.-]+", word))
    return frozenset(found)


def _routes(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for each in patterns:
        if isinstance(each, URLResolver):
            if str(each.pattern) in {"", "api/"}:
                yield str(each.pattern)
                yield from _routes(each.url_patterns)
        else:
            yield str(each.pattern)


def _parameters(request: HttpRequest) -> Iterator[str]:
    try:
        names = sorted(request.GET)
    except TooManyFieldsSent:
        names = [LEFT_OUT]
    for name in names[:MOST_PARAMETERS]:
        yield name if _PARAMETER.fullmatch(name) else LEFT_OUT


def _ids_in_path(request: HttpRequest) -> Iterator[uuid.UUID]:
    for segment in request.path_info.split("/")[: MOST_SEGMENTS + 1]:
        found = uuid_or_none(segment)
        if found is not None:
            yield found


def _ids_in_body(reading: Any) -> Iterator[uuid.UUID]:
    """The ids of records that the body names, as far as the view has read it; a body nobody asked for may never end."""
    body = getattr(reading, "_full_data", None)
    for name in ("data", "attributes"):
        body = body.get(name, body) if isinstance(body, dict) else None
    if isinstance(body, dict):
        ids = (uuid_or_none(body.get(name)) for name in IDS_IN_BODY)
        yield from (each for each in ids if each is not None)
