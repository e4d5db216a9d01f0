"""A hub on loopback that serves one file of one repository, as Hugging Face's does to its client."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """`announced` is the sha256 that it says the file has."""

    def __init__(self, repository: str, file: str, content: bytes, *, announced: str | None = None) -> None:
        self.places = [f"/{repository}/resolve/{revision}/{file}" for revision in ("main", COMMIT)]
        self.content = content
        self.announced = announced or hashlib.sha256(content).hexdigest()
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        found = self.path.partition("?")[0] in self.server.places
        self.send_response(200 if found else 404)
        if found:
            self.send_header("ETag", f'"{self.server.announced}"')
        else:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(self.server.content) if found else 0))
        self.end_headers()
        if body and found:
            self.wfile.write(self.server.content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    yield hub
    hub.shutdown()
    thread.join(10)
    hub.server_close()
