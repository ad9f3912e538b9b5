"""`/api/docs/v{n}` is the page; `/openapi.yaml` and `/openapi.json` below it are the document."""

from django.urls import path

from npq.api.docs.views import index, openapi_json, openapi_yaml, page
from npq.api.schema import DOCUMENTS

urlpatterns = [
    path("docs", index),
    *(
        route
        for name in DOCUMENTS
        for route in (
            path(f"docs/{name}", page, {"name": name}, name=f"docs-{name}"),
            path(f"docs/{name}/openapi.yaml", openapi_yaml, {"name": name}),
            path(f"docs/{name}/openapi.json", openapi_json, {"name": name}),
        )
    ),
]
