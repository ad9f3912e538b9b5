"""One private PostgreSQL cluster: a data directory and the server on its socket.

Starting is safe to repeat and to race: any number of processes may start the same directory at once,
and one that was killed at any moment, or whose server was, leaves nothing that the next start does not
put right. No process is ever signalled because a file names its number: numbers are used again.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from npq.embedded import binaries
from npq.embedded.account import Account, unprivileged_account

SUPERUSER = "postgres"
DATABASE = "postgres"

# A socket's path may have 107 bytes, of which the server adds 20; a comma or a quote in it means something else.
LONGEST_SOCKET_DIRECTORY = 85

SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
}
THROW_AWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class ClusterError(Exception):
    """The private PostgreSQL cannot be started or stopped; the text says why and what to do."""


@dataclass(frozen=True)
class Cluster:
    """A data directory and the server that keeps it. `durable` False trades safety for speed."""

    directory: Path
    durable: bool = True

    @classmethod
    def at(cls, directory: str | Path, *, durable: bool = True) -> "Cluster":
        """The cluster of a directory, which need not exist yet.

        Root lends the server an unprivileged account; where that account could not reach the directory
        (a checkout below a private home), the directory becomes a link to one that it can.
        """
        path = Path(directory).resolve()
        account = _account()
        if account and not account.can_enter(_nearest_existing(path.parent)):
            path = _linked_to_reachable(path)
        return cls(path, durable)

    @property
    def socket_directory(self) -> Path:
        """Where clients find the server: the data directory, or one in /tmp if that path will not do."""
        path = os.fsencode(self.directory)
        if len(path) <= LONGEST_SOCKET_DIRECTORY and re.fullmatch(rb"[\w/. @+-]+", path):
            return self.directory
        return Path("/tmp") / f"npq-postgres-{_digest(self.directory)}"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.directory / "server.log"

    def database_settings(self) -> dict[str, Any]:
        """The part of Django's DATABASES entry that leads to this cluster."""
        return {
            "NAME": DATABASE,
            "USER": SUPERUSER,
            "HOST": str(self.socket_directory),
            "CLUSTER_DIRECTORY": str(self.directory),
            "CLUSTER_DURABLE": self.durable,
        }

    def is_running(self) -> bool:
        """Whether the server answers. False also while it starts or recovers."""
        try:
            with psycopg.connect(
                host=str(self.socket_directory), user=SUPERUSER, dbname=DATABASE, connect_timeout=2, autocommit=True
            ) as connection:
                answer = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError:
            return False
        return answer is not None and Path(answer[0]) == self.directory

    def start(self, *, timeout_seconds: int = 60) -> bool:
        """Starts the server, creating the data directory if there is none.

        Returns False when it was running already. Raises ClusterError after `timeout_seconds`.
        """
        account = _account()
        with self._locked():
            if self.is_running():
                return False
            programs = self._programs(account)
            if not (self.directory / "PG_VERSION").exists():
                self._create(programs, account)
            self._prepare_socket_directory(account)
            self._launch(programs, account, deadline=time.monotonic() + timeout_seconds)
            return True

    def stop(self, *, timeout_seconds: int = 60) -> bool:
        """Stops the server, ending its connections. Returns False when it was not running."""
        account = _account()
        with self._locked():
            if not self.is_running():
                return False
            control = self._programs(account) / "pg_ctl"
            stop: list[str | Path] = [
                control,
                "stop",
                "-D",
                self.directory,
                "-m",
                "fast",
                "-w",
                "-s",
                "-t",
                str(timeout_seconds),
            ]
            code, output = _run(stop, account)
            if code:
                raise ClusterError(f"PostgreSQL in {self.directory} does not stop: {output}")
            return True

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Lets one process at a time create, start or stop this cluster. A killed holder lets go."""
        try:
            self.directory.parent.mkdir(parents=True, exist_ok=True)
            lock = (self.directory.parent / f".{self.directory.name.lstrip('.')}.lock").open("a")
        except OSError as problem:
            raise ClusterError(f"cannot write beside {self.directory}: {problem.strerror}") from problem
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _programs(self, account: Account | None) -> Path:
        """PostgreSQL's programs of the version that wrote the data directory, or the preferred ones."""
        try:
            major = int((self.directory / "PG_VERSION").read_text())
        except FileNotFoundError:
            major = None
        except PermissionError as problem:
            raise ClusterError(f"{self.directory} belongs to another account; run as that account.") from problem
        directory = binaries.find(major)
        if directory is None:
            needed = f"PostgreSQL {major}" if major else f"PostgreSQL {binaries.OLDEST_MAJOR} or later"
            raise ClusterError(
                f"no programs of {needed} for {self.directory}: install requirements/sandbox.txt, "
                "or set NPQ_POSTGRES_BINARIES or DATABASE_URL."
            )
        return binaries.readable_by(account, directory)

    def _create(self, programs: Path, account: Account | None) -> None:
        """Makes the data directory under another name and renames it: a half-made one is never seen."""
        prefix = f"{self.directory.name}.new-"
        for abandoned in self.directory.parent.glob(f"{prefix}*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        if self.directory.exists():
            if any(self.directory.iterdir()):
                raise ClusterError(f"{self.directory} is neither empty nor a PostgreSQL data directory.")
            self.directory.rmdir()
        new = Path(tempfile.mkdtemp(prefix=prefix, dir=self.directory.parent))
        if account:
            account.give(new)
        # The same byte order everywhere, whatever the machine's own language.
        command: list[str | Path] = [programs / "initdb", "-D", new, "-U", SUPERUSER]
        command += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"]
        if not self.durable:
            command.append("--no-sync")
        code, output = _run(command, account)
        if code:
            shutil.rmtree(new, ignore_errors=True)
            raise ClusterError(f"cannot create {self.directory}: {output}")
        new.rename(self.directory)

    def _prepare_socket_directory(self, account: Account | None) -> None:
        directory = self.socket_directory
        if directory == self.directory:
            return
        directory.mkdir(mode=0o700, exist_ok=True)
        owner = account.user if account else os.geteuid()
        if account and directory.stat().st_uid == 0:
            account.give(directory)
        # In /tmp anybody may have made it first.
        if directory.is_symlink() or directory.stat().st_uid != owner:
            raise ClusterError(f"{directory} belongs to another account; remove it.")

    def _launch(self, programs: Path, account: Account | None, *, deadline: float) -> None:
        settings = SERVER_SETTINGS | {"unix_socket_directories": str(self.socket_directory)}
        if not self.durable:
            settings |= THROW_AWAY_SETTINGS
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        command: list[str | Path] = [programs / "pg_ctl", "start", "-D", self.directory, "-l", self.log]
        command += ["-o", options, "-w", "-s", "-t", str(max(1, int(deadline - time.monotonic())))]
        while True:
            code, output = _run(command, account)
            if code == 0 or self.is_running():
                return
            if time.monotonic() > deadline:
                raise ClusterError(f"PostgreSQL in {self.directory} does not start: {output}{self._end_of_log()}")
            self._remove_stale_files()
            # The children of a killed server still hold its memory for a moment.
            time.sleep(0.2)

    def _remove_stale_files(self) -> None:
        """Removes the files of a dead server whose process number now belongs to another program.

        The server itself removes them when no process has that number, and refuses to start while one
        has. Children of the dead server are safe: the server recognises their memory without the files.
        """
        for path in (self.directory / "postmaster.pid", self.socket_directory / ".s.PGSQL.5432.lock"):
            try:
                number = abs(int(path.read_text().split()[0]))
            except (FileNotFoundError, IndexError, ValueError):
                continue
            if not _is_server_of(number, self.directory):
                path.unlink(missing_ok=True)

    def _end_of_log(self) -> str:
        try:
            return self.log.read_text(errors="replace")[-1500:]
        except OSError:
            return ""


def _account() -> Account | None:
    try:
        return unprivileged_account()
    except LookupError as problem:
        raise ClusterError(f"{problem}; set DATABASE_URL.") from problem


def _linked_to_reachable(path: Path) -> Path:
    """Makes `path` a link to a new directory below /var/lib, unless there is something, and follows it.

    A link, and no name derived from the path, so that a new checkout at an old path starts empty.
    """
    target = binaries.shared_directory("data") / f"{path.name.lstrip('.')}-{secrets.token_hex(6)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        path.symlink_to(target)
    return path.resolve()


def _nearest_existing(path: Path) -> Path:
    return next(candidate for candidate in (path, *path.parents) if candidate.exists())


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _is_server_of(number: int, directory: Path) -> bool:
    """Whether a process is the PostgreSQL server of a data directory: it works inside it."""
    link = Path(f"/proc/{number}/cwd")
    if Path("/proc/self/cwd").exists():
        try:
            return link.readlink() == directory
        except OSError:
            return False
    process = subprocess.run(["ps", "-p", str(number), "-o", "comm="], capture_output=True, text=True)
    return "postgres" in process.stdout


def _run(command: list[str | Path], account: Account | None) -> tuple[int, str]:
    """Runs a program to its end and returns its exit code and all it printed."""
    # A file and no pipe: the server inherits it, and a pipe would not end before the server does.
    with tempfile.TemporaryFile("w+") as output:
        finished = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            **(account.run_as if account else {}),
        )
        output.seek(0)
        return finished.returncode, output.read()
