"""A wall clock for some processes alone, which a test may set at any time. Linux, with a C compiler.

libfaketime would be the ready-made part, but its 0.9.10 (Debian 12) makes every `time.sleep` of Python 3.11 fail with
EINVAL once the monotonic clock is left alone, as it must be here.
"""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """Processes started with `variables` tell the machine's time plus what was last `set`."""

    def __init__(self, folder: Path, name: str) -> None:
        library, self._file = folder / "clock.so", folder / f"clock-{name}"
        if not library.exists():
            compiler = shutil.which("cc") or shutil.which("gcc")
            if compiler is None:
                raise RuntimeError("clock jumps need a C compiler; on Debian or Ubuntu: sudo apt-get install gcc")
            subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, _SOURCE, "-ldl"], check=True)
        self._file.write_bytes(bytes(8))
        self.variables = {"LD_PRELOAD": str(library), "CLOCK_OFFSET_FILE": str(self._file)}

    def set(self, seconds: int) -> None:
        with self._file.open("r+b") as file, mmap.mmap(file.fileno(), 8) as shared:
            shared[:] = struct.pack("q", seconds)
