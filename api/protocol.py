"""HTTP on the wire: uvicorn's parser, with an end to how long the head of a request may be.

Neither httptools nor uvicorn has one: a client could send headers for ever, before any key is asked for.
"""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api import context
from api.errors import PROBLEM, Problem

MAX_HEAD_BYTES = 64 * 2**10
MAX_HEADERS = 100


class HeadTooLong(Exception):
    """Leaves the parser by its own error."""


class LimitedProtocol(HttpToolsProtocol):
    """Refuses with 431, and any other fault of the wire with 400: both are problems, and end the connection."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_bytes = 0
        self._unparsed_bytes = 0  # that came since the parser last told of anything
        self._is_too_long = False

    def data_received(self, data: bytes) -> None:
        self._unparsed_bytes += len(data)
        super().data_received(data)
        if self._unparsed_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._is_too_long = True
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = self._unparsed_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_body(self, body: bytes) -> None:
        self._unparsed_bytes = 0
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's sentence; ours is a problem
        status = 431 if self._is_too_long else 400
        body = _problem(status)
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {PROBLEM}\r\n"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _count(self, length: int) -> None:
        self._head_bytes += length
        self._unparsed_bytes = 0
        if self._head_bytes > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._is_too_long = True
            raise HeadTooLong


def _problem(status: int) -> bytes:
    detail = "The request is not HTTP."
    if status == 431:
        detail = f"The head of a request may have {MAX_HEAD_BYTES} bytes and {MAX_HEADERS} headers."
    code = HTTPStatus(status).phrase.lower().replace(" ", "_")
    scope: dict[str, Any] = {"path": ""}  # nobody knows which it was to be
    context.attach(scope, context.Context(uuid.uuid4().hex, method="", path=""))
    return bytes(Problem(status, code, detail).response(scope).body)
