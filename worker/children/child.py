"""One verb of the trainer as a child process: started, read without waiting, asked to stop, killed.

It runs in a process group of its own and dies with the thread that started it. It gets none of the service's settings:
no database, no broker, no keys.
"""

import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from contract.child import confinement
from contract.child.messages import AnyMessage, decode
from worker.children import nursery

LOG_TAIL_BYTES = 256 * 1024
LONGEST_LINE_BYTES = 2**20
_END = b""


class GarbageOutput(Exception):
    """The child wrote something on stdout that is no message."""


class Child:
    """A running process that speaks `contract.child.messages`. Two threads read its pipes, so it never waits for us."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str | Path],
        *,
        folder: Path,
        listen: Callable[[bytes], None] = lambda _: None,
        warm: bool = False,
    ) -> None:
        """`listen` hears what it writes on stderr, in a thread of ours. `warm`: the nursery may fork it."""
        self._listen = listen
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._tail = bytearray()
        self.started_at = time.monotonic()
        start = nursery.start if warm else nursery.cold
        self._process = start(module, arguments, folder, environment())
        self._readers = [
            threading.Thread(target=self._read_messages, name="messages", daemon=True),
            threading.Thread(target=self._read_log, name="log", daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; a negative number is a signal's."""
        return self._process.poll()

    @property
    def log(self) -> bytes:
        """The end of what it wrote on stderr."""
        return bytes(self._tail)

    @property
    def last_words(self) -> str:
        lines = [line for line in self.log.decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip()[:500] if lines else ""

    def next_message(self, timeout_seconds: float) -> AnyMessage | None:
        """The next message, or None when there is none within the time. Raises GarbageOutput."""
        try:
            line = self._lines.get(timeout=timeout_seconds)
        except queue.Empty:
            return None
        if line is _END:
            return None
        try:
            return decode(line)
        except ValidationError as error:
            raise GarbageOutput(f"no message of the protocol: {line[:200]!r}") from error

    @property
    def is_over(self) -> bool:
        """It ended and nothing of what it said is left to read."""
        if self.exit_code is None:
            return False
        for reader in self._readers:
            reader.join(timeout=2)
        return self._lines.empty()

    def ask_to_stop(self) -> None:
        if self.exit_code is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and whatever it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def _read_messages(self) -> None:
        assert self._process.stdout  # noqa: S101 - it is a pipe
        while line := self._process.stdout.readline(LONGEST_LINE_BYTES):
            if line.strip():
                self._lines.put(line)
        self._lines.put(_END)

    def _read_log(self) -> None:
        stderr = cast("BufferedReader", self._process.stderr)  # it is a pipe
        while chunk := stderr.read1(65_536):
            self._listen(chunk)
            self._tail += chunk
            del self._tail[:-LOG_TAIL_BYTES]


def describe_exit(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def environment() -> dict[str, str]:
    return confinement.environment() | {"PATCHSWAP_DIE_WITH_PARENT": "1", "PYTHONUNBUFFERED": "1"}
