"""A process with the trainer's imports done, seconds of them, that forks a trainer when there is work for one.

What it forks is a process of its own in every other way: a group to be killed, an exit code, a crash that ends one
attempt and no more. It dies with this process, and what it forked with it. While it is not ready, or once it is no
more, a trainer is started from scratch.
"""

import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from contract.child import confinement, warm
from core.settings import settings

logger = logging.getLogger(__name__)


class Process(Protocol):
    """A started process, as `subprocess.Popen` or `Forked`."""

    @property
    def pid(self) -> int: ...
    @property
    def stdout(self) -> IO[bytes] | None: ...
    @property
    def stderr(self) -> IO[bytes] | None: ...
    def poll(self) -> int | None: ...
    def wait(self) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...


class Forked:
    """What the nursery forked. `told` is the descriptor through which the nursery tells its exit code."""

    def __init__(self, pid: int, *, stdout: int, stderr: int, told: int) -> None:
        self.pid = pid
        self.stdout: IO[bytes] = os.fdopen(stdout, "rb")
        self.stderr: IO[bytes] = os.fdopen(stderr, "rb")
        self._told = told
        self._code: int | None = None

    def poll(self) -> int | None:
        return self._after(0)

    def wait(self) -> int:
        code = self._after(None)
        return -signal.SIGKILL if code is None else code

    def send_signal(self, sig: int, /) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def _after(self, seconds: float | None) -> int | None:
        if self._code is None and select.select([self._told], [], [], seconds)[0]:
            words = os.read(self._told, 64)
            self._code = int(words) if words else -signal.SIGKILL  # the nursery is gone, and this with it
            os.close(self._told)
        return self._code


class Nursery:
    """The running process, and the socket over which it is asked."""

    def __init__(self, module: str, environment: dict[str, str]) -> None:
        self.asked_for = module, environment
        self.owner = os.getpid()  # a fork of this process has none
        self._ready = False
        self._asked, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "contract.child.warm", module],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=environment,
                process_group=0,
                preexec_fn=partial(confinement.die_with, os.getpid()),  # noqa: PLW1509 - one system call of a loaded library
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_over(self) -> bool:
        return self._process.poll() is not None

    @property
    def is_ready(self) -> bool:
        """Its imports are done."""
        if not self._ready and select.select([self._asked], [], [], 0)[0]:
            self._ready = self._asked.recv(1) == warm.READY
        return self._ready

    def fork(self, arguments: Sequence[str], folder: Path) -> Forked:
        """Raises OSError where the nursery is gone."""
        pipes = [os.pipe() for _ in range(3)]
        try:
            warm.send(self._asked, {"arguments": list(arguments), "folder": str(folder)}, [end for _, end in pipes])
        except OSError:
            for reading, _ in pipes:
                os.close(reading)
            raise
        finally:
            for _, writing in pipes:
                os.close(writing)
        stdout, stderr, told = (reading for reading, _ in pipes)
        pid = _line(told)
        if pid is None:
            for reading in (stdout, stderr, told):
                os.close(reading)
            raise ConnectionError("the nursery ended before it forked")
        return Forked(pid, stdout=stdout, stderr=stderr, told=told)

    def end(self) -> None:
        self._asked.close()
        if self.owner == os.getpid():
            self._process.kill()
            self._process.wait()


_running: list[Nursery] = []  # one at most


def start(module: str, arguments: Sequence[str | Path], folder: Path, environment: dict[str, str]) -> Process:
    """`python -m module` in the folder, forked where that can be done now, else from scratch."""
    words = [str(word) for word in arguments]
    if not settings().warm_trainer:
        return cold(module, words, folder, environment)
    return _forked(module, words, folder, environment) or cold(module, words, folder, environment)


def prepare(module: str, environment: dict[str, str]) -> None:
    """Have a nursery of this module, if not ready then soon."""
    if _running and (_running[0].owner, _running[0].asked_for) == (os.getpid(), (module, environment)):
        if not _running[0].is_over:
            return
        logger.warning("the nursery of trainers ended; starting another one")
    drop()
    _running.append(Nursery(module, environment))


def drop() -> None:
    """End the nursery."""
    while _running:
        _running.pop().end()


def cold(module: str, arguments: Sequence[str | Path], folder: Path, environment: dict[str, str]) -> Process:
    return subprocess.Popen(
        # -P: the folder it runs in must not shadow an installed package.
        [sys.executable, "-P", "-m", module, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
        process_group=0,
        preexec_fn=partial(confinement.die_with, os.getpid()),  # noqa: PLW1509 - one system call of a loaded library
    )


def _forked(module: str, arguments: list[str], folder: Path, environment: dict[str, str]) -> Forked | None:
    prepare(module, environment)
    try:
        return _running[0].fork(arguments, folder) if _running[0].is_ready else None
    except OSError as error:
        logger.warning("no trainer could be forked: %s", error)
        return None


def _line(told: int) -> int | None:
    """The process id; byte by byte, for the exit code may follow at once. None at the end."""
    digits = b""
    while (byte := os.read(told, 1)) not in (b"", b"\n"):
        digits += byte
    return int(digits) if digits else None
