"""Memory that a process frees and needs again is not given back to the kernel, which would clear it once more."""

from __future__ import annotations

import subprocess
import sys

import pytest

PAGES = 40 * 2**20 // 4096
FAULTS = f"""
import ctypes, resource
from contract.allocator import keep_freed_memory
{{how}}
library = ctypes.CDLL(None)
library.prctl(41, 1, 0, 0, 0)  # PR_SET_THP_DISABLE: a huge page would be cleared by one fault
library.malloc.restype = library.memset.restype = ctypes.c_void_p

def use() -> None:
    block = ctypes.c_void_p(library.malloc(ctypes.c_size_t({PAGES} * 4096)))
    library.memset(block, 1, ctypes.c_size_t({PAGES} * 4096))
    library.free(block)

use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_cleared(how: str) -> int:
    """Of five blocks that are used one after another, once `how` was run."""
    command = [sys.executable, "-c", FAULTS.format(how=how)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize(
    ("how", "blocks_cleared"),
    [("", 5), ("keep_freed_memory(2**30)", 0), ("keep_freed_memory(2**30, largest_bytes=2**20)", 5)],
    ids=["glibc's defaults", "all sizes", "small sizes"],
)
def test_what_is_freed_is_kept_for_the_next(how: str, blocks_cleared: int) -> None:
    assert abs(pages_cleared(how) - blocks_cleared * PAGES) < PAGES / 2
