"""The private PostgreSQL: any number of starters, killed servers, and files that lie."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from npq.embedded import binaries
from npq.embedded.account import unprivileged_account
from npq.embedded.cluster import Cluster, ClusterError

if binaries.find() is None:
    pytest.skip("no PostgreSQL programs on this machine", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place that also an account lent by root can reach; pytest's own is private."""
    place = Path(tempfile.mkdtemp(prefix="npq-test-", dir="/tmp"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def cluster(directory: Path) -> Iterator[Cluster]:
    cluster = Cluster.at(directory / "data", durable=False)
    yield cluster
    cluster.stop()


def execute(cluster: Cluster, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(host=str(cluster.socket_directory), user="postgres", dbname="postgres") as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def server_number(cluster: Cluster) -> int:
    return int((cluster.directory / "postmaster.pid").read_text().split()[0])


def kill_server(cluster: Cluster) -> int:
    """Kills the server as a power switch would, and waits until its process is gone."""
    number = server_number(cluster)
    os.kill(number, signal.SIGKILL)
    for _ in range(500):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return number
        # Gone but not yet collected by its parent counts as gone.
        if Path(f"/proc/{number}/stat").exists() and Path(f"/proc/{number}/stat").read_text().split()[2] == "Z":
            return number
        time.sleep(0.01)
    raise AssertionError("the server survived SIGKILL")


def test_start_and_stop_can_be_repeated(cluster: Cluster) -> None:
    assert not cluster.is_running()
    assert cluster.start() is True
    assert cluster.is_running()
    assert cluster.start() is False
    assert cluster.stop() is True
    assert cluster.stop() is False
    assert not cluster.is_running()


def test_server_speaks_utc_and_sorts_by_bytes(cluster: Cluster) -> None:
    cluster.start()

    assert execute(cluster, "SHOW timezone") == [("UTC",)]
    assert execute(cluster, "SELECT x FROM (VALUES ('a'), ('B'), ('é')) AS v (x) ORDER BY x") == [
        ("B",),
        ("a",),
        ("é",),
    ]
    assert execute(cluster, "SHOW listen_addresses") == [("",)]


def test_eight_processes_start_one_server(cluster: Cluster) -> None:
    command = [sys.executable, "-m", "npq.embedded", "start", str(cluster.directory)]
    environment = os.environ | {"NPQ_POSTGRES_DURABLE": "0"}

    starters = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) for _ in range(8)]

    assert [starter.wait() for starter in starters] == [0] * 8
    assert cluster.is_running()
    assert [path.name for path in cluster.directory.parent.glob("data.new-*")] == []


def test_what_was_committed_is_there_after_the_server_was_killed(cluster: Cluster) -> None:
    cluster = replace(cluster, durable=True)
    cluster.start()
    execute(cluster, "CREATE TABLE kept AS SELECT 42 AS number")

    kill_server(cluster)

    assert cluster.start() is True
    assert execute(cluster, "SELECT number FROM kept") == [(42,)]


def test_innocent_process_with_the_number_of_a_dead_server_is_left_alone(cluster: Cluster) -> None:
    cluster.start()
    dead = kill_server(cluster)
    owner = cluster.directory.stat()
    # The same account as the server's, else the server itself sees that the process is not its own.
    innocent = subprocess.Popen(
        ["sleep", "600"],
        **({"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}),
    )
    try:
        for path in (cluster.directory / "postmaster.pid", cluster.socket_directory / ".s.PGSQL.5432.lock"):
            lines = path.read_text().split("\n")
            assert lines[0] == str(dead)
            path.write_text("\n".join([str(innocent.pid), *lines[1:]]))

        assert cluster.start() is True
        assert server_number(cluster) != innocent.pid
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_abandoned_half_made_directory_is_removed(cluster: Cluster) -> None:
    abandoned = cluster.directory.with_name("data.new-abandoned")
    abandoned.mkdir()
    (abandoned / "PG_VERSION").write_text("half")

    cluster.start()

    assert not abandoned.exists()


def test_path_too_long_for_a_socket(directory: Path) -> None:
    cluster = Cluster.at(directory / ("long" * 30) / "data", durable=False)

    assert cluster.socket_directory.parent == Path("/tmp")
    try:
        assert cluster.start() is True
        assert cluster.is_running()
    finally:
        cluster.stop()
        cluster.socket_directory.rmdir()


def test_path_with_characters_that_mean_something_in_a_list_of_hosts(directory: Path) -> None:
    cluster = Cluster.at(directory / "a,b' c" / "data", durable=False)

    try:
        assert cluster.start() is True
        assert cluster.is_running()
    finally:
        cluster.stop()
        cluster.socket_directory.rmdir()


def test_foreign_directory_is_refused_and_kept(directory: Path) -> None:
    cluster = Cluster.at(directory)
    (directory / "thesis.txt").write_text("years of work")

    with pytest.raises(ClusterError, match="neither empty nor a PostgreSQL data directory"):
        cluster.start()

    assert (directory / "thesis.txt").read_text() == "years of work"


def test_data_of_a_version_that_is_not_installed_is_refused(directory: Path) -> None:
    cluster = Cluster.at(directory / "data")
    cluster.directory.mkdir()
    (cluster.directory / "PG_VERSION").write_text("9\n")

    with pytest.raises(ClusterError, match="no programs of PostgreSQL 9"):
        cluster.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its server an account")
def test_root_keeps_the_data_elsewhere_when_the_checkout_is_private(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = directory / "shared"
    monkeypatch.setattr(binaries, "SHARED_DIRECTORY", shared)
    checkout = directory / "checkout"
    checkout.mkdir(mode=0o700)

    cluster = Cluster.at(checkout / "data", durable=False)
    try:
        assert cluster.directory.parent == shared / "data"
        assert cluster.start() is True
        assert Cluster.at(checkout / "data").directory == cluster.directory
        checkout.chmod(0o755)
        assert Cluster.at(checkout / "data").directory == cluster.directory
    finally:
        cluster.stop()
    (checkout / "data").unlink()
    assert Cluster.at(checkout / "data").directory == checkout / "data"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its server an account")
def test_root_copies_programs_that_the_account_cannot_reach(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = directory / "private" / "package" / "pginstall" / "bin"
    private.mkdir(parents=True)
    (directory / "private").chmod(0o700)
    (private / "postgres").write_text("#!/bin/sh\necho postgres 99\n")
    (private / "postgres").chmod(0o700)
    monkeypatch.setattr(binaries, "SHARED_DIRECTORY", directory / "shared")
    account = unprivileged_account()
    assert account is not None

    copy = binaries.readable_by(account, private)

    assert account.can_run(copy / "postgres")
    assert not account.can_run(private / "postgres")
    assert binaries.readable_by(account, private) == copy
