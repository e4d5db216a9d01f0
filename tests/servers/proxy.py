"""A network that breaks on request: an HTTP proxy in front of a real server, which cuts, drops and refuses as told."""

from __future__ import annotations

import http.client
import random
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

_CHUNK = 65_536


@dataclass
class Fault:
    """What happens to the next `times` requests that match."""

    method: str
    path: str  # a regular expression, found anywhere in path and query
    kind: Literal["cut_request", "drop_answer", "cut_answer", "refuse"]
    after_bytes: int = 0  # of the body, for the two cuts
    status: int = 503  # for refuse
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    times: int = 1
    chance: float = 1.0  # of each request that matches


@dataclass(frozen=True)
class Seen:
    """A request as it reached the proxy."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case


class BreakingProxy:
    """Listens on a spare port; `faults` may be added to and `seen` read at any time."""

    def __init__(self, upstream: str, *, keep_host: bool = False) -> None:
        self.upstream = upstream
        self.keep_host = keep_host  # an S3 signature covers the name that the client used
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.log: list[str] = []
        self.withheld: set[str] = set()  # headers, in lower case, that do not reach the server
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def requests(self, method: str, path: str) -> list[Seen]:
        return [one for one in self.seen if one.method == method and re.search(path, one.path)]

    def take_fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.times > 0 and fault.method == method and re.search(fault.path, path):
                    if random.random() >= fault.chance:
                        continue
                    fault.times -= 1
                    return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    owner: BreakingProxy
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.owner.seen.append(Seen(self.command, self.path, headers))
        self.close_connection = True
        fault = self.owner.take_fault(self.command, self.path)
        if fault and fault.kind == "cut_request":
            self.rfile.read(fault.after_bytes)
            return
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if fault and fault.kind == "refuse":
            self._answer(fault.status, {"Content-Length": str(len(fault.body))} | fault.headers)
            if self.command != "HEAD":
                self.wfile.write(fault.body)
            return
        upstream = http.client.HTTPConnection(urlsplit(self.owner.upstream).netloc, timeout=60)
        # The api checks the Host header: it must stay the one that it knows.
        withheld = {"connection"} | self.owner.withheld | (set() if self.owner.keep_host else {"host"})
        kept = {name: value for name, value in headers.items() if name not in withheld}
        try:
            upstream.request(self.command, self.path, body=body or None, headers=kept)
            self._relay(upstream.getresponse(), fault)
        except (
            OSError,
            http.client.HTTPException,
        ) as error:  # the server is away, or the client left: either way a connection that breaks
            self.log_message("%s", error)
        finally:
            upstream.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = _handle  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Into `owner.log`: what a test shows when it fails."""
        self.owner.log.append(f"{self.command} {self.path}: {format % args}")

    def _relay(self, response: http.client.HTTPResponse, fault: Fault | None) -> None:
        if fault and fault.kind == "drop_answer":
            response.read()
            return
        left = fault.after_bytes if fault else None
        hop_by_hop = ("connection", "transfer-encoding")
        self._answer(response.status, {n: v for n, v in response.getheaders() if n.lower() not in hop_by_hop})
        while chunk := response.read1(_CHUNK if left is None else min(left, _CHUNK)):
            self.wfile.write(chunk)
            self.wfile.flush()
            if left is not None and (left := left - len(chunk)) <= 0:
                return  # less than was announced: the client sees a broken connection

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in (headers | {"Connection": "close"}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()
