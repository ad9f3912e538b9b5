"""The pages of bulk changes: the kinds, one kind with its upload, one job from its check to its result."""

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any
from uuid import UUID

from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from npq.backoffice.access_log import record_download
from npq.backoffice.bulk import files, jobs, summary
from npq.backoffice.bulk.catalogue import KINDS, SEE, kind_of
from npq.backoffice.bulk.choices import CANCELLABLE, DUE, JobState
from npq.backoffice.bulk.errors import FileUploadedBefore
from npq.backoffice.bulk.kinds import Kind
from npq.backoffice.bulk.models import BulkJob
from npq.backoffice.bulk.work import work_at_once
from npq.backoffice.corrections import CorrectionForm, staff_actor
from npq.backoffice.pages import Table, address_of, link
from npq.backoffice.site_pages import SitePage
from npq.backoffice.timeline import events_about_record
from npq.core.clock import wall_clock
from npq.core.commands import BadInput
from npq.core.errors import Refused

MOST_JOBS = 20
MOST_FAULTS = 20
HOURS_FRESH = 24


class UploadForm(forms.Form):
    """The file."""

    required_css_class = "required"
    file = forms.FileField(
        label="CSV file",
        error_messages={
            "required": "Choose a CSV file.",
            "empty": "The file is empty.",
            "missing": "Choose a CSV file.",
            "invalid": "Choose a CSV file.",
        },
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )
    # Asked only of whoever uploads what was done before.
    again = forms.BooleanField(
        label="Do it again, because records have changed since. You need to choose the file again.", required=False
    )


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The kinds that this member of staff may use, and their latest jobs."""
    kinds = [kind for kind in KINDS.values() if request.user.has_perm(kind.permission)]
    found = BulkJob.objects.filter(kind__in=[kind.name for kind in kinds]).order_by("-id")[:MOST_JOBS]
    return _page(
        request,
        "index",
        {
            "title": "Bulk changes",
            "kinds": [(kind, reverse(f"admin:bulk_{kind.name}")) for kind in kinds],
            "jobs": _jobs_table(found),
        },
    )


def _jobs_table(found: Any) -> Table:
    return Table(
        "Latest files",
        ["File", "What", "Uploaded", "By", "State"],
        [
            [
                link(job, job.file_name),
                job.get_kind_display(),
                job.created_at,
                job.uploaded_by,
                job.get_state_display(),
            ]
            for job in found
        ],
        "No file has been uploaded yet.",
    )


@require_http_methods(["GET", "POST"])
def kind_page(request: HttpRequest, *, kind: Kind) -> HttpResponse:
    """What a file of this kind looks like, and the upload."""
    form, problems, known = UploadForm(label_suffix=""), [], None
    if request.method == "POST":
        form = UploadForm(request.POST, request.FILES, label_suffix="")
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                job = jobs.upload(
                    kind=kind,
                    file_name=file.name,
                    size=file.size,
                    chunks=file.chunks(),
                    by=staff_actor(request),
                    again=form.cleaned_data["again"],
                )
            except BadInput as bad:
                problems = [str(fault) for fault in bad.faults]
            except FileUploadedBefore as refusal:
                problems, known = [refusal.sentence], refusal.facts["job"]
            except Refused as refusal:
                problems = [refusal.sentence]
            else:
                work_at_once(job)
                return HttpResponseRedirect(address_of(job, job.public_id))
    if known is None or known.state != JobState.FINISHED:
        del form.fields["again"]
    context = {
        "title": kind.title,
        "kind": kind,
        "form": form,
        "errors": bool(problems or form.errors),
        "problems": problems[:MOST_FAULTS],
        "more_problems": max(0, len(problems) - MOST_FAULTS),
        "known": address_of(known, known.public_id) if known else "",
        "template": reverse(f"admin:bulk_{kind.name}_template"),
        "most_rows": settings.NPQ_BULK_MOST_ROWS,
        "jobs": _jobs_table(BulkJob.objects.filter(kind=kind.name).order_by("-id")[:MOST_JOBS]),
    }
    return _page(request, "kind", context)


@require_GET
def template(request: HttpRequest, *, kind: Kind) -> StreamingHttpResponse:
    """A file to begin with; it holds nothing of anybody's, so it is not recorded."""
    return _csv(files.template(kind), f"{kind.name}-template.csv")


