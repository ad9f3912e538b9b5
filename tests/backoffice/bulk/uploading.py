"""Bulk changes as a member of staff makes them, through their pages."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from npq.backoffice.bulk.models import BulkJob, BulkRow

REASON = "Asked for by the provider, ticket 4711"


def csv_file(header: Sequence[str], *rows: Sequence[Any]) -> bytes:
    """A CSV file as a spreadsheet writes it."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([header, *rows])
    return buffer.getvalue().encode()


@dataclass
class Office:
    """Somebody with bulk changes of one kind to make."""

    client: Client
    kind: str

    @property
    def address(self) -> str:
        return f"/admin/bulk/{self.kind}/"

    def upload(self, content: bytes, name: str = "file.csv", **more: str) -> Any:
        """Uploads a file; the answer."""
        return self.client.post(self.address, {"file": SimpleUploadedFile(name, content), **more})

    def checked(self, content: bytes) -> BulkJob:
        """The job of a file that is taken and, when it is small, checked."""
        answer = self.upload(content)
        assert answer.status_code == 302, answer.content.decode()
        return BulkJob.objects.get(public_id=answer.headers["Location"].rstrip("/").rpartition("/")[2])

    def page(self, job: BulkJob) -> str:
        """The page of a job."""
        answer = self.client.get(self.address_of(job))
        assert answer.status_code == 200
        return str(answer.content.decode())

    def address_of(self, job: BulkJob) -> str:
        return f"/admin/bulk/jobs/{job.public_id}/"

    def act(self, job: BulkJob, action: str, **more: str) -> Any:
        """Presses a button."""
        return self.client.post(self.address_of(job), {"action": action, **more})

    def confirm(self, job: BulkJob, reason: str = REASON) -> BulkJob:
        """Confirms what the page shows; the job as it is afterwards."""
        seen = re.search(r'name="seen" value="([^"]+)"', self.page(job))
        answer = self.act(job, "confirm", reason=reason, seen=seen[1] if seen else "")
        assert answer.status_code == 302, answer.content.decode()
        job.refresh_from_db()
        return job

    def do(self, content: bytes) -> BulkJob:
        """Uploads, checks and confirms."""
        return self.confirm(self.checked(content))

    def file(self, job: BulkJob, name: str) -> list[dict[str, str]]:
        """A file that the job hands out."""
        answer = self.client.get(f"{self.address_of(job)}{name}.csv")
        assert answer.status_code == 200
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))


def states(job: BulkJob) -> list[str]:
    """What has become of each row, in the order of the file."""
    return list(BulkRow.objects.filter(job=job).order_by("line").values_list("state", flat=True))


def codes(job: BulkJob) -> list[list[str]]:
    """The codes of each row's errors, in the order of the file."""
    rows = BulkRow.objects.filter(job=job).order_by("line")
    return [[error["code"] for error in row.errors] for row in rows]
