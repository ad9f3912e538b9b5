"""Where applications are found. Every version is the same views with another version word."""

from django.urls import path

from applications.api.views import ApplicationViewSet

urlpatterns = [
    route
    for version in ("v1", "v2", "v3")
    for route in (
        path(f"{version}/npq-applications", ApplicationViewSet.as_view({"get": "list"}), {"version": version}),
        path(
            f"{version}/npq-applications/<str:public_id>",
            ApplicationViewSet.as_view({"get": "retrieve"}),
            {"version": version},
        ),
        path(
            f"{version}/npq-applications/<str:public_id>/accept",
            ApplicationViewSet.as_view({"post": "accept"}),
            {"version": version},
        ),
    )
]
