"""A webhook's server, on loopback: it checks each signature, remembers what came, and behaves as it is told."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from tests.servers.processes import spare_port


@dataclass(frozen=True)
class Manner:
    """How one request is answered. `cut` ends the connection: without a word, within the status line, or after it."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    after_seconds: float = 0
    cut: Literal["", "silent", "half", "body"] = ""


@dataclass
class Message:
    id: str
    type: str
    data: dict[str, Any]
    headers: dict[str, str]  # names in lower case
    genuine: bool  # the signature is of this webhook's secret, and of now
    at: float
    accepted: bool = False  # the whole of a 200 was sent


class Receiver:
    """Listens at `url` until it is closed; `down` and `up` are a server that is gone and comes back."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.port = port or spare_port()
        self.secrets: list[str] = []
        self.manners: list[Manner] = []  # of the next requests, one each; then `manner`
        self.manner: Manner | Callable[[], Manner] = Manner()
        self.messages: list[Message] = []
        self._tls = tls
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.up()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook"

    @property
    def accepted(self) -> list[Message]:
        with self._lock:
            return [message for message in self.messages if message.accepted]

    def up(self) -> None:
        if self._server is None:
            handler = type("Handler", (_Handler,), {"owner": self})
            self._server = _Server((self.host, self.port), handler)
            if self._tls:
                self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self) -> None:
        """Nobody listens any more; what is being answered is answered."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def wait_for(self, count: int, *, seconds: float = 20) -> list[Message]:
        deadline = time.monotonic() + seconds
        while len(self.messages) < count:
            assert time.monotonic() < deadline, f"{len(self.messages)} of {count} messages came within {seconds:g} s"
            time.sleep(0.02)
        return self.messages

    def is_genuine(self, body: bytes, headers: dict[str, str]) -> bool:
        for secret in self.secrets:
            with suppress(WebhookVerificationError):
                Verifier(secret).verify(body, headers)
                return True
        return False

    def next_manner(self) -> Manner:
        with self._lock:
            if self.manners:
                return self.manners.pop(0)
        return self.manner() if callable(self.manner) else self.manner

    def keep(self, message: Message) -> None:
        with self._lock:
            self.messages.append(message)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A sender that went away."""


class _Handler(BaseHTTPRequestHandler):
    owner: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        manner = self.owner.next_manner()
        genuine = self.owner.is_genuine(body, headers)
        time.sleep(manner.after_seconds)
        told = json.loads(body)
        message = Message(
            id=headers["webhook-id"],
            type=told.get("type", ""),
            data=told.get("data", told),  # Slack's has neither
            headers=headers,
            genuine=genuine,
            at=time.time(),
        )
        self.owner.keep(message)  # before the sender knows
        with suppress(OSError):
            message.accepted = self._answer(manner) and 200 <= manner.status < 300

    def do_GET(self) -> None:
        self.owner.keep(Message("", "GET", {}, dict(self.headers), genuine=False, at=time.time()))
        self.send_response(204)
        self.end_headers()

    def _answer(self, manner: Manner) -> bool:
        """Whether all of it was sent."""
        self.close_connection = True
        if manner.cut == "silent":
            return False
        if manner.cut == "half":
            self.wfile.write(b"HTTP/1.1 20")
            return False
        self.send_response(manner.status)
        for name, value in manner.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(manner.body) + (9 if manner.cut else 0)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(manner.body)
        return True

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
