"""Where applications are found. Every version is the same views with another version word."""

from django.urls import path

from applications.api.inputs import APPLICATIONS_CSV
from applications.api.intake import IntakeViewSet
from applications.api.views import ApplicationViewSet

# below `npq-applications`: method, action
ROUTES = {
    "": ("get", "list"),
    "/<str:public_id>": ("get", "retrieve"),
    "/<str:public_id>/accept": ("post", "accept"),
    "/<str:public_id>/reject": ("post", "reject"),
    "/<str:public_id>/change-funded-place": ("put", "change_funded_place"),
}

urlpatterns = [
    path("registration/v1/applications", IntakeViewSet.as_view({"post": "create"}), {"version": "v1"}),
    *(
        path(f"{version}/npq-applications.csv", ApplicationViewSet.as_view({"get": "export"}), {"version": version})
        for version in APPLICATIONS_CSV
    ),
    *(
        path(f"{version}/npq-applications{below}", ApplicationViewSet.as_view({method: action}), {"version": version})
        for version in ("v1", "v2", "v3")
        for below, (method, action) in ROUTES.items()
    ),
]
