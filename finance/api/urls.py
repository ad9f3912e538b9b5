"""Where money is found: v3 only."""

from django.urls import path

from finance.api.views import DeclarationPaymentViewSet, StatementViewSet

V3 = {"version": "v3"}

urlpatterns = [
    path("v3/statements", StatementViewSet.as_view({"get": "list"}), V3),
    path("v3/statements/<str:public_id>", StatementViewSet.as_view({"get": "retrieve"}), V3),
    path("v3/statements/<str:public_id>/payment", StatementViewSet.as_view({"get": "payment"}), V3),
    path("v3/statements/<str:public_id>/declarations", StatementViewSet.as_view({"get": "declarations"}), V3),
    path("v3/statements/<str:public_id>/declarations.csv", StatementViewSet.as_view({"get": "declarations_csv"}), V3),
    path(
        "v3/participant-declarations/<str:public_id>/payment",
        DeclarationPaymentViewSet.as_view({"get": "retrieve"}),
        V3,
    ),
]
