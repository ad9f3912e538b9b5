"""Every route of the service."""

from django.contrib import admin
from django.urls import include, path, re_path

from npq.api.errors import unknown_path

handler400 = "npq.api.errors.bad_request"
handler500 = "npq.api.errors.server_error"

urlpatterns = [
    path("api/", include("npq.api.docs.urls")),
    path("api/", include("applications.api.urls")),
    # Before participants: /participants/npq/outcomes is not the participant "outcomes".
    path("api/", include("declarations.api.urls")),
    path("api/", include("participants.api.urls")),
    path("api/", include("finance.api.urls")),
    re_path(r"^api(/.*)?$", unknown_path),
    path("admin/", admin.site.urls),
]
