"""Programs of Debian's packages, installed where they are missing and we are root."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

_ELSEWHERE = "/usr/lib/postgresql/*/bin"  # Debian keeps a server's programs off the path


def find(program: str) -> Path | None:
    """On the path, or where Debian has the newest Postgres."""
    if on_path := shutil.which(program):
        return Path(on_path)
    found = sorted(Path("/").glob(f"{_ELSEWHERE[1:]}/{program}"), key=lambda path: int(path.parts[-3]))
    return found[-1] if found else None


def install(packages: Mapping[str, str]) -> None:
    """`packages` by program. Raises RuntimeError with the line to type where we may not install."""
    with Path("/tmp/patchswap-tests-debian.lock").open("a") as held:  # one installation at a time, whoever asks
        fcntl.flock(held, fcntl.LOCK_EX)
        missing = sorted({package for program, package in packages.items() if find(program) is None})
        if not missing:
            return
        command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise RuntimeError(f"these tests need {', '.join(missing)}; on Debian or Ubuntu: sudo {' '.join(command)}")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for each in (["apt-get", "update"], command):
            done = subprocess.run(each, check=False, capture_output=True, text=True, env=environment)
            if done.returncode:
                raise RuntimeError(f"{' '.join(each)} ended with {done.returncode}: {done.stderr.strip()}")
