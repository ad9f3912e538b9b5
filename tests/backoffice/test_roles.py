"""Roles: least privilege, made the same however often, and no way up from within."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User

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
