"""The account a server runs as. PostgreSQL refuses to run as root, so root lends it an existing one."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An operating-system account other than root."""

    user: int
    group: int

    @property
    def run_as(self) -> dict[str, Any]:
        """Arguments for `subprocess` that start a program as this account."""
        return {"user": self.user, "group": self.group, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Hands a file or directory over to this account."""
        os.chown(path, self.user, self.group)

    def can_enter(self, directory: Path) -> bool:
        """Whether this account may pass through a directory and everything above it."""
        return all(self._may(path, stat.S_IXUSR) for path in (directory, *directory.parents))

    def can_run(self, program: Path) -> bool:
        """Whether this account may read and start a program."""
        real = program.resolve()
        return self.can_enter(real.parent) and self._may(real, stat.S_IXUSR) and self._may(real, stat.S_IRUSR)

    def _may(self, path: Path, owner_bit: int) -> bool:
        status = path.stat()
        if status.st_uid == self.user:
            return bool(status.st_mode & owner_bit)
        if status.st_gid == self.group:
            return bool(status.st_mode & (owner_bit >> 3))
        return bool(status.st_mode & (owner_bit >> 6))


def unprivileged_account() -> Account | None:
    """The account to lend: None unless this process is root. Raises LookupError where root finds none."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise LookupError(f"PostgreSQL does not run as root, and there is no account {' or '.join(CANDIDATES)}")
