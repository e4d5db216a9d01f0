"""Starts the parts of the service, keeps them running, and stops them in order. It has one thread and no sockets."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from patchswap.local.embedded.child import Child, Part
from patchswap.local.embedded.refusal import CannotStart

_TICK_SECONDS = 0.1
_LOG_BYTES = 16 * 2**20
_LOG_CHECK_SECONDS = 10.0


class Stopped(Exception):
    """A signal asked us to stop."""


class Supervisor:
    """The running children, in the order they were started; `request_stop` may be called from a signal handler."""

    def __init__(self, *, logs: Path, environment: dict[str, str]) -> None:
        self._logs = logs
        self._environment = environment
        self._waves: list[list[Child]] = []
        self._stop_requests = 0

    def request_stop(self) -> None:
        """Asks for an orderly stop; a second time, for an immediate one."""
        self._stop_requests += 1

    def start(self, *parts: Part) -> None:
        """Starts parts that will also be stopped together."""
        wave: list[Child] = []
        self._waves.append(wave)
        wave.extend(Child(part, log=self._log(part.name), environment=self._environment) for part in parts)

    def wait_until(self, ready: Callable[[], bool], *, what: str, seconds: float) -> None:
        """Waits for `ready()`; raises `CannotStart` when a child ends first or time runs out, `Stopped` on a signal."""
        deadline = time.monotonic() + seconds
        while not ready():
            self._raise_if_stopped()
            for child in self._children():
                if (status := child.status()) is not None:
                    raise CannotStart(_ending(child.part.name, status, child.log))
            if time.monotonic() > deadline:
                raise CannotStart(f"{what} was not ready after {seconds:g} s. See {self._logs}.")
            time.sleep(_TICK_SECONDS)

    def run_once(self, name: str, command: list[str]) -> str:
        """Runs a command to its end and returns what it printed; raises `CannotStart` when it fails."""
        self._raise_if_stopped()
        log = self._log(name)
        with log.open("ab") as errors:
            done = subprocess.run(
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd="/",
                env=self._environment,
                start_new_session=True,  # Ctrl-C is ours to answer
            )
        if done.returncode != 0:
            raise CannotStart(_ending(name, done.returncode, log))
        return done.stdout

    def watch(self) -> None:
        """Restarts what ends and keeps the logs small, until a signal asks to stop."""
        check_logs_at = 0.0
        while not self._stop_requests:
            for child in self._children():
                child.tend(say)
            if time.monotonic() >= check_logs_at:
                check_logs_at = time.monotonic() + _LOG_CHECK_SECONDS
                for child in self._children():
                    _cap(child.log)
            time.sleep(_TICK_SECONDS)

    def stop(self) -> None:
        """Stops the parts, the last started first; a second request to stop ends the waiting."""
        for wave in reversed(self._waves):
            for child in wave:
                child.ask_to_stop()
            for child in wave:
                self._wait_for_end(child)
        self._waves.clear()

    def _wait_for_end(self, child: Child) -> None:
        deadline = time.monotonic() + child.part.grace_seconds
        while child.status() is None and time.monotonic() < deadline and self._stop_requests < 2:
            time.sleep(_TICK_SECONDS / 2)
        if child.status() is None:
            say(f"{child.part.name} did not stop in time and is killed")
        child.kill()

    def _raise_if_stopped(self) -> None:
        if self._stop_requests:
            raise Stopped

    def _children(self) -> list[Child]:
        return [child for wave in self._waves for child in wave]

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def say(message: str) -> None:
    """One line for the person at the terminal; stdout stays free for the line `ready`."""
    print(f"patchswap: {message}", file=sys.stderr, flush=True)


def _ending(name: str, status: int, log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"{name} ended with status {status}: {lines[-1] if lines else 'no message'} (see {log})"


def _cap(log: Path) -> None:
    """Keeps the newest full log beside the current one; writers append, so truncating under them is safe."""
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        with log.open("r+b") as opened:
            opened.truncate(0)
