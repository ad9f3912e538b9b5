"""What happens to every request before any app sees it."""

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from npq.core.audit import request_id_is

GetResponse = Callable[[HttpRequest], HttpResponse]

_SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def request_id(get_response: GetResponse) -> GetResponse:
    """Names each request: the caller's X-Request-Id when it is harmless, else a new one.

    The id appears in the logs, in the audit trail and in the response's X-Request-Id.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-Id", "")
        identifier = offered if _SAFE_REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
        with request_id_is(identifier):
            response = get_response(request)
        response["X-Request-Id"] = identifier
        return response

    return middleware


def limit_body(get_response: GetResponse) -> GetResponse:
    """Refuses a body larger than DATA_UPLOAD_MAX_MEMORY_SIZE with 413, before reading it.

    Django checks that limit only where it reads a body whole; a parser that reads the stream passes by.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = request.META.get("CONTENT_LENGTH") or "0"
        if limit is not None and length.isdecimal() and int(length[:20]) > limit:
            detail = f"The request body is larger than {limit / 1_000_000:g} MB. Send less in one request."
            error = {"title": "Bad request", "detail": detail, "code": "body_too_large"}
            return JsonResponse({"errors": [error]}, status=413, headers={"Cache-Control": "no-store"})
        return get_response(request)

    return middleware
