"""`sandbox`: starts whole, is found as it was left, ends whole; and what it refuses."""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from npq.backoffice.roles import ROLES
from npq.core.commands import Failed
from npq.core.models import ApiToken, LeadProvider
from npq.core.tokens import revoke_api_token
from npq.embedded import binaries
from npq.embedded.cluster import Cluster
from npq.management.commands.sandbox import port_lock
from npq.sandbox.access import STAFF, Access
from npq.sandbox.progress import bar, step
from tests.commands import run_command
from tests.factories import LeadProviderFactory

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that also an account lent by root can reach; pytest's own is private."""
    directory = Path(tempfile.mkdtemp(prefix="npq-test-", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment() -> dict[str, str]:
    """That of somebody who has set nothing."""
    ours = ("DATABASE_URL", "PYTEST_VERSION", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if name not in ours and not name.startswith("NPQ_")} | {
        "NPQ_POSTGRES_DURABLE": "0"
    }


class Sandbox:
    """A sandbox in a process of its own, and what it has printed so far."""

    def __init__(self, directory: Path, port: int) -> None:
        self._log = directory.parent / f"sandbox-{time.monotonic_ns()}.log"
        command = [sys.executable, "manage.py", "sandbox", "--port", str(port), "--data", str(directory)]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--applications", "0"],
                cwd=ROOT,
                env=environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        """Everything so far."""
        return self._log.read_text()

    def wait_for(self, words: str) -> None:
        """Waits until it has printed the words; fails with all it printed when it ends or takes too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while words not in self.printed:
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.1)

    @property
    def tokens(self) -> dict[str, str]:
        """The tokens it printed, by provider's code."""
        return dict(re.findall(r"^TOKEN (\S+) (\S+)$", self.printed, re.MULTILINE))

    def end(self, number: signal.Signals) -> int:
        """Sends a signal and returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)


@pytest.fixture
def start(place: Path, free_port: int) -> Iterator[Callable[[], Sandbox]]:
    """Starts sandboxes on one directory and port; whatever is left of them is ended afterwards."""
    started: list[Sandbox] = []

    def begin() -> Sandbox:
        started.append(Sandbox(place / "data", free_port))
        return started[-1]

    yield begin
    for sandbox in started:
        if sandbox.process.poll() is None:
            sandbox.process.kill()
            sandbox.process.wait()
    Cluster.at(place / "data", durable=False).stop()


def fetch(url: str, token: str, *, body: Any = None) -> tuple[int, Any]:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.status, json.load(response)


@pytest.mark.skipif(binaries.find() is None, reason="no PostgreSQL programs on this machine")
def test_the_life_of_a_sandbox(start: Callable[[], Sandbox], place: Path, free_port: int) -> None:
    first = start()
    first.wait_for("Ctrl-C stops everything")
    tokens = first.tokens
    assert len(tokens) == 8

    # The lines to paste work as they are.
    lines = re.findall(r'^curl -H "Authorization: Bearer (\S+)" (\S+)$', first.printed, re.MULTILINE)
    assert [token for token, _ in lines] == [tokens[code] for code in ("ambition", "teach-first", "ucl")]
    for token, url in lines:
        status, found = fetch(url, token)
        assert (status, bool(found["data"])) == (200, True)
    assert f"http://127.0.0.1:{free_port}/api/docs/v3" in first.printed
    assert f"http://127.0.0.1:{free_port}/admin/" in first.printed

    # An acceptance, and its message on the console without anybody's doing.
    waiting = next(
        each
        for each in found["data"]
        if (each["attributes"]["status"], each["attributes"]["cohort"]) == ("pending", "2023")
        and each["attributes"]["course_identifier"] == "npq-early-years-leadership"
    )
    status, accepted = fetch(f"{url}/{waiting['id']}/accept", token, body={})
    assert (status, accepted["data"]["attributes"]["status"]) == (200, "accepted")
    first.wait_for(f"Your application ID is {waiting['id']}")

    # Killed, it leaves nothing in the way of the next, which finds the data as it was left.
    first.end(signal.SIGKILL)
    second = start()
    second.wait_for("Ctrl-C stops everything")
    assert second.tokens == tokens
    status, again = fetch(f"{url}/{waiting['id']}", token)
    assert again["data"]["attributes"]["status"] == "accepted"

    # Its worker may die; Ctrl-C ends all of it.
    worker = int(Path(f"/proc/{second.process.pid}/task/{second.process.pid}/children").read_text().split()[0])
    server = (place / "data" / "postmaster.pid").read_text()
    os.kill(worker, signal.SIGTERM)
    wait_until(lambda: not Path(f"/proc/{worker}").exists())
    wait_until(lambda: answers(url, token))
    assert (place / "data" / "postmaster.pid").read_text() == server
    assert second.end(signal.SIGINT) == 0
    assert not Cluster.at(place / "data", durable=False).is_running()
    assert not answers(url, token)


def answers(url: str, token: str) -> bool:
    try:
        return fetch(url, token)[0] == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def sandbox(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", "sandbox", *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", ""])
def test_a_port_that_is_none(port: str) -> None:
    run = run_command("sandbox", f"--port={port}")

    assert run.code == 2
    assert "usage:" in run.err


def test_a_port_in_use_is_said_before_anything_is_made(place: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        run = sandbox("--port", str(taken.getsockname()[1]), "--data", str(place / "data"))

    assert run.returncode == 2
    assert "Choose another with --port" in run.stderr
    assert not (place / "data").exists()


def test_a_port_that_another_sandbox_is_made_ready_for_is_not_waited_for(place: Path, free_port: int) -> None:
    with port_lock(free_port).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        run = sandbox("--port", str(free_port), "--data", str(place / "data"))

    port_lock(free_port).unlink()
    assert run.returncode == 2
    assert "another sandbox is being made ready for it. Choose another with --port" in run.stderr
    assert not (place / "data").exists()


def test_one_sandbox_on_one_directory(place: Path, free_port: int) -> None:
    with (place / ".data.sandbox.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        run = sandbox("--port", str(free_port), "--data", str(place / "data"))

    assert run.returncode == 1
    assert "A sandbox is running on" in run.stderr
    assert "Waiting for the last sandbox to end" in run.stdout


@pytest.mark.parametrize("name", ["development", "production", "test"])
def test_only_a_sandbox_is_a_sandbox(settings: Any, name: str) -> None:
    settings.NPQ_ENVIRONMENT = name

    run = run_command("sandbox")

    assert run.code == 2
    assert f"NPQ_ENVIRONMENT is {name}" in run.err


def test_a_directory_that_holds_something_else(place: Path, free_port: int) -> None:
    (place / "data").mkdir()
    (place / "data" / "letter.txt").write_text("Dear")

    run = sandbox("--port", str(free_port), "--data", str(place / "data"))

    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert (place / "data" / "letter.txt").read_text() == "Dear"


# Access --------------------------------------------------------------------------------------------------


@pytest.fixture
def access(tmp_path: Path, settings: Any) -> Access:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the usual one takes its time
    return Access.at(tmp_path / "data")


@pytest.mark.django_db
def test_tokens_are_the_same_until_they_are_revoked(access: Access, tmp_path: Path, actor: Any) -> None:
    provider = LeadProviderFactory(code="ucl")
    first = access.token_of(provider)
    again = Access.at(tmp_path / "data").token_of(provider)
    revoke_api_token(public_id=ApiToken.objects.get().public_id, by=actor)
    after = access.token_of(provider)

    assert first == again
    assert after != first
    assert access.token_of(provider) == after
    assert list(ApiToken.objects.order_by("id").values_list("digest", flat=True)) == [
        ApiToken.digest_of(first),
        ApiToken.digest_of(after),
    ]


@pytest.mark.django_db
def test_every_provider_has_a_token_of_its_own(access: Access) -> None:
    for code in ("ucl", "ambition"):
        LeadProviderFactory(code=code)

    doors = access.open_doors()

    assert sorted(doors.tokens) == ["ambition", "ucl"]
    assert len({*doors.tokens.values(), doors.registration, *doors.passwords.values()}) == 3 + len(STAFF)
    assert ApiToken.objects.get(digest=ApiToken.digest_of(doors.registration)).scope == "registration"
    assert set(LeadProvider.objects.values_list("apitoken__scope", flat=True)) == {"lead_provider"}


@pytest.mark.django_db
def test_staff_get_in_with_the_passwords_shown(access: Access, tmp_path: Path, client: Any) -> None:
    passwords = access.staff()

    assert all(client.login(username=name, password=password) for name, password in passwords.items())
    assert access.staff() == passwords
    roles = {user.username: [group.name for group in user.groups.all()] for user in User.objects.all()}
    assert roles == {name: [role] for name, role in STAFF.items()}
    assert set(STAFF.values()) == {role.name for role in ROLES}
    assert not User.objects.filter(is_superuser=True).exists()

    other = Access.at(tmp_path / "elsewhere").staff()
    assert other != passwords
    assert client.login(username="finance", password=other["finance"])


def test_the_secret_is_its_owners_only(access: Access, tmp_path: Path) -> None:
    file = tmp_path / "data.secret"

    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["data.secret"]
    assert Access.at(tmp_path / "data") == access


def test_a_file_that_holds_no_secret(tmp_path: Path) -> None:
    (tmp_path / "data.secret").write_text("short")

    with pytest.raises(Failed, match="holds no secret"):
        Access.at(tmp_path / "data")


def test_a_secret_that_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Failed, match="cannot read or write"):
        Access.at(tmp_path / "file" / "data")


# Progress --------------------------------------------------------------------------------------------------


def test_what_is_quick_is_not_announced(capsys: Any) -> None:
    with step("Quick"):
        pass
    assert list(bar([1, 2], total=2, label="few")) == [1, 2]

    assert capsys.readouterr().out == ""


def test_what_takes_long_shows_that_it_lives(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("npq.sandbox.progress.SECONDS_BEFORE", 0.01)
    monkeypatch.setattr("npq.sandbox.progress.SECONDS_BETWEEN", 0.01)

    with step("Slow"):
        time.sleep(0.1)
    for _ in bar(range(3), total=3, label="many"):
        time.sleep(0.02)

    out = capsys.readouterr().out
    assert re.search(r"^Slow … 0 s$", out, re.MULTILINE)
    assert re.search(r"^Slow: done in 0 s$", out, re.MULTILINE)
    assert re.search(r"^many: 1 of 3$", out, re.MULTILINE)
