"""The sandbox's secret, and the tokens and passwords that follow from it.

The database holds only digests, yet each start shows the same tokens: they are computed from a secret in a file
that only its owner can read, beside the data. Without the file the next start makes a new secret and new tokens.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group, User
from django_otp.plugins.otp_totp.models import TOTPDevice

from npq.backoffice.second_factor import forget_devices
from npq.core.audit import Actor, acting_as
from npq.core.choices import TokenScope
from npq.core.commands import Failed
from npq.core.models import ApiToken, LeadProvider
from npq.core.tokens import create_api_token

BY = Actor.system("sandbox")
# User names and their roles, one for each. Two are for payments: one asks, another authorises.
STAFF = {
    "caseworker": "caseworker",
    "finance": "finance",
    "approver": "finance approver",
    "viewer": "viewer",
    "configuration": "configuration",
    "access-manager": "access manager",
}
LONGEST_SECRET = 200
SANDBOX_LABEL = "sandbox"


def data_directory() -> Path:
    """Where the sandbox's data is: what --data or NPQ_POSTGRES_DIRECTORY names, else `.pgdata` in the project."""
    return Path(os.environ.get("NPQ_POSTGRES_DIRECTORY") or Path(settings.ROOT) / ".pgdata").absolute()


@dataclass(frozen=True)
class Doors:
    """How to get in: tokens by provider's code, the registration service's token, passwords by user name."""

    tokens: dict[str, str]
    registration: str
    passwords: dict[str, str]


@dataclass(frozen=True)
class Access:
    """Everything that can be computed from one secret."""

    secret: bytes

    @classmethod
    def at(cls, directory: Path) -> "Access":
        """The access to the sandbox of a directory; makes its secret when there is none. Raises Failed."""
        file = directory.parent / f"{directory.name}.secret"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                _write_once(file, secrets.token_urlsafe(32))
            secret = file.read_bytes()[:LONGEST_SECRET].strip()
        except OSError as problem:
            raise Failed(f"cannot read or write {file}: {problem.strerror}") from problem
        if len(secret) < 32:
            raise Failed(f"{file} holds no secret; delete it and start again.")
        return cls(secret)

    def derive(self, purpose: str) -> str:
        """A secret for one purpose: 256 bits, safe in a header and in a URL."""
        digest = hmac.new(self.secret, purpose.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def token_of(self, lead_provider: LeadProvider | None) -> str:
        """A working token of a provider, or of the registration service for None; made when there is none.

        The same at each start, until it is revoked or has expired: then the next one.
        """
        name = lead_provider.code if lead_provider else "registration"
        generation = 1
        while True:
            secret = self.derive(f"token {name} {generation}")
            token = ApiToken.objects.filter(digest=ApiToken.digest_of(secret)).first()
            if token is None:
                scope = TokenScope.LEAD_PROVIDER if lead_provider else TokenScope.REGISTRATION
                create_api_token(by=BY, scope=scope, lead_provider=lead_provider, label=SANDBOX_LABEL, secret=secret)
                return secret
            if token.revoked_at is None and token.expires_at is None:
                return secret
            generation += 1

    def open_doors(self) -> Doors:
        """Makes every token and member of staff that there is not, and shows all of them."""
        providers = LeadProvider.objects.order_by("code")
        return Doors({each.code: self.token_of(each) for each in providers}, self.token_of(None), self.staff())

    def staff(self) -> dict[str, str]:
        """The passwords of the sandbox's staff by user name; the users are made when there are none."""
        passwords = {name: self.derive(f"password {name}")[:16] for name in STAFF}
        for name, password in passwords.items():
            user = User.objects.filter(username=name).first()
            if user is None or user.is_superuser or not user.is_active or not user.check_password(password):
                with acting_as(BY, "create_staff_user"):
                    user = user or User(username=name, email=f"{name}@example.org", is_staff=True)
                    user.is_superuser, user.is_active = False, True
                    user.set_password(password)
                    user.save()
            with acting_as(BY, "give_role"):
                # Their role and no more: what they may do is what such staff may do.
                user.groups.set(Group.objects.filter(name=STAFF[name]))
                self._enrol(user)
        return passwords

    def _enrol(self, user: User) -> None:
        """Sets up their authenticator, with a key that lasts like the password; the sign-in page shows its codes."""
        key = hmac.new(self.secret, f"authenticator {user.username}".encode(), hashlib.sha1).hexdigest()
        if not TOTPDevice.objects.filter(user=user, key=key, confirmed=True).exists():
            forget_devices(user)
            TOTPDevice.objects.create(user=user, name="sandbox", key=key, confirmed=True)


def _write_once(file: Path, text: str) -> None:
    """Writes a file that only its owner can read, unless there is one; a half-written one is never seen."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
    try:
        os.link(draft, file)
    finally:
        draft.unlink()
