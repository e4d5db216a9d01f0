"""Processes that stop at a byte of what they tell Postgres, as a suspended machine does: their locks are what is left.

A place is a word of the client, and where after it the server hears nothing more of it.
"""

from __future__ import annotations

import os
import signal
from typing import Self

import psutil

from core.settings import settings
from tests.servers.wire import Wire

COMMIT = b"Q\0\0\0\x0bCOMMIT\0"
SYNC = b"S\0\0\0\x04"  # the end of a pipeline: rows before it are executed, and no timeout of a statement runs
IN_POINTS = (b"INSERT INTO job_metrics", SYNC)
IN_HALF_A_STATEMENT = (b"INSERT INTO models", b'"confusion"')  # of its values: the statement's text has arrived
IN_CLAIM = (b"INSERT INTO job_events", SYNC)
BEFORE_CLAIMS_COMMIT = (b"INSERT INTO job_attempts", COMMIT)
IN_PUBLICATION = (b"INSERT INTO models", COMMIT)
IN_CHECKPOINT = (b"INSERT INTO checkpoints", COMMIT)
IN_SWEEP = (b"pg_try_advisory_xact_lock", COMMIT)
IN_TAKING_BACK = (b"INSERT INTO webhook_deliveries", SYNC)
IN_RINGING = (b"SET rung_at", COMMIT)
IN_TRIAL = (b"INSERT INTO sweep_trials", COMMIT)
IN_EXPORT = (b"UPDATE exports SET", COMMIT)
IN_SUBMIT = (b"INSERT INTO jobs", COMMIT)
IN_COMPLETE = (b"UPDATE uploads SET sha256", COMMIT)
IN_MIGRATION = (b"CREATE TABLE", COMMIT)


class Stopping:
    """A wire to Postgres for one process and its children, which stop once one of them comes to a place."""

    def __init__(self, place: tuple[bytes, bytes]) -> None:
        url = settings().database_url
        self._before, port = url.rsplit("/", 1)[0].rsplit(":", 1)
        self.wire = Wire(int(port))
        self.trap = self.wire.stop_at(*place)
        through = url.replace(f"{self._before}:{port}", f"{self._before}:{self.wire.port}")
        self.variables = {"PATCHSWAP_DATABASE_URL": through}
        self._stopped: list[psutil.Process] = []

    def wait(self, pid: int, *, seconds: float = 60) -> None:
        """Until it is at its place; then it stands still, with everything that it started."""
        assert self.trap.caught.wait(seconds), "the place was never come to"
        first = psutil.Process(pid)
        self._stopped = [first, *first.children(recursive=True)]
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        self.wire.heal()
        self._send(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._send(signal.SIGCONT)
        self.wire.close()

    def _send(self, how: signal.Signals) -> None:
        for process in self._stopped:
            if process.is_running():
                os.kill(process.pid, how)
