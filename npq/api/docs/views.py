"""Public pages: no token, nothing that depends on data, no request to anywhere but this server."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from csp.decorators import csp_replace
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.renderers import OpenApiYamlRenderer

from npq.api.docs.codes import codes_of, statuses_of
from npq.api.errors import METHOD_NOT_ALLOWED, short_error
from npq.api.pagination import DEFAULT_PER_PAGE, MOST_PER_PAGE
from npq.api.schema import DOCUMENTS, NEWEST, openapi

# The page runs our own copy of Swagger UI and nothing else. Swagger UI draws its icons from data: images.
POLICY = {
    "default-src": ["'none'"],
    "connect-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
}
under_own_policy: Any = csp_replace(POLICY)


def read_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answers any method but GET and HEAD as the API does: 405 with `Allow`."""

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return view(request, *args, **kwargs)
        response = short_error(METHOD_NOT_ALLOWED, 405)
        response["Allow"] = "GET, HEAD"
        return response

    return guarded


@read_only
def index(request: HttpRequest) -> HttpResponse:
    """Leads to the newest version's page."""
    return HttpResponseRedirect(f"/api/docs/{NEWEST}")


@read_only
@under_own_policy
def page(request: HttpRequest, name: str) -> HttpResponse:
    """The page of a version: how to begin, every endpoint to read and try, every error code."""
    context: dict[str, Any] = {
        "document": DOCUMENTS[name],
        "documents": DOCUMENTS.values(),
        "newest": NEWEST,
        "codes": codes_of(name),
        "statuses": statuses_of(name),
        "limit": settings.NPQ_RATE_LIMIT,
        "window_minutes": f"{settings.NPQ_RATE_LIMIT_WINDOW_SECONDS / 60:g}",
        "per_page": DEFAULT_PER_PAGE,
        "most_per_page": MOST_PER_PAGE,
        "in_sandbox": settings.NPQ_ENVIRONMENT != "production",
        "host": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "docs/page.html", context)


@read_only
def openapi_yaml(request: HttpRequest, name: str) -> HttpResponse:
    """The OpenAPI document as YAML."""
    return HttpResponse(OpenApiYamlRenderer().render(openapi(name)), content_type="application/yaml")


@read_only
def openapi_json(request: HttpRequest, name: str) -> HttpResponse:
    """The OpenAPI document as JSON."""
    return HttpResponse(orjson.dumps(openapi(name)), content_type="application/json")
