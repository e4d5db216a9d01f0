"""The load generator counts what it says it counts: complete answers, by their status."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

LOAD = Path(__file__).parents[2] / "bench" / "load.py"
REQUEST = "GET / HTTP/1.1\r\n\r\n"


@pytest.fixture
def canned_port() -> Iterator[int]:
    """The load generator's own other end, answering with 3,000 bytes."""
    command = [sys.executable, "-P", LOAD, "--answer", "3000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        yield int(server.stdout.readline())
        server.kill()


def run(port: int, *, clients: int = 2, seconds: float = 0.5, every: float = 0.0) -> dict:
    plan = {"port": port, "seconds": seconds, "every": every, "requests": [REQUEST] * clients}
    command = [sys.executable, "-P", LOAD]
    done = subprocess.run(command, input=json.dumps(plan), check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def test_rate_and_latency_of_a_server_that_only_answers(canned_port: int) -> None:
    found = run(canned_port)
    assert set(found["statuses"]) == {"200"}
    assert found["per_second"] * 0.5 == pytest.approx(found["statuses"]["200"], rel=0.2)
    assert 0 < found["p50_ms"] <= found["p99_ms"]


def test_an_answer_in_pieces_counts_once_and_when_it_is_complete() -> None:
    pause_seconds = 0.02
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_answer_in_pieces, args=(listener, pause_seconds), daemon=True).start()
        found = run(listener.getsockname()[1], clients=1)
    assert set(found["statuses"]) == {"404"}
    assert found["p50_ms"] >= 2 * pause_seconds * 1000


def _answer_in_pieces(listener: socket.socket, pause_seconds: float) -> None:
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pause = threading.Event()
    with connection, suppress(ConnectionError):  # the load ends by cutting its connections
        while connection.recv(4096):
            for piece in (b"HTTP/1.1 404 Not Found\r\nContent-", b"Length: 4\r\nx: y\r\n\r\nab", b"cd"):
                pause.wait(pause_seconds)
                connection.sendall(piece)


def test_a_client_waits_between_two_requests(canned_port: int):
    found = run(canned_port, clients=2, seconds=1.0, every=0.25)
    assert sum(found["statuses"].values()) <= 2 * 5
