"""Clients that send a byte a second are cut off, whatever they are at; others notice nothing of them."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from api.wire import protocol
from core.tables import DatasetVersion
from tests.api.serving import Caller, Server
from tests.worker import seed

SOCKETS = 200
QUICK_SECONDS = 2.0


@pytest.fixture(params=[QUICK_SECONDS, pytest.param(30.0, marks=pytest.mark.slow)])
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """The real one takes a minute."""
    monkeypatch.setattr(protocol, "PATIENCE_SECONDS", request.param)
    return request.param


@dataclass(frozen=True)
class Cut:
    """How the service left a slow client."""

    answer: bytes
    seconds: float


def beginnings(ours: Caller, upload_id: str) -> list[bytes]:
    """A request line, a head without an end, a JSON body and a part of an upload: each then goes on a byte a second."""
    bearer = f"Host: x\r\nAuthorization: Bearer {ours.key}\r\n"
    body = f"{bearer}Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n{{"
    part = f"{bearer}Content-Length: 9000\r\n\r\n"
    return [
        b"GET /v1/jo",
        b"GET /v1/jobs HTTP/1.1\r\nX-Header: ",
        f"POST /v1/jobs HTTP/1.1\r\n{body}".encode(),
        f"PUT /v1/uploads/{upload_id}/parts/1 HTTP/1.1\r\n{part}".encode(),
        b"",
    ]


async def send_slowly(host: str, port: int, beginning: bytes, *, limit_seconds: float) -> Cut:
    reader, writer = await asyncio.open_connection(host, port)
    begun, answer = time.monotonic(), b""
    writer.write(beginning)
    try:
        while time.monotonic() < begun + limit_seconds:
            try:
                answer = await asyncio.wait_for(asyncio.shield(read := asyncio.ensure_future(reader.read(4096))), 1)
                break
            except TimeoutError:
                read.cancel()
                if beginning:
                    writer.write(b"x")
    except ConnectionError:
        answer = answer or b"cut"
    seconds = time.monotonic() - begun
    writer.close()
    return Cut(answer, seconds)


async def besiege(server: Server, ours: Caller, job_id: str, upload_id: str, patience: float) -> tuple[list, list]:
    """What became of the slow ones, and how long polls took meanwhile."""
    host, port = urlsplit(server.url).hostname, urlsplit(server.url).port
    starts = beginnings(ours, upload_id)
    slow = [
        asyncio.ensure_future(send_slowly(host, port, starts[n % len(starts)], limit_seconds=3 * patience + 20))
        for n in range(SOCKETS)
    ]
    polls = []
    while not all(one.done() for one in slow):
        begun = time.monotonic()
        answer = await asyncio.to_thread(ours.get, f"/v1/jobs/{job_id}")
        assert answer.status_code == 200
        polls.append(time.monotonic() - begun)
        await asyncio.sleep(0.02)
    return [one.result() for one in slow], sorted(polls)


@pytest.fixture
def upload_id(ours: Caller) -> Iterator[str]:
    sha256 = hashlib.sha256(b"x" * 9000).hexdigest()
    body = {"bytes": 9000, "sha256": sha256, "media_type": "application/zip"}
    return ours.post("/v1/uploads", body).json()["id"]


def test_slow_ones_are_cut_and_others_are_served(
    server: Server, ours: Caller, version: DatasetVersion, upload_id: str, patience: float
):
    job_id = seed.job(version).id
    cuts, polls = asyncio.run(besiege(server, ours, job_id, upload_id, patience))
    told = [cut.answer for cut in cuts if cut.answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")]
    assert b"application/problem+json" in told[0]
    # A byte that arrives after the end resets the connection, and with it what the client had not yet read.
    assert all(cut.answer in (*told, b"", b"cut") for cut in cuts)
    p99 = polls[int(len(polls) * 0.99) - 1]
    longest = max(cut.seconds for cut in cuts)
    assert longest < patience + 10
    print(f"{SOCKETS} slow clients cut within {longest:.1f} s; polls meanwhile: p99 {p99 * 1e3:.0f} ms")
    assert p99 < 2


def test_steady_upload_takes_longer_than_that_and_arrives(
    server: Server, ours: Caller, upload_id: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(protocol, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(protocol, "MIN_BODY_BYTES_PER_SECOND", 500)
    head = f"PUT /v1/uploads/{upload_id}/parts/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ours.key}\r\n"
    with socket.create_connection((urlsplit(server.url).hostname, urlsplit(server.url).port), timeout=20) as client:
        client.sendall(f"{head}Content-Length: 9000\r\n\r\n".encode())
        for _ in range(18):
            client.sendall(b"x" * 500)
            time.sleep(0.1)
        assert client.recv(4096).startswith(b"HTTP/1.1 204")


def test_connection_that_is_kept_alive_is_not_cut_between_requests(ours: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(protocol, "PATIENCE_SECONDS", 0.3)
    for _ in range(3):
        assert ours.get("/v1/jobs").status_code == 200
        time.sleep(0.5)


def test_stream_of_events_outlives_the_patience(ours: Caller, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch):
    """The request came at once; that its answer takes long is ours to decide."""
    monkeypatch.setattr(protocol, "PATIENCE_SECONDS", 0.3)
    job = seed.job(version)
    with ours.http.stream("GET", f"/v1/jobs/{job.id}/events/stream") as answer:
        lines = answer.iter_lines()
        assert next(lines)
        time.sleep(1)
        ours.post(f"/v1/jobs/{job.id}/cancel")
        assert any("cancelled" in line for line in lines)
