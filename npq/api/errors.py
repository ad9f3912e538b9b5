"""The bodies of every error the API answers (api.md §5), and how exceptions become them.

`{"errors": [{"title", "detail", "code"}]}` for 400, 403, 410 and 422; `{"error": "..."}` for 401, 404, 405, 429
and 500. A refusal raised by a rule (`Refused`) passes through unchanged.
"""

import logging
from collections.abc import Iterable
from typing import Any

import orjson
from django.core.exceptions import (
    DisallowedHost,
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
)
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions

from npq.core.errors import Problem, Refused, TooMuchContention

logger = logging.getLogger("npq.api")

ACCESS_DENIED = "HTTP Token: Access denied"
NOT_FOUND = "Resource not found"
METHOD_NOT_ALLOWED = "Method not allowed"
TOO_MANY_REQUESTS = "Too many requests. Wait for the seconds given in Retry-After, then go on."
RECORDS_BUSY = "The records are busy. Nothing was changed; send the request again."
SERVER_ERROR = "Internal server error"


class BadRequest(Refused):
    """The request cannot be read: its structure, a filter or a page number is wrong."""

    status = 400
    title = "Bad request"


class MalformedJson(BadRequest):
    """The body is not JSON."""

    code = "malformed_json"
    detail = "The request body is not valid JSON. Send one JSON object, encoded as UTF-8."


class UnreadableText(BadRequest):
    """A text holds a character that cannot be stored."""

    code = "unreadable_text"
    detail = "The request holds a NUL character or broken Unicode. Remove it and send the request again."


class BodyTooLarge(BadRequest):
    """The body is larger than any request of this API needs."""

    status = 413
    code = "body_too_large"
    detail = "The request body is larger than 2.5 MB. Send one record in each request, as the documentation shows."


class LengthRequired(BadRequest):
    """The body comes in chunks, so that its length is not known before it is read."""

    status = 411
    code = "length_required"
    detail = "Send the request with a Content-Length header, not in chunks."


class TooManyParameters(BadRequest):
    """The query holds more parameters than any request of this API needs."""

    code = "too_many_parameters"
    detail = "The request has too many query parameters. Send each filter once."


class UnknownHost(BadRequest):
    """The Host header names a server that this is not."""

    code = "unknown_host"
    detail = "This server is not the host that the request names. Send it to the address DfE gave you."


class WrongStructure(BadRequest):
    """The body lacks `data`, `attributes` or every known attribute."""

    code = "wrong_json_structure"
    detail = (
        'The request body must be {{"data": {{"type": "…", "attributes": {{…}}}}}} with at least one attribute '
        "this endpoint knows. See the example in the API documentation."
    )


class NotAnObject(BadRequest):
    """The body of a delivery is not one flat JSON object."""

    code = "not_an_object"
    detail = "The request body must be one flat JSON object that holds the fields of one application."


class FilterNotKeyValue(BadRequest):
    """`filter` was sent without a key."""

    code = "filter_not_key_value"
    detail = "'#/filter' must name what it filters, for example filter[cohort]=2024."


class BadFilter(BadRequest):
    """A filter's value cannot be read."""

    code = "bad_filter"
    detail = "'#/{name}' {expected}."


class BadPage(BadRequest):
    """A page number or size is not a positive whole number."""

    code = "bad_page"
    detail = "'#/page[page]' and '#/page[per_page]' must be positive whole numbers."


class BadClockHeader(BadRequest):
    """The sandbox's clock header cannot be read, or names a year no rule was made for."""

    code = "bad_clock_header"
    detail = "X-With-Server-Date must be an RFC 3339 date and time from 2000 to 2099, for example 2025-10-01T09:00:00Z."


def errors_body(problems: Iterable[Problem], **extra: Any) -> bytes:
    """The envelope of 400, 403, 410 and 422; `extra` is added to every error (410 names the id changes)."""
    return orjson.dumps(
        {
            "errors": [
                {"title": problem.title, "detail": problem.detail, "code": problem.code, **extra}
                for problem in problems
            ]
        }
    )


def answer(body: bytes, status: int = 200) -> HttpResponse:
    """A JSON answer, without a charset (decisions.md C14), which nobody on the way may keep (api.md §6.5)."""
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


def short_error(message: str, status: int) -> HttpResponse:
    """`{"error": message}`."""
    return answer(orjson.dumps({"error": message}), status)


# What the framework raises on a request it cannot read, and how we say it.
UNREADABLE: dict[type[Exception], type[BadRequest]] = {
    DisallowedHost: UnknownHost,
    RequestDataTooBig: BodyTooLarge,
    TooManyFieldsSent: TooManyParameters,
    exceptions.ParseError: MalformedJson,
}


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """Turns whatever a view raised into the contract's answer."""
    if isinstance(error, Refused):
        return answer(errors_body(error.problems, **getattr(error, "extra", {})), error.status)
    if isinstance(error, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        response = short_error(ACCESS_DENIED, 401)
        response["WWW-Authenticate"] = getattr(error, "auth_header", 'Bearer realm="npq"')
        return response
    if isinstance(error, Http404 | ObjectDoesNotExist | exceptions.NotFound | PermissionDenied):
        return short_error(NOT_FOUND, 404)
    if isinstance(error, exceptions.MethodNotAllowed):
        response = short_error(METHOD_NOT_ALLOWED, 405)
        view = context.get("view")
        response["Allow"] = ", ".join(view.allowed_methods) if view is not None else ""
        return response
    if isinstance(error, exceptions.Throttled):
        response = short_error(TOO_MANY_REQUESTS, 429)
        response["Retry-After"] = str(max(1, round(getattr(error, "wait", None) or 1)))
        return response
    if isinstance(error, TooMuchContention):
        response = short_error(RECORDS_BUSY, 503)
        response["Retry-After"] = "1"
        return response
    for kind, refusal in UNREADABLE.items():
        if isinstance(error, kind):
            return exception_handler(refusal(), context)
    logger.error("unexpected error", exc_info=error, extra={"path": getattr(context.get("request"), "path", "")})
    return short_error(SERVER_ERROR, 500)


@csrf_exempt
def unknown_path(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 for a path that is not routed, with or without a token."""
    return short_error(NOT_FOUND, 404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 for what the framework refuses before any view is asked; in the API's form below /api/."""
    if request.path.startswith("/api/") and type(exception) in UNREADABLE:
        return exception_handler(exception, {})
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """The last resort; in the API's form below /api/."""
    if request.path.startswith("/api/"):
        return short_error(SERVER_ERROR, 500)
    return defaults.server_error(request)
