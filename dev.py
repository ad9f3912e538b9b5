#!/usr/bin/env python3
"""Everything on a machine that has only Python 3.11 or later.

    python3 dev.py run [ARGUMENTS]     install, start a private PostgreSQL, load demo data, serve
    python3 dev.py test [ARGUMENTS]    install, run the tests (ARGUMENTS go to pytest)
    python3 dev.py manage ARGUMENTS    any other command of manage.py
    python3 dev.py stop                stop the private PostgreSQL that `manage` may have left running

What is installed goes into .venv, exactly as locked in requirements/. Set DATABASE_URL to use another
PostgreSQL. This script uses the standard library only.
"""

from __future__ import annotations  # an older Python gets as far as the sentence that says so

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent

# Each lock with the locks it contains: with the larger one installed, so is the smaller.
LOCKS = {"sandbox": ("sandbox",), "development": ("development", "sandbox")}

SECONDS_BEFORE_PROGRESS = 1.0
SECONDS_BETWEEN_LINES = 10.0


class Failed(Exception):
    """Something a person has to put right; the text says what."""


class Installation:
    """A virtual environment that holds what a lock names: whole, or to be made again."""

    def __init__(self, root: Path) -> None:
        self.directory = root / ".venv"
        self.requirements = root / "requirements"
        self.python = self.directory / "bin" / "python"
        self._stamp = self.directory / ".installed.json"
        self._unfinished = self.directory / ".unfinished"

    def ensure(self, name: str) -> None:
        """Installs a lock unless it is installed. Raises Failed."""
        if self.holds(name):
            return
        with self._locked() as lock:
            if not self.holds(name):
                self._install(name, lock)

    def holds(self, name: str) -> bool:
        """Whether a finished installation has exactly what the lock now says, for this Python."""
        if self._unfinished.exists() or not self.python.exists():
            return False
        try:
            stamp = json.loads(self._stamp.read_text())
        except (OSError, ValueError):
            return False
        return stamp.get("python") == _python_version() and stamp.get("locks", {}).get(name) == self._digest(name)

    def record(self, name: str) -> None:
        """Notes that a lock, and what it contains, is now installed."""
        stamp = {"python": _python_version(), "locks": {lock: self._digest(lock) for lock in LOCKS[name]}}
        finished = self._stamp.with_suffix(".new")
        finished.write_text(json.dumps(stamp))
        finished.replace(self._stamp)
        self._unfinished.unlink(missing_ok=True)

    def _install(self, name: str, held: int) -> None:
        self._prepare()
        lock = self.requirements / f"{name}.txt"
        command = [str(self.python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        command += ["--progress-bar", "off", "--require-hashes", "-r", str(lock)]
        label = f"Installing {_count_packages(lock)} packages"
        # pip holds the lock too: it may outlive this process when that is killed.
        run_showing_progress(command, label, counting=b"Collecting ", keep_open=[held])
        self.record(name)

    def _prepare(self) -> None:
        """Makes the virtual environment, unless there is one that was finished and fits this Python."""
        if self._unfinished.exists() or not self.python.exists() or self._recorded_python() != _python_version():
            if self.directory.exists():
                shutil.rmtree(self.directory)
            self.directory.mkdir()
            self._unfinished.touch()
            try:
                venv.create(self.directory, with_pip=True, symlinks=True)
            except subprocess.CalledProcessError as problem:
                raise Failed(
                    "Python cannot make a virtual environment here. On Debian or Ubuntu: apt install python3-venv."
                ) from problem
        else:
            self._unfinished.touch()

    def _recorded_python(self) -> str:
        """The version in the environment's own configuration: right also for one made by hand."""
        with contextlib.suppress(OSError):
            for line in (self.directory / "pyvenv.cfg").read_text().splitlines():
                key, _, value = line.partition("=")
                if key.strip() == "version":
                    return ".".join(value.strip().split(".")[:2])
        return ""

    def _digest(self, name: str) -> str:
        return hashlib.sha256((self.requirements / f"{name}.txt").read_bytes()).hexdigest()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """One installation at a time; the lock of a killed process is let go by the system."""
        import fcntl

        with (self.directory.parent / ".venv.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Waiting for another installation to finish …", flush=True)
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock.fileno()


def run_showing_progress(
    command: Sequence[str], label: str, *, counting: bytes = b"", keep_open: Sequence[int] = ()
) -> None:
    """Runs a program quietly and shows that it is alive, from the second second on.

    On a terminal one line is kept up to date; elsewhere a line appears now and then. `counting` begins the
    lines of output that are counted; `keep_open` are file descriptors that the program inherits.
    Raises Failed with the end of the output when the program fails.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, pass_fds=keep_open
        )
        started = time.monotonic()
        try:
            _watch(process, label, counting, output.fileno())
        except BaseException:
            process.terminate()
            process.wait()
            raise
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        raise Failed(f"{label} failed:\n{text[-3000:]}")
    elapsed = time.monotonic() - started
    if elapsed > SECONDS_BEFORE_PROGRESS:
        print(f"{label}: done in {elapsed:.0f} s", flush=True)


def _watch(process: subprocess.Popen[bytes], label: str, counting: bytes, output: int) -> None:
    terminal = sys.stdout.isatty()
    started = time.monotonic()
    next_line = started + SECONDS_BEFORE_PROGRESS
    while True:
        try:
            process.wait(timeout=0.2)
            break
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        if now < next_line:
            continue
        seen = os.pread(output, os.fstat(output).st_size, 0).count(b"\n" + counting) if counting else 0
        line = f"{label}: {f'{seen} fetched, ' if seen else ''}{now - started:.0f} s"
        if terminal:
            print(f"\r{line} ", end="", flush=True)
        else:
            print(line, flush=True)
            next_line = now + SECONDS_BETWEEN_LINES
    if terminal:
        print("\r\033[K", end="", flush=True)


def _python_version() -> str:
    """Major and minor: a newer patch release runs what an older one installed."""
    return ".".join(str(part) for part in sys.version_info[:2])


def _count_packages(lock: Path) -> int:
    return sum("==" in line for line in lock.read_text().splitlines())


def become(command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
    """Replaces this process by another program, which then gets Ctrl-C and signals itself."""
    sys.stdout.flush()
    arguments = [str(part) for part in command]
    os.execve(arguments[0], arguments, dict(environment))


def run_to_its_end(command: Sequence[str | Path], environment: Mapping[str, str]) -> int:
    """Runs a program that gets Ctrl-C itself, and returns its exit code once it has cleaned up."""

    def leave_it_to_the_program(*_: object) -> None:
        """A handler, and not SIG_IGN, which the program would inherit."""

    handlers = {number: signal.signal(number, leave_it_to_the_program) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        process = subprocess.Popen([str(part) for part in command], env=dict(environment))
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        code = process.wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def run(installation: Installation, arguments: Sequence[str]) -> int:
    """Serves the sandbox."""
    installation.ensure("sandbox")
    become([installation.python, "manage.py", "sandbox", *arguments], os.environ)
    return 0


def manage(installation: Installation, arguments: Sequence[str]) -> int:
    """Runs a command of manage.py."""
    installation.ensure("sandbox")
    become([installation.python, "manage.py", *arguments], os.environ)
    return 0


def test(installation: Installation, arguments: Sequence[str]) -> int:
    """Runs the tests, on as many processors as there are unless told otherwise, on a cluster of their own."""
    installation.ensure("development")
    cluster = os.environ.get("NPQ_POSTGRES_DIRECTORY", str(ROOT / ".pgdata-test"))
    environment = os.environ | {
        "NPQ_ENVIRONMENT": "test",
        "NPQ_POSTGRES_DIRECTORY": cluster,
        "NPQ_POSTGRES_DURABLE": "0",
    }
    code = run_to_its_end([installation.python, "-m", "pytest", *(arguments or ["-n", "auto"])], environment)
    if not os.environ.get("DATABASE_URL"):
        _stop(installation, cluster)
    return code


def stop(installation: Installation, arguments: Sequence[str]) -> int:
    """Stops the private PostgreSQL, of the sandbox unless a directory is named."""
    installation.ensure("sandbox")
    default = os.environ.get("NPQ_POSTGRES_DIRECTORY", str(ROOT / ".pgdata"))
    return _stop(installation, arguments[0] if arguments else default)


def _stop(installation: Installation, cluster: str) -> int:
    command = [str(installation.python), "-m", "npq.embedded", "stop", cluster]
    return subprocess.run(command, stdout=subprocess.DEVNULL).returncode


COMMANDS = {"run": run, "test": test, "manage": manage, "stop": stop}


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code."""
    name, *rest = arguments or ["run"]
    if name not in COMMANDS:
        print(__doc__)
        return 0 if name in {"-h", "--help", "help"} else 2
    if os.name != "posix":
        raise Failed("dev.py needs Linux or macOS; on Windows, use the Windows Subsystem for Linux.")
    os.chdir(ROOT)
    return COMMANDS[name](Installation(ROOT), rest)


if __name__ == "__main__":
    if sys.version_info < OLDEST_PYTHON:
        sys.exit("Python 3.11 or later is needed; this is " + sys.version.split()[0])
    try:
        sys.exit(main(sys.argv[1:]))
    except Failed as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit(130)
