"""Writes through a real server on this machine's loopback, beside bare transactions with the same statements."""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from npq.benchmark.measuring import Finding
from npq.benchmark.pages import Provider

CLIENTS = 4


@contextmanager
def server() -> Iterator[int]:
    """The service under gunicorn, two workers of four threads, on a free loopback port; yields the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name = str(connection.settings_dict["NAME"])
    environment = {**os.environ, "NPQ_BENCHMARK_DATABASE": name, "NPQ_RATE_LIMIT": "100000000"}
    command = [sys.executable, "-m", "gunicorn", "npq.benchmark.wsgi", "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--workers", "2", "--threads", "4", "--log-level", "error"]
    process = subprocess.Popen(command, env=environment)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("the server stopped while starting")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not start within 30 seconds")


def _raced(jobs: list[Any], make_worker: Callable[[], Callable[[Any], None]]) -> tuple[float, float]:
    """Runs the jobs from CLIENTS threads; returns jobs per second and the median time of one in milliseconds."""
    queue, times, failures = iter(jobs), [], []
    lock = threading.Lock()

    def work() -> None:
        try:
            run = make_worker()
            while True:
                with lock:
                    job = next(queue, None)
                if job is None:
                    return
                started = time.perf_counter()
                run(job)
                times.append((time.perf_counter() - started) * 1000)
        except Exception as error:  # noqa: BLE001 - reported below, in the thread that can raise it
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return len(jobs) / (time.perf_counter() - started), statistics.median(times)


def _requests(port: int, token: str, method: str) -> Callable[[], Callable[[Any], None]]:
    def make() -> Callable[[Any], None]:
        http_connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

        def run(job: tuple[str, dict[str, Any]]) -> None:
            path, body = job
            http_connection.request(method, path, json.dumps(body), headers)
            response = http_connection.getresponse()
            content = response.read()
            if response.status != 200:
                raise RuntimeError(f"{path} answered {response.status}: {content[:500]!r}")

        return run

    return make


_ACTOR = json.dumps({"kind": "system", "name": "benchmark", "action": "benchmark"})


def _bare(transaction: Callable[[psycopg.Cursor[Any], Any], None]) -> Callable[[], Callable[[Any], None]]:
    parameters = connection.get_connection_params()
    kept = {key: parameters[key] for key in ("dbname", "user", "password", "host", "port") if parameters.get(key)}

    def make() -> Callable[[Any], None]:
        bare = psycopg.connect(**kept)

        def run(job: Any) -> None:
            with bare.transaction(), bare.cursor() as cursor:
                cursor.execute("SELECT set_config('npq.actor', %s, true)", [_ACTOR])
                transaction(cursor, job)

        return run

    return make


def _accept_bare(cursor: psycopg.Cursor[Any], job: tuple[int, int]) -> None:
    """The locks and writes of one acceptance, and nothing else."""
    application, participant = job
    cursor.execute("SELECT * FROM participants_participant WHERE id = %s FOR NO KEY UPDATE", [participant])
    cursor.execute("SELECT * FROM applications_application WHERE id = %s FOR NO KEY UPDATE", [application])
    cursor.execute(
        "INSERT INTO participants_enrolment (public_id, application_id, participant_id, lead_provider_id, course_id, "
        "course_family, cohort_id, schedule_id, accepted_at, training_status) "
        "SELECT gen_random_uuid(), a.id, a.participant_id, a.lead_provider_id, a.course_id, c.family, a.cohort_id, "
        '(SELECT s.id FROM participants_schedule s WHERE s.cohort_id = a.cohort_id AND s.course_group = c."group" '
        "LIMIT 1), now(), 'active' FROM applications_application a JOIN core_course c ON c.id = a.course_id "
        "WHERE a.id = %s RETURNING id",
        [application],
    )
    row = cursor.fetchone()
    assert row is not None
    cursor.execute(
        "INSERT INTO participants_trainingstatuschange "
        "(public_id, enrolment_id, status, lead_provider_id, recorded_by) "
        "SELECT gen_random_uuid(), id, 'active', lead_provider_id, 'x' FROM participants_enrolment WHERE id = %s",
        [row[0]],
    )
    cursor.execute(
        "UPDATE applications_application SET status = 'accepted', decided_at = now(), enrolment_id = %s WHERE id = %s",
        [row[0], application],
    )
    cursor.execute(
        'INSERT INTO core_message (public_id, kind, "to", participant_public_id, personalisation, state, attempts, '
        "due_at, notify_id, last_error) VALUES (gen_random_uuid(), 'application_accepted', 'x@example.org', %s, '{}', "
        "'pending', 0, now(), '', '')",
        [uuid.uuid4()],
    )
    cursor.execute("UPDATE participants_participant SET updated_at = clock_timestamp() WHERE id = %s", [participant])
    cursor.execute(
        "UPDATE applications_application SET updated_at = clock_timestamp() WHERE participant_id = %s", [participant]
    )


def _pending(provider: Provider, number: int) -> list[tuple[int, int, str]]:
    """Pending applications of people without any other: (id, participant id, public id)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, participant_id, public_id::text FROM applications_application a WHERE lead_provider_id = %s "
            "AND status = 'pending' AND NOT EXISTS (SELECT 1 FROM applications_application b "
            "WHERE b.participant_id = a.participant_id AND b.id <> a.id) ORDER BY created_at DESC, id LIMIT %s",
            [provider.id, number],
        )
        return cursor.fetchall()


