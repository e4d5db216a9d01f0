"""What the test servers share: spare ports, waiting until ready, and ending a process they started."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from patchswap.local.embedded import accounts

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here: little may happen between fork and exec


def spare_port() -> int:
    """A TCP port of 127.0.0.1 that nobody used a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(command: list[str], *, log: Path, account: str | None = None) -> subprocess.Popen:
    """Starts `command` with its output in `log`; it dies with the test run, however that ends."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
            preexec_fn=_die_with_the_tests,  # noqa: PLW1509 - one system call
            **accounts.identity(account),
        )


def wait_until_ready(process: subprocess.Popen, ready: Callable[[], bool], *, log: Path, seconds: float = 90) -> None:
    """Returns once `ready()`; raises with the end of the log when the process ends or time runs out."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise RuntimeError(f"{process.args[0]} is not ready (status {process.poll()}):\n{tail}")
        time.sleep(0.02)


def end(process: subprocess.Popen, how: signal.Signals, *, seconds: float = 20) -> None:
    """Sends a signal and waits; kills what does not end in time."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _die_with_the_tests() -> None:
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
