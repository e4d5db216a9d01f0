"""A light HTTP load: keep-alive connections that each send the next request when the answer is complete.

A process of its own, so that its work does not slow what it measures more than any client would:
`python bench/load.py` reads {"port", "seconds", "every", "requests": [text, one for each connection]} from stdin: each
connection sends at once when it has its answer, but no sooner than `every` seconds after the request before. It prints
{"per_second", "p50_ms", "p99_ms", "statuses"}. `python bench/load.py --answer BYTES` is the other end for measuring its
ceiling: it answers every request with a canned 200, and prints its port.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import uvloop

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "


class Poller(asyncio.Protocol):
    """One connection. Reads no more of an answer than its status, its length and that it is complete."""

    def __init__(self, request: bytes, every: float, latencies: list[float], statuses: Counter[str]) -> None:
        self._request = request
        self._every = every
        self._latencies = latencies
        self._statuses = statuses
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(_END_OF_HEAD)
        if end < 0 or len(self._buffer) < end + len(_END_OF_HEAD) + _content_length(self._buffer[:end]):
            return
        self._latencies.append(time.perf_counter() - self._sent_at)
        self._statuses[self._buffer[9:12].decode()] += 1
        self._buffer = b""
        rest = self._sent_at + self._every - time.perf_counter()
        if rest > 0:
            asyncio.get_running_loop().call_later(rest, self._send)
        else:
            self._send()

    def connection_lost(self, _: Exception | None) -> None:
        self._statuses["closed"] += 1

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        if self._transport is not None:
            self._transport.write(self._request)


class Canned(asyncio.Protocol):
    """The cheapest server there is: whatever comes, this answer goes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, _: bytes) -> None:
        if self._transport is not None:
            self._transport.write(self._answer)


def run(port: int, requests: Sequence[str], *, seconds: float, every: float = 0.0) -> dict[str, Any]:
    """What a load process measured; one connection for each of the requests."""
    plan = json.dumps({"port": port, "seconds": seconds, "every": every, "requests": requests})
    done = subprocess.run([sys.executable, "-P", __file__], input=plan, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def get(path: str, **headers: str) -> str:
    """The text of a GET request."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines) + "\r\n\r\n"


def _content_length(head: bytes) -> int:
    start = head.lower().find(_LENGTH)
    if start < 0:
        return 0
    end = head.find(b"\r", start + 2)
    return int(head[start + len(_LENGTH) : end if end > 0 else None])


async def _poll(plan: dict[str, Any]) -> dict[str, Any]:
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    pollers = []
    for request in plan["requests"]:
        poller = Poller(request.encode("latin-1"), plan["every"], latencies, statuses)
        pollers.append(await loop.create_connection(lambda poller=poller: poller, "127.0.0.1", plan["port"]))
        await asyncio.sleep(plan["every"] / len(plan["requests"]))  # not all at once
    latencies.clear()
    statuses.clear()
    started = time.perf_counter()
    await asyncio.sleep(plan["seconds"])
    seconds, ordered, counted = time.perf_counter() - started, sorted(latencies), dict(statuses)
    for transport, _ in pollers:
        transport.abort()
    return {
        "per_second": len(ordered) / seconds,
        "p50_ms": ordered[len(ordered) // 2] * 1e3,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1e3,
        "statuses": counted,
    }


async def _answer(size: int) -> None:
    answer = f"HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n".encode() + bytes(size)
    server = await asyncio.get_running_loop().create_server(lambda: Canned(answer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    if sys.argv[1:2] == ["--answer"]:
        uvloop.run(_answer(int(sys.argv[2])))
    else:
        print(json.dumps(uvloop.run(_poll(json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
