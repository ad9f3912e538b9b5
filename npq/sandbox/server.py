"""Serving the sandbox with gunicorn, in this process and one worker, which drains the outbox and does bulk changes too.

The worker ends by itself when this process is gone, however it went: nothing keeps the port.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from gunicorn.app.base import BaseApplication

from npq.backoffice.bulk.work import due_jobs, work_on
from npq.core.couriers import CourierDown, courier
from npq.core.delivery import deliver_due

logger = logging.getLogger(__name__)

THREADS = 8
SECONDS_BETWEEN_DRAINS = 3.0


class Server(BaseApplication):
    """gunicorn on 127.0.0.1; `when_ready` is called once connections are accepted."""

    def __init__(self, port: int, when_ready: Callable[[], None]) -> None:
        self._port = port
        self._when_ready = when_ready
        super().__init__()

    def load_config(self) -> None:
        """Sets what would otherwise come from a command line."""
        for name, value in {
            "bind": f"127.0.0.1:{self._port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": THREADS,
            "timeout": 120,
            "graceful_timeout": 5,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": self._ready,
            "post_worker_init": start_draining,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, in the worker."""
        return get_wsgi_application()

    def _ready(self, _: Any) -> None:
        # A closed terminal ends the sandbox; to gunicorn a hang-up means "read the configuration again".
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        self._when_ready()


def start_draining(_: Any) -> None:
    """Does what is due every few seconds, each kind of work in a thread of its own: none waits for another."""
    for work in (deliver_messages, do_bulk_changes):
        threading.Thread(target=_for_ever, args=(work,), daemon=True).start()


def deliver_messages() -> None:
    """Delivers every message that is due."""
    try:
        for _ in deliver_due(courier()):
            pass
    except CourierDown as problem:
        logger.warning("%s", problem)


def do_bulk_changes() -> None:
    """Checks and carries out the files that a page would not wait for."""
    for job in due_jobs():
        work_on(job.id)


def _for_ever(work: Callable[[], None]) -> None:
    pause = threading.Event()
    while True:
        try:
            close_old_connections()
            work()
        except Exception:
            logger.exception("%s broke off; trying again", work.__name__)
        pause.wait(SECONDS_BETWEEN_DRAINS)
