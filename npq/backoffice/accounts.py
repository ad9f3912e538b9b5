"""Staff accounts: made, changed, switched off, helped back in. The rules that keep the door from falling shut are here.

An account is never deleted: it is switched off, so that its name stays readable. A new one has no password; whoever
gets its link sets one, and then an authenticator.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.db import connection
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from npq.backoffice.access_log import record_access
from npq.backoffice.access_models import AccessKind, StaffIdentity
from npq.backoffice.errors import (
    AccountExists,
    AccountSwitchedOff,
    EmailTaken,
    LastAccessManager,
    LastSuperuser,
    NoSecondFactor,
    NotLinked,
    OwnPowers,
    UnknownAccount,
)
from npq.backoffice.second_factor import device_of, forget_devices, forgive_wrong_codes
from npq.backoffice.sessions import end_sessions
from npq.core.audit import Actor, acting_as, correcting

ACCESS_MANAGER = "access manager"


@dataclass(frozen=True)
class Powers:
    """Who can sign in, and as what: ids of accounts, and the roles of one of them."""

    active: frozenset[int]
    superusers: frozenset[int]
    access_managers: frozenset[int]
    own_roles: frozenset[str] = frozenset()


@contextmanager
def changing_accounts(by: Actor, action: str) -> Iterator[None]:
    """`acting_as` for whatever changes accounts or roles: one at a time, and nobody is locked out by it.

    Raises LastSuperuser, LastAccessManager or OwnPowers, and then nothing was written. An account that was switched
    off is signed out everywhere.
    """
    with acting_as(by, action):
        one_at_a_time()
        before = powers(by)
        yield
        after = powers(by)
        _refuse_lock_out(before, after, by)
        end_sessions(before.active - after.active)


def one_at_a_time() -> None:
    """Waits until nobody else changes accounts; until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('npq staff accounts', 0))")


def powers(by: Actor) -> Powers:
    """Who can sign in as what now, and which roles the acting member of staff has."""
    staff = User.objects.filter(is_active=True, is_staff=True)
    accounts = staff.values_list("id", "is_superuser")
    own = Group.objects.filter(user__id=_own_id(by)).values_list("name", flat=True)
    return Powers(
        active=frozenset(identifier for identifier, _ in accounts),
        superusers=frozenset(identifier for identifier, is_superuser in accounts if is_superuser),
        access_managers=frozenset(staff.filter(groups__name=ACCESS_MANAGER).values_list("id", flat=True)),
        own_roles=frozenset(own),
    )


def _own_id(by: Actor) -> int:
    """The account of the acting member of staff; 0, which is nobody's, for other actors."""
    return int(by.identifier) if by.kind == "staff" else 0


def _refuse_lock_out(before: Powers, after: Powers, by: Actor) -> None:
    own = _own_id(by)
    lost = (before.active - after.active) | (before.superusers - after.superusers)
    if own in lost or before.own_roles - after.own_roles:
        raise OwnPowers
    if before.superusers and not after.superusers:
        raise LastSuperuser
    if before.access_managers and not after.access_managers:
        raise LastAccessManager


def account_named(username: str) -> User:
    """The account of a username. Raises UnknownAccount."""
    found = User.objects.filter(username=username).first()
    if found is None:
        raise UnknownAccount(username=username)
    return found


def create_staff_account(
    *,
    username: str,
    email: str,
    first_name: str = "",
    last_name: str = "",
    roles: Sequence[Group],
    superuser: bool = False,
    by: Actor,
) -> User:
    """Makes an account without a password. Raises AccountExists, also for a name that reads the same, or EmailTaken."""
    username = User.normalize_username(username)
    with changing_accounts(by, "create_staff_account"):
        known = User.objects.filter(username__iexact=username).first()
        if known is not None:
            raise AccountExists(username=known.username)
        refuse_taken_email(email)
        user = User(
            username=username,
            email=email,
            first_name=first_name,
            last_name=last_name,
            is_staff=True,
            is_superuser=superuser,
        )
        user.set_unusable_password()
        user.save()
        user.groups.set(roles)
    return user


