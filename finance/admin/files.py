"""The files of a statement, streamed; the same bytes as `export_statement` writes."""

from django.http import HttpRequest, StreamingHttpResponse

from finance.choices import ExportKind
from finance.models import Statement
from finance.queries.exports import exported
from finance.services import record_export
from npq.backoffice.access_log import record_download
from npq.backoffice.corrections import staff_actor


def download(request: HttpRequest, statement: Statement, kind: ExportKind) -> StreamingHttpResponse:
    """A file of a statement. Who takes it out is recorded before the first byte leaves."""
    file = exported(statement, kind)
    record_download(request, f"Statement {statement.public_id}, {kind} CSV", rows=file.number)
    record_export(kind=kind, rows=file.number, by=staff_actor(request), statement=statement)
    response = StreamingHttpResponse(file.chunks(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    # It may hold personal data: nothing on the way keeps a copy.
    response["Cache-Control"] = "no-store"
    return response
