"""`patchswap browser-runtime`: the service's own command, which puts onnxruntime-web where the console finds it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from patchswap.local import service


def install(package: Path) -> int:
    """Prints what was done; gives the exit status."""
    command = service.command("api.browser_runtime", str(package.resolve()))
    return subprocess.run(command, check=False, env=service.variables(os.environ), cwd="/").returncode