def change_staff_account(
    *,
    user: User,
    email: str,
    first_name: str,
    last_name: str,
    roles: Sequence[Group],
    is_active: bool,
    superuser: bool | None = None,
    by: Actor,
) -> User:
    """Makes an account as it is given; `superuser` None leaves that alone.

    Raises EmailTaken, and as changing_accounts.
    """
    with changing_accounts(by, "change_staff_account"):
        held = User.objects.select_for_update().get(pk=user.pk)
        refuse_taken_email(email, besides=held)
        held.email, held.first_name, held.last_name, held.is_active = email, first_name, last_name, is_active
        if superuser is not None:
            held.is_superuser = superuser
        held.save(update_fields=["email", "first_name", "last_name", "is_active", "is_superuser"])
        held.groups.set(roles)
    return held


def refuse_taken_email(email: str, *, besides: User | None = None) -> None:
    """Raises EmailTaken when another account has an address, however it is written."""
    others = User.objects.filter(email__iexact=email)
    holder = (others.exclude(pk=besides.pk) if besides else others).first()
    if holder is not None:
        raise EmailTaken(username=holder.username)


def archive_staff_account(*, user: User, by: Actor) -> bool:
    """Switches an account off and signs it out everywhere; False when it was off before.

    Raises as changing_accounts.
    """
    with changing_accounts(by, "archive_staff_account"):
        held = User.objects.select_for_update().get(pk=user.pk)
        if not held.is_active:
            return False
        held.is_active = False
        held.save(update_fields=["is_active"])
    return True


def make_password_link(*, user: User, by: Actor) -> str:
    """The path of a page on which somebody sets their password, once, within PASSWORD_RESET_TIMEOUT.

    Whoever has it can set the password, so it is shown once and kept nowhere. Raises AccountSwitchedOff.
    """
    with acting_as(by, "make_password_link"):
        held = User.objects.select_for_update().get(pk=user.pk)
        if not held.is_active:
            raise AccountSwitchedOff
        record_access(AccessKind.PASSWORD_LINK_MADE, username=held.username, by=name_of_actor(by), reason=by.reason)
    uid = urlsafe_base64_encode(force_bytes(held.pk))
    return reverse("admin:set_password", args=[uid, default_token_generator.make_token(held)])


def reset_second_factor(*, user: User, by: Actor) -> None:
    """Forgets somebody's authenticator and signs them out everywhere; the next sign-in asks them to set one up.

    Raises ReasonMissing, NoSecondFactor.
    """
    with correcting(by, "reset_second_factor"):
        if device_of(user) is None:
            raise NoSecondFactor
        forget_devices(user)
        end_sessions([user.pk])
        record_access(AccessKind.SECOND_FACTOR_RESET, username=user.username, by=name_of_actor(by), reason=by.reason)


def unlink_identity(*, user: User, by: Actor) -> None:
    """Forgets whom the department's sign-in means by an account and signs it out everywhere.

    The next sign-in with its email address is linked to it. Raises ReasonMissing, NotLinked.
    """
    with correcting(by, "unlink_identity"):
        unlinked, _ = StaffIdentity.objects.filter(user=user).delete()
        if not unlinked:
            raise NotLinked
        end_sessions([user.pk])
        record_access(AccessKind.IDENTITY_UNLINKED, username=user.username, by=name_of_actor(by), reason=by.reason)


def unlock_account(*, user: User, by: Actor) -> None:
    """Forgets the wrong passwords and codes that were entered for an account. Raises ReasonMissing."""
    with correcting(by, "unlock_account"):
        AxesProxyHandler.reset_attempts(username=user.username)
        forgive_wrong_codes(user)
        record_access(AccessKind.UNLOCKED, username=user.username, by=name_of_actor(by), reason=by.reason)


def name_of_actor(by: Actor) -> str:
    """A member of staff's username, anybody else's name."""
    staff = User.objects.filter(pk=_own_id(by)).values_list("username", flat=True).first()
    return staff or by.name
