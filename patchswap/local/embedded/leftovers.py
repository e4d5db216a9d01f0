"""Processes of an earlier life of the same data directory, found and ended before a new start.

The kernel ends children with their supervisor (see child.py); this covers what slips through: a trainer that a killed
worker left, a Postgres that was still shutting down.
"""

from __future__ import annotations

import signal
from pathlib import Path

import psutil

from patchswap.local.embedded.layout import Layout
from patchswap.local.embedded.refusal import CannotStart

# Every process we start, and theirs, carries the data directory under this name.
MARK = "PATCHSWAP_EMBEDDED_DIR"
# Postgres and Redis close their files; anything else holds nothing that a crash may not take.
_ORDERLY = {"postgres": signal.SIGINT, "redis-server": signal.SIGTERM, "valkey-server": signal.SIGTERM}
_PATIENCE_SECONDS = 10


def end_all(layout: Layout) -> None:
    """Ends what still runs of this data directory; raises `CannotStart` if something does not end."""
    found = _find(layout)
    for process in found:
        _send(process, _ORDERLY.get(_name(process), signal.SIGKILL))
    _, alive = psutil.wait_procs(found, timeout=_PATIENCE_SECONDS)
    for process in alive:
        _send(process, signal.SIGKILL)
    _, alive = psutil.wait_procs(alive, timeout=_PATIENCE_SECONDS)
    still = [process.pid for process in alive if not _is_zombie(process)]
    if still:
        raise CannotStart(
            f"Process {still[0]} of an earlier patchswap up on {layout.root} does not end. Kill it first."
        )
    # Nothing of this cluster runs, so the file is stale, even where its process id now belongs to somebody else.
    (layout.cluster / "postmaster.pid").unlink(missing_ok=True)


def _find(layout: Layout) -> list[psutil.Process]:
    itself = psutil.Process()
    family = {itself.pid, *(parent.pid for parent in itself.parents())}
    return [process for process in psutil.process_iter() if process.pid not in family and _belongs(process, layout)]


def _belongs(process: psutil.Process, layout: Layout) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.name() in _ORDERLY:  # they overwrite their environment with their title, and live in their data
            return Path(process.cwd()) in {layout.cluster, layout.redis}
        return bool(process.environ().get(MARK) == str(layout.root))
    except (psutil.Error, OSError):  # another user's process, or one that has just ended
        return False


def _send(process: psutil.Process, how: signal.Signals) -> None:
    try:
        process.send_signal(how)
    except psutil.NoSuchProcess:
        return


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return ""


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
