"""A GOV.UK Notify for tests: an HTTP server on 127.0.0.1 that remembers what it was given."""

import contextlib
import json
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

API_KEY = "tests-11111111-1111-4111-8111-111111111111-22222222-2222-4222-8222-222222222222"


@dataclass
class NotifyStub:
    """`refuse[address] = 400` answers so for an address; `hang_on` accepts an address's message and never answers."""

    url: str = ""
    sent: list[dict[str, Any]] = field(default_factory=list)
    refuse: dict[str, int] = field(default_factory=dict)
    refuse_all: int | None = None
    hang_on: str = ""
    hanging: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    look_ups: list[str] = field(default_factory=list)

    @property
    def times_sent(self) -> Counter[str]:
        """How often each reference was accepted."""
        return Counter(message["reference"] for message in self.sent)

    def accept(self, message: dict[str, Any]) -> tuple[int, Any]:
        """The answer to a message, as Notify gives it."""
        status = self.refuse_all or self.refuse.get(message["email_address"])
        if status:
            return status, {"status_code": status, "errors": [{"error": "ValidationError", "message": "refused"}]}
        self.sent.append({**message, "id": str(uuid.uuid4())})
        if message["email_address"] == self.hang_on:
            self.hanging.set()
            self.over.wait()
        return 201, {"id": self.sent[-1]["id"], "reference": message["reference"]}

    def find(self, reference: str) -> tuple[int, Any]:
        """The answer to a look-up by reference."""
        self.look_ups.append(reference)
        if self.refuse_all:
            return self.refuse_all, {"status_code": self.refuse_all, "errors": []}
        found = [message for message in self.sent if message["reference"] == reference]
        return 200, {
            "notifications": [{name: each[name] for name in ("id", "email_address")} for each in found],
            "links": {},
        }


@contextlib.contextmanager
def notify_stub() -> Iterator[NotifyStub]:
    """Serves a stub for the block."""
    stub = NotifyStub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(*stub.accept(message))

        def do_GET(self) -> None:
            (reference,) = parse_qs(urlsplit(self.path).query)["reference"]
            self._answer(*stub.find(reference))

        def _answer(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Keeps quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
