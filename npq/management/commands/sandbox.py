"""`manage.py sandbox [--port N] [--data DIR]`: what `python3 dev.py run` starts."""

import contextlib
import fcntl
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from npq.backoffice.checks import run_checks
from npq.core.commands import BadInput, Failed
from npq.core.couriers import CourierDown, EmailCourier
from npq.core.delivery import deliver_due
from npq.core.parsing import argument, whole_number
from npq.embedded import ClusterError
from npq.sandbox.access import BY, Access, Doors, data_directory
from npq.sandbox.practice import leave_traces_of_calls
from npq.sandbox.progress import bar, step
from npq.sandbox.seeding import DEFAULT_APPLICATIONS, DEFAULT_SEED, PROVIDERS, applications_number, seed_demo_data
from npq.sandbox.server import Server
from participants.services.load_reference_data import load_reference_data

SECONDS_FOR_THE_LAST_ONE_TO_END = 10


class Command(BaseCommand):
    """Starts the database, brings it up to date, loads demo data, serves; Ctrl-C stops all of it."""

    help = "Serves the whole service on this machine, with demo data."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=argument(port_number), default=8000, metavar="N", help="1 to 65535")
        parser.add_argument("--data", type=Path, metavar="DIR", help="where the data is kept; .pgdata by default")

        parser.add_argument(
            "--applications",
            type=argument(applications_number),
            default=DEFAULT_APPLICATIONS,
            metavar="N",
            help=f"how many besides the named scenarios ({DEFAULT_APPLICATIONS})",
        )

    def handle(self, *, port: int, data: Path | None, applications: int, **_: Any) -> None:
        if settings.NPQ_ENVIRONMENT != "sandbox":
            raise BadInput(f"NPQ_ENVIRONMENT is {settings.NPQ_ENVIRONMENT}; a sandbox needs it to be sandbox or unset.")
        if data is not None and data.absolute() != data_directory():
            restart_with_data_in(data.absolute())
        self._process = os.getpid()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        with only_sandbox(), port_kept(port):
            try:
                doors = self._prepare(applications)
                refuse_taken(port)  # by now something else may have it
                Server(port, when_ready=lambda: self._announce(doors, port)).run()
            except ClusterError as problem:
                raise Failed(str(problem)) from problem
            finally:
                self._stop_database()

    def _prepare(self, applications: int) -> Doors:
        """Makes everything ready that may take its time."""
        with step("Starting the database"):
            connection.ensure_connection()
        with step("Bringing the database up to date"):
            migrate_if_needed()
        with step("Loading reference data"):
            load_reference_data(by=BY)
        seeded = seed_demo_data(applications=applications, number=DEFAULT_SEED, progress=bar)
        if seeded.done:
            with step("Delivering the demo data's messages"), Path(os.devnull).open("w") as nowhere:
                deliver_quietly(nowhere)
            with step("Checking the data, as every night"):
                run_checks(by=BY)
        with step("Making tokens"):
            doors = Access.at(data_directory()).open_doors()
            leave_traces_of_calls(seeded.practice)
        connections.close_all()
        return doors

    def _announce(self, doors: Doors, port: int) -> None:
        """Prints how to get in. The server accepts connections by now."""
        address = f"http://127.0.0.1:{port}"
        lines = [f"TOKEN {code} {token}" for code, token in doors.tokens.items()]
        lines += ["", f"The registration service's token: {doors.registration}", "", "Try it:"]
        for code in PROVIDERS:
            lines.append(f'curl -H "Authorization: Bearer {doors.tokens[code]}" {address}/api/v3/npq-applications')
        lines += ["", f"Documentation: {address}/api/docs/v3", f"Back office: {address}/admin/"]
        lines += [f"    {name} / {password}" for name, password in doors.passwords.items()]
        lines.append("    After the password the page itself shows the code to enter.")
        lines += ["", "Messages to participants appear here. Ctrl-C stops everything."]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()

    def _stop_database(self) -> None:
        """Stops the private PostgreSQL; another one is left alone."""
        if os.getpid() != self._process:
            return  # the server's worker, a fork of this process, comes through here too when it ends
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        connections.close_all()
        cluster = getattr(connection, "cluster", None)
        if cluster is not None:
            with step("Stopping the database"):
                cluster.stop()


def migrate_if_needed() -> None:
    """Applies what is missing; looking is quicker than migrating nothing."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


def deliver_quietly(nowhere: TextIO) -> None:
    """Delivers what is waiting to nowhere: invented people's messages would bury what is printed next."""
    try:
        for _ in deliver_due(EmailCourier(nowhere)):
            pass
    except CourierDown as problem:
        raise Failed(str(problem)) from problem


def port_number(text: str) -> int:
    """A port from 1 to 65535."""
    number = whole_number(text)
    if not 1 <= number <= 65535:
        raise ValueError(f"{text} is not a port; ports are 1 to 65535")
    return number


def refuse_taken(port: int) -> None:
    """Raises BadInput when something serves on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as problem:
            raise BadInput(f"port {port} cannot be used: {problem.strerror}. Choose another with --port.") from problem


@contextlib.contextmanager
def port_kept(port: int) -> Iterator[None]:
    """Keeps a free port from other sandboxes while this one is made ready; raises BadInput when it is not free."""
    refuse_taken(port)
    with port_lock(port).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise BadInput(
                f"port {port} cannot be used: another sandbox is being made ready for it. Choose another with --port."
            ) from problem
        yield


def port_lock(port: int) -> Path:
    """The file that is locked for a port, by each account for itself."""
    return Path(tempfile.gettempdir()) / f"npq-sandbox-{os.getuid()}-port-{port}.lock"


def restart_with_data_in(directory: Path) -> None:
    """Starts this command anew with its data elsewhere: settings are read before arguments."""
    os.environ["NPQ_POSTGRES_DIRECTORY"] = str(directory)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


class only_sandbox:  # noqa: N801  a context manager, used like a function
    """Lets one sandbox use the data at a time; the lock ends with its last process, however it ended."""

    def __enter__(self) -> None:
        directory = data_directory()
        file = directory.parent / f".{directory.name.lstrip('.')}.sandbox.lock"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._lock = file.open("a")
        except OSError as problem:
            raise Failed(f"cannot write beside {directory}: {problem.strerror}") from problem
        deadline = time.monotonic() + SECONDS_FOR_THE_LAST_ONE_TO_END
        with step("Waiting for the last sandbox to end"):
            while not self._taken():
                if time.monotonic() > deadline:
                    raise Failed(f"A sandbox is running on {directory}. Stop it, or give this one --data elsewhere.")
                time.sleep(0.2)

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
