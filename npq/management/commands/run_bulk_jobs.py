"""`manage.py run_bulk_jobs`: checks uploaded files and carries out confirmed ones."""

from typing import Any

from npq.backoffice.bulk.work import due_jobs, work_on
from npq.core.commands import Mode, OpsCommand


class Command(OpsCommand):
    """Any number may run at once, and one that is killed leaves its work to the next (docs/decisions/10-bulk.md)."""

    help = "Works on the back office's bulk changes: checks what was uploaded, carries out what was confirmed."
    mode = Mode.ACTS

    def run(self, **_: Any) -> None:
        for job in self.progress(due_jobs()):
            columns: dict[str, Any] = {"kind": job.kind, "file": job.file_name}
            try:
                worked = work_on(job.id)
            except Exception as problem:  # noqa: BLE001  the others' turn comes all the same
                self.failed(problem, id=job.public_id, **columns)
                continue
            job.refresh_from_db()
            self.report.row(id=job.public_id, result=job.state if worked else "left to another", **columns)
