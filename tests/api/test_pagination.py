"""A page is found in one statement and shown by another; what happens in between is not shown to strangers."""

import pytest
from django.http import QueryDict

from applications.queries import applications_for_api
from npq.api.pagination import page_of
from npq.core.models import LeadProvider
from tests.factories import ApplicationFactory

pytestmark = pytest.mark.django_db


def test_what_is_transferred_in_between_is_not_shown(provider: LeadProvider, rival_provider: LeadProvider) -> None:
    kept, given_away = (ApplicationFactory(lead_provider=provider) for _ in range(2))
    page = page_of(applications_for_api(lead_provider_id=provider.id), QueryDict())

    given_away.lead_provider = rival_provider
    given_away.save()

    assert list(page) == [kept]
