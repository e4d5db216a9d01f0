"""HTTP on the wire: uvicorn's parser, with an end to how long the head of a request may be, and to how slowly it comes.

Neither httptools nor uvicorn has one: a client could send headers for ever, before any key is asked for, or a byte a
second and hold a connection as long.
"""

from __future__ import annotations

import asyncio
import uuid
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api import context
from api.wire.errors import PROBLEM, Problem

MAX_HEAD_BYTES = 64 * 2**10
MAX_HEADERS = 100
# The head of a request has to come within so long, and of its body at least so much in each stretch as long as that.
PATIENCE_SECONDS = 30.0
MIN_BODY_BYTES_PER_SECOND = 1024


class HeadTooLong(Exception):
    """Leaves the parser by its own error."""


class LimitedProtocol(HttpToolsProtocol):
    """Refuses with 431 or 408, and any other fault of the wire with 400: all are problems, and end the connection."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_bytes = 0
        self._unparsed_bytes = 0  # that came since the parser last told of anything
        self._is_too_long = False
        self._patience: asyncio.TimerHandle | None = None
        self._expect_more()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unparsed_bytes += len(data)
        self._recent_bytes += len(data)
        super().data_received(data)
        if self._unparsed_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._is_too_long = True
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_more()
        self._head_bytes = self._unparsed_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value))

    def on_body(self, body: bytes) -> None:
        self._unparsed_bytes = 0
        if not self.cycle.body:
            # handed on as it is; uvicorn would copy it into an array of bytes and out of it
            self.cycle.body, body = body, b""  # type: ignore[assignment]
        super().on_body(body)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._expect_more(of_body=True)

    def on_message_complete(self) -> None:
        self._expect_nothing()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's sentence; ours is a problem
        self._refuse(431 if self._is_too_long else 400)

    def _expect_more(self, *, of_body: bool = False) -> None:
        """From now on; begun anew for the body, and for each stretch of it."""
        self._expect_nothing()
        self._recent_bytes = 0
        self._patience = self.loop.call_later(PATIENCE_SECONDS, self._judge_pace, of_body)

    def _expect_nothing(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _judge_pace(self, of_body: bool) -> None:  # noqa: FBT001 - a callback's argument
        if self.transport.is_closing():
            return
        is_held_up = self.flow.read_paused  # by us: the store is slower than the client
        if of_body and (is_held_up or self._recent_bytes >= PATIENCE_SECONDS * MIN_BODY_BYTES_PER_SECOND):
            self._expect_more(of_body=True)
        elif of_body and self.cycle.response_started:
            self.transport.close()
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
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
    if status == 408:
        detail = "The request did not arrive in time. Send faster, or in smaller parts."
    if status == 431:
        detail = f"The head of a request may have {MAX_HEAD_BYTES} bytes and {MAX_HEADERS} headers."
    code = HTTPStatus(status).phrase.lower().replace(" ", "_")
    scope: dict[str, Any] = {"path": ""}  # nobody knows which it was to be
    context.attach(scope, context.Context(uuid.uuid4().hex, method="", path=""))
    return bytes(Problem(status, code, detail).response(scope).body)
