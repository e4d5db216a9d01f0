"""One TCP link that breaks on request: bytes pass, stand still, crawl or are refused.

A connection is cut on a word, or stops in the middle of what its client says.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

_CHUNK = 65_536
_TICK_SECONDS = 0.05


@dataclass
class Trap:
    """A place in what a client says: the first `hold` after `word`. From there on the server hears nothing more of it.

    As if the client's process had stopped at that byte: what it said before has arrived, and the connection lives.
    """

    word: bytes
    hold: bytes
    caught: threading.Event = field(default_factory=threading.Event)
    client_port: int = 0  # of the connection that was caught; the next one is not

    def spring(self, link: _Link, data: bytes) -> bytes:
        """What of `data` the server may still hear; the link is frozen where that is not all."""
        begin = 0
        if link.trap is not self:
            if (begin := data.find(self.word)) < 0:
                return data
            link.trap = self
        if (at := data.find(self.hold, begin)) < 0:
            return data
        link.frozen, self.client_port = True, link.client_port
        self.caught.set()
        return data[:at]


@dataclass(eq=False)
class _Link:
    """One connection: both its ends."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    answer_dropped: bool = False
    frozen: bool = False
    trap: Trap | None = None  # whose first word its client has said

    @property
    def client_port(self) -> int:
        return int(self.client.get_extra_info("peername")[1])

    def abort(self) -> None:
        """By RST, as a machine that went away and came back would answer."""
        for writer in (self.client, self.server):
            _reset(writer)


class Wire:
    """Listens on 127.0.0.1; `mode` and the other fields may be changed at any time, from any thread."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self.host, self.upstream_port = host, port
        self.mode: Literal["pass", "stall", "refuse"] = "pass"
        self.delay_seconds = 0.0  # before each chunk, in each direction
        self.bytes_per_second = 0.0  # of each connection and direction; 0: as fast as it comes
        self.word = b""  # of the client: the answer to it is dropped and the connection cut
        self.words_left = 0
        self.words_heard = 0
        self.trap: Trap | None = None
        self.connections = 0
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server((host, 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name=f"wire-{self.port}", daemon=True)
        self._thread.start()

    def cut(self) -> int:
        """Ends every connection; gives how many."""
        return self._in_loop(self._abort_all)

    def freeze(self) -> int:
        """The connections of now go dead without a word; new ones are as `mode` says. Gives how many."""
        links = list(self._links)
        for link in links:
            link.frozen = True
        return len(links)

    def cut_on(self, word: bytes, *, times: int = 1) -> None:
        """The next `times` that a client says `word`, the server hears it and its answer is lost."""
        self.word, self.words_left = word, times

    def stop_at(self, word: bytes, hold: bytes) -> Trap:
        """The next client that says `word` is held at the first `hold` after it."""
        self.trap = Trap(word, hold)
        return self.trap

    def heal(self) -> None:
        """As on the first day, on the connections that survived and on new ones."""
        self.mode, self.delay_seconds, self.bytes_per_second = "pass", 0.0, 0.0
        self.word, self.words_left, self.trap = b"", 0, None
        for link in list(self._links):
            link.frozen = False

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _in_loop(self, work: Callable[[], int]) -> int:
        done: list[int] = []
        finished = threading.Event()

        def call() -> None:
            done.append(work())
            finished.set()

        self._loop.call_soon_threadsafe(call)
        finished.wait(5)
        return done[0] if done else 0

    def _abort_all(self) -> int:
        links = list(self._links)
        for link in links:
            link.abort()
        return len(links)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._accept, sock=self._listener))
        self._loop.run_forever()
        self._listener.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._hold(0, None)
            upstream, server = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        except OSError:  # refused, or the server is away
            _reset(writer)
            return
        link = _Link(writer, server)
        self._links.add(link)
        try:
            with suppress(OSError, asyncio.CancelledError):  # either side left, or the test is over
                await asyncio.gather(
                    self._pump(reader, server, link, up=True), self._pump(upstream, writer, link, up=False)
                )
        finally:
            link.abort()
            self._links.discard(link)

    async def _pump(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, link: _Link, *, up: bool) -> None:
        while data := await source.read(_CHUNK):
            await self._hold(len(data), link)
            if not up and link.answer_dropped:
                link.abort()
                return
            if up and self.words_left > 0 and self.word in data:
                self.words_left -= 1
                self.words_heard += 1
                link.answer_dropped = True
            if up and self.trap and not self.trap.caught.is_set():
                heard = self.trap.spring(link, data)
                await self._pass(to, heard)
                data = data[len(heard) :]
                await self._hold(0, link)
            await self._pass(to, data)
        if to.can_write_eof():
            to.write_eof()

    async def _pass(self, to: asyncio.StreamWriter, data: bytes) -> None:
        if data:
            to.write(data)
            await to.drain()

    async def _hold(self, count: int, link: _Link | None) -> None:
        while self.mode == "stall" or (link is not None and link.frozen):  # noqa: ASYNC110 - set by other threads
            await asyncio.sleep(_TICK_SECONDS)
        if self.mode == "refuse":
            raise ConnectionResetError
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.bytes_per_second:
            await asyncio.sleep(count / self.bytes_per_second)


def _reset(writer: asyncio.StreamWriter) -> None:
    if not writer.transport.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
