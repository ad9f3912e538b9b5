"""Who may do what: each role, each kind, each page; and every file that leaves is recorded."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from npq.backoffice.access_models import AccessEvent
from npq.backoffice.bulk.catalogue import KINDS
from npq.backoffice.bulk.choices import JobState
from npq.backoffice.bulk.models import BulkJob
from npq.core.clock import wall_clock
from tests.backoffice.bulk.uploading import Office
from tests.backoffice.conftest import ROLE_NAMES
from tests.factories import BulkJobFactory, BulkRowFactory

OWNERS = {
    "undo_acceptance": "caseworker",
    "reject_application": "caseworker",
    "change_trn": "caseworker",
    "submit_declaration": "finance",
    "pair_delivery_partner": "configuration",
    "fill_delivery_partner": "configuration",
    "load_contracts": "configuration",
    "load_statements": "configuration",
}


def test_every_kind_has_an_owner() -> None:
    assert {kind: KINDS[kind].role for kind in KINDS} == OWNERS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_a_kind_is_for_its_role_alone(as_role: Callable[[str], Client], role: str, kind: str) -> None:
    job = BulkJobFactory(kind=kind, state=JobState.CHECKED, checked_at=wall_clock(), header=["id"])
    BulkRowFactory(job=job, cells=[str(uuid.uuid4())], state="refused", errors=[{"field": "", "detail": "x"}])
    office = Office(as_role(role), kind)
    own = office.address_of(job)
    reads = [office.address, f"{office.address}template.csv", own, f"{own}progress.json", f"{own}errors.csv"]

    answers = [office.client.get(address).status_code for address in [*reads, f"{own}rows.csv"]]
    answers.append(office.upload(b"").status_code)
    answers += [office.act(job, action).status_code for action in ("stop", "check", "cancel", "confirm")]

    allowed = OWNERS[kind] == role
    assert {status == 403 for status in answers} == {not allowed}
    job.refresh_from_db()
    assert (job.state == JobState.CANCELLED) == allowed


@pytest.mark.parametrize("role", [*ROLE_NAMES, ""])
def test_the_list_of_kinds_is_for_those_who_have_any(as_role: Callable[[str], Client], role: str) -> None:
    client = as_role(role)
    for kind in KINDS:
        BulkJobFactory(kind=kind, file_name=f"{kind}.csv")

    answer = client.get("/admin/bulk/")

    mine = {kind for kind, owner in OWNERS.items() if owner == role}
    assert answer.status_code == (200 if mine else 403)
    if mine:
        page = answer.content.decode()
        assert {kind for kind in KINDS if f"/admin/bulk/{kind}/" in page} == mine
        assert {kind for kind in KINDS if f"{kind}.csv" in page} == mine
    assert ("Bulk changes" in client.get("/admin/").content.decode()) == bool(mine)


def test_nobody_without_signing_in(client: Client, db: Any) -> None:
    job = BulkJobFactory()

    for address in ("/admin/bulk/", "/admin/bulk/undo_acceptance/", f"/admin/bulk/jobs/{job.public_id}/rows.csv"):
        assert client.get(address).status_code == 302


def test_files_that_leave_are_recorded(office: Callable[[str, str], Office]) -> None:
    job = BulkJobFactory(state=JobState.FINISHED)
    BulkRowFactory(job=job, cells=["x"], state="refused")
    clerk = office("caseworker", "undo_acceptance")

    clerk.file(job, "errors")
    clerk.file(job, "rows")

    told = AccessEvent.objects.filter(kind="downloaded").order_by("id").values_list("username", "detail")
    assert list(told) == [
        ("caseworker", f"Bulk change {job.public_id}, rows with errors (1 rows)"),
        ("caseworker", f"Bulk change {job.public_id}, all rows (1 rows)"),
    ]


def test_a_job_is_found_by_its_id(office: Callable[[str, str], Office]) -> None:
    job = BulkJobFactory()
    clerk = office("caseworker", "undo_acceptance")

    answer = clerk.client.get("/admin/find/", {"q": str(job.public_id)})

    assert (answer.status_code, answer.headers["Location"]) == (302, clerk.address_of(job))


def test_what_is_not_there_is_not_found(office: Callable[[str, str], Office]) -> None:
    clerk = office("caseworker", "undo_acceptance")
    job = BulkJobFactory(state=JobState.CHECKED, checked_at=wall_clock())

    assert clerk.client.get(f"/admin/bulk/jobs/{uuid.uuid4()}/").status_code == 404
    assert clerk.client.get("/admin/bulk/no_such_kind/").status_code == 404
    assert clerk.act(job, "explode").status_code == 404
    assert clerk.client.put(clerk.address_of(job)).status_code == 405
    assert BulkJob.objects.get().state == JobState.CHECKED
