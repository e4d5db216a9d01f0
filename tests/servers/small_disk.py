"""A disk of a few megabytes, in memory, to be filled. Linux, as root; elsewhere there is none."""

from __future__ import annotations

import subprocess
from pathlib import Path


def mount_small(folder: Path, *, megabytes: int, options: str = "") -> bool:
    """False where this process may not."""
    chosen = options or f"size={megabytes}m"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", chosen, "tmpfs", folder], check=False, capture_output=True)
    return done.returncode == 0


def unmount(folder: Path) -> None:
    """At once for those who look from now on; whoever has files open there keeps them."""
    subprocess.run(["umount", "--lazy", folder], check=False, capture_output=True)
