"""One `patchswap up` a data directory: a lock that the kernel releases however its holder ends."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patchswap.local.embedded.refusal import CannotStart


@contextmanager
def hold(path: Path, url: str) -> Iterator[None]:
    """Holds the lock for the body and says in the file who we are; raises `CannotStart` naming another holder."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"{path.parent} is in use by {_holder(path)}. Stop it or choose another --data-dir."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
    except ValueError:  # the holder has the lock and has not written yet
        return "another patchswap up"
    return f"process {holder['pid']} ({holder['url']})"
