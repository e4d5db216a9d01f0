"""What a worker shows of itself in shared memory: that its consumer goes round, and whether a task runs.

Written by the worker and by its forked child, which runs tasks; read by the sweeper's process, which goes on while the
worker stands still (`worker.liveness.watchdog`).
"""

import mmap
import os
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

_LAYOUT = struct.Struct("=QQQ")  # turns of the consumer, tasks begun, process of the running task
_TURNS, _BEGUN, _RUNNER = range(0, _LAYOUT.size, 8)


@dataclass(frozen=True)
class Sign:
    """What was to be seen at one look."""

    turns: int
    begun: int
    busy: bool


class Pulse:
    """Each of its three numbers has one writer, so nobody locks."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _LAYOUT.size)

    def turn(self) -> None:
        """The consumer has gone round once more."""
        self._add(_TURNS)

    def begin_task(self) -> None:
        self._add(_BEGUN)
        self._write(_RUNNER, os.getpid())

    def end_task(self) -> None:
        self._write(_RUNNER, 0)

    def read(self) -> Sign:
        """A task whose process died runs no more."""
        turns, begun, runner = _LAYOUT.unpack(self._memory[:])
        return Sign(turns, begun, busy=runner != 0 and _lives(runner))

    def _add(self, place: int) -> None:
        (number,) = struct.unpack_from("=Q", self._memory, place)
        self._write(place, number + 1)

    def _write(self, place: int, number: int) -> None:
        struct.pack_into("=Q", self._memory, place, number)


def fresh() -> Pulse:
    """On a file without a name: a child that is started with its descriptor may open it too."""
    descriptor, path = tempfile.mkstemp(prefix="patchswap-pulse-")
    Path(path).unlink()
    os.ftruncate(descriptor, _LAYOUT.size)
    return Pulse(descriptor)


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
