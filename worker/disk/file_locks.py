"""Locks on files: held by a process, let go by the kernel when it dies, however that happens."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

WAIT_SECONDS = 0.2


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Wait for a lock that nobody else asks for, but to see whether its holder lives."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def share(path: Path, meanwhile: Callable[[], None]) -> Iterator[None]:
    """Wait for a lock whose holder may have stopped: `meanwhile` is called again and again, and may raise."""
    with path.open("a") as file:
        while not _is_taken(file.fileno(), fcntl.LOCK_SH):
            meanwhile()
            time.sleep(WAIT_SECONDS)
        yield


@contextmanager
def try_hold(path: Path) -> Iterator[bool]:
    """True inside when the lock was free, and then it is held."""
    with path.open("a") as file:
        yield _is_taken(file.fileno(), fcntl.LOCK_EX)


def _is_taken(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
