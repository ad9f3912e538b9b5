"""What happens to every request before any app sees it."""

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import add_never_cache_headers

from npq.api.errors import BadRequest, BodyTooLarge, LengthRequired, answer, errors_body
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


class CompressApi(GZipMiddleware):
    """Compresses what the API answers when the caller asks for it (api.md §6.5): a page of records to a tenth."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not request.path_info.startswith("/api/"):
            return response
        return super().process_response(request, response)


def keep_back_office_private(get_response: GetResponse) -> GetResponse:
    """Forbids browsers and whoever is on the way to keep an answer of the back office, also one that refuses."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path_info.startswith("/admin/"):
            add_never_cache_headers(response)
        return response

    return middleware


def limit_body(get_response: GetResponse) -> GetResponse:
    """Refuses a body larger than DATA_UPLOAD_MAX_MEMORY_SIZE with 413, before reading it.

    Django checks that limit only where it reads a body whole; a parser that reads the stream passes by. A body of
    unstated length would be taken for none at all, so it is refused with 411.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
            return _refuse(LengthRequired())
        if limit is not None and length.isdecimal() and int(length[:20]) > limit:
            if request.path_info.startswith("/admin/"):
                words = f"What you sent is larger than {limit / 1_000_000:g} MB. Go back and choose a smaller file."
                return HttpResponse(words, status=413, content_type="text/plain; charset=utf-8")
            return _refuse(BodyTooLarge())
        return get_response(request)

    return middleware


def _refuse(refusal: BadRequest) -> HttpResponse:
    return answer(errors_body(refusal.problems), refusal.status)