@require_http_methods(["GET", "POST"])
def job_page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Where a job stands; a POST confirms, cancels, stops it or has it checked again."""
    job = _job(request, public_id)
    form = CorrectionForm({}, request.POST if request.POST.get("action") == "confirm" else None)
    problems: list[str] = []
    if request.method == "POST":
        if not form.is_bound or form.is_valid():
            try:
                _take_step(request, job, form)
            except Refused as refusal:
                problems = [refusal.sentence]
            else:
                return HttpResponseRedirect(address_of(job, job.public_id))
        job.refresh_from_db()
    numbers = summary.Numbers.of(job)
    kind = kind_of(job.kind)
    about = _address_of_records(request, kind)
    checked = job.state == JobState.CHECKED
    context = {
        "title": job.file_name,
        "job": job,
        "kind": kind,
        "kind_address": reverse(f"admin:bulk_{kind.name}"),
        "headline": summary.headline(job, numbers),
        "numbers": numbers,
        "facts": summary.facts_of(job, numbers) if job.state not in (JobState.CHECKING, JobState.CANCELLED) else None,
        "bad": summary.rows_without_success(job, about) if numbers.unsuccessful else None,
        "good": summary.rows_with_success(job, about) if summary.shows_good_rows(job, numbers) else None,
        "most_rows": summary.MOST_ROWS_SHOWN,
        "shared": summary.shared_people(job) if checked else [],
        "old": checked and job.checked_at and (wall_clock() - job.checked_at).total_seconds() > HOURS_FRESH * 3600,
        "left": numbers.unsuccessful or (job.state == JobState.STOPPED and numbers.left),
        "form": form,
        "errors": bool(problems or form.errors),
        "problems": problems,
        "seen": jobs.stamp_of(job),
        "may_confirm": checked and jobs.may_be_confirmed(kind, numbers.rows),
        "may_cancel": job.state in CANCELLABLE,
        "may_stop": job.state == JobState.RUNNING and not kind.all_or_nothing,
        "moving": job.state in DUE,
        "events": events_about_record(BulkJob._meta.db_table, job.id),
    }
    return _page(request, "job", context)


def _take_step(request: HttpRequest, job: BulkJob, form: CorrectionForm) -> None:
    action = request.POST.get("action")
    by = staff_actor(request, form.cleaned_data["reason"] if form.is_bound else "")
    if action == "confirm":
        work_at_once(jobs.confirm(job_id=job.id, seen=request.POST.get("seen", ""), by=by))
    elif action == "check":
        work_at_once(jobs.check_again(job_id=job.id, by=by))
    elif action == "cancel":
        jobs.cancel(job_id=job.id, by=by)
    elif action == "stop":
        jobs.stop(job_id=job.id, by=by)
    else:
        raise Http404


@require_GET
def progress(request: HttpRequest, public_id: UUID) -> JsonResponse:
    """How far a job is, for the page to say without being loaded anew."""
    job = _job(request, public_id)
    return JsonResponse({"state": job.state, "said": summary.headline(job, summary.Numbers.of(job))})


@require_GET
def to_put_right(request: HttpRequest, public_id: UUID) -> StreamingHttpResponse:
    """The rows that were not done, to be put right and uploaded again."""
    job = _job_with_rows(request, public_id)
    rows = files.rows_to_put_right(job)
    record_download(request, f"Bulk change {job.public_id}, rows with errors", rows=rows.count())
    return _csv(files.to_put_right(job, rows), f"{job.kind}-errors-{job.public_id}.csv")


@require_GET
def all_rows(request: HttpRequest, public_id: UUID) -> StreamingHttpResponse:
    """Every row and what became of it."""
    job = _job_with_rows(request, public_id)
    record_download(request, f"Bulk change {job.public_id}, all rows", rows=job.rows.count())
    return _csv(files.all_rows(job), f"{job.kind}-all-{job.public_id}.csv")


def _job_with_rows(request: HttpRequest, public_id: UUID) -> BulkJob:
    """A job whose rows are still what was uploaded."""
    job = _job(request, public_id)
    if job.stripped_at is not None:
        raise Http404
    return job


def _csv(chunks: Iterator[str], name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    # Spreadsheets take a file without the mark for one in an older encoding, and spoil names and dashes.
    return StreamingHttpResponse(chain(["\ufeff"], chunks), content_type="text/csv; charset=utf-8", headers=headers)


def _job(request: HttpRequest, public_id: UUID) -> BulkJob:
    job = BulkJob.objects.filter(public_id=public_id).first()
    if job is None:
        raise Http404
    if not request.user.has_perm(job.permission):
        raise PermissionDenied
    return job


def _address_of_records(request: HttpRequest, kind: Kind) -> str:
    """Where the pages of the records are that rows are about, with NO_ID for the id; empty when not for these eyes."""
    if not kind.model:
        return ""
    model = apps.get_model(kind.model)
    if not request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"):
        return ""
    return address_of(model, summary.NO_ID)


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, f"backoffice/bulk_{name}.html", {**admin.site.each_context(request), **context})


def _pages_of(kind: Kind) -> Iterator[SitePage]:
    yield SitePage(f"bulk/{kind.name}/", f"bulk_{kind.name}", partial(kind_page, kind=kind), kind.permission)
    yield SitePage(
        f"bulk/{kind.name}/template.csv", f"bulk_{kind.name}_template", partial(template, kind=kind), kind.permission
    )


PAGES: tuple[SitePage, ...] = (
    SitePage("bulk/", "bulk", index, SEE, "Bulk changes"),
    *(page for kind in KINDS.values() for page in _pages_of(kind)),
    # Each of these also takes the permission of the job's kind.
    SitePage("bulk/jobs/<uuid:public_id>/", "backoffice_bulkjob_change", job_page, SEE),
    SitePage("bulk/jobs/<uuid:public_id>/progress.json", "bulk_progress", progress, SEE),
    SitePage("bulk/jobs/<uuid:public_id>/errors.csv", "bulk_errors", to_put_right, SEE),
    SitePage("bulk/jobs/<uuid:public_id>/rows.csv", "bulk_rows", all_rows, SEE),
)
