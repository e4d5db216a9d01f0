"""The one bit that tells a running task that its worker shuts down.

Celery runs tasks in a forked child and learns of SIGTERM in the parent. A byte of shared memory, mapped before the
fork, carries the news: no lock that a signal handler could wait for.
"""

import mmap
import signal
from collections.abc import Iterator
from contextlib import contextmanager

_flag = mmap.mmap(-1, 1)


def request() -> None:
    _flag[0] = 1


def requested() -> bool:
    return _flag[0] == 1


def forget() -> None:
    """For a process that goes on after a stop, as tests do."""
    _flag[0] = 0


@contextmanager
def at_sigterm() -> Iterator[None]:
    """A SIGTERM that reaches the task's own process, sent to a whole group, is a request too and not its end."""
    before = signal.signal(signal.SIGTERM, lambda *_: request())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
