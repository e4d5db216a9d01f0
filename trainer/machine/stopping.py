"""The trainer as a process: it stops when asked and does not outlive its parent."""

import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType
from typing import Self

_PR_SET_PDEATHSIG = 1


class Interrupted(Exception):
    """Work was left where it stood because a stop was asked for."""


class StopRequest:
    """True once SIGTERM came. The loop asks between steps, so that a step is never cut in half."""

    def __init__(self) -> None:
        self._requested = False
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def on_sigterm(cls) -> Self:
        stop = cls()
        signal.signal(signal.SIGTERM, stop._handle)
        return stop

    def request(self) -> None:
        self._requested = True

    def forward_to(self, process: subprocess.Popen[bytes]) -> None:
        """Pass the request on: now, where it came already, or when it comes."""
        self._process = process
        if self._requested:
            process.terminate()

    def __bool__(self) -> bool:
        return self._requested

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        self._requested = True
        if self._process:
            self._process.terminate()


def die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the thread that started this process ends, if the environment wants it."""
    if os.environ.get("PATCHSWAP_DIE_WITH_PARENT") == "1" and sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
