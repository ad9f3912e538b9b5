"""The database backend that starts the server when nobody answers."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from npq.embedded import binaries
from npq.embedded.cluster import Cluster

if binaries.find() is None:
    pytest.skip("no PostgreSQL programs on this machine", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="npq-test-", dir="/tmp") as place:
        Path(place).chmod(0o755)
        cluster = Cluster.at(Path(place) / "data", durable=False)
        yield cluster
        cluster.stop()


def ask(cluster: Cluster, statement: str) -> "subprocess.CompletedProcess[str]":
    """Asks through Django, in a process of its own with nothing but the directory to go by."""
    program = (
        "import django, sys; django.setup()\n"
        "from django.db import connection\n"
        "with connection.cursor() as cursor:\n"
        "    cursor.execute(sys.argv[1]); print(cursor.fetchone()[0])\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {
        "DJANGO_SETTINGS_MODULE": "npq.settings",
        "NPQ_ENVIRONMENT": "test",
        "NPQ_POSTGRES_DIRECTORY": str(cluster.directory),
    }
    return subprocess.run(
        [sys.executable, "-c", program, statement], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_first_connection_starts_the_server_and_later_ones_find_it(cluster: Cluster) -> None:
    first = ask(cluster, "SELECT pg_postmaster_start_time()")
    second = ask(cluster, "SELECT pg_postmaster_start_time()")

    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert cluster.is_running()


def test_connection_is_in_utc(cluster: Cluster) -> None:
    assert ask(cluster, "SELECT current_setting('TimeZone')").stdout.strip() == "UTC"
