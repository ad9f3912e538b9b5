"""Roles: least privilege, made the same however often, and no way up from within."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from npq.backoffice.catalogue import CORRECTIONS
from npq.backoffice.roles import ROLES, sync_staff_roles
from tests.commands import run_command


@pytest.mark.django_db
def test_the_roles_are_there_after_migrating_and_made_again_they_are_the_same() -> None:
    before = {group.name: set(group.permissions.values_list("id", flat=True)) for group in Group.objects.all()}

    sync_staff_roles()

    assert set(before) == {role.name for role in ROLES}
    assert before == {group.name: set(group.permissions.values_list("id", flat=True)) for group in Group.objects.all()}
    assert {role.name: len(role.permissions()) for role in ROLES} == {name: len(ids) for name, ids in before.items()}


@pytest.mark.django_db
def test_the_command_takes_back_what_a_role_was_given_by_hand() -> None:
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.add(*Group.objects.get(name="finance").permissions.all())

    run_command("sync_staff_roles")

    assert not viewer.permissions.filter(codename="void_declaration").exists()


@pytest.mark.parametrize("correction", CORRECTIONS, ids=lambda each: each.name)
def test_a_correction_is_for_its_role_alone(staff: Callable[[str], User], correction: object) -> None:
    may = {role.name for role in ROLES if staff(role.name).has_perm(correction.permission)}  # type: ignore[attr-defined]

    assert may == {correction.role}  # type: ignore[attr-defined]


def test_an_access_manager_gives_roles_but_no_powers(
    as_role: Callable[[str], Client], staff: Callable[[str], User]
) -> None:
    colleague = staff("viewer")
    finance = Group.objects.get(name="finance")

    response = as_role("access manager").post(
        f"/admin/auth/user/{colleague.pk}/change/",
        {
            "username": colleague.username,
            "first_name": "Kim",
            "is_active": "on",
            "is_staff": "on",
            "is_superuser": "on",
            "groups": [str(finance.pk)],
        },
    )

    colleague.refresh_from_db()
    assert response.status_code == 302
    assert list(colleague.groups.all()) == [finance]
    assert colleague.is_superuser is False


def test_an_access_manager_changes_neither_a_superuser_nor_themselves(
    as_role: Callable[[str], Client], admin_user: User
) -> None:
    client = as_role("access manager")
    me = User.objects.get(username="access-manager")

    answers = [
        client.post(f"/admin/auth/user/{user.pk}/change/", {"username": "other"}).status_code
        for user in (admin_user, me)
    ]
    passwords = [client.post(f"/admin/auth/user/{user.pk}/password/", {}).status_code for user in (admin_user, me)]

    assert answers == [403, 403]
    assert passwords == [403, 403]
