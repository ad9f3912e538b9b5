"""Staff with files to upload."""

from collections.abc import Callable

import pytest
from django.test import Client

from tests.backoffice.bulk.uploading import Office


@pytest.fixture
def office(as_role: Callable[[str], Client]) -> Callable[[str, str], Office]:
    """Somebody of a role at the pages of one kind."""
    return lambda role, kind: Office(as_role(role), kind)
