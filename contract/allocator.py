"""The C library's allocator, told to keep what a process frees: it soon needs as much again.

glibc maps each large block anew, the kernel clears it page by page, and it is unmapped when it is freed. On two cores
that took 0.9 s of an upload of 500 MB, and a third of a training step (bench/allocation.py).
"""

from __future__ import annotations

import ctypes
import sys

# From <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_MMAP_MAX = -4


def keep_freed_memory(kept_bytes: int, *, largest_bytes: int | None = None) -> None:
    """Keep up to `kept_bytes` of freed memory; blocks above `largest_bytes` go back to the system at once.

    None: blocks of all sizes are kept. Nothing happens where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_M_TRIM_THRESHOLD, kept_bytes)
    if largest_bytes is None:
        mallopt(_M_MMAP_MAX, 0)
    else:
        mallopt(_M_MMAP_THRESHOLD, largest_bytes)
