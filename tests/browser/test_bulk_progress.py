"""A file that a page does not wait for: the page says how far it is, and shows the result, by itself."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from npq.sandbox.server import do_bulk_changes
from tests.browser.browsing import Browsing, Visitor
from tests.factories import ApplicationFactory

pytestmark = pytest.mark.browser


def test_the_page_tells_when_the_worker_has_checked_and_done_the_file(
    browsing: Browsing, session_of: Callable[[str], str], settings: Any
) -> None:
    settings.NPQ_BULK_ROWS_AT_ONCE = 0
    application = ApplicationFactory(accepted=True)
    content = {"name": "undo.csv", "mimeType": "text/csv", "buffer": f"id\n{application.public_id}\n".encode()}
    uploaded, confirmed = threading.Event(), threading.Event()

    def worker() -> None:
        try:
            for step in (uploaded, confirmed):
                assert step.wait(60)
                do_bulk_changes()
        finally:
            connections.close_all()

    def journey(visitor: Visitor) -> None:
        page = visitor.page
        visitor.goes_to("/admin/bulk/undo_acceptance/")
        page.get_by_label("CSV file").set_input_files(content)  # type: ignore[arg-type]
        visitor.presses("Upload and check")
        page.get_by_role("heading", name="0 of 1 row checked").wait_for()
        assert page.get_by_role("status").count() == 1
        uploaded.set()
        page.get_by_role("heading", name="1 row can be done, 0 rows cannot").wait_for()
        page.get_by_label("Reason").fill("Asked for by the provider")
        visitor.presses("Confirm: do the rows that can be done")
        page.get_by_role("heading", name="1 row will be done soon").wait_for()
        confirmed.set()
        page.get_by_role("heading", name="1 row done, 0 rows not done").wait_for()

    with ThreadPoolExecutor(max_workers=1) as pool:
        working = pool.submit(worker)
        try:
            browsing.run(journey, session_of("caseworker"))
        finally:
            uploaded.set()
            confirmed.set()
        working.result(60)

    application.refresh_from_db()
    assert application.status == "pending"
