"""The process that forks decoders, started once and asked for each image. Its start costs 200 ms, a fork 2."""

import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from threading import Lock
from typing import IO

from contract.child import confinement
from core.decoding import request
from core.decoding.request import Request

logger = logging.getLogger(__name__)
_CHUNK_BYTES = 2**20


class Forks:
    """Shared by all threads of this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._asked: socket.socket | None = None

    def answer(self, wanted: Request, file: IO[bytes], *, wall_seconds: float) -> bytes | None:
        """All that the decoder of this file said until it ended, or until its time was over.

        None where none could be started, not even by another process.
        """
        for _ in range(2):  # the process may have gone with the request in its hands
            said = self._answer(wanted, file, wall_seconds)
            if said is not None:
                return said
        return None

    def _answer(self, wanted: Request, file: IO[bytes], wall_seconds: float) -> bytes | None:
        reading, writing = os.pipe()
        try:
            self._ask(wanted, file.fileno(), writing)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        try:
            return _all_of(reading, time.monotonic() + wall_seconds)
        finally:
            os.close(reading)

    def close(self) -> None:
        """End the process that forks; the next request starts another one."""
        with self._lock:
            self._end()

    def _ask(self, wanted: Request, image: int, answer: int) -> None:
        """A process that is gone is noticed by the request that it cannot take, and started again."""
        with self._lock:
            try:
                request.send(self._asked or self._start(), wanted, image, answer)
            except OSError:
                logger.warning("the process that forks decoders is gone; starting another one")
                request.send(self._start(), wanted, image, answer)

    def _start(self) -> socket.socket:
        self._end()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "core.decoding"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=confinement.environment() | {"OPENBLAS_NUM_THREADS": "1"},  # its pool would take the address space
                process_group=0,
            )
        self._asked = ours
        return ours

    def _end(self) -> None:
        if self._asked is not None:
            self._asked.close()  # it ends by itself at the end of its requests
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._asked = self._process = None


def _all_of(reading: int, deadline: float) -> bytes | None:
    """Without the first line, which is the decoder's process id; it is killed where its time is over.

    None where there is not even that line.
    """
    said = bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(reading, selectors.EVENT_READ)
        while ready.select(max(0.0, deadline - time.monotonic())):
            chunk = os.read(reading, _CHUNK_BYTES)
            if not chunk:
                _, told, answer = said.partition(b"\n")
                return bytes(answer) if told else None
            said += chunk
    pid, told, _ = said.partition(b"\n")
    if told and pid.isdigit():  # it holds the pipe, so it lives
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    return b""
