"""Staff in their roles, and clients signed in as them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from npq.backoffice.roles import ROLES


@pytest.fixture
def staff(db: Any) -> Callable[[str], User]:
    """Makes a member of staff with one role; no role for an empty name."""

    def make(role: str, username: str = "") -> User:
        user = User.objects.create_user(
            username or role.replace(" ", "-") or "newcomer", first_name="Sam", last_name="Reyes", is_staff=True
        )
        if role:
            user.groups.add(Group.objects.get(name=role))
        return user

    return make


@pytest.fixture
def as_role(staff: Callable[[str], User]) -> Callable[[str], Client]:
    """A browser signed in with a role."""

    def sign_in(role: str) -> Client:
        client = Client()
        client.force_login(staff(role))
        return client

    return sign_in


ROLE_NAMES = [role.name for role in ROLES]
