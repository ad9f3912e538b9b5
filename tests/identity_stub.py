"""An identity provider for tests: an HTTP server on 127.0.0.1 that gives tokens for codes, and remembers."""

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from npq.core.clock import wall_clock

CLIENT_ID, CLIENT_SECRET, CODE, ACCESS_TOKEN = "npq-back-office", "a secret of tests", "a-code", "an-access-token"


@cache
def signing_key() -> rsa.RSAPrivateKey:
    """The provider's key, made once a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class IdentityStub:
    """`claims` and `user` are changed by tests; `challenge` is what the browser brought along to the start."""

    url: str = ""
    nonce: str = ""
    challenge: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    user: dict[str, Any] = field(
        default_factory=lambda: {"sub": "subject-1", "email": "sam@dfe.example.org", "email_verified": True}
    )
    key: rsa.RSAPrivateKey = field(default_factory=signing_key)
    algorithm: str = "RS256"
    token_status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)

    def id_token(self) -> str:
        """The signed token for the sign-in that has begun."""
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": self.user["sub"] if isinstance(self.user, dict) else None,
            "nonce": self.nonce,
            "exp": int((wall_clock() + timedelta(minutes=5)).timestamp()),
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        key: Any = self.key if self.algorithm == "RS256" else "x" * 32 if self.algorithm == "HS256" else None
        return jwt.encode(claims, key, algorithm=self.algorithm, headers={"kid": "1"})

    def give_token(self, form: dict[str, str]) -> tuple[int, Any]:
        """The answer to a code, as an honest provider gives it: for its client, with the verifier of the challenge."""
        self.asked.append(form)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        right = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "code": CODE}
        if self.token_status != 200 or any(form.get(name) != value for name, value in right.items()):
            return max(self.token_status, 400), {"error": "invalid_grant"}
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != self.challenge:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": ACCESS_TOKEN, "id_token": self.id_token(), "token_type": "Bearer"}

    def keys(self) -> Any:
        """The public half of the provider's own key."""
        public = json.loads(RSAAlgorithm.to_jwk(signing_key().public_key()))
        return {"keys": [{**public, "kid": "1", "alg": "RS256", "use": "sig"}]}


@contextlib.contextmanager
def identity_stub() -> Iterator[IdentityStub]:
    """Serves a stub for the block."""
    stub = IdentityStub()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._answer(*stub.give_token({name: values[0] for name, values in form.items()}))

        def do_GET(self) -> None:
            if self.path == "/keys":
                self._answer(200, stub.keys())
            elif self.headers.get("Authorization") == f"Bearer {ACCESS_TOKEN}":
                self._answer(200, stub.user)
            else:
                self._answer(401, {})

        def _answer(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
