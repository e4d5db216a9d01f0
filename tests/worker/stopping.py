"""Workers that stop at a byte of what they tell Postgres, as a suspended machine does: their locks are what is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from core.settings import settings
from tests.servers.wire import Trap, Wire
from tests.worker.processes import Worker

# Places: a word of the client, and where after it the server hears nothing more.
COMMIT = b"Q\0\0\0\x0bCOMMIT\0"
SYNC = b"S\0\0\0\x04"  # the end of a pipeline: rows before it are executed, and no timeout of a statement runs
IN_POINTS = (b"INSERT INTO job_metrics", SYNC)
IN_HALF_A_STATEMENT = (b"INSERT INTO models", b'"confusion"')  # of its values: the statement's text has arrived
IN_CLAIM = (b"INSERT INTO job_events", SYNC)
BEFORE_CLAIMS_COMMIT = (b"INSERT INTO job_attempts", COMMIT)
IN_PUBLICATION = (b"INSERT INTO models", COMMIT)
IN_REQUEUE = (b"INSERT INTO webhook_deliveries", SYNC)


class Stopped:
    """A worker behind a wire of its own, and all of its processes once it has come to a place."""

    def __init__(self, folder: Path, name: str, place: tuple[bytes, bytes], *, queue: str = "train") -> None:
        url = settings().database_url
        before, port = url.rsplit("/", 1)[0].rsplit(":", 1)
        self.wire = Wire(int(port))
        self.trap: Trap = self.wire.stop_at(*place)
        through = url.replace(f"{before}:{port}", f"{before}:{self.wire.port}")
        self.worker = Worker(queue, folder=folder, name=name, variables={"PATCHSWAP_DATABASE_URL": through})

    def wait(self, *, seconds: float = 60) -> None:
        """Until it is at its place; then it stands still, with everything that it started."""
        assert self.trap.caught.wait(seconds), "the place was never come to"
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        self.wire.heal()
        self._send(signal.SIGCONT)

    def end(self) -> None:
        self._send(signal.SIGCONT)
        self.worker.end()
        self.wire.close()

    def _send(self, how: signal.Signals) -> None:
        if self.worker.process.poll() is None:
            for process in [psutil.Process(self.worker.process.pid), *self.worker.descendants()]:
                os.kill(process.pid, how)


@contextmanager
def stopped(folder: Path, place: tuple[bytes, bytes], queue: str = "train") -> Iterator[Callable[[], Stopped]]:
    """Starts a worker that will stop there."""
    started: list[Stopped] = []

    def start() -> Stopped:
        started.append(Stopped(folder, f"stopped-{len(started)}", place, queue=queue))
        return started[-1]

    try:
        yield start
    finally:
        for each in started:
            each.end()
