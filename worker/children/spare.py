"""A trainer started ahead of its work: its imports, seconds of them, are done when the work comes.

Each is a child process like any other and does one piece of work, so a crash still ends one attempt and no more. There
is at most one that waits; it dies with this process.
"""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contract.child import confinement
from core.settings import settings

logger = logging.getLogger(__name__)
Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class _Spare:
    module: str
    environment: dict[str, str]
    owner: int  # this process; a fork of it has none
    process: Process


_waiting: list[_Spare] = []


def start(module: str, arguments: Sequence[str | Path], folder: Path, environment: dict[str, str]) -> Process:
    """`python -m module` in the folder: the process that waits for it, or one from scratch. Another one then waits."""
    words = [str(word) for word in arguments]
    if not settings().warm_trainer:
        return cold(module, words, folder, environment)
    started = _taken(module, words, folder, environment) or cold(module, words, folder, environment)
    prepare(module, environment)
    return started


def prepare(module: str, environment: dict[str, str]) -> None:
    """Have one wait."""
    if not _waiting or _waiting[0].owner != os.getpid():
        process = _popen(["contract.child.warm", module], environment, Path("/"), stdin=subprocess.PIPE)
        _waiting[:] = [_Spare(module, environment, os.getpid(), process)]


def drop() -> None:
    """End the one that waits."""
    while _waiting:
        _end(_waiting.pop())


def cold(module: str, arguments: Sequence[str | Path], folder: Path, environment: dict[str, str]) -> Process:
    return _popen([module, *map(str, arguments)], environment, folder, stdin=subprocess.DEVNULL)


def _taken(module: str, arguments: list[str], folder: Path, environment: dict[str, str]) -> Process | None:
    """The one that waits, with its work; None where there is none for this work, or it is no more."""
    if not _waiting or _waiting[0].owner != os.getpid():
        return None
    spare = _waiting.pop()
    if (spare.module, spare.environment) != (module, environment) or spare.process.poll() is not None:
        _end(spare)
        return None
    line = json.dumps({"arguments": arguments, "folder": str(folder)}).encode() + b"\n"
    try:
        assert spare.process.stdin  # noqa: S101 - it is a pipe
        with spare.process.stdin as stdin:
            stdin.write(line)
    except OSError:
        logger.warning("the trainer that waited is gone")
        _end(spare)
        return None
    return spare.process


def _end(spare: _Spare) -> None:
    if spare.owner == os.getpid():
        with suppress(ProcessLookupError):
            spare.process.kill()
        spare.process.communicate()


def _popen(words: list[str], environment: dict[str, str], folder: Path, *, stdin: int) -> Process:
    return subprocess.Popen(
        # -P: the folder it runs in must not shadow an installed package.
        [sys.executable, "-P", "-m", *words],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
        process_group=0,
        preexec_fn=partial(confinement.die_with, os.getpid()),  # noqa: PLW1509 - one system call, of a library loaded before
    )
