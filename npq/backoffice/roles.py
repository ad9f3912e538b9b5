"""Which role may see and do what (backoffice.md §1.3): the least each needs, made from this declaration alone."""

from dataclasses import dataclass, field

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType

from npq.backoffice.bulk.catalogue import permissions_in_bulk
from npq.backoffice.catalogue import CORRECTIONS
from npq.core.audit import Actor, acting_as

REFERENCE = ("core.leadprovider", "core.course", "core.cohort", "participants.schedule", "declarations.deliverypartner")
CASES = (
    "applications.application",
    "applications.plannedtransfer",
    "participants.participant",
    "participants.enrolment",
    "participants.note",
    "declarations.declaration",
    "declarations.outcome",
    "core.message",
    "core.change",
    "backoffice.checkresult",
)
SUPPORT = ("core.refusedrequest",)
MONEY = ("finance.statement", "finance.lineitem", "finance.adjustment", "finance.contractterms", "finance.milestone")


@dataclass(frozen=True)
class Role:
    """A group of staff: the models it may look at, the corrections it may make, and anything besides."""

    name: str
    sees: tuple[str, ...]
    corrects: frozenset[str] = field(default_factory=frozenset)
    besides: frozenset[str] = field(default_factory=frozenset)

    def permissions(self) -> set[str]:
        """`app.codename` of everything the role may do."""
        views = {model.replace(".", ".view_") for model in self.sees}
        corrections = {each.permission for each in CORRECTIONS if each.name in self.corrects}
        return views | corrections | permissions_in_bulk(self.name) | self.besides


CASEWORK = frozenset(each.name for each in CORRECTIONS if each.role == "caseworker")
PAYMENTS = frozenset(each.name for each in CORRECTIONS if each.role == "finance")
APPROVALS = frozenset(each.name for each in CORRECTIONS if each.role == "finance approver")
ACCESS = frozenset(each.name for each in CORRECTIONS if each.role == "access manager")
CONFIGURING = frozenset(each.name for each in CORRECTIONS if each.role == "configuration")

ROLES = (
    Role("viewer", (*REFERENCE, *CASES, *MONEY, *SUPPORT)),
    Role("caseworker", (*REFERENCE, *CASES, *MONEY, *SUPPORT), CASEWORK),
    Role("finance", (*REFERENCE, *CASES, *MONEY, *SUPPORT), PAYMENTS),
    Role("finance approver", (*REFERENCE, *CASES, *MONEY), APPROVALS),
    Role("configuration", (*REFERENCE, *MONEY, "backoffice.checkresult"), CONFIGURING),
    Role(
        "access manager",
        ("core.leadprovider", "core.apitoken", *SUPPORT, "auth.user", "auth.group", "backoffice.accessevent"),
        ACCESS,
        frozenset({"core.add_apitoken", "auth.add_user", "auth.change_user"}),
    ),
)


def sync_staff_roles() -> dict[str, int]:
    """Makes the roles and their permissions as declared; returns how many permissions each has.

    Run again it changes nothing. Other groups are left alone.
    """
    # Not durable: migrations run it inside their own transaction.
    with acting_as(Actor.system("roles as declared"), "sync_staff_roles", durable=False):
        _make_permissions()
        held = {f"{each.content_type.app_label}.{each.codename}": each for each in _every_permission()}
        numbers = {}
        for role in ROLES:
            group, _ = Group.objects.get_or_create(name=role.name)
            # A permission is missing only while the database is half migrated, before the last run of this.
            wanted = [held[name] for name in sorted(role.permissions()) if name in held]
            group.permissions.set(wanted)
            numbers[role.name] = len(wanted)
    return numbers


def _make_permissions() -> None:
    for each in CORRECTIONS:
        Permission.objects.update_or_create(
            content_type=ContentType.objects.get_for_model(apps.get_model(each.model)),
            codename=each.name,
            defaults={"name": each.title},
        )


def _every_permission() -> list[Permission]:
    return list(Permission.objects.select_related("content_type"))
