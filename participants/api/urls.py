"""Where participants are found. Every version is the same views with another version word.

`outcomes` is no participant's id: the paths of outcomes, which belong to declarations, stand before these.
"""

from django.urls import path

from participants.api.views import EnrolmentViewSet, ParticipantViewSet

_ACTIONS = {
    "withdraw": "withdraw",
    "defer": "defer",
    "resume": "resume",
    "change-schedule": "change_schedule",
}

urlpatterns = [
    route
    for version in ("v1", "v2", "v3")
    for route in (
        path(f"{version}/participants/npq", ParticipantViewSet.as_view({"get": "list"}), {"version": version}),
        path(
            f"{version}/participants/npq/<str:public_id>",
            ParticipantViewSet.as_view({"get": "retrieve"}),
            {"version": version},
        ),
        *(
            path(
                f"{version}/participants/npq/<str:public_id>/{word}",
                ParticipantViewSet.as_view({"put": action}),
                {"version": version},
            )
            for word, action in _ACTIONS.items()
        ),
    )
] + [path("v2/npq-enrolments.csv", EnrolmentViewSet.as_view({"get": "csv"}), {"version": "v2"})]
