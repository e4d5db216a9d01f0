"""Large uploads whose process is killed in the middle."""

from __future__ import annotations

import subprocess
import sys
import time

_PROGRAM = """
import os, signal, sys, obstore
from core.store import storage
writers = [obstore.open_writer(storage.store(), key, buffer_size=5 * 2**20) for key in sys.argv[1:]]
for writer in writers:  # one that is let go aborts its upload
    writer.write(bytes(11 * 2**20))
    writer.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave_unfinished(*keys: str) -> None:
    """In the store of this process's environment."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM, *keys], check=False, capture_output=True)
    assert done.returncode == -9, done.stderr.decode()
    time.sleep(1.1)  # S3 tells whole seconds
