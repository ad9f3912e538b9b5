"""The provider's door to applications."""

from typing import Any

from django.http import HttpResponseBase
from rest_framework.request import Request

from applications.api.inputs import ACCEPT, application_filters
from applications.api.outputs import APPLICATION
from applications.queries import applications_for_api
from applications.services import accept_application
from npq.api.requests import attributes_of, text_or_none, uuid_or_404
from npq.api.views import ApiViewSet
from npq.core import clock


class ApplicationViewSet(ApiViewSet):
    """A provider's applications: list, read, accept, reject, change the funded place."""

    def list(self, request: Request, **_: Any) -> HttpResponseBase:
        found = applications_for_api(
            lead_provider_id=self.caller.provider_id, **application_filters(self.version, self.filters, request)
        )
        return self.answer_page(APPLICATION[self.version], found)

    def retrieve(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        mine = applications_for_api(lead_provider_id=self.caller.provider_id)
        return self.answer_one(APPLICATION[self.version], mine.filter(public_id=uuid_or_404(public_id)))

    def accept(self, request: Request, public_id: str, **_: Any) -> HttpResponseBase:
        attributes = attributes_of(request, ACCEPT[self.version], optional=True)
        accept_application(
            application_id=self._internal_id(public_id),
            held_by=self.caller.provider_id,
            by=self.caller.actor,
            now=clock.now(),
            funded_place=attributes.get("funded_place"),
            schedule_identifier=text_or_none(attributes.get("schedule_identifier")),
        )
        return self.retrieve(request, public_id)

    def _internal_id(self, public_id: str) -> int:
        mine = applications_for_api(lead_provider_id=self.caller.provider_id)
        return mine.values_list("id", flat=True).get(public_id=uuid_or_404(public_id))
