"""A bundle measured in a child process: `python -m portable.profiling`, which a broken file may end and no more."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from patchswap.errors import PatchswapError
from patchswap.local import service

LIMIT_SECONDS = 900.0
_LOOK_SECONDS = 0.2


class Crashed(PatchswapError):
    """The process that measured ended without a result."""


def measure(bundle: Path, *, look: Callable[[], None]) -> dict[str, Any]:
    """What `portable.profiling` found. `look` is called meanwhile; whatever it raises ends the child first."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        child = _start(bundle, said, complained)
        try:
            _attend(child, look)
        finally:
            child.kill()
            child.wait()
        return _result(child.returncode, _read(said), _read(complained))


def _start(bundle: Path, said: IO[bytes], complained: IO[bytes]) -> subprocess.Popen[bytes]:
    """Away from the terminal's Ctrl-C, and without the key. Its stdin ends when this process does, and it with it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PATCHSWAP_")}
    command = service.command("portable.profiling", str(bundle))
    variables = service.variables(kept | {"TMPDIR": str(bundle.parent)})  # what it leaves goes with the bundle
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=said, stderr=complained, env=variables, start_new_session=True
    )


def _attend(child: subprocess.Popen[bytes], look: Callable[[], None]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while child.poll() is None:
        look()
        if time.monotonic() > deadline:
            raise Crashed(f"the file was not measured within {LIMIT_SECONDS:.0f} s")
        time.sleep(_LOOK_SECONDS)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace").strip()


def _result(status: int, said: str, complained: str) -> dict[str, Any]:
    last = said.rpartition("\n")[2]
    if status != 0 or not last:
        reason = complained.rpartition("\n")[2] or "no output"
        raise Crashed(f"the process that measured ended with status {status}: {reason}")
    found: dict[str, Any] = json.loads(last)
    return found
