"""Where declarations, outcomes and delivery partners are found."""

from django.urls import URLPattern, path

from declarations.api.views import DeclarationViewSet, DeliveryPartnerViewSet, OutcomeViewSet

# Providers' oldest documents spell the outcome paths in the singular; it works too, undocumented (decisions.md §1.3).
PLURAL, SINGULAR = "participants/npq", "participant/npq"


def _routes(version: str) -> list[URLPattern]:
    named = {"version": version}
    one = f"{version}/participant-declarations/<str:public_id>"
    routes = [
        path(
            f"{version}/participant-declarations",
            DeclarationViewSet.as_view({"get": "list", "post": "create"}),
            named,
        ),
        path(one, DeclarationViewSet.as_view({"get": "retrieve"}), named),
        path(f"{one}/void", DeclarationViewSet.as_view({"put": "void"}), named),
    ]
    for people in (PLURAL, SINGULAR):
        routes += [
            path(f"{version}/{people}/outcomes", OutcomeViewSet.as_view({"get": "list"}), named),
            path(
                f"{version}/{people}/<str:public_id>/outcomes",
                OutcomeViewSet.as_view({"get": "list_of_participant", "post": "create"}),
                named,
            ),
        ]
    return routes


def _csv(version: str) -> URLPattern:
    return path(
        f"{version}/participant-declarations.csv", DeclarationViewSet.as_view({"get": "csv"}), {"version": version}
    )


_V3 = {"version": "v3"}

urlpatterns = [
    _csv("v1"),
    _csv("v2"),
    path(
        "v3/participant-declarations/<str:public_id>/change-delivery-partner",
        DeclarationViewSet.as_view({"put": "change_delivery_partner"}),
        _V3,
    ),
    path("v3/delivery-partners", DeliveryPartnerViewSet.as_view({"get": "list"}), _V3),
    path("v3/delivery-partners/<str:public_id>", DeliveryPartnerViewSet.as_view({"get": "retrieve"}), _V3),
    *(route for version in ("v1", "v2", "v3") for route in _routes(version)),
]
