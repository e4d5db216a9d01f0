"""One process of the service: started, watched, started again after a pause, stopped.

It runs in a session of its own, so that Ctrl-C in the terminal reaches only the supervisor, and on Linux the kernel
sends it a signal when the supervisor dies, however that happens.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from patchswap.local.embedded import accounts

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here: little may happen between fork and exec
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
# A process that lived so long was healthy: its next end is a new story.
_HEALTHY_SECONDS = 30.0


@dataclass(frozen=True)
class Part:
    """What is to run, and how it is to be ended."""

    name: str
    command: list[str]
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 10.0
    orphan_signal: signal.Signals = signal.SIGKILL
    account: str | None = None


class Child:
    """The running process of one part, and when it may be started again."""

    def __init__(self, part: Part, *, log: Path, environment: dict[str, str]) -> None:
        self.part = part
        self.log = log
        self._environment = environment
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._start_at: float | None = None
        self.start()

    def start(self) -> None:
        self._started_at = time.monotonic()
        self._start_at = None
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.part.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=self._environment,
                start_new_session=True,
                preexec_fn=_die_with_parent(self.part.orphan_signal),  # noqa: PLW1509 - the supervisor has one thread
                **accounts.identity(self.part.account),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def status(self) -> int | None:
        """The exit status, or `None` while it runs."""
        return self._process.poll()

    def tend(self, say: Callable[[str], None]) -> None:
        """Starts it again when it has ended and its pause is over."""
        status = self.status()
        if status is None:
            return
        now = time.monotonic()
        if self._start_at is None:
            self._end_group()
            if now - self._started_at > _HEALTHY_SECONDS:
                self._pause_seconds = _FIRST_PAUSE_SECONDS
            say(f"{self.part.name} ended with status {status}; starting it again in {self._pause_seconds:g} s")
            self._start_at = now + self._pause_seconds
            self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)
        elif now >= self._start_at:
            self.start()

    def ask_to_stop(self) -> None:
        if self.status() is None:
            self._process.send_signal(self.part.stop_signal)

    def kill(self) -> None:
        if self.status() is None:
            self._process.kill()
            self._process.wait()
        self._end_group()

    def _end_group(self) -> None:
        """Ends what an ended process left in its session; Postgres's own children end themselves."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _die_with_parent(how: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def between_fork_and_exec() -> None:
        if sys.platform == "linux":
            _LIBC.prctl(_PR_SET_PDEATHSIG, how)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return between_fork_and_exec