def accept_case(provider: Provider, port: int, number: int) -> Finding:
    """Acceptances per second through the server, beside bare transactions."""
    rows = _pending(provider, number * 2)
    ours, theirs = rows[::2], rows[1::2]
    jobs: list[Any] = [(f"/api/v3/npq-applications/{public_id}/accept", {}) for _, _, public_id in ours]
    served, median = _raced(jobs, _requests(port, provider.token, "POST"))
    bare_served, bare_median = _raced([row[:2] for row in theirs], _bare(_accept_bare))
    return _rates("accept", served, median, bare_served, bare_median)


_DECLARED_AT = "2025-01-06T09:00:00Z"

# Enrolments with nothing declared after the start, so that retained-1 may be: (enrolment, participant, course).
_DECLARABLE = """
SELECT e.id, p.public_id::text, c.identifier
FROM participants_enrolment e
JOIN participants_participant p ON p.id = e.participant_id
JOIN core_course c ON c.id = e.course_id
WHERE e.lead_provider_id = %s AND e.undone_at IS NULL AND e.training_status = 'active'
  AND NOT EXISTS (SELECT 1 FROM declarations_declaration d
                  WHERE d.enrolment_id = e.id AND d.declaration_type <> 'started')
ORDER BY e.id DESC LIMIT %s
"""

_LOCK_PERSON = """
SELECT p.* FROM participants_participant p JOIN participants_enrolment e ON e.participant_id = p.id
WHERE e.id = %s FOR NO KEY UPDATE OF p
"""
_LOCK_ENROLMENT = """
SELECT e.*, a.* FROM participants_enrolment e JOIN applications_application a ON a.id = e.application_id
WHERE e.id = %s FOR NO KEY UPDATE OF e, a
"""
_INSERT_DECLARATION = """
INSERT INTO declarations_declaration (public_id, enrolment_id, lead_provider_id, cohort_id, course_id,
    declaration_type, declaration_date, state)
SELECT gen_random_uuid(), id, lead_provider_id, cohort_id, course_id, 'retained-1', %s, 'eligible'
FROM participants_enrolment WHERE id = %s RETURNING id, lead_provider_id, cohort_id
"""
_LOCK_STATEMENT = """
SELECT * FROM finance_statement
WHERE lead_provider_id = %s AND cohort_id = %s AND state = 'open' AND output_fee AND deadline_date >= current_date
ORDER BY deadline_date, year, month, id LIMIT 1 FOR NO KEY UPDATE
"""
_INSERT_LINE = """
INSERT INTO finance_lineitem (public_id, statement_id, declaration_id, lead_provider_id, cohort_id, course_id,
    declaration_type, state)
SELECT gen_random_uuid(), %s, id, lead_provider_id, cohort_id, course_id, declaration_type, 'eligible'
FROM declarations_declaration WHERE id = %s
"""


def _submit_bare(cursor: psycopg.Cursor[Any], enrolment: int) -> None:
    """The locks and writes of one declaration, and nothing else."""
    cursor.execute(_LOCK_PERSON, [enrolment])
    cursor.execute(_LOCK_ENROLMENT, [enrolment])
    cursor.execute(_INSERT_DECLARATION, [_DECLARED_AT, enrolment])
    declaration, provider, cohort = cursor.fetchall()[0]
    cursor.execute(_LOCK_STATEMENT, [provider, cohort])
    cursor.execute(_INSERT_LINE, [cursor.fetchall()[0][0], declaration])


def _declaration_of(participant: str, course: str) -> tuple[str, dict[str, Any]]:
    attributes = {
        "participant_id": participant,
        "declaration_type": "retained-1",
        "declaration_date": _DECLARED_AT,
        "course_identifier": course,
    }
    return "/api/v3/participant-declarations", {"data": {"type": "participant-declaration", "attributes": attributes}}


def _statements_of_one(provider: Provider, job: tuple[str, dict[str, Any]]) -> str:
    """How many SQL statements of which kind one request sends."""
    path, body = job
    headers = {"Authorization": f"Bearer {provider.token}"}
    with CaptureQueriesContext(connection) as captured:
        response = Client().post(path, json.dumps(body), content_type="application/json", headers=headers)
    if response.status_code != 200:
        raise RuntimeError(f"{path} answered {response.status_code}: {response.content[:500]!r}")
    sent = [query["sql"] for query in captured]
    kept = [sql for sql in sent if not sql.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))]
    locks = sum(" FOR NO KEY UPDATE" in sql for sql in kept)
    inserts = sum(sql.startswith("INSERT") for sql in kept)
    return f"{locks} locks, {inserts} inserts, {len(kept) - locks - inserts} others"


def submit_cases(provider: Provider, port: int, number: int) -> list[Finding]:
    """Declarations per second through the server, beside bare transactions, and the statements one of them takes."""
    with connection.cursor() as cursor:
        cursor.execute(_DECLARABLE, [provider.id, number * 2 + 1])
        rows = cursor.fetchall()
    one, ours, theirs = rows[0], rows[1::2], rows[2::2]
    statements = _statements_of_one(provider, _declaration_of(*one[1:]))
    jobs: list[Any] = [_declaration_of(*row[1:]) for row in ours]
    served, median = _raced(jobs, _requests(port, provider.token, "POST"))
    bare_served, bare_median = _raced([row[0] for row in theirs], _bare(_submit_bare))
    return [
        Finding("submit: SQL statements", statements, "at most 6 others"),
        _rates("submit", served, median, bare_served, bare_median),
    ]


def _rates(case: str, served: float, median: float, bare_served: float, bare_median: float) -> Finding:
    return Finding(
        f"{case}: through the server, {CLIENTS} clients",
        f"{served:.0f}/s, median {median:.1f} ms",
        f"bare transaction: {bare_served:.0f}/s, median {bare_median:.1f} ms",
        median / bare_median,
    )
